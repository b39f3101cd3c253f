"""Lists that change: stores, `append`, `pop` and the rest of their methods.

In: a list and what is done to it. Out: the memory after it. The elements of a list of
known length are operands; one that grows at run time is a value of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import comprehensions, folds, iterables, splices, writing
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.memory import is_mutable
from chainrule.specialise.reach import reachable
from chainrule.types import lattice as lt

Args = list[Operand]
Method = Callable[[Context, Frame, Operand, Args], Operand]
NONE = Const(None)


def elements(ctx: Context, op: Operand) -> Args | None:
    """Return the elements of a list of known length."""
    t = type_of(ctx.builder.memory.current(op))
    if isinstance(t, lt.ListT) and t.items is None:
        return None
    return ctx.builder.elements(op)


def become(ctx: Context, op: Operand, items: Args) -> None:
    """Let a list hold these elements."""
    if elements(ctx, op) is None:
        detach(ctx, op)
    writing.write(ctx, op, ctx.builder.apply(prims.make_list, *items))


def loose(ctx: Context, op: Operand) -> Operand:
    """Return a list as one of unknown length."""
    now = ctx.builder.memory.current(op)
    t = type_of(now)
    if isinstance(t, lt.ListT) and t.items is not None:
        for item in ctx.builder.elements(now) or []:
            if isinstance(op, Value) and is_mutable(type_of(item)):
                writing.store(ctx, op, item)
    return now


def store(
    ctx: Context, frame: Frame, op: Operand, index: Operand, value: Operand
) -> None:
    """Write `op[index] = value`."""
    items = elements(ctx, op)
    if items is not None and isinstance(index, Const):
        if isinstance(index.value, slice):
            new = comprehensions.static_items(ctx, frame, value)
            if new is None:
                _splice(ctx, frame, op, index, value)
                return
            try:
                items[index.value] = new
            except ValueError as error:
                raise iterables.primal_error(ctx, f"ValueError: {error}") from None
        else:
            try:
                items[index.value] = value
            except IndexError as error:
                iterables.fails(ctx, IndexError, str(error))
                return
        become(ctx, op, items)
        return
    if isinstance(type_of(index), lt.SliceT):
        if not (isinstance(index, Const) and index.value == slice(None)):
            _splice(ctx, frame, op, index, value)
            return
        detach(ctx, op)
        writing.write(ctx, op, fresh(ctx, folds.listed(ctx, frame, value)))
        return
    now = loose(ctx, op)
    keep(ctx, op, value)
    if isinstance(op, Value) and is_mutable(type_of(value)):
        memory = ctx.builder.memory
        memory.pools.replaced(memory.object(op), index, value, reachable(ctx))
    elem = lt.element_type(type_of(now))
    t = type_of(value)
    try:
        joined = t if elem is None else lt.join(elem, t)
    except TypeError as error:
        raise not_differentiable(
            "CR501", ctx.builder.loc, f"an element of the list is {error}"
        ) from None
    content = ctx.builder.apply(
        prims.index_set, now, index, value, type_=lt.ListT(None, joined)
    )
    writing.write(ctx, op, content)


def _splice(
    ctx: Context, frame: Frame, op: Operand, index: Operand, value: Operand
) -> None:
    """Write `op[index] = value` for a slice; `op[len(op) :] = value` extends."""
    b = ctx.builder
    start, stop, _ = splices.bounds(b, index) or [index] * 3
    made = b.definition(start) if isinstance(start, Value) else None
    at_end = made is not None and made.fn is len and b.memory.same(made.args[0], op)
    if at_end and splices.is_const(stop, None):
        _extend(ctx, frame, op, [value])
    else:
        splices.splice(ctx, op, index, folds.listed(ctx, frame, value))


def detach(ctx: Context, op: Operand, keep: bool = False) -> None:
    """Know the elements by position no longer, or only those from the front."""
    if isinstance(op, Value):
        memory = ctx.builder.memory
        memory.pools.detach(memory.object(op), keep)


def keep(ctx: Context, op: Operand, value: Operand) -> None:
    """Note that a list of unknown length holds an object from here on."""
    if isinstance(op, Value) and is_mutable(type_of(value)):
        writing.store(ctx, op, value)


def unknown_length(ctx: Context, what: str) -> Exception:
    """Return the error for an operation on a list whose length is not known."""
    return not_differentiable(
        "CR414",
        ctx.builder.loc,
        f"write of {what} to a list whose length is known only at run time",
        label="which elements this changes is known only at run time",
        help="use an array, or build a new list",
    )


def fresh(ctx: Context, op: Operand) -> Operand:
    """Return a list as one that is no other's."""
    return ctx.builder.apply(prims.same, op, type_=type_of(op))


def delete(ctx: Context, op: Operand, index: Operand) -> None:
    """Write `del op[index]`."""
    items = elements(ctx, op)
    if items is not None and isinstance(index, Const):
        try:
            del items[index.value]
        except IndexError as error:
            iterables.fails(ctx, IndexError, str(error))
            return
        become(ctx, op, items)
        return
    if isinstance(type_of(index), lt.SliceT):
        splices.splice(ctx, op, index, None)
        return
    _without(ctx, op, index)


def _without(ctx: Context, op: Operand, index: Operand) -> None:
    """Take one element out of a list of unknown length."""
    b = ctx.builder
    now = loose(ctx, op)
    if isinstance(op, Value) and is_mutable(lt.element_type(type_of(now)) or lt.NEVER):
        b.memory.pools.removed(b.memory.object(op), index, reachable(ctx))
    if isinstance(index, Const) and index.value == -1:
        writing.write(ctx, op, b.apply(prims.list_init, now, type_=whole(now)))
        return
    head = splices.part(b, now, NONE, index)
    if isinstance(index, Const):
        after: Operand = Const(index.value + 1)
    else:
        after = b.apply(operator.add, index, Const(1))
    tail = splices.part(b, now, after, NONE)
    if isinstance(index, Const) and index.value == 0:
        content = tail
    else:
        content = b.apply(operator.add, head, tail, type_=whole(now))
    writing.write(ctx, op, content)


def whole(op: Operand) -> lt.Type:
    """Return the type of a list like this one, of unknown length."""
    return lt.ListT(None, lt.element_type(type_of(op)))


def augmented(
    ctx: Context, frame: Frame, fn: Any, op: Operand, right: Operand
) -> Operand:
    """Write `op += right` or `op *= right`."""
    if fn is operator.add:
        _extend(ctx, frame, op, [right])
        return op
    items = elements(ctx, op)
    if fn is operator.mul and items is not None and isinstance(right, Const):
        become(ctx, op, items * right.value)
        return op
    if fn is not operator.mul or is_mutable(
        lt.element_type(type_of(ctx.builder.memory.current(op))) or lt.NEVER
    ):
        raise unknown_length(ctx, "a repetition")
    from chainrule.specialise.expressions import binary

    now = loose(ctx, op)
    detach(ctx, op)
    writing.write(ctx, op, binary(ctx, frame, fn, now, right))
    return op


# ----------------------------------------------------------------------- methods


def _append(ctx: Context, frame: Frame, op: Operand, args: Args) -> Operand:
    items = elements(ctx, op)
    if items is not None:
        become(ctx, op, [*items, args[0]])
        return NONE
    keep(ctx, op, args[0])
    now = loose(ctx, op)
    detach(ctx, op, keep=True)
    writing.write(ctx, op, comprehensions.append(ctx, now, args[0]))
    if isinstance(op, Value):
        ctx.builder.memory.pools.appended(op, args[0])
    return NONE


def _extend(ctx: Context, frame: Frame, op: Operand, args: Args) -> Operand:
    items = elements(ctx, op)
    more = comprehensions.static_items(ctx, frame, args[0])
    if items is not None and more is not None:
        become(ctx, op, [*items, *more])
        return NONE
    for item in more or []:
        _append(ctx, frame, op, [item])
    if more is None:
        other = folds.listed(ctx, frame, args[0])
        now = loose(ctx, op)
        if is_mutable(lt.element_type(type_of(other)) or lt.NEVER):
            raise unknown_length(ctx, "a list of arrays")
        writing.write(
            ctx,
            op,
            ctx.builder.apply(operator.add, now, other, type_=join(now, other)),
        )
    return NONE


def join(one: Operand, two: Operand) -> lt.Type:
    """Return the type of a list of what two lists hold."""
    elems = [e for e in (lt.element_type(type_of(x)) for x in (one, two)) if e]
    return lt.ListT(None, lt.join(elems[0], elems[-1]) if elems else None)


def _insert(ctx: Context, frame: Frame, op: Operand, args: Args) -> Operand:
    items = elements(ctx, op)
    index, value = args
    if items is not None and isinstance(index, Const):
        items.insert(index.value, value)
        become(ctx, op, items)
        return NONE
    b, now = ctx.builder, loose(ctx, op)
    keep(ctx, op, value)
    detach(ctx, op)
    one = b.apply(prims.make_list, value)
    t = join(now, one)
    if isinstance(index, Const) and index.value == 0:
        writing.write(ctx, op, b.apply(operator.add, one, now, type_=t))
        return NONE
    head = splices.part(b, now, NONE, index)
    tail = splices.part(b, now, index, NONE)
    front = b.apply(operator.add, head, one, type_=t)
    writing.write(ctx, op, b.apply(operator.add, front, tail, type_=t))
    return NONE


def _pop(ctx: Context, frame: Frame, op: Operand, args: Args) -> Operand:
    index = args[0] if args else Const(-1)
    items = elements(ctx, op)
    if items is not None and isinstance(index, Const):
        try:
            value = items.pop(index.value)
        except IndexError as error:
            return iterables.fails(ctx, IndexError, str(error))
        become(ctx, op, items)
        return value
    b = ctx.builder
    value = b.apply(operator.getitem, loose(ctx, op), index)
    if isinstance(value, Value) and is_mutable(value.type):
        own = b.apply(prims.same, value, type_=value.type)
        b.memory.becomes(value, own)
    _without(ctx, op, index)
    return value


def _remove(ctx: Context, frame: Frame, op: Operand, args: Args) -> Operand:
    items = elements(ctx, op)
    if items is not None and all(isinstance(i, Const) for i in (*items, *args)):
        values = [i.value for i in items]  # type: ignore[union-attr]
        try:
            del items[values.index(args[0].value)]  # type: ignore[union-attr]
        except ValueError as error:
            raise iterables.primal_error(ctx, f"ValueError: {error}") from None
        become(ctx, op, items)
        return NONE
    position = ctx.builder.apply(
        list.index,
        ctx.builder.memory.current(op),
        *args,
        form="method",
        text="index",
        effect=True,
        type_=lt.INT,
    )
    _without(ctx, op, position)
    return NONE


def _reverse(ctx: Context, frame: Frame, op: Operand, args: Args) -> Operand:
    items = elements(ctx, op)
    if items is not None:
        become(ctx, op, items[::-1])
        return NONE
    now = loose(ctx, op)
    detach(ctx, op)
    backwards = Const(slice(None, None, -1))
    writing.write(
        ctx, op, ctx.builder.apply(operator.getitem, now, backwards, type_=whole(now))
    )
    return NONE


def _sort(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any = ()
) -> Operand:
    from chainrule.specialise.sequence_calls import sorted_

    now, items = ctx.builder.memory.current(op), elements(ctx, op)
    pools = ctx.builder.memory.pools
    if items is None:
        detach(ctx, op)
    made = sorted_(ctx, frame, [now], list(kwargs))
    moved = ctx.builder.elements(made)
    known = {id(item) for item in items or ()}
    named = any(
        is_mutable(type_of(item)) and id(item) not in known for item in moved or ()
    )
    if moved is not None and not named:
        become(ctx, op, moved)
        return NONE
    if items is not None and isinstance(op, Value):
        pools.open(op)
        detach(ctx, op)
    before = pools.repeated(op) if isinstance(op, Value) else None
    writing.write(ctx, op, fresh(ctx, made))
    if isinstance(op, Value) and before is not None:
        pools.permuted(op, before)
    return NONE


def _clear(ctx: Context, frame: Frame, op: Operand, args: Args) -> Operand:
    become(ctx, op, [])
    return NONE


METHODS: dict[str, Method] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "remove": _remove,
    "reverse": _reverse,
    "clear": _clear,
}


def method(
    ctx: Context, frame: Frame, op: Operand, name: str, args: Args, kwargs: Any
) -> Operand:
    """Call a method that changes a list."""
    if not isinstance(op, Value):
        raise writing.outside(ctx, op)
    if name == "sort":
        return _sort(ctx, frame, op, args, kwargs)
    return METHODS[name](ctx, frame, op, args)
