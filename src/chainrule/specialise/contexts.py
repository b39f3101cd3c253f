"""The `with` statement: contexts that watch, that catch, and that take part.

In: a `with` statement. Out: a `With`; a `Try` for `contextlib.suppress`. The context
manager itself runs as it is, in the forward sweep, if it does not change where control
goes or what the program computes. Where it may, or where the program asks it for more,
its code is interpreted too (`managers`), or it is refused.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import textwrap
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

import gast
import numpy as np

from chainrule.errors import NotDifferentiable
from chainrule.ir.nodes import Block, Const, Operand, Value, With
from chainrule.specialise import (
    calls,
    displays,
    expressions,
    managers,
    outside_state,
    protected,
    statements,
)
from chainrule.specialise.builder import function_name, type_of
from chainrule.specialise.frames import Context, Frame, here, mark
from chainrule.specialise.joins import join_paths
from chainrule.specialise.memory import is_mutable
from chainrule.specialise.values import is_const
from chainrule.types import lattice as lt

WATCHING: set[Any] = {
    np.errstate,
    np.printoptions,
    warnings.catch_warnings,
    contextlib.redirect_stdout,
    contextlib.redirect_stderr,
    type(threading.Lock()),
    type(threading.RLock()),
}


def with_(ctx: Context, frame: Frame, node: gast.With) -> None:
    """Interpret a `with` statement."""
    _enter(ctx, frame, node, list(node.items))


def _enter(ctx: Context, frame: Frame, node: gast.With, items: list[Any]) -> None:
    """Enter the contexts from the outside in, then run the body."""
    if not items:
        statements.block(ctx, frame, node.body)
        return
    item, rest = items[0], items[1:]
    manager, args, kwargs = _manager(ctx, frame, item.context_expr)
    if is_const(manager) and manager.value is contextlib.nullcontext:
        if item.optional_vars is not None:
            value = args[0] if args else dict(kwargs).get("enter_result", Const(None))
            statements.assign(ctx, frame, item.optional_vars, value)
        _enter(ctx, frame, node, rest)
        return
    if is_const(manager) and manager.value is contextlib.suppress:
        body = node.body
        if rest:
            body = [gast.copy_location(gast.With(rest, node.body, None), node)]
        protected.suppress(ctx, frame, node, body, args)
        return

    def take_part() -> None:
        made = manager
        if isinstance(item.context_expr, gast.Call):
            made = calls.call(ctx, frame, manager, args, kwargs)
        inside = lambda: _enter(ctx, frame, node, rest)  # noqa: E731
        managers.run(ctx, frame, node, item, made, inside)

    start = mark(ctx, frame)

    def take_part_instead() -> None:
        start.back(ctx)
        take_part()

    called = isinstance(item.context_expr, gast.Call)
    if outside_state.is_object(manager) and not called:
        # What it changes of itself may be read inside.
        try:
            take_part()
            return
        except NotDifferentiable:
            start.back(ctx)
            ctx.places.unseen[id(manager.value)] = _changes(type(manager.value))

    try:
        context = _context(ctx, frame, item.context_expr, manager, args, kwargs)
    except NotDifferentiable as error:
        if error.primal_fails or not managers.takes_part(manager):
            raise
        take_part_instead()
        return
    try:
        _watch(ctx, frame, node, item, rest, context)
    except NotDifferentiable as error:
        if error.primal_fails or not managers.takes_part(manager):
            raise
        try:
            take_part_instead()
        except NotDifferentiable:  # the body is what is wrong, not its context
            raise error from None


def _watch(
    ctx: Context,
    frame: Frame,
    node: gast.With,
    item: Any,
    rest: list[Any],
    context: Operand,
) -> None:
    """Let a context manager run as it is around the body."""
    first = Value(lt.NEVER).id
    name = Value(lt.OpaqueT(object)) if item.optional_vars is not None else None
    stmt = With(context, name, Block(), (), frame.loc(node))
    with ctx.builder.into(stmt.body):
        if name is not None:
            statements.assign(ctx, frame, item.optional_vars, name)
        _enter(ctx, frame, node, rest)
    frame.env = join_paths(ctx, stmt, [(stmt.body, here(ctx, frame))], first)


def _manager(
    ctx: Context, frame: Frame, node: Any
) -> tuple[Operand, list[Operand], list[tuple[str, Operand]]]:
    """Return the context manager, or what makes it and with which arguments."""
    called = isinstance(node, gast.Call)
    manager = expressions.evaluate(ctx, frame, node.func if called else node)
    if not called:
        return manager, [], []
    args = displays.starred(ctx, frame, node.args)
    kwargs = [(k.arg, expressions.evaluate(ctx, frame, k.value)) for k in node.keywords]
    return manager, args, kwargs


def _context(
    ctx: Context,
    frame: Frame,
    node: Any,
    manager: Operand,
    args: list[Operand],
    kwargs: list[tuple[str, Operand]],
) -> Operand:
    """Return the context manager to enter."""
    if not isinstance(manager, Const):
        raise managers.refused(frame, node, "this context manager is not known")
    called = isinstance(node, gast.Call)
    maker = manager.value if called else type(manager.value)
    if not watches(maker):
        raise managers.refused(
            frame, node, f"{function_name(maker)} may change what is computed"
        )
    if not called:
        return manager
    for op in (*args, *(v for _, v in kwargs)):
        t = type_of(op)
        if not isinstance(op, Const) and (lt.is_differentiable(t) or is_mutable(t)):
            raise managers.refused(frame, node, "a context manager receives a value")
    return ctx.builder.apply(
        maker,
        *args,
        kwargs=kwargs,
        text=manager.text,
        effect=True,
        type_=lt.OpaqueT(object),
    )


def _changes(cls: type) -> frozenset[str] | None:
    """Return the attributes that a context manager writes on its way in and out; None
    if that is not known.
    """
    found = set()
    for method in (cls.__enter__, cls.__exit__):  # type: ignore[attr-defined]
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
        except (OSError, SyntaxError, TypeError):
            return None
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_of_self(node.func):
                return None
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
    return frozenset(found)


def _is_of_self(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "self"


def watches(maker: Any) -> bool:
    """Say whether what a context manager does cannot be seen in the values computed."""
    if maker in WATCHING:
        return True
    if isinstance(maker, type):
        methods = [getattr(maker, "__enter__", None), getattr(maker, "__exit__", None)]
        return all(
            isinstance(m, types.FunctionType) and _only_looks(m) for m in methods
        )
    inner = getattr(maker, "__wrapped__", None)
    made_by = getattr(getattr(maker, "__code__", None), "co_filename", None)
    if made_by != contextlib.contextmanager.__code__.co_filename:
        return False
    return inspect.isgeneratorfunction(inner) and _only_looks(inner)


def _only_looks(function: Callable[..., Any]) -> bool:
    """Say whether code swallows no exception and writes no global."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return False
    swallows = function.__name__ == "__exit__"
    for node in ast.walk(tree):
        match node:
            case ast.Global() | ast.Nonlocal():
                return False
            case ast.Attribute(ctx=ast.Store(), value=base):
                if not (isinstance(base, ast.Name) and base.id == "self"):
                    return False
            case ast.Try(handlers=[_, *_]):
                return False
            case ast.Return(value=ast.expr() as value) if swallows:
                if not (isinstance(value, ast.Constant) and not value.value):
                    return False
    return True
