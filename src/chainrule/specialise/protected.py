"""`with` and `try`.

In: the statement. Out: a `With` or a `Try`, and the variables after it. In a handler, names that
the `try` body assigns have no certain value and cannot be used.
"""

from __future__ import annotations

import contextlib
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir.nodes import Block, Const, Handler, Operand, Try, Value, With
from chainrule.specialise import expressions, statements
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import CTL, NEXT, Context, Frame
from chainrule.specialise.joins import join_paths
from chainrule.specialise.values import Poison
from chainrule.types import lattice as lt


def with_(ctx: Context, frame: Frame, node: gast.With) -> None:
    """Interpret a `with` statement, its contexts from the outside in."""
    _enter(ctx, frame, node, list(node.items))


def _enter(ctx: Context, frame: Frame, node: gast.With, items: list[Any]) -> None:
    if not items:
        statements.block(ctx, frame, node.body)
        return
    item, rest = items[0], items[1:]
    context, target = context_of(ctx, frame, item.context_expr)
    if context is None:
        if item.optional_vars is not None:
            statements.assign(ctx, frame, item.optional_vars, target)
        _enter(ctx, frame, node, rest)
        return
    b = ctx.builder
    first = Value(lt.NEVER).id
    name = Value(lt.OpaqueT(object)) if item.optional_vars is not None else None
    stmt = With(context, name, Block(), (), frame.loc(node))
    with b.into(stmt.body):
        if name is not None:
            statements.assign(ctx, frame, item.optional_vars, name)
        _enter(ctx, frame, node, rest)
    frame.env = join_paths(ctx, stmt, [(stmt.body, frame.env)], first)


def context_of(ctx: Context, frame: Frame, node: Any) -> tuple[Operand | None, Operand]:
    """Return the context manager to enter; None for one that does nothing."""
    if not isinstance(node, gast.Call):
        value = expressions.evaluate(ctx, frame, node)
        return value, Const(None)
    callee = expressions.evaluate(ctx, frame, node.func)
    args = expressions.starred(ctx, frame, node.args)
    kwargs = [(k.arg, expressions.evaluate(ctx, frame, k.value)) for k in node.keywords]
    if isinstance(callee, Const) and callee.value is contextlib.nullcontext:
        return None, args[0] if args else Const(None)
    for op in (*args, *(v for _, v in kwargs)):
        if lt.is_differentiable(type_of(op)) and not isinstance(op, Const):
            raise not_differentiable(
                "CR109",
                frame.loc(node),
                "a context manager that receives a differentiable value is not supported",
            )
    if not isinstance(callee, Const) or not callable(callee.value):
        raise not_differentiable("CR109", frame.loc(node), "this context manager is not known")
    context = ctx.builder.apply(
        callee.value,
        *args,
        kwargs=kwargs,
        text=callee.text,
        effect=True,
        type_=lt.OpaqueT(object),
    )
    return context, Const(None)


def try_(ctx: Context, frame: Frame, node: gast.Try) -> None:
    """Interpret a `try` statement."""
    b = ctx.builder
    first = Value(lt.NEVER).id
    start = dict(frame.env)
    stmt = Try(Block(), (), (), None, frame.loc(node))
    with b.into(stmt.body):
        statements.block(ctx, frame, node.body)
    paths = [(stmt.body, {**frame.env, "$path": Const(0)})]
    unsure = set(scope.assigned_names(node.body))
    for k, handler in enumerate(node.handlers):
        frame.env = dict(start)
        for name in unsure:
            reason = "may or may not have been assigned when the exception was raised"
            frame.env[name] = Const(Poison(reason, "CR110"))
        made = _handler(ctx, frame, handler)
        stmt.handlers += (made,)
        paths.append((made.block, {**frame.env, "$path": Const(k + 1)}))
    stmt.final = _final(ctx, frame, node)
    frame.env = join_paths(ctx, stmt, paths, first)
    path = frame.env.pop("$path")
    if node.orelse:
        _orelse(ctx, frame, node, path)


def _orelse(ctx: Context, frame: Frame, node: gast.Try, path: Operand) -> None:
    """Interpret the `else` clause on the path without an exception."""
    import operator

    if not statements.stays(frame.env) and not isinstance(frame.env.get(CTL), Value):
        return
    test = ctx.builder.apply(operator.eq, path, Const(0))

    def run() -> None:
        frame.env[CTL] = NEXT
        statements.block(ctx, frame, node.orelse)

    if isinstance(test, Const):
        if test.value:
            run()
        return
    statements.either(ctx, frame, test, run, lambda: None)


def _handler(ctx: Context, frame: Frame, node: Any) -> Handler:
    b = ctx.builder
    classes = None if node.type is None else expressions.evaluate(ctx, frame, node.type)
    if classes is not None and not isinstance(classes, Const):
        raise not_differentiable("CR502", frame.loc(node), "the exception class must be known")
    name = None
    if node.name is not None:
        label = node.name.id if isinstance(node.name, gast.Name) else node.name
        name = Value(lt.OpaqueT(Exception), label)
        frame.env[label] = name
    block = Block()
    with b.into(block):
        statements.block(ctx, frame, node.body)
    if name is not None:
        frame.env.pop(name.hint or "", None)
    return Handler(classes, name, block)


def _final(ctx: Context, frame: Frame, node: gast.Try) -> Block | None:
    """Interpret a `finally` clause that has effects only."""
    if not node.finalbody:
        return None
    if scope.assigned_names(node.finalbody) or scope.exits(node.finalbody):
        raise not_differentiable(
            "CR110",
            frame.loc(node.finalbody[0]),
            "a `finally` clause that assigns or leaves is not supported",
            help="move the assignment after the `try` statement",
        )
    block = Block()
    ctl = frame.env.get(CTL, NEXT)
    with ctx.builder.into(block):
        frame.env[CTL] = NEXT
        statements.block(ctx, frame, node.finalbody)
        frame.env[CTL] = ctl
    return block if block.stmts else None

