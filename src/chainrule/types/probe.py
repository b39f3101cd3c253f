"""The result type of a NumPy function by running it on samples of several sizes.

In: a function and its arguments' types. Out: the type of the result. The function
itself says class, dtype and rank; a size of the result is named after a size of the
arguments only when it follows it through all probes, from large sizes down to 1 and 0.

This is right for functions whose result's layout depends on layouts only. Those that
look at values (`unique`, `nonzero`) have rules of their own; a function is probed
because it is in a list, never by default.

Arguments with sizes of unlike names that NumPy wants equal fail to run. Then names are
identified, as few as possible, until the function runs: what NumPy demands is what the
program promises.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.cache.lock import user_code
from chainrule.types.dims import map_dims, shift
from chainrule.types.infer import Unknown, WillRaise
from chainrule.types.lattice import (
    NEVER,
    Dim,
    Sym,
    Type,
    fresh_dim,
    join,
    maybe_one,
)
from chainrule.types.observe import (
    Names,
    Observed,
    Partition,
    Slot,
    generalise,
    partitions,
    value_type,
)
from chainrule.types.plans import Plan, Sizes, make_plan, never_one, realise

_BASE = (5, 9, 14, 22, 31, 43, 57, 70)
_CACHE: dict[Hashable, _Entry | str] = {}


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
        if isinstance(dim.key, Slot):
            name = names[dim.key.index]
            # The slot of an unknown integer, or of a list's length, has no name.
            return shift(name, dim.offset)
        return fresh.setdefault(dim, fresh_dim())

    return map_dims(entry.type, change)


def _solve(fn: Callable[..., Any], plan: Plan, scale: int) -> _Entry | str:
    if not plan.unranked:
        return _solve_rank(fn, plan, (), scale)
    found: Type = NEVER
    highest = 4 if plan.unranked <= 2 else 3
    for ranks in itertools.product(range(highest), repeat=min(plan.unranked, 4)):
        entry = _solve_rank(fn, plan, ranks, scale)
        if isinstance(entry, _Entry):
            found = join(found, map_dims(entry.type, lambda _: fresh_dim()))
    if found == NEVER or plan.unranked > 4:
        raise Unknown(f"{fn.__name__} of arrays of unknown rank")
    return _Entry(found, frozenset())


def _solve_rank(
    fn: Callable[..., Any], plan: Plan, ranks: tuple[int, ...], scale: int
) -> _Entry | str:
    """Run with names identified as little as is needed; the error if nothing helps.

    Names are first identified with each other and with known sizes of arrays, then
    with integers that are sizes too, as in `broadcast_to(x, (3, 4))`.
    """
    found = _search(_Trial(fn, plan, ranks, scale, plan.ints))
    if isinstance(found, str) and plan.constants - plan.ints:
        both = _search(_Trial(fn, plan, ranks, scale, plan.ints | plan.constants))
        return found if isinstance(both, str) else both
    return found


def _search(trial: _Trial) -> _Entry | str:
    found: list[_Entry] = []
    fewest = 0
    for partition in partitions(len(trial.plan.slots), trial.pinned, trial.runs):
        blocks = len(set(partition))
        if found and blocks < fewest:
            break
        entry = trial.run(partition)
        if entry is not None:
            found.append(entry)
            fewest = blocks
            if blocks == len(partition):
                break
    if not found:
        return _all_ones(trial)
    out, relied = found[0].type, found[0].relied
    for other in found[1:]:
        out, relied = join(out, other.type), relied | other.relied
    return _Entry(out, relied)


def _all_ones(trial: _Trial) -> _Entry | str:
    """Try all sizes as 1, where one of them is known to be; nothing is named then."""
    if 1 not in trial.plan.ints:
        return trial.error
    try:
        result = trial.call((1,) * len(trial.plan.slots))
    except Exception:
        return trial.error
    inexact = any(map(_is_inexact, trial.plan.args))
    return _Entry(value_type(result, inexact), frozenset())


class _Trial:
    """Runs one call with sizes of our choice."""

    def __init__(
        self,
        fn: Callable[..., Any],
        plan: Plan,
        ranks: tuple[int, ...],
        scale: int,
        pinned: set[int],
    ) -> None:
        self.fn, self.plan, self.ranks, self.scale = fn, plan, ranks, scale
        self.pinned = sorted(n for n in pinned if n > 1)
        self.error = ""

    def sizes(self, partition: Partition, by_block: Sequence[int]) -> tuple[int, ...]:
        """Return the size of each slot; a block with a known size has that size."""
        count = len(self.plan.slots)
        fixed = dict(zip(partition[count:], self.pinned, strict=True))
        return tuple(fixed.get(b, by_block[b] * self.scale) for b in partition[:count])

    def runs(self, partition: Partition) -> bool:
        """Say whether the function accepts these identities of names."""
        try:
            by_block = next(_assignments(1 + max(partition, default=-1)))
            self.call(self.sizes(partition, by_block))
        except Exception:
            return False
        return True

    def run(self, partition: Partition) -> _Entry | None:
        """Return the type of the result under a partition, None where it fails."""
        results: dict[tuple[int, ...], Any] = {}
        for number, by_block in enumerate(_assignments(1 + max(partition, default=-1))):
            sizes = self.sizes(partition, by_block)
            try:
                if sizes not in results:
                    results[sizes] = self.call(sizes)
            except Exception as error:  # whatever it raises, these sizes do not fit
                self.error = self.error or f"{type(error).__name__}: {error}"
                if number < 2:
                    return None
        names = Names(self.plan.slots, partition, self.pinned)
        return _entry(list(results.items()), names, self.plan)

    def call(self, sizes: Sequence[int]) -> Any:
        """Run the function on samples of these sizes."""
        chosen = Sizes(sizes, self.ranks)
        args = [realise(n, chosen) for n in self.plan.args]
        kwargs = {k: realise(n, chosen) for k, n in self.plan.kwargs}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            with user_code():
                return self.fn(*args, **kwargs)


def _assignments(blocks: int) -> Iterator[list[int]]:
    """Yield sizes for the blocks: distinct in two orders, then small ones."""
    base = [_BASE[i] if i < len(_BASE) else 75 + 11 * i for i in range(blocks)]
    yield base
    yield [n + 3 for n in reversed(base)]
    for small in (3, 2, 1, 0):
        yield [small] * blocks


def _entry(results: Observed, names: Names, plan: Plan) -> _Entry:
    """Return the type that fits all sizes, or those that guards let through."""
    inexact = any(map(_is_inexact, plan.args))
    out = generalise(results, names, inexact)
    rigid = [i for i, d in enumerate(plan.slots) if never_one(d)]
    allowed = [r for r in results if all(r[0][i] != 1 for i in rigid)]
    if allowed and len(allowed) < len(results):
        guarded = generalise(allowed, names, inexact)
        if _anonymous(guarded) != _anonymous(out):
            return _Entry(guarded, frozenset(rigid))
    return _Entry(out, frozenset(names.relied))


def _anonymous(t: Type) -> Type:
    """Make all sizes without a name alike, to compare types."""

    def change(dim: Dim) -> Dim:
        return dim if isinstance(dim, int) or isinstance(dim.key, Slot) else Sym(None)

    return map_dims(t, change)


def _is_inexact(node: tuple[Any, ...]) -> bool:
    return node[0] in ("scalar", "int") and not node[-1 if node[0] == "scalar" else 2]
