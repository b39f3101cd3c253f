"""Built-ins that run an iterable to its end: `sum`, `reduce`, `any`, and lists.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive. `fold` and `listed` serve the others.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Const, Operand, Value
from chainrule.specialise import (
    calls,
    comprehensions,
    exhaustion,
    expressions,
    iterables,
    loops,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import CTL, NEXT, Context, Frame
from chainrule.specialise.specials import SPECIAL, Args, Kwargs, Special, special
from chainrule.specialise.values import Generated, Generator, is_const
from chainrule.types import lattice as lt


def listed(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Run an iterable of unknown length into a list."""
    scope = Frame(
        None, frame.file, frame.name, frame.globals, parent=frame, env={CTL: NEXT}
    )
    empty = ctx.builder.apply(prims.make_list, type_=lt.ListT(None, None))
    scope.env["$list"] = empty

    def bind(item: Operand) -> None:
        scope.env["$list"] = comprehensions.append(ctx, scope.env["$list"], item)

    node = SimpleNamespace(body=[], orelse=[])
    loops.loop(ctx, scope, node, op, bind, lambda: None, ["$list"])
    return scope.env["$list"]


@special(sum)
def sum_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Add up, from the left, beginning with 0, as Python does."""
    start = args[1] if len(args) > 1 else dict(kwargs).get("start", Const(0))
    return fold(ctx, frame, args[0], start, lambda a, e: _add(ctx, frame, a, e))


TOTAL = "total "  # the variable of a fold: no name that a program can have


def _add(ctx: Context, frame: Frame, total: Operand, element: Operand) -> Operand:
    if isinstance(total, Const) and type(total.value) is int and total.value == 0:
        t = type_of(element)
        if isinstance(t, lt.ScalarT | lt.ArrayT) and lt.result_dtype(t).kind != "b":
            return element
    return expressions.binary(ctx, frame, operator.add, total, element)


def fold(
    ctx: Context,
    frame: Frame,
    iterable: Operand,
    start: Operand,
    step: Callable[[Operand, Operand], Operand],
) -> Operand:
    """Combine the elements of an iterable from the left."""
    if isinstance(iterable, Const) and isinstance(iterable.value, Generator):
        return _fold_generator(ctx, frame, iterable.value, start, step)
    items = None
    if not is_const(iterable, Generated):
        plan = iterables.plan(ctx, frame, iterable)
        items = plan if isinstance(plan, list) else None
    if items is not None:
        for item in items:
            start = step(start, item)
        return start
    scope = Frame(
        None, frame.file, frame.name, frame.globals, parent=frame, env={CTL: NEXT}
    )
    scope.env[TOTAL] = start

    def bind(item: Operand) -> None:
        scope.env[TOTAL] = _hinted(step(scope.env.get(TOTAL, UNDEF), item), "total")

    node = SimpleNamespace(body=[], orelse=[])
    loops.loop(ctx, scope, node, iterable, bind, lambda: None, [TOTAL])
    return scope.env.get(TOTAL, UNDEF)  # no value where the start never returns


def _hinted(op: Operand, hint: str) -> Operand:
    if isinstance(op, Value) and op.hint is None:
        op.hint = hint
    return op


def _fold_generator(
    ctx: Context,
    frame: Frame,
    generator: Generator,
    start: Operand,
    step: Callable[[Operand, Operand], Operand],
) -> Operand:
    exhaustion.consume(ctx, generator)
    node = generator.tree
    items = comprehensions.unrolled(
        ctx,
        generator.frame,
        node,
        lambda f: expressions.evaluate(ctx, f, node.elt),
    )
    if items is not None:
        for item in items:
            start = step(start, item)
        return start
    scope = comprehensions.inner(ctx, generator.frame, node)
    scope.env[TOTAL] = start

    def add() -> None:
        element = expressions.evaluate(ctx, scope, node.elt)
        scope.env[TOTAL] = _hinted(step(scope.env.get(TOTAL, UNDEF), element), "total")

    comprehensions.run_generators(ctx, generator.frame, scope, node, add, [TOTAL])
    return scope.env.get(TOTAL, UNDEF)  # no value where the start never returns


@special(functools.reduce)
def reduce_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Combine elements with a function of two arguments."""

    def step(total: Operand, element: Operand) -> Operand:
        return calls.call(ctx, frame, args[0], [total, element], [])

    if len(args) > 2:
        return fold(ctx, frame, args[1], args[2], step)
    items = comprehensions.static_items(ctx, frame, args[1])
    if items is not None:
        if not items:
            raise iterables.primal_error(ctx, "reduce() of empty iterable")
        total = items[0]
        for item in items[1:]:
            total = step(total, item)
        return total
    rest = ctx.builder.getitem(args[1], slice(1, None))
    return fold(ctx, frame, rest, ctx.builder.getitem(args[1], 0), step)


def _logic(fn: Callable[..., Any], stop_on: bool) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        if isinstance(type_of(args[0]), lt.ArrayT):
            return NotImplemented
        items = comprehensions.static_items(ctx, frame, args[0])
        if items is None:
            return ctx.builder.apply(fn, listed(ctx, frame, args[0]), type_=lt.BOOL)
        result: Operand = Const(not stop_on)
        for item in items:
            result = expressions.short_circuit(
                ctx,
                frame,
                result,
                stop_on,
                partial(expressions.truth, ctx, frame, item),
            )
        return result

    return handler


SPECIAL[any] = _logic(any, True)


SPECIAL[all] = _logic(all, False)
