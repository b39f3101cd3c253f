"""Context managers that take part: their code is interpreted like the program's own.

In: an object with `__enter__` and `__exit__`, or what a function decorated with
`contextlib.contextmanager` returns. Out: the statements of the manager around those of
the body. An exception that passes makes the derivative fail with it, so what the
manager would do then need not be written, unless somebody could see it or it swallowed
the exception: those are refused.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import gast

from chainrule.analysis.raising import raising
from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir.nodes import UNDEF, Block, Const, Operand, Undef, Value
from chainrule.optimise.dead import has_effect
from chainrule.specialise import (
    calls,
    consumers,
    context_models,
    escapes,
    inlining,
    statements,
    tries,
)
from chainrule.specialise.attributes import attribute, class_of, is_library
from chainrule.specialise.builder import type_of
from chainrule.specialise.consumers import Consumer
from chainrule.specialise.frames import (
    BY_RAISE,
    CTL,
    NEXT,
    RAISED,
    RET,
    Context,
    Frame,
)
from chainrule.specialise.joins import is_poison
from chainrule.specialise.specials import Args, Kwargs, special
from chainrule.specialise.values import (
    Cell,
    Closure,
    Generated,
    Managed,
    Method,
    is_const,
)
from chainrule.types import lattice as lt

HELPER = contextlib.contextmanager.__code__.co_filename


def is_made_by_generator(fn: Any) -> bool:
    """Say whether a function was decorated with `contextlib.contextmanager`."""
    inner = getattr(fn, "__wrapped__", None)
    if not isinstance(fn, types.FunctionType):
        return False
    return fn.__code__.co_filename == HELPER and isinstance(inner, types.FunctionType)


def make(
    ctx: Context, frame: Frame, fn: Any, args: list[Operand], kwargs: Kwargs
) -> Operand:
    """Call a function that was decorated with `contextlib.contextmanager`."""
    made: Operand = managed(ctx, frame, [Const(fn.__wrapped__), *args], kwargs)
    return made


@special(contextlib.contextmanager)
def contextmanager(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Decorate a function of the program."""
    if is_const(args[0], Closure):
        return Const(Method(Const(manager_of), (args[0],)))
    return NotImplemented


def manager_of(function: Any, *args: Any) -> Any:
    """Stand for what `contextlib.contextmanager` makes of a function."""
    raise NotImplementedError


@special(manager_of)
def managed(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Call a generator function to make a context manager."""
    found = calls.call(ctx, frame, args[0], args[1:], kwargs)
    if not is_const(found, Generated):
        return NotImplemented
    return Const(Managed(found.value))


def takes_part(op: Operand) -> bool:
    """Say whether the code of a context manager, or of what makes it, can be read."""
    if not isinstance(op, Const):
        return isinstance(type_of(op), lt.ObjT)
    fn = op.value
    if fn in context_models.MODELS:
        return True
    if isinstance(fn, Closure | Managed | Method) or is_made_by_generator(fn):
        return True
    if isinstance(fn, types.FunctionType | types.MethodType):
        return not is_library(fn.__module__ or "")
    if isinstance(fn, type):
        found = isinstance(getattr(fn, "__exit__", None), types.FunctionType)
        return found and not is_library(fn.__module__)
    return False


def run(
    ctx: Context,
    frame: Frame,
    node: gast.With,
    item: Any,
    manager: Operand,
    body: Callable[[], None],
) -> None:
    """Interpret the body of a `with` statement between the two parts of a manager."""

    def bind(value: Operand) -> None:
        if item.optional_vars is not None:
            statements.assign(ctx, frame, item.optional_vars, value)

    if is_const(manager, Managed):
        Entered(ctx, frame, node, bind, body).run(manager.value.generator)
        return
    cls: Any = class_of(manager)
    if not hasattr(cls, "__enter__") or not hasattr(cls, "__exit__"):
        raise refused(frame, item.context_expr, "this context manager is not known")
    if cls.__enter__ is contextlib.AbstractContextManager.__enter__:
        bind(manager)
    else:
        enter = attribute(ctx, frame, manager, "__enter__")
        bind(calls.call(ctx, frame, enter, [], []))
    leave = attribute(ctx, frame, manager, "__exit__")
    watched = partial(_without_exceptions, ctx, frame, item, cls, body, leave)
    follow = partial(tries.managed, ctx, frame, body, leave)
    tries.where_needed(ctx, frame, item.context_expr, watched, follow)


def _without_exceptions(
    ctx: Context,
    frame: Frame,
    item: Any,
    cls: Any,
    body: Callable[[], None],
    leave: Operand,
) -> None:
    """Interpret a body and an `__exit__` that is told of no exception."""
    if swallows(cls.__exit__):
        raise refused(frame, item.context_expr, "`__exit__` may swallow exceptions")
    inside, outside = Block(), Block()
    with ctx.builder.into(inside):
        body()
    ctx.builder.block.stmts += inside.stmts
    ctl = frame.env.get(CTL, UNDEF)
    if isinstance(ctl, Undef):
        return
    frame.env[CTL] = NEXT
    with ctx.builder.into(outside):
        calls.call(ctx, frame, leave, [Const(None)] * 3, [])
    ctx.builder.block.stmts += outside.stmts
    frame.env[CTL] = ctl
    if has_effect(outside) and any(raising(inside)):
        raise refused(frame, item.context_expr, UNSEEN)


UNSEEN = "what this context manager does on the way out can be seen after an exception"


def refused(frame: Frame, node: Any, message: str) -> Exception:
    """Return the error for a context manager that cannot be followed."""
    return not_differentiable(
        "CR111",
        frame.loc(node),
        message,
        label="entered here",
        help="do outside what it does, and pass the values as arguments",
    )


def swallows(function: Any) -> bool:
    """Say whether an `__exit__` may return something true."""
    if not isinstance(function, types.FunctionType):
        return True
    for node, _ in scope.own_nodes(inlining.load(function).tree.body):
        if isinstance(node, gast.Return) and node.value is not None:
            if not (isinstance(node.value, gast.Constant) and not node.value.value):
                return True
    return False


class Entered(Consumer):
    """The body of a `with` statement, run at the one `yield` of its manager.

    However the body is left, the generator goes on behind the `yield`; the exit is
    remembered in the memory until it has come to its end.
    """

    def run(self, generator: Generated) -> None:
        """Interpret the generator, with the body at its `yield`."""
        self.leaves = self.breaks = self.returns = False
        self.ran, self.ctl = Cell("ran"), Cell("exit")
        self.now[self.ran] = Const(False)
        super().run(generator)

    @property
    def orelse(self) -> list[Any]:
        """A `with` statement has no `else` clause."""
        return []

    def take(self, generator: Frame, value: Operand) -> None:
        """Interpret the body, once."""
        ran = self.now[self.ran]
        if not isinstance(ran, Const) or ran.value is not False:
            raise self.refused("this context manager may yield more than once")
        self.now[self.ran] = Const(True)
        super().take(generator, value)

    def catchers(self) -> list[Any]:
        """Let the generator catch what the body raises."""
        return self.ctx.followed

    def leave(self, generator: Frame, ctl: Operand, result: Operand) -> None:
        """Remember how the body was left."""
        if isinstance(ctl, Undef):
            generator.env[CTL] = UNDEF
            return
        self.now[self.ctl] = ctl
        if RAISED.value in self.ctx.builder.codes(ctl):  # raised at the `yield`

            def thrown() -> None:
                generator.env[CTL] = RAISED

            test = self.ctx.builder.select(ctl, BY_RAISE)
            consumers.choose(self.ctx, generator, test, thrown, lambda: None)
        if not isinstance(result, Undef):
            self.now[self.result] = result

    def finish(self) -> None:
        """Leave the `with` statement as its body was left."""
        ran = self.now.pop(self.ran, Const(False))
        ctl = self.now.pop(self.ctl, UNDEF)
        result = self.now.pop(self.result, UNDEF)
        env = self.frame.env
        if isinstance(self.end, Undef):
            env[CTL] = env[RET] = UNDEF
            return
        b, frame = self.ctx.builder, self.frame
        always = isinstance(ran, Const) and ran.value is True
        may_raise = isinstance(ran, Value) and RAISED.value in b.codes(self.end)
        if not (always or may_raise) or is_poison(ctl):
            raise self.refused("this context manager may not yield")
        if not isinstance(result, Undef):
            env[RET] = result

        def stayed() -> None:
            consumers.choose(self.ctx, frame, ran, left, missing)

        def left() -> None:
            frame.env[CTL] = ctl
            if RAISED.value in b.codes(ctl):  # and the manager has caught it
                swallowed = b.select(ctl, BY_RAISE)
                consumers.choose(self.ctx, frame, swallowed, caught, lambda: None)

        def caught() -> None:
            frame.env[CTL] = NEXT

        def missing() -> None:
            error = calls.call(
                self.ctx,
                frame,
                Const(RuntimeError),
                [Const("generator didn't yield")],
                [],
            )
            statements.leave_by(self.ctx, frame, error)

        raised = b.select(self.end, BY_RAISE)
        escapes.leave_where(self.ctx, frame, raised, stayed)

    def refused(self, message: str) -> Exception:
        """Return the error for a generator that is no context manager."""
        return refused(self.frame, self.node.items[0].context_expr, message)


def try_(ctx: Context, frame: Frame, node: gast.Try) -> None:
    """Interpret a `try` around the `yield` of a context manager."""
    if node.handlers or node.orelse or scope.exits(node.body):
        raise refused(frame, node, "this context manager may swallow exceptions")
    inside, outside = Block(), Block()
    with ctx.builder.into(inside):
        statements.block(ctx, frame, node.body)
    ctx.builder.block.stmts += inside.stmts
    if not statements.stays(frame.env):
        return
    with ctx.builder.into(outside):
        statements.block(ctx, frame, node.finalbody)
    ctx.builder.block.stmts += outside.stmts
    if has_effect(outside) and any(raising(inside)):
        raise refused(frame, node, UNSEEN)
