"""Built-ins that choose or reorder elements: `filter`,
`sorted` with a key, `zip(*rows)`.

In: operands. Out: an operand. Where the choice is made at run time the result is a list
that a loop fills, or that is read at the positions that `np.argsort` gives.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import gast
import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    calls,
    comparisons,
    comprehensions,
    expressions,
    folds,
    iterables,
    loops,
    statements,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import CTL, NEXT, Context, Frame, mark
from chainrule.specialise.specials import Args, Kwargs, special
from chainrule.specialise.values import Items, Streams
from chainrule.types import lattice as lt

SHORT = 8
MOST = 64


@special(filter)
def filter_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Keep the elements that pass a test."""
    items = comprehensions.static_items(ctx, frame, args[1])
    start = mark(ctx, frame)
    kept = []
    for item in items or []:
        answer = _passes(ctx, frame, args[0], item)
        if not isinstance(answer, Const):
            items = None
            break
        if answer.value:
            kept.append(item)
    if items is not None:
        return Const(Items(tuple(kept)))
    start.back(ctx)
    return _filtered(ctx, frame, args[0], args[1])


def _passes(ctx: Context, frame: Frame, test: Operand, item: Operand) -> Operand:
    identity = isinstance(test, Const) and test.value in (None, bool)
    value = item if identity else calls.call(ctx, frame, test, [item], [])
    return expressions.truth(ctx, frame, value)


def _filtered(ctx: Context, frame: Frame, test: Operand, op: Operand) -> Operand:
    """Write a loop that appends what passes."""
    scope = Frame(
        None, frame.file, frame.name, frame.globals, parent=frame, env={CTL: NEXT}
    )
    scope.env["$list"] = ctx.builder.apply(prims.make_list, type_=lt.ListT(None, None))

    def bind(item: Operand) -> None:
        def keep() -> None:
            scope.env["$list"] = comprehensions.append(ctx, scope.env["$list"], item)

        answer = _passes(ctx, scope, test, item)
        if not isinstance(answer, Const):
            statements.either(ctx, scope, answer, keep, lambda: None)
        elif answer.value:
            keep()

    node = SimpleNamespace(body=[], orelse=[])
    loops.loop(ctx, scope, node, op, bind, lambda: None, ["$list"])
    return scope.env["$list"]


@special(sorted)
def sorted_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Sort constants now, a few numbers by exchanges,
    others by the order of their keys.
    """
    named = dict(kwargs)
    items = comprehensions.static_items(ctx, frame, args[0])
    key, reverse = named.get("key", Const(None)), named.get("reverse", Const(False))
    if not isinstance(reverse, Const):
        raise not_differentiable("CR502", ctx.builder.loc, "`reverse` must be known")
    plain = isinstance(key, Const) and key.value is None
    if items is not None:
        keys = items if plain else [calls.call(ctx, frame, key, [i], []) for i in items]
        known = _constants(ctx, keys)
        if known is not None:
            return _by_constants(ctx, items, known, bool(reverse.value))
        if plain and items and all(isinstance(type_of(i), lt.ObjT) for i in items):
            return _objects(ctx, frame, items, bool(reverse.value))
        if plain and len(items) <= SHORT and not any(map(_is_sequence, items)):
            out = network(ctx, items, bool(reverse.value))
            return ctx.builder.apply(prims.make_list, *out)
        source = ctx.builder.apply(prims.make_list, *items)
        order = _order(ctx, _columns(ctx, keys), bool(reverse.value))
        if len(items) <= MOST:
            places = [ctx.builder.getitem(order, k) for k in range(len(items))]
            picked = [ctx.builder.apply(operator.getitem, source, p) for p in places]
            return ctx.builder.apply(prims.make_list, *picked)
    else:
        source = folds.listed(ctx, frame, args[0])
        values = source if plain else _mapped(ctx, frame, key, source)
        columns = _columns_of_list(ctx, frame, values)
        order = _order(ctx, columns, bool(reverse.value))
    pick = lambda parts: ctx.builder.apply(operator.getitem, source, parts[0])  # noqa: E731
    return folds.listed(ctx, frame, Const(Streams((order,), pick)))


def _mapped(ctx: Context, frame: Frame, fn: Operand, op: Operand) -> Operand:
    plan = iterables.plan(ctx, frame, op)
    assert not isinstance(plan, list)
    one = lambda parts: calls.call(ctx, frame, fn, [plan.compose(parts)], [])  # noqa: E731
    return folds.listed(ctx, frame, Const(Streams(plan.sources, one)))


def _constants(ctx: Context, keys: Args) -> list[Any] | None:
    """Return constants that are sorted like the keys, if such are known."""
    if all(isinstance(key, Const) for key in keys):
        return [key.value for key in keys]  # type: ignore[union-attr]
    if not all(map(_is_sequence, keys)):
        return None
    rows = [ctx.builder.elements(key) or [] for key in keys]
    starts = [tuple(_constant_start(row)) for row in rows]
    width = min(map(len, starts), default=0)
    cut = [start[:width] for start in starts]
    try:
        return cut if len(set(cut)) == len(keys) else None
    except TypeError:
        return None


def _constant_start(row: Args) -> Iterator[Any]:
    for op in row:
        if not isinstance(op, Const):
            return
        yield op.value


def _by_constants(
    ctx: Context, items: Args, values: list[Any], reverse: bool
) -> Operand:
    try:
        order = sorted(range(len(values)), key=values.__getitem__, reverse=reverse)
    except TypeError as error:
        raise iterables.primal_error(ctx, str(error)) from None
    return ctx.builder.apply(prims.make_list, *(items[k] for k in order))


def _is_sequence(op: Operand) -> bool:
    return isinstance(type_of(op), lt.TupleT | lt.ListT)


def _columns(ctx: Context, keys: Args) -> Args:
    """Take known keys apart: numbers are one column, tuples are one for each place."""
    b = ctx.builder
    if not any(map(_is_sequence, keys)):
        return [_ranked(ctx, keys)]
    rows = [b.elements(key) if _is_sequence(key) else None for key in keys]
    if any(row is None or len(row) != len(rows[0] or []) for row in rows):
        raise _unordered(ctx)
    columns = [
        list(column) for column in zip(*(row or [] for row in rows), strict=True)
    ]
    return [_ranked(ctx, column) for column in columns]


def _ranked(ctx: Context, keys: Args) -> Operand:
    """Write keys as a list of numbers; constants by their place among each other."""
    if not all(isinstance(key, Const) for key in keys):
        return ctx.builder.apply(prims.make_list, *keys)
    values = [key.value for key in keys]  # type: ignore[union-attr]
    try:
        places = {k: i for i, k in enumerate(sorted(set(values)))}
    except TypeError as error:
        raise iterables.primal_error(ctx, str(error)) from None
    return ctx.builder.apply(prims.make_list, *(Const(places[v]) for v in values))


def _columns_of_list(ctx: Context, frame: Frame, keys: Operand) -> Args:
    elem = lt.element_type(type_of(keys))
    if not isinstance(elem, lt.TupleT):
        return [keys]
    plan = iterables.plan(ctx, frame, keys)
    assert not isinstance(plan, list)

    def column(k: int) -> Operand:
        pick = lambda parts: ctx.builder.getitem(plan.compose(parts), k)  # noqa: E731
        return folds.listed(ctx, frame, Const(Streams(plan.sources, pick)))

    return [column(k) for k in range(len(elem.items))]


def _order(ctx: Context, columns: Args, reverse: bool) -> Operand:
    """Write the positions that sort by columns of numbers; equal keys stay in order."""
    b = ctx.builder
    arrays = []
    for column in columns:
        elem = lt.element_type(type_of(column))
        if not isinstance(elem, lt.ScalarT):
            raise _unordered(ctx)
        array = b.apply(np.array, column)
        turned = np.logical_not if elem.kind == "bool" else operator.neg
        arrays.append(b.apply(turned, array) if reverse else array)
    if len(arrays) == 1:
        return b.apply(np.argsort, arrays[0], kwargs=(("kind", Const("stable")),))
    return b.apply(np.lexsort, b.apply(prims.make_tuple, *reversed(arrays)))


def _unordered(ctx: Context) -> Exception:
    return not_differentiable(
        "CR302",
        ctx.builder.loc,
        "sorted() by keys that are neither numbers nor tuples of numbers, all alike",
        help="use a number as key",
    )


def _objects(ctx: Context, frame: Frame, items: Args, reverse: bool) -> Operand:
    """Sort a few objects that say themselves which of two is less."""
    b = ctx.builder
    if len(items) > SHORT:
        raise _unordered(ctx)
    out = list(items)[:: -1 if reverse else 1]
    for stop in range(len(out) - 1, 0, -1):
        for k in range(stop):
            one, two = out[k : k + 2]
            turned = comparisons.compare(ctx, frame, gast.Lt(), two, one)
            pair = expressions.branch(
                ctx,
                frame,
                turned,
                partial(b.apply, prims.make_tuple, two, one),
                partial(b.apply, prims.make_tuple, one, two),
            )
            out[k : k + 2] = b.elements(pair) or []
    return b.apply(prims.make_list, *out[:: -1 if reverse else 1])


def network(ctx: Context, items: Args, reverse: bool = False) -> Args:
    """Sort a few numbers by comparing and exchanging neighbours.

    Of equal ones `min` and `max` return the first: each keeps its place.
    """
    out = list(items)
    first, second = (max, min) if reverse else (min, max)
    for stop in range(len(out) - 1, 0, -1):
        for k in range(stop):
            x, y = out[k : k + 2]
            out[k] = ctx.builder.apply(first, x, y, text=first.__name__)
            out[k + 1] = ctx.builder.apply(second, y, x, text=second.__name__)
    return out


def transposed(ctx: Context, frame: Frame, rows: Operand) -> Operand | None:
    """Write `zip(*rows)` for rows of unknown number: one list for each column."""
    t = type_of(rows)
    if isinstance(t, lt.ArrayT) and t.dims is not None and len(t.dims) > 1:
        return ctx.builder.apply(np.swapaxes, rows, Const(0), Const(1))
    elem = lt.element_type(t)
    width = getattr(elem, "items", None)
    if width is None:
        return None
    plan = iterables.plan(ctx, frame, rows)
    if isinstance(plan, list):
        return None

    def column(k: int) -> Operand:
        pick = lambda parts: ctx.builder.getitem(plan.compose(parts), k)  # noqa: E731
        return folds.listed(ctx, frame, Const(Streams(plan.sources, pick)))

    return Const(Items(tuple(column(k) for k in range(len(width)))))
