"""Functions of the program: interpreted in place,
or made IR functions when they recurse.

In: a function or closure and the operands of a call. Out: the result.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

import gast

from chainrule.errors import NotDifferentiable
from chainrule.frontend import fence, scope, source
from chainrule.ir.nodes import UNDEF, Const, Operand, Undef
from chainrule.specialise import escapes, expressions, generators, recursion, statements
from chainrule.specialise.binding import bind
from chainrule.specialise.frames import (
    CTL,
    NEXT,
    RET,
    Context,
    Frame,
    frame_of_closure,
    frame_of_function,
)
from chainrule.specialise.values import Cell, Closure

Kwargs = Sequence[tuple[str, Operand]]
FALLS_OFF = gast.Return(None)


def call_function(
    ctx: Context,
    frame: Frame,
    fn: types.FunctionType,
    args: Sequence[Operand],
    kwargs: Kwargs,
) -> Operand:
    """Call a Python function."""
    found = load(fn)
    callee = frame_of_function(fn, found)
    defaults = [Const(v) for v in fn.__defaults__ or ()]
    kw_defaults: dict[str, Operand] = {
        k: Const(v) for k, v in (fn.__kwdefaults__ or {}).items()
    }
    spec = callee.tree.args
    callee.env = bind(ctx, callee.name, spec, args, kwargs, defaults, kw_defaults)
    if generators.is_generator(callee):
        return generators.made(callee, fn)
    return recursion.enter(ctx, callee, fn)


def call_closure(
    ctx: Context,
    frame: Frame,
    closure: Closure,
    args: Sequence[Operand],
    kwargs: Kwargs,
) -> Operand:
    """Call a function defined inside the program; captured names are read now."""
    callee = frame_of_closure(closure)
    spec = closure.tree.args
    names = [p.id for p in spec.kwonlyargs]
    kw_defaults = {
        n: d for n, d in zip(names, closure.kw_defaults, strict=True) if d is not None
    }
    callee.env = bind(
        ctx, closure.name, spec, args, kwargs, closure.defaults, kw_defaults
    )
    if generators.is_generator(callee):
        return generators.made(callee, closure)
    return recursion.enter(ctx, callee, closure)


def load(fn: types.FunctionType, allowed: Sequence[str] = ()) -> Any:
    """Return a function's source, having checked that its syntax is supported.

    Problems of the `allowed` codes are left to the interpreter.
    """
    found = source.load(fn)
    # A tree is shared by all users of its code, and checked once.
    if not hasattr(found.tree, "problems"):
        found.tree.problems = fence.check(found)
    problems = [p for p in found.tree.problems if p.code not in allowed]
    if problems:
        raise NotDifferentiable(problems)
    return found


def share(ctx: Context, callee: Frame) -> list[Cell]:
    """Move the variables that functions inside assign to the memory."""
    cells = []
    for name in scope.shared_names(callee.tree):
        cell = Cell(name)
        if name in callee.env:
            ctx.builder.memory.now[cell] = callee.env[name]
        callee.env[name] = Const(cell)
        cells.append(cell)
    return cells


def run(ctx: Context, callee: Frame) -> Operand:
    """Interpret the body of a function whose parameters are bound."""
    share(ctx, callee)
    ctx.step += 1
    body = callee.tree.body
    followed = bool(ctx.followed) and not ctx.splicing
    if isinstance(callee.tree, gast.Lambda):
        if not followed:
            return expressions.evaluate(ctx, callee, body)
        body = [gast.copy_location(gast.Return(body), callee.tree)]
    armed = followed and escapes.enter(ctx)
    callee.env[CTL] = NEXT
    callee.env[RET] = UNDEF
    outer = ctx.followed
    if followed and not armed and escapes.is_model(callee):
        ctx.followed, followed = [], False
    try:
        statements.block(ctx, callee, [*body, FALLS_OFF])
    finally:
        ctx.followed = outer
    if followed:
        escapes.come_back(ctx, callee, armed)
    op = callee.env.get(RET, UNDEF)
    return UNDEF if isinstance(callee.env.get(CTL, UNDEF), Undef) else op
