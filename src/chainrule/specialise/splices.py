"""Slices of lists that are replaced or deleted, where lengths are known at run time.

In: a list of numbers, a slice, and the list that takes its place. Out: the memory after
it: the list is put together of what stands before the slice, the new elements, and what
stands behind it.
"""

from __future__ import annotations

import operator

from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import lists, writing
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import Context
from chainrule.specialise.memory import is_mutable
from chainrule.types import lattice as lt

NONE = Const(None)


def splice(ctx: Context, op: Operand, index: Operand, new: Operand | None) -> None:
    """Put a list in the place of a slice; delete the slice if there is none."""
    b = ctx.builder
    now = lists.loose(ctx, op)
    start, stop, step = bounds(b, index) or [NONE, NONE, index]
    given = [x for x in (now, new) if x is not None]
    objects = [is_mutable(lt.element_type(type_of(x)) or lt.NEVER) for x in given]
    if any(objects):
        raise lists.unknown_length(ctx, "a slice of arrays or objects")
    if not is_const(step, None, 1):
        raise lists.unknown_length(ctx, "a slice with a step")
    front = None if is_const(start, None, 0) else part(b, now, NONE, start)
    pieces = [front, new, behind(b, now, front, start, stop)]
    lists.detach(ctx, op)
    content = joined(b, [p for p in pieces if p is not None])
    if content is now or content is new:
        content = lists.fresh(ctx, content)
    writing.write(ctx, op, content)


def bounds(b: Builder, index: Operand) -> list[Operand] | None:
    """Return the start, the stop and the step of a slice, if they are known apart."""
    if isinstance(index, Const):
        s = index.value
        return [Const(s.start), Const(s.stop), Const(s.step)]
    made = b.definition(index) if isinstance(index, Value) else None
    if made is None or made.fn is not slice:
        return None
    args = [NONE, *made.args] if len(made.args) == 1 else [*made.args]
    return [*args, NONE][:3]


def behind(
    b: Builder, now: Operand, front: Operand | None, start: Operand, stop: Operand
) -> Operand | None:
    """Return what stands behind a slice, which does not end before it starts."""
    if is_const(stop, None):
        return None
    if front is None or in_order(start, stop):
        return part(b, now, stop, NONE)
    ends = [b.apply(len, x, text="len") for x in (front, part(b, now, NONE, stop))]
    return part(b, now, b.apply(max, *ends, text="max"), NONE)


def in_order(start: Operand, stop: Operand) -> bool:
    """Say whether one bound is not behind another, however long the list is."""
    if not isinstance(start, Const) or not isinstance(stop, Const):
        return False
    same_side = (start.value < 0) == (stop.value < 0)
    return same_side and bool(start.value <= stop.value)


def part(b: Builder, now: Operand, start: Operand, stop: Operand) -> Operand:
    """Write `now[start:stop]`; of a list of known length it may be one, too."""
    index = b.apply(slice, start, stop)
    known = (
        isinstance(index, Const) and getattr(type_of(now), "items", None) is not None
    )
    return b.apply(
        operator.getitem, now, index, type_=None if known else lists.whole(now)
    )


def joined(b: Builder, pieces: list[Operand]) -> Operand:
    """Return a list that holds the elements of several."""
    out, *rest = pieces or [b.apply(list)]
    for piece in rest:
        out = b.apply(operator.add, out, piece, type_=lists.join(out, piece))
    return out


def is_const(op: Operand, *values: object) -> bool:
    """Say whether an operand is one of some constants."""
    return isinstance(op, Const) and op.value in values
