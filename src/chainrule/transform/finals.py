"""Elements of an array that are final when a loop reads them are not saved.

In: a forward loop that fills an array in step with a counter (`y[i] = f(y[i - 1])`).
Out: for each read of such an element the read of it from the array as it is after the
loop, which the reversed body can do.

An element is final if no store of this iteration or a later one can reach it. Stores
and reads are followed where the first index is the counter of a `range` plus a constant
and cannot be negative: then two of them meet in one iteration only.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from chainrule.analysis.memory import STORES
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Loop, Operand, Value
from chainrule.types import lattice as lt

Definition = Callable[[Operand], Apply | None]


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter of a loop: the least that it can be, and its direction."""

    elem: Value
    least: int
    ascending: bool


def final_reads(
    stmt: Loop, active: Collection[Value], made: Definition
) -> dict[Value, Apply]:
    """Return for elements that are final the read of them from the filled array."""
    counter = _counter(stmt, made)
    if counter is None:
        return {}
    filled: dict[Operand, _Filled] = {}
    for k, param in enumerate(stmt.body.params):
        if param in active and isinstance(param.type, lt.ArrayT):
            found = _Filled(stmt, k, counter)
            filled.update(dict.fromkeys(found.versions, found))
    out: dict[Value, Apply] = {}
    for place, each in enumerate(stmt.body.stmts) if filled else ():
        if isinstance(each, Apply) and each.fn is operator.getitem:
            base, index = each.args
            if base in filled and filled[base].is_final(index, place):
                out[each.out] = replace(each, args=(filled[base].after, index))
    return out


def _counter(stmt: Loop, made: Definition) -> Counter | None:
    """Return the counter of a loop over a range that cannot be negative."""
    if stmt.header is not None:
        return None
    for it in stmt.iters:
        bounds = _range(it.source, made)
        if bounds is None or len(it.elems) != 1:
            continue
        start, stop, step = bounds
        least = start if step > 0 else None if stop is None else stop + 1
        if least is not None:
            return Counter(it.elems[0], least, step > 0)
    return None


def _range(
    source: Operand, made: Definition
) -> tuple[int | None, int | None, int] | None:
    """Return the start, the stop and the step of a range, as far as they are known."""
    if isinstance(source, Const):
        r = source.value
        return (r.start, r.stop, r.step) if isinstance(r, range) else None
    stmt = made(source)
    if stmt is None or stmt.fn is not builtins.range:
        return None
    known = [_int(a) for a in stmt.args]
    if len(known) == 1:
        known = [0, *known]
    start, stop, step = known if len(known) == 3 else (*known, 1)
    return None if not step else (start, stop, step)


def _int(op: Operand) -> int | None:
    known = isinstance(op, Const) and type(op.value) is int
    return op.value if known else None  # type: ignore[union-attr]


class _Filled:
    """An array that a loop fills: its versions, and where each store goes."""

    def __init__(self, stmt: Loop, k: int, counter: Counter) -> None:
        self.counter = counter
        self.after = stmt.outs[k]
        self.versions: set[Value] = {stmt.body.params[k]}
        self.made = {s.out: s for s in stmt.body.stmts if isinstance(s, Apply)}
        self.stores: list[tuple[int, int]] = []
        for place, each in enumerate(stmt.body.stmts):
            if isinstance(each, Apply) and each.args and each.args[0] in self.versions:
                if each.fn is prims.index_set:
                    offset = self.offset(each.args[1])
                    if offset is None:
                        break
                    self.stores.append((place, offset))
                    self.versions.add(each.out)
                elif each.fn in STORES:
                    break
        if stmt.body.results[1 + k] not in self.versions or not self.stores:
            self.versions = set()

    def offset(self, index: Operand) -> int | None:
        """Return what an index adds to the counter in its first axis."""
        first = self.made.get(index)  # type: ignore[arg-type]
        if first is not None and first.fn is prims.make_tuple and first.args:
            index = first.args[0]
        if index is self.counter.elem:
            return 0 if self.counter.least >= 0 else None
        stmt = self.made.get(index)  # type: ignore[arg-type]
        if stmt is None or stmt.fn not in (operator.add, operator.sub):
            return None
        one, two = stmt.args
        if stmt.fn is operator.add and two is self.counter.elem:
            one, two = two, one
        by = _int(two)
        if one is not self.counter.elem or by is None:
            return None
        by = by if stmt.fn is operator.add else -by
        return by if self.counter.least + by >= 0 else None

    def is_final(self, index: Operand, place: int) -> bool:
        """Say whether no store from here on reaches what an index reads."""
        read = self.offset(index)
        if read is None:
            return False
        for at, offset in self.stores:
            ahead = offset - read if self.counter.ascending else read - offset
            if ahead < 0 or (ahead == 0 and at > place):
                return False
        return True
