"""The result type of a NumPy function by running it on samples of several sizes.

In: a function and its arguments' types. Out: the type of the result. The function itself says
class, dtype and rank; a size of the result is named after a size of the arguments only when
it follows it through all probes, from large sizes down to 1 and 0.

This is right for functions whose result's layout depends on layouts only. Those that
look at values (`unique`, `nonzero`) have rules of their own; a function is probed
because it is in a list, never by default.

Arguments with sizes of unlike names that NumPy wants equal fail to run. Then names
are identified, as few as possible, until the function runs: what NumPy demands is what
the program promises.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.types.dims import map_dims, shift
from chainrule.types.infer import Unknown, WillRaise
from chainrule.types.lattice import (
    NEVER,
    NONE,
    STR,
    ArrayT,
    Dim,
    ListT,
    OpaqueT,
    ScalarT,
    Sym,
    TupleT,
    Type,
    fresh_dim,
    join,
    kind_of,
    maybe_one,
)
from chainrule.types.plans import Plan, Sizes, make_plan, never_one, realise

_BASE = (5, 9, 14, 22, 31, 43, 57, 70)
_CACHE: dict[Hashable, _Entry | str] = {}


@dataclass(frozen=True, slots=True)
class _Slot:
    """The key of a size in a cached answer: the slot of the arguments it names."""

    index: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """A cached answer, and the slots of which it uses that they are not 1."""

    type: Type
    relied: frozenset[int]


def probe(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Type:
    """Return the type of `fn(*args, **kwargs)`."""
    return probe_scaled(1, fn, args, kwargs)


def probe_scaled(
    scale: int, fn: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> Type:
    """Probe with sizes that are multiples of `scale`."""
    plan = make_plan(args, kwargs)
    key = (fn, scale, plan.key())
    entry = _CACHE.get(key)
    if entry is None:
        entry = _CACHE[key] = _solve(fn, plan, scale)
    if isinstance(entry, str):
        raise WillRaise(entry)
    return _instantiate(entry, plan.slots)


def _instantiate(entry: _Entry, slots: Sequence[Dim | None]) -> Type:
    names = [fresh_dim() if d is None else d for d in slots]
    for index in entry.relied:
        maybe_one(names[index])
    fresh: dict[Dim, Dim] = {}

    def change(dim: Dim) -> Dim:
        if isinstance(dim, int):
            return dim
        if isinstance(dim.key, _Slot):
            name = names[dim.key.index]
            # The slot of an unknown integer, or of a list's length, has no name.
            return shift(name, dim.offset)
        return fresh.setdefault(dim, fresh_dim())

    return map_dims(entry.type, change)


def _solve(fn: Callable[..., Any], plan: Plan, scale: int) -> _Entry | str:
    if plan.unknown_rank is None:
        return _solve_rank(fn, plan, 0, scale)
    found: Type = NEVER
    entry: _Entry | str = "fails for every rank"
    for rank in range(4):
        entry = _solve_rank(fn, plan, rank, scale)
        if isinstance(entry, _Entry):
            found = join(found, map_dims(entry.type, lambda _: fresh_dim()))
    return entry if found == NEVER else _Entry(found, frozenset())


def _solve_rank(
    fn: Callable[..., Any], plan: Plan, rank: int, scale: int
) -> _Entry | str:
    count = len(plan.slots)
    pinned = sorted(n for n in plan.ints if n > 1)
    first_error = ""
    blocks_found = 0
    found: list[_Entry] = []
    for partition in _partitions(count, len(pinned)):
        blocks = 1 + max(partition, default=0)
        if found and blocks < blocks_found:
            break
        fixed = {partition[count + i]: n for i, n in enumerate(pinned)}
        try:
            entry = _run(fn, plan, partition, fixed, rank, scale)
        except Exception as error:  # whatever NumPy raises is the answer
            first_error = first_error or f"{type(error).__name__}: {error}"
            continue
        blocks_found = blocks
        found.append(entry)
        if max(partition, default=0) + 1 == count + len(pinned):
            break
    if not found:
        return first_error
    out, relied = found[0].type, found[0].relied
    for other in found[1:]:
        out, relied = join(out, other.type), relied | other.relied
    return _Entry(out, relied)


def _partitions(slots: int, pinned: int) -> Iterator[tuple[int, ...]]:
    """Yield block numbers for the slots and the known sizes, most blocks first.

    Two known sizes are never identified.
    """
    total = slots + pinned
    yield tuple(range(total))
    if total > 6:
        yield (0,) * slots + tuple(range(1, pinned + 1))
        return
    every = sorted(_growths(total), key=lambda p: -max(p, default=0))
    for partition in every[1:]:
        if len(set(partition[slots:])) == pinned:
            yield partition


def _growths(length: int) -> Iterator[tuple[int, ...]]:
    """Yield all restricted growth strings: the set partitions."""
    if length == 0:
        yield ()
        return
    for prefix in _growths(length - 1):
        for block in range(max(prefix, default=-1) + 2):
            yield (*prefix, block)


def _assignments(blocks: int) -> Iterator[list[int]]:
    """Yield sizes for the blocks: distinct in two orders, then small ones."""
    base = [_BASE[i] if i < len(_BASE) else 75 + 11 * i for i in range(blocks)]
    yield base
    yield [n + 3 for n in reversed(base)]
    for small in (3, 2, 1, 0):
        yield [small] * blocks


def _run(
    fn: Callable[..., Any],
    plan: Plan,
    partition: tuple[int, ...],
    fixed: dict[int, int],
    rank: int,
    scale: int,
) -> _Entry:
    results: list[tuple[Sequence[int], Any]] = []
    blocks = 1 + max(partition, default=-1)
    count = len(plan.slots)
    seen: set[tuple[int, ...]] = set()
    for number, by_block in enumerate(_assignments(blocks)):
        sizes = tuple(fixed.get(b, by_block[b] * scale) for b in partition[:count])
        if sizes in seen:
            continue
        seen.add(sizes)
        try:
            results.append((sizes, _call(fn, plan, Sizes(sizes, rank))))
        except Exception:
            if number < 2:
                raise
    inexact = any(_is_inexact(n) for n in plan.args)
    relied: set[int] = set()
    names = _Names(plan, partition, fixed, relied)
    return _Entry(_generalise(results, names, inexact), frozenset(relied))


def _is_inexact(node: tuple[Any, ...]) -> bool:
    return node[0] in ("scalar", "int") and not node[-1 if node[0] == "scalar" else 2]


def _call(fn: Callable[..., Any], plan: Plan, sizes: Sizes) -> Any:
    args = [realise(n, sizes) for n in plan.args]
    kwargs = {k: realise(n, sizes) for k, n in plan.kwargs}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return fn(*args, **kwargs)


class _Names:
    """Which name a size of the result may take."""

    def __init__(
        self,
        plan: Plan,
        partition: tuple[int, ...],
        fixed: dict[int, int],
        relied: set[int],
    ) -> None:
        self.slots, self.partition, self.fixed = plan.slots, partition, fixed
        self.relied = relied

    def choose(self, index: int) -> Dim | None:
        """Return the name of a slot, or None if being equal to another is not certain."""
        block = self.partition[index]
        if block in self.fixed:
            return self.fixed[block]
        peers = [i for i in range(len(self.slots)) if self.partition[i] == block]
        if len(peers) == 1:
            return Sym(_Slot(index))
        for peer in peers:
            # Where 1 is stretched to fit, only a size that is not 1 names the result.
            if never_one(self.slots[peer]):
                self.relied.add(peer)
                return Sym(_Slot(peer))
        return None

    def match(self, observed: Sequence[tuple[Sequence[int], int]]) -> Dim:
        """Return the name that fits the sizes seen for one axis of the result."""
        values = [v for _, v in observed]
        if len(set(values)) == 1 and (len(values) > 2 or not self.slots):
            return values[0]
        for index in range(len(self.slots)):
            by = values[0] - observed[0][0][index]
            if all(v == max(0, s[index] + by) for s, v in observed):
                name = self.choose(index)
                if name is not None:
                    return shift(name, by)
        return fresh_dim()


Observed = Sequence[tuple[Sequence[int], Any]]


def _generalise(results: Observed, names: _Names, inexact: bool) -> Type:
    """Return the type of which all the results are."""
    first = results[0][1]
    values = [r for _, r in results]
    # What is empty has class and dtype of its own: np.array([]) holds floats.
    filled = [r for s, r in results if any(s) or not s] or values
    if isinstance(first, tuple | list):
        if len({len(v) for v in values}) == 1:
            items = tuple(
                _generalise([(s, r[i]) for s, r in results], names, inexact)
                for i in range(len(first))
            )
            return (
                TupleT(items, type(first)) if isinstance(first, tuple) else ListT(items)
            )
        if isinstance(first, tuple):
            raise Unknown("a tuple whose length depends on sizes")
        elem: Type = NEVER
        for sizes, value in results:
            for item in value:
                elem = join(elem, _generalise([(sizes, item)] * 3, names, inexact))
        return ListT(None, map_dims(elem, lambda _: fresh_dim()))
    if all(type(v) is np.ndarray and v.ndim == first.ndim for v in values):
        if kind_of(first.dtype) is None:
            return OpaqueT(np.ndarray)
        axes = range(first.ndim)
        dims = tuple(names.match([(s, r.shape[a]) for s, r in results]) for a in axes)
        return ArrayT(np.result_type(*(v.dtype for v in filled)), dims)
    out: Type = NEVER
    for value in filled:
        out = join(out, value_type(value, inexact))
    return out


def value_type(value: Any, inexact: bool = False) -> Type:
    """Return the type of a sample result, its sizes forgotten."""
    match value:
        case None:
            return NONE
        case str():
            return STR
        case np.generic() if kind_of(value.dtype) is not None:
            return ScalarT(str(kind_of(value.dtype)), value.dtype, not inexact)
        case bool():
            return ScalarT("bool", None, not inexact)
        case int() | float() | complex():
            return ScalarT(type(value).__name__, None, not inexact)
        case np.ndarray() if kind_of(value.dtype) is not None:
            if type(value) is not np.ndarray:
                raise Unknown(type(value).__name__)
            return ArrayT(value.dtype, tuple(fresh_dim() for _ in value.shape))
        case tuple():
            return TupleT(tuple(value_type(v, inexact) for v in value), type(value))
        case list():
            return ListT(tuple(value_type(v, inexact) for v in value))
    return OpaqueT(type(value))
