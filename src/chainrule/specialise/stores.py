"""Stores: assignment to items and attributes, augmented assignment, `del`.

In: a target and a value. Out: the memory after the store. What is written decides who
does it: `arrays`, `lists`, `dicts`, `objects`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import (
    absences,
    arrays,
    calls,
    dicts,
    expressions,
    keyed,
    lists,
    objects,
    outside_state,
    self_stores,
    writing,
)
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.memory import is_mutable
from chainrule.specialise.views import is_basic
from chainrule.types import lattice as lt


def item(
    ctx: Context,
    frame: Frame,
    base: Operand,
    index: Operand,
    value: Operand,
    present: bool = False,
) -> None:
    """Write `base[index] = value`; `present` says that it has been read just before."""
    base = _present(ctx, base)
    if outside_state.put_item(ctx, base, index, value):
        return
    match type_of(base):
        case lt.ObjT():
            method = attribute(ctx, frame, base, "__setitem__")
            calls.call(ctx, frame, method, [index, value], [])
        case lt.ArrayT() if _is_flag(index):
            _if_set(ctx, frame, index, lambda: arrays.store(ctx, base, ALL, value))
        case lt.ArrayT():
            self_stores.store(ctx, base, expressions.integer(ctx, index), value)
        case lt.ListT():
            index = expressions.integer(ctx, index)
            lists.store(ctx, frame, base, index, value)
        case lt.DictT():
            dicts.store_at(ctx, frame, base, index, value, present)
        case lt.NeverT():
            return
        case t:
            raise _refused(ctx, base, t)


ALL = Const(...)


def _is_flag(index: Operand) -> bool:
    """Say whether an index is one truth value: it picks the whole array, or nothing."""
    t = type_of(index)
    return isinstance(t, lt.ScalarT) and t.kind == "bool"


def _if_set(
    ctx: Context, frame: Frame, flag: Operand, write: Callable[[], None]
) -> None:
    from chainrule.specialise import statements

    if not isinstance(flag, Const):
        statements.either(ctx, frame, flag, write, lambda: None)
    elif flag.value:
        write()


def _present(ctx: Context, op: Operand) -> Operand:
    """Return what an object holds now; what is written is not None, if it might be."""
    memory = ctx.builder.memory
    says = "'NoneType' object does not support item assignment"
    now = memory.current(absences.there(ctx.builder, op, says))
    out = ctx.builder.some(now)
    if out is not now and isinstance(now, Value) and is_mutable(type_of(out)):
        memory.becomes(now, out)
    return out


def _refused(ctx: Context, base: Operand, t: lt.Type) -> Exception:
    outside_state.begin_again(ctx, base)
    if writing.is_outside(base):
        return writing.outside(ctx, base)
    if isinstance(t, lt.TupleT | lt.ScalarT | lt.RangeT):
        return _fails(ctx, f"TypeError: {lt.show(t)} does not support item assignment")
    return not_differentiable(
        "CR401",
        ctx.builder.loc,
        f"write into an item of {writing.called(base, f'a {lt.show(t)}')}",
        label=f"what that does to a {lt.show(t)} is not known",
        help="use an array, a list, a dict, or a class with __setitem__ in Python",
    )


def _fails(ctx: Context, message: str) -> Exception:
    error = not_differentiable("CR107", ctx.builder.loc, message)
    error.primal_fails = True
    return error


def assign_item(ctx: Context, frame: Frame, target: Any, value: Operand) -> None:
    """Interpret `x[i] = value`."""
    base = expressions.evaluate(ctx, frame, target.value)
    index = expressions.evaluate(ctx, frame, target.slice)
    item(ctx, frame, base, index, value)


def assign_attribute(ctx: Context, frame: Frame, target: Any, value: Operand) -> None:
    """Interpret `x.name = value`."""
    base = expressions.evaluate(ctx, frame, target.value)
    says = f"'NoneType' object has no attribute {target.attr!r}"
    base = absences.there(ctx.builder, base, says, AttributeError)
    objects.set_attribute(ctx, frame, base, target.attr, value)


def augmented(ctx: Context, frame: Frame, node: gast.AugAssign) -> None:
    """Interpret `target op= value`: the target is read, combined, and bound again."""
    from chainrule.specialise import statements

    fn = expressions.BINARY[type(node.op)]
    target = node.target
    if isinstance(target, gast.Subscript):
        base = expressions.evaluate(ctx, frame, target.value)
        index = expressions.evaluate(ctx, frame, target.slice)
        base, index = keyed.element(ctx, frame, base, index)
        if not isinstance(type_of(base), lt.DictT | lt.ObjT):
            index = expressions.integer(ctx, index)
        if isinstance(type_of(base), lt.ArrayT) and _is_flag(index):
            right = expressions.evaluate(ctx, frame, node.value)

            def combine() -> None:
                whole = expressions.subscript(ctx, frame, base, ALL)
                new = expressions.binary(ctx, frame, fn, whole, right)
                arrays.store(ctx, base, ALL, new)

            _if_set(ctx, frame, index, combine)
            return
        left = expressions.subscript(ctx, frame, base, index)
        if isinstance(type_of(left), lt.NeverT):
            return  # the read fails
        held = _content(ctx, base)
        right = expressions.evaluate(ctx, frame, node.value)
        if isinstance(type_of(base), lt.ArrayT):
            shown = isinstance(type_of(left), lt.ArrayT) and is_basic(index)
            if held is not _content(ctx, base) and not shown:  # `right` has written it
                new = expressions.binary(ctx, frame, fn, left, right)
                arrays.store(ctx, base, index, new)
            elif not arrays.add_at(ctx, base, index, right, fn):
                left = expressions.subscript(ctx, frame, base, index)
                new = expressions.binary(ctx, frame, fn, left, right)
                arrays.store(ctx, base, index, new)
            return
        new = in_place(ctx, frame, fn, left, right)
        kept = isinstance(type_of(left), lt.ArrayT) and _keeps_items(base, index)
        if not (kept and ctx.builder.memory.same(left, new)):
            item(ctx, frame, base, index, new, present=True)
    elif isinstance(target, gast.Attribute):
        base = expressions.evaluate(ctx, frame, target.value)
        left = attribute(ctx, frame, base, target.attr)
        right = expressions.evaluate(ctx, frame, node.value)
        new = in_place(ctx, frame, fn, left, right)
        objects.set_attribute(ctx, frame, base, target.attr, new)
    else:
        load = gast.Name(target.id, gast.Load(), None, None)
        gast.copy_location(load, target)
        left = expressions.evaluate(ctx, frame, load)
        right = expressions.evaluate(ctx, frame, node.value)
        new = in_place(ctx, frame, fn, left, right)
        if not ctx.builder.memory.same(left, new):
            statements.assign(ctx, frame, target, new)


def _content(ctx: Context, base: Operand) -> Operand:
    """Return what the array holds now that an operand is, or shows a part of."""
    memory = ctx.builder.memory
    return memory.current(memory.root(base)) if isinstance(base, Value) else base


def _keeps_items(base: Operand, index: Operand) -> bool:
    """Say whether putting an array back where it is changes nothing for certain.

    A loop in which it is not put back need not ask which object it is.
    """
    t = type_of(base)
    if not isinstance(index, Const):
        return False
    if isinstance(t, lt.ListT):
        return t.items is not None
    return isinstance(t, lt.DictT) and t.cls is dict


def in_place(
    ctx: Context, frame: Frame, fn: Any, left: Operand, right: Operand
) -> Operand:
    """Write `left op= right`; return what the target is bound to then."""
    left = _present(ctx, left)
    t = type_of(left)
    if isinstance(t, lt.ArrayT):
        return arrays.augmented(
            ctx,
            left,
            fn,
            right,
            lambda now: expressions.binary(ctx, frame, fn, now, right),
        )
    if isinstance(t, lt.ListT):
        return lists.augmented(ctx, frame, fn, left, right)
    if isinstance(t, lt.DictT):
        return dicts.augmented(ctx, frame, fn, left, right)
    name = f"__i{calls.DUNDERS.get(fn, '')}__"
    if isinstance(t, lt.ObjT) and hasattr(t.cls, name):
        method = attribute(ctx, frame, left, name)
        return calls.call(ctx, frame, method, [right], [])
    return expressions.binary(ctx, frame, fn, left, right)


def delete(ctx: Context, frame: Frame, target: Any) -> None:
    """Interpret `del x[i]` and `del x.name`."""
    base = expressions.evaluate(ctx, frame, target.value)
    if isinstance(target, gast.Attribute):
        objects.delete_attribute(ctx, base, target.attr)
        return
    index = expressions.evaluate(ctx, frame, target.slice)
    base = ctx.builder.memory.current(base)
    if outside_state.delete_item(ctx, base, index):
        return
    t = type_of(base)
    if isinstance(t, lt.ListT):
        lists.delete(ctx, base, index)
    elif isinstance(t, lt.DictT):
        dicts.delete_at(ctx, base, index)
    elif isinstance(t, lt.ObjT):
        method = attribute(ctx, frame, base, "__delitem__")
        calls.call(ctx, frame, method, [index], [])
    elif writing.is_outside(base):
        outside_state.begin_again(ctx, base)
        raise writing.outside(ctx, base)
    elif isinstance(t, lt.ArrayT | lt.TupleT | lt.ScalarT | lt.RangeT):
        raise _fails(ctx, f"cannot delete an item of {lt.show(t)}")
    else:
        raise not_differentiable(
            "CR406",
            ctx.builder.loc,
            f"deletion of an item of {writing.called(base, f'a {lt.show(t)}')}",
            label=f"what that does to a {lt.show(t)} is not known",
            help="use a list, a dict, or a class with __delitem__ in Python",
        )
