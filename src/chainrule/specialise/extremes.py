"""`max` and `min`: of arguments or of an iterable, by value or by a key.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import gast

from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    calls,
    comparisons,
    comprehensions,
    expressions,
    iterables,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.folds import fold, listed
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.function_calls import itself
from chainrule.specialise.specials import SPECIAL, Args, Kwargs, Special
from chainrule.types import lattice as lt

COMPARED = lt.TupleT | lt.ListT | lt.ObjT


def _is_none(op: Operand) -> bool:
    return isinstance(op, Const) and op.value is None


def _extreme(fn: Callable[..., Any]) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        named = dict(kwargs)
        key, default = named.get("key"), named.get("default")
        if len(args) == 1:
            if isinstance(type_of(args[0]), lt.ArrayT):
                return NotImplemented
            items = comprehensions.static_items(ctx, frame, args[0])
            if items is None:
                op = args[0]
                if isinstance(op, Const):
                    op = listed(ctx, frame, op)
                if default is None:
                    return _extreme_of_list(ctx, frame, fn, op, key)
                count = ctx.builder.apply(len, op)
                return expressions.branch(
                    ctx,
                    frame,
                    ctx.builder.apply(operator.eq, count, Const(0)),
                    lambda: default,
                    lambda: _extreme_of_list(ctx, frame, fn, op, key),
                )
            if not items and default is not None:
                return default
        else:
            items = args
        if not items:
            raise iterables.primal_error(
                ctx, f"{fn.__name__}() arg is an empty sequence"
            )
        if key is not None and not _is_none(key):
            return _by_key(ctx, frame, fn, items, key)
        if len(items) == 1:
            return items[0]
        if any(isinstance(type_of(item), COMPARED) for item in items):
            return _by_key(ctx, frame, fn, items, Const(itself))
        return ctx.builder.apply(fn, *items, text=fn.__name__)

    return handler


def _extreme_of_list(
    ctx: Context, frame: Frame, fn: Callable[..., Any], op: Operand, key: Operand | None
) -> Operand:
    if isinstance(lt.element_type(type_of(op)), COMPARED) and (
        key is None or _is_none(key)
    ):
        key = Const(itself)
    if key is not None and not _is_none(key):
        return _extreme_by_key(ctx, frame, fn, op, key)
    rest = ctx.builder.getitem(op, slice(1, None))
    step = partial(ctx.builder.apply, fn, text=fn.__name__)
    return fold(ctx, frame, rest, ctx.builder.getitem(op, 0), step)


def _extreme_by_key(
    ctx: Context, frame: Frame, fn: Callable[..., Any], op: Operand, key: Operand
) -> Operand:
    b = ctx.builder
    first = b.getitem(op, 0)
    start = b.apply(prims.make_tuple, first, calls.call(ctx, frame, key, [first], []))

    def step(best: Operand, item: Operand) -> Operand:
        found = b.apply(prims.make_tuple, item, calls.call(ctx, frame, key, [item], []))
        better = gast.Gt() if fn is max else gast.Lt()
        test = comparisons.compare(
            ctx, frame, better, b.getitem(found, 1), b.getitem(best, 1)
        )
        return expressions.branch(ctx, frame, test, lambda: found, lambda: best)

    rest = b.getitem(op, slice(1, None))
    return b.getitem(fold(ctx, frame, rest, start, step), 0)


def _by_key(
    ctx: Context, frame: Frame, fn: Callable[..., Any], items: Args, key: Operand
) -> Operand:
    best = items[0]
    score = calls.call(ctx, frame, key, [best], [])
    better = gast.Gt() if fn is max else gast.Lt()
    for item in items[1:]:
        other = calls.call(ctx, frame, key, [item], [])
        test = comparisons.compare(ctx, frame, better, other, score)
        if isinstance(test, Const):
            best, score = (item, other) if test.value else (best, score)
            continue
        pair = expressions.branch(
            ctx,
            frame,
            test,
            partial(ctx.builder.apply, prims.make_tuple, item, other),
            partial(ctx.builder.apply, prims.make_tuple, best, score),
        )
        best, score = ctx.builder.elements(pair) or []
    return best


SPECIAL[max] = _extreme(max)


SPECIAL[min] = _extreme(min)
