"""What samples say about a type: sizes of results are matched with sizes of arguments.

In: results of one function for several choices of sizes. Out: the type of which they
all are; and which choices to try where sizes of unlike names must be equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.types.dims import map_dims, shift
from chainrule.types.infer import Unknown
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
)
from chainrule.types.plans import never_one

Partition = tuple[int, ...]
Observed = Sequence[tuple[Sequence[int], Any]]
# Up to so many sizes all ways of identifying them are tried.
EXHAUSTIVE = 6


@dataclass(frozen=True, slots=True)
class Slot:
    """The key of a size in a cached answer: the slot of the arguments it names."""

    index: int


def partitions(
    slots: int, pinned: Sequence[int], runs: Callable[[Partition], bool]
) -> Iterator[Partition]:
    """Yield block numbers for the slots and the known sizes, most blocks first.

    Two known sizes are never identified. Of many slots, all are identified that cannot
    be told apart one by one.
    """
    total = slots + len(pinned)
    yield tuple(range(total))
    if total <= EXHAUSTIVE:
        every = sorted(_growths(total), key=lambda p: -max(p, default=0))
        for partition in every[1:]:
            if len(set(partition[slots:])) == len(pinned):
                yield partition
        return
    for joined in (*range(1, 1 + len(pinned)), 0):
        block = [joined] * slots
        partition = (*block, *range(1, 1 + len(pinned)))
        if not runs(partition):
            continue
        for index, number in zip(range(slots), itertools.count(1 + len(pinned))):
            trial = (*partition[:index], number, *partition[index + 1 :])
            if runs(trial):
                partition = trial
        numbers = {b: i for i, b in enumerate(dict.fromkeys(partition))}
        yield tuple(numbers[b] for b in partition)
        return


def _growths(length: int) -> Iterator[Partition]:
    """Yield all restricted growth strings: the set partitions."""
    if length == 0:
        yield ()
        return
    for prefix in _growths(length - 1):
        for block in range(max(prefix, default=-1) + 2):
            yield (*prefix, block)


class Names:
    """Which name a size of the result may take."""

    def __init__(
        self, slots: Sequence[Dim | None], partition: Partition, pinned: Sequence[int]
    ) -> None:
        self.slots, self.partition = slots, partition
        self.fixed = dict(zip(partition[len(slots) :], pinned, strict=True))
        self.relied: set[int] = set()

    def choose(self, index: int) -> Dim | None:
        """Return the name of a slot, or None if it is not certain which one."""
        block = self.partition[index]
        if block in self.fixed:
            return self.fixed[block]
        peers = [i for i in range(len(self.slots)) if self.partition[i] == block]
        if len(peers) == 1:
            return Sym(Slot(index))
        for peer in peers if len(self.partition) <= EXHAUSTIVE else ():
            # Where 1 is stretched to fit, only a size that is not 1 names the result.
            if never_one(self.slots[peer]):
                self.relied.add(peer)
                return Sym(Slot(peer))
        return None

    def varied(self, observed: Sequence[tuple[Sequence[int], int]]) -> bool:
        """Say whether every size took several values."""
        return all(len({s[i] for s, _ in observed}) > 1 for i in range(len(self.slots)))

    def match(self, observed: Sequence[tuple[Sequence[int], int]]) -> Dim:
        """Return the name that fits the sizes seen for one axis of the result."""
        values = [v for _, v in observed]
        if len(set(values)) == 1 and (len(values) > 2 or not self.slots):
            # A size that never varied may be what the value follows.
            if self.varied(observed) or values[0] in self.fixed.values():
                return values[0]
        for index in range(len(self.slots)):
            by = values[0] - observed[0][0][index]
            if all(v == max(0, s[index] + by) for s, v in observed):
                name = self.choose(index)
                if name is not None:
                    return shift(name, by)
        return fresh_dim()


def generalise(results: Observed, names: Names, inexact: bool) -> Type:
    """Return the type of which all the results are."""
    first = results[0][1]
    values = [r for _, r in results]
    # What is empty has class and dtype of its own: np.array([]) holds floats.
    filled = [r for s, r in results if any(s) or not s] or values
    if isinstance(first, tuple | list):
        if len({len(v) for v in values}) == 1:
            items = tuple(
                generalise([(s, r[i]) for s, r in results], names, inexact)
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
                elem = join(elem, generalise([(sizes, item)] * 3, names, inexact))
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
