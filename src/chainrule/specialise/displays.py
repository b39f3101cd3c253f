"""Displays: tuples, lists, dicts, sets and formatted strings.

In: a node and the frame it stands in. Out: an operand.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    calls,
    comprehensions,
    expressions,
    keyed,
    sets,
    stand_ins,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import Closure, Maybe, is_const
from chainrule.types import lattice as lt
from chainrule.types.infer import known


def starred(
    ctx: Context,
    frame: Frame,
    nodes: list[Any],
    wanted: Callable[[int], int | None] = lambda given: None,
) -> list[Operand]:
    """Interpret the elements of a display or call, `*parts` spread out.

    `wanted` says how many elements a call needs after those given.
    """
    out: list[Operand] = []
    for node in nodes:
        if isinstance(node, gast.Starred):
            op = expressions.evaluate(ctx, frame, node.value)
            items = comprehensions.static_items(ctx, frame, op)
            if items is None and node is nodes[-1]:
                items = _unpacked(ctx, op, wanted(len(out)))
            if items is None:
                raise not_differentiable(
                    "CR502",
                    frame.loc(node),
                    "a starred value must have a known length",
                    label="its length is known only at run time",
                )
            out.extend(items)
        else:
            out.append(expressions.evaluate(ctx, frame, node))
    return out


def _unpacked(ctx: Context, op: Operand, count: int | None) -> list[Operand] | None:
    """Return the elements of an array or list that must have so many."""
    if count is None or not isinstance(type_of(op), lt.ArrayT | lt.ListT):
        return None
    parts = ctx.builder.apply(prims.unpack, op, Const(count))
    return [ctx.builder.getitem(parts, k) for k in range(count)]


def tuple_display(ctx: Context, frame: Frame, node: gast.Tuple) -> Operand:
    return ctx.builder.apply(prims.make_tuple, *starred(ctx, frame, node.elts))


def list_display(ctx: Context, frame: Frame, node: gast.List) -> Operand:
    """Write a list display; where a starred part has any length, join lists."""
    b = ctx.builder
    known: list[Operand] = []
    joined: Operand | None = None
    for element in node.elts:
        if not isinstance(element, gast.Starred):
            known.append(expressions.evaluate(ctx, frame, element))
            continue
        part = expressions.evaluate(ctx, frame, element.value)
        items = comprehensions.static_items(ctx, frame, part)
        if items is not None:
            known.extend(items)
            continue
        part = calls.call(ctx, frame, Const(list), [part], [])
        for one in (b.apply(prims.make_list, *known) if known else None, part):
            if one is not None:
                joined = (
                    one
                    if joined is None
                    else expressions.binary(ctx, frame, operator.add, joined, one)
                )
        known = []
    if joined is None:
        return b.apply(prims.make_list, *known)
    if known:
        joined = expressions.binary(
            ctx, frame, operator.add, joined, b.apply(prims.make_list, *known)
        )
    return joined


def dict_display(ctx: Context, frame: Frame, node: gast.Dict) -> Operand:
    if keyed.wanted(ctx):
        return keyed.displayed(ctx, frame, node)
    fields: dict[Any, Operand] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            merged = named(ctx, frame, expressions.evaluate(ctx, frame, value))
            with keyed.or_begins_again(ctx):
                if merged is None:
                    raise not_differentiable(
                        "CR502", frame.loc(value), "the keys must be known"
                    )
            fields.update(merged)
            continue
        name = expressions.evaluate(ctx, frame, key)
        with keyed.or_begins_again(ctx):
            name = static_key(ctx, frame, key, name)
        fields[name] = expressions.evaluate(ctx, frame, value)
    return make_dict(ctx, fields)


def named(ctx: Context, frame: Frame, op: Operand) -> dict[Any, Operand] | None:
    """Return what `**op` gives; an object that has keys is made a dict first."""
    t = type_of(op)
    if isinstance(t, lt.ObjT) and hasattr(t.cls, "keys"):
        op = calls.call(ctx, frame, Const(dict), [op], [])
    return ctx.builder.fields(op)


def static_key(ctx: Context, frame: Frame, node: Any, op: Operand) -> Any:
    """Return the value of a dict key, which must be known."""
    if isinstance(op, Const):
        return op.value
    value = known(type_of(op))
    if isinstance(value, int):
        return value
    loc = ctx.builder.loc if node is None else frame.loc(node)
    root = ctx.builder.root(op)
    if root is not None:
        from chainrule.specialise.builder import Restart

        raise Restart(root, getattr(op, "hint", None) or "key", loc)
    raise not_differentiable(
        "CR502",
        loc,
        "a dict key must be known when the derivative is made",
        label="computed at run time",
        help="use a list or an array, or an argument of the function as the key",
    )


def make_dict(ctx: Context, fields: dict[Any, Operand]) -> Operand:
    """Write a dict display."""
    return ctx.builder.apply(prims.make_dict, Const(tuple(fields)), *fields.values())


def set_display(ctx: Context, frame: Frame, node: gast.Set) -> Operand:
    return sets.made(ctx, frame, starred(ctx, frame, node.elts), frame.loc(node))


def formatted(ctx: Context, frame: Frame, node: gast.JoinedStr) -> Operand:
    parts: list[tuple[str, str | None]] = []
    values: list[Operand] = []
    for part in node.values:
        if isinstance(part, gast.Constant):
            parts.append((str(part.value), None))
            continue
        value = expressions.evaluate(ctx, frame, part.value)
        conversion = (
            chr(part.conversion) if part.conversion and part.conversion > 0 else ""
        )
        spec = (
            expressions.evaluate(ctx, frame, part.format_spec)
            if part.format_spec
            else Const("")
        )
        if not isinstance(spec, Const):
            raise not_differentiable("CR502", frame.loc(part), "a format must be known")
        if isinstance(value, Const) and not is_const(value, (Closure, Maybe)):
            text = prims.format_(((conversion, spec.value),), value.value)
            parts.append((text, None))
            continue
        stand_ins.refuse_kept(ctx, value)
        parts.append((conversion, spec.value))
        values.append(value)
    if not values:
        return Const("".join(text for text, _ in parts))
    b = ctx.builder
    return b.apply(prims.format_, Const(tuple(parts)), *values, type_=lt.STR)
