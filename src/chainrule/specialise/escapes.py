"""Exceptions that the program catches itself: exits, like `break` and `return`.

In: a `try` of which a handler asks more than whether something was raised. Out: its
paths as branches. While its body is interpreted the `try` is among `ctx.followed`; a
`raise` that it catches, here or in a function that is called, leaves with the exit code
`RAISED`, and the memory says which exception it was and what it carries. What may raise
otherwise (a division, a key) has a `Try` of its own, whose handler is such an exit.

An expression cannot be left half-way: a call that may be left in this way must be a
statement of its own, so the statement is taken apart (`frontend.unnest`) and
interpreted again. What such a call is worth is used only where it was not left.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chainrule.ir.nodes import (
    UNDEF,
    Const,
    Operand,
)
from chainrule.specialise import calls, consumers, statements
from chainrule.specialise.attributes import is_library
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import (
    BY_RAISE,
    CTL,
    ERROR,
    RAISED,
    Context,
    Frame,
)
from chainrule.specialise.values import (
    Cell,
    Closure,
    Method,
    is_const,
)
from chainrule.types import lattice as lt

NOTHING = Const(0)
OURS = "chainrule.specialise."


class Escape(Exception):
    """A function that is called inside an expression may be left by an exception."""


@dataclass(eq=False, slots=True)
class Kind:
    """One sort of exception that reaches a `try`: its number, and what it carries."""

    number: int
    clause: int
    error: Cell = field(default_factory=lambda: Cell("error"))


@dataclass(eq=False, slots=True)
class Followed:
    """A `try`, or what stands for one, while its body is interpreted."""

    clauses: list[Const | None]
    kinds: dict[Any, Kind] = field(default_factory=dict)
    code: Cell = field(default_factory=lambda: Cell("raised"))
    passed: bool = False

    def clause(self, cls: type) -> int | None:
        """Return which clause catches exceptions of a class."""
        for k, classes in enumerate(self.clauses):
            if classes is None or issubclass(cls, classes.value):
                return k
        return None

    def may_catch(self, cls: type) -> bool:
        """Say whether a clause catches exceptions of a class derived from this one."""
        known = [c for classes in self.clauses if classes for c in classes_of(classes)]
        return any(issubclass(c, cls) for c in known)

    def leave(self, ctx: Context, frame: Frame, key: Any, k: int, error: Any) -> None:
        """Leave for a clause with an exception."""
        kind = self.kinds.setdefault((key, k), Kind(len(self.kinds) + 1, k))
        ctx.builder.memory.now[self.code] = Const(kind.number)
        ctx.builder.memory.now[kind.error] = error
        frame.env[CTL] = RAISED


# ------------------------------------------------------------------ what raises


def raised(ctx: Context, frame: Frame, error: Operand) -> bool:
    """Leave by a `raise` if somebody follows the exception."""
    if not ctx.followed or ctx.splicing:
        return False
    if isinstance(error, Const) and is_const(error, type):
        if not issubclass(error.value, BaseException):
            return False
        error = calls.call(ctx, frame, error, [], [])
    t = type_of(error)
    cls = getattr(t, "cls", None)
    if not isinstance(cls, type) or not issubclass(cls, BaseException):
        return False
    passed: list[Followed] = []
    for entry in reversed(ctx.followed):
        k = entry.clause(cls)
        if k is not None:
            for inner in passed:
                inner.passed = True
            entry.leave(ctx, frame, t if isinstance(t, lt.OpaqueT) else cls, k, error)
            return True
        if isinstance(t, lt.OpaqueT) and entry.may_catch(cls):
            return False  # only the run knows by whom: it is raised there
        passed.append(entry)
    return False


def go_on(ctx: Context, frame: Frame, error: Operand) -> None:
    """Raise again what has been caught."""
    if not raised(ctx, frame, error):
        statements.leave_by(ctx, frame, error)


@contextlib.contextmanager
def handling(frame: Frame, error: Operand) -> Iterator[None]:
    """Let a bare `raise` mean this exception; behind it, the one from before."""
    outer = frame.env.get(ERROR)
    frame.env[ERROR] = error
    yield
    frame.env.pop(ERROR, None)
    if outer is not None:
        frame.env[ERROR] = outer


def classes_of(classes: Const) -> tuple[Any, ...]:
    """Return the classes of a clause."""
    value = classes.value
    return value if isinstance(value, tuple) else (value,)


def calm(ctx: Context) -> None:
    """Note, where statements go on, that nothing has been raised."""
    now = ctx.builder.memory.now
    for entry in ctx.followed:
        now[entry.code] = NOTHING


# ------------------------------------------------------------------ calls


@contextlib.contextmanager
def landing(ctx: Context, node: Any, is_call: bool) -> Iterator[Callable[[], Operand]]:
    """Let the one function that an operation calls be left by an exception."""
    before = ctx.landing, ctx.armed, ctx.thrown
    ctx.landing, ctx.armed, ctx.thrown = node, not is_call, None

    def landed() -> Operand:
        return thrown

    thrown: Operand = Const(False)
    try:
        yield landed
        thrown = Const(False) if ctx.thrown is None else ctx.thrown
    finally:
        ctx.landing, ctx.armed, ctx.thrown = before


def arm(ctx: Context, node: Any, callee: Operand) -> None:
    """Allow the call of a statement to be left, if it is of a function to follow."""
    if ctx.landing is node:
        ctx.armed = lands(callee)


def lands(callee: Operand) -> bool:
    """Say whether a call does no more than to run one function of the program."""
    from chainrule.specialise import builtin_calls, library, model_calls

    if not isinstance(callee, Const):
        return isinstance(type_of(callee), lt.ObjT)
    fn = callee.value
    if isinstance(fn, Method):
        return lands(fn.function)
    if isinstance(fn, Closure):
        return True
    if isinstance(fn, types.MethodType):
        return lands(Const(fn.__func__))
    if isinstance(fn, functools.partial):
        return lands(Const(fn.func))
    if isinstance(fn, type):
        return not is_library(fn.__module__)
    if isinstance(fn, types.FunctionType):
        special = builtin_calls.treatment(fn) is not None
        if fn in model_calls.WRITTEN:
            return True
        return not (special or calls.is_primitive(fn) or library.is_opaque(fn))
    method = type(fn).__call__ if callable(fn) else None
    return isinstance(method, types.FunctionType)


def enter(ctx: Context) -> bool:
    """Note that a function is entered; say whether it may be left by an exception."""
    armed, ctx.armed = ctx.armed, False
    ctx.entered += 1
    return armed


def is_model(callee: Frame) -> bool:
    """Say whether a function is ours, and stands for one of the library's."""
    module = getattr(callee.function, "__module__", None) or ""
    return module.startswith(OURS)


def come_back(ctx: Context, callee: Frame, armed: bool) -> None:
    """Tell the caller where the function was left by an exception."""
    ctl = callee.env.get(CTL, UNDEF)
    if RAISED.value not in ctx.builder.codes(ctl):
        return
    if not armed:
        raise Escape
    ctx.thrown = ctx.builder.select(ctl, BY_RAISE)


def leave_where(
    ctx: Context, frame: Frame, test: Operand, other: Callable[[], None]
) -> None:
    """Leave by an exception where a test says so; go on elsewhere."""

    def leave() -> None:
        frame.env[CTL] = RAISED

    consumers.choose(ctx, frame, test, leave, other)


# ------------------------------------------------------------------ who follows


@contextlib.contextmanager
def following(ctx: Context, clauses: list[Const | None]) -> Iterator[Followed]:
    """Follow the exceptions that these clauses catch."""
    entry = Followed(clauses)
    ctx.builder.memory.now[entry.code] = NOTHING
    outer = ctx.followed
    ctx.followed = [*outer, entry]
    try:
        yield entry
    finally:
        ctx.followed = outer


@contextlib.contextmanager
def nobody(ctx: Context, who: list[Followed] | None = None) -> Iterator[None]:
    """Let exceptions be followed by others for a while: those, or nobody."""
    outer, ctx.followed = ctx.followed, who or []
    try:
        yield
    finally:
        ctx.followed = outer
