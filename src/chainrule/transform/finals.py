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
from typing import Any

from chainrule.analysis.memory import STORES
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Loop, Operand, Value
from chainrule.types import lattice as lt

Definition = Callable[[Any], Apply | None]


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
    counter = counter_of(stmt, made)
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


def counter_of(stmt: Loop, made: Definition) -> Counter | None:
    """Return the counter of a loop over a range whose least element is known."""
    if stmt.header is not None:
        return None
    for it in stmt.iters:
        found = _counted(it.source, made)
        if found is not None and len(it.elems) == 1:
            return Counter(it.elems[0], *found)
    return None


def _counted(source: Operand, made: Definition) -> tuple[int, bool] | None:
    """Return the least element of a range, and whether it is the first."""
    stmt = made(source)
    bounds: list[int | None]
    if isinstance(source, Const) and isinstance(source.value, range):
        bounds = [source.value.start, source.value.stop, source.value.step]
    elif stmt is not None and stmt.fn is builtins.reversed:
        inner = _counted(stmt.args[0], made)
        return None if inner is None else (inner[0], not inner[1])
    elif stmt is not None and stmt.fn is builtins.range:
        bounds = [_int(a) for a in stmt.args]
        bounds = [0, *bounds, 1] if len(bounds) == 1 else [*bounds, 1]
    else:
        return None
    start, stop, step = bounds[:3]
    if not step:
        return None
    least = start if step > 0 else None if stop is None else stop + 1
    return None if least is None else (least, step > 0)


def _int(op: Operand) -> int | None:
    known = isinstance(op, Const) and type(op.value) is int
    return op.value if known else None  # type: ignore[union-attr]


def offset(index: Operand, counter: Counter, made: Definition) -> int | None:
    """Return what an index adds to the counter of a loop in its first axis."""
    first = made(index)
    if first is not None and first.fn is prims.make_tuple and first.args:
        index = first.args[0]
    if index is counter.elem:
        return 0 if counter.least >= 0 else None
    stmt = made(index)
    if stmt is None or stmt.fn not in (operator.add, operator.sub):
        return None
    one, two = stmt.args
    if stmt.fn is operator.add and two is counter.elem:
        one, two = two, one
    by = _int(two)
    if one is not counter.elem or by is None:
        return None
    by = by if stmt.fn is operator.add else -by
    return by if counter.least + by >= 0 else None


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
                    at = offset(each.args[1], counter, self.made.get)
                    if at is None:
                        break
                    self.stores.append((place, at))
                    self.versions.add(each.out)
                elif each.fn in STORES:
                    break
        if stmt.body.results[1 + k] not in self.versions or not self.stores:
            self.versions = set()

    def is_final(self, index: Operand, place: int) -> bool:
        """Say whether no store from here on reaches what an index reads."""
        read = offset(index, self.counter, self.made.get)
        if read is None:
            return False
        for stored, at in self.stores:
            ahead = at - read if self.counter.ascending else read - at
            if ahead < 0 or (ahead == 0 and stored > place):
                return False
        return True
