"""`next` of what is made in the call itself: the first element is read, or found.

In: the node of a call of `next`. Out: an operand, or None where what is given may be
stepped through again (`stepping`).
"""

from __future__ import annotations

from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    calls,
    comprehensions,
    expressions,
    iterators,
    keyed,
    models,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args
from chainrule.specialise.values import Generator, Items, Streams, is_const
from chainrule.types import lattice as lt


def taken(ctx: Context, frame: Frame, node: Any) -> Operand | None:
    """Write `next` of what is made in the call itself: the first element is taken."""
    source = node.args[0]
    if isinstance(source, gast.GeneratorExp):
        default = [expressions.evaluate(ctx, frame, a) for a in node.args[1:]]
        generator = comprehensions.generator(ctx, frame, source)
        return _first_of(ctx, frame, generator, default)
    if len(node.args) == 1 and isinstance(source, gast.Call) and len(source.args) == 1:
        fn = expressions.evaluate(ctx, frame, source.func)
        if is_const(fn) and fn.value is iter:
            return _first(ctx, frame, source.args[0])
    return None


def _first_of(
    ctx: Context, frame: Frame, generator: Generator, default: Args
) -> Operand:
    """Return the first element of a generator expression."""
    ends = (_ends(ctx, generator.frame, g.iter) for g in generator.tree.generators)
    if not all(ends):
        raise not_differentiable(
            "CR303",
            ctx.builder.loc,
            "next() of elements that may be without end",
            help="use a for loop that is left by break",
        )
    found = comprehensions.collect(ctx, frame, generator)
    items = comprehensions.static_items(ctx, frame, found)
    if items:
        return items[0]
    if items is not None and default:
        return default[0]
    return calls.call(ctx, frame, Const(models.first), [found, *default], [])


def _ends(ctx: Context, frame: Frame, node: Any) -> bool:
    """Say whether what an expression gives to run over surely comes to an end."""
    match node:
        case gast.Call(func=gast.Name(id=name), args=args) if name in FINITE:
            return name == "range" or all(_ends(ctx, frame, arg) for arg in args[:1])
        case gast.Call(func=gast.Attribute(attr=name)):
            return name in ("items", "values", "keys", "tolist", "split")
        case gast.Name() if node.id in frame.env:
            return _comes_to_an_end(ctx.builder.memory.current(frame.env[node.id]))
        case gast.Call():
            return False
    return True


def _comes_to_an_end(op: Operand) -> bool:
    if isinstance(op, Const) and isinstance(op.value, Streams):
        return any(map(_comes_to_an_end, op.value.sources))
    if isinstance(op, Const):
        return isinstance(op.value, Items | tuple | list | dict | str | range)
    kinds = lt.ArrayT | lt.ListT | lt.TupleT | lt.DictT | lt.RangeT
    return isinstance(type_of(op), kinds)


FINITE = "range enumerate zip reversed sorted list tuple".split()


def _first(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Write `next(iter(x))` of an array or a list: its first element."""
    op = expressions.evaluate(ctx, frame, node)
    if keyed.is_keyed(op):
        op = iterators.opened(ctx, frame, op)
    items = comprehensions.static_items(ctx, frame, op)
    if items:
        return items[0]
    if items is None and isinstance(type_of(op), lt.ArrayT | lt.ListT):
        return ctx.builder.getitem(op, 0)
    return calls.call(ctx, frame, Const(next), [op], [])
