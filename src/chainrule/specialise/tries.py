"""`try` statements whose exceptions are followed, and context managers likewise.

In: a `try` of which a handler asks what was raised, or what had been written. Out: its
body and its handlers as branches of the way on which the body was left.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import gast

from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.frontend import scope
from chainrule.ir.nodes import UNDEF, Const, Operand, Undef
from chainrule.specialise import (
    calls,
    consumers,
    escapes,
    expressions,
    statements,
    steps,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import (
    BY_RAISE,
    CTL,
    NEXT,
    RAISED,
    RET,
    Context,
    Frame,
    mark,
)
from chainrule.specialise.values import Unforeseen
from chainrule.types import lattice as lt

OF_EXCEPTIONS = {"CR104", "CR111", "CR114", "CR115", "CR303"}


def where_needed(
    ctx: Context,
    frame: Frame,
    node: Any,
    whole: Callable[[], None],
    follow: Callable[[], None],
) -> None:
    """Follow exceptions where they are followed already, or nothing less will do."""
    if ctx.followed or frame.loc(node) in ctx.keyed:
        follow()
        return
    start = mark(ctx, frame)
    try:
        whole()
    except Unforeseen as need:
        if need.site != frame.loc(node):
            raise
        start.back(ctx)
        follow()
    except NotDifferentiable as error:
        codes = {d.code for d in error.diagnostics}
        if error.primal_fails or not codes & OF_EXCEPTIONS:
            raise
        start.back(ctx)
        try:
            follow()
        except NotDifferentiable as reason:
            raise (error if reason.primal_fails else reason) from None


class Ways:
    """How a body was left: by an exception that its `try` catches, or not."""

    def __init__(self, ctx: Context, frame: Frame, entry: escapes.Followed) -> None:
        self.ctx, self.frame, self.kinds = ctx, frame, list(entry.kinds.values())
        self.passed = entry.passed
        now, b = ctx.builder.memory.now, ctx.builder
        self.ctl = frame.env.get(CTL, UNDEF)
        self.code = now.pop(entry.code, escapes.NOTHING)
        self.errors = [now.pop(kind.error, UNDEF) for kind in self.kinds]
        if entry.passed:
            table = {kind.number: True for kind in self.kinds} | {0: False}
            self.raised = b.select(self.code, table)
        else:
            self.raised = b.select(self.ctl, BY_RAISE)
        if not self.kinds:
            self.raised = Const(False)

    def choose(
        self,
        handle: Callable[[escapes.Kind, Operand], None],
        went_on: Callable[[], None],
    ) -> None:
        """Interpret what is done with each exception, and where there was none."""
        ctx, frame = self.ctx, self.frame
        if isinstance(self.ctl, Undef):
            return

        def caught(k: int) -> None:
            frame.env[CTL] = NEXT
            kind, error = self.kinds[k], self.errors[k]
            if k + 1 == len(self.kinds):
                self.handle(kind, error, handle)
                return
            table = {each.number: each is kind for each in self.kinds} | {0: False}
            test = ctx.builder.select(self.code, table)
            consumers.choose(
                ctx,
                frame,
                test,
                lambda: self.handle(kind, error, handle),
                lambda: caught(k + 1),
            )

        def other() -> None:
            frame.env[CTL] = self.ctl
            codes = ctx.builder.codes(self.ctl) - {RAISED.value}
            if self.kinds and not self.passed and len(codes) == 1:
                frame.env[CTL] = Const(codes.pop())
            went_on()

        consumers.choose(ctx, frame, self.raised, lambda: caught(0), other)

    def handle(
        self,
        kind: escapes.Kind,
        error: Operand,
        handle: Callable[[escapes.Kind, Operand], None],
    ) -> None:
        """Handle an exception. One that Python raises carries no numbers: where a
        handler computes with those of the program's own, it fails with that one.
        """
        ctx, frame = self.ctx, self.frame
        if not isinstance(type_of(error), lt.OpaqueT):
            handle(kind, error)
            return
        pairs = zip(self.kinds, self.errors, strict=True)
        own = any(k.clause == kind.clause and e is not error for k, e in pairs)
        start, ctx.native = mark(ctx, frame), error
        try:
            handle(kind, error)
        except NotDifferentiable as refused:
            if refused.code != "CR303" or not own:
                raise
            start.back(ctx)
            statements.leave_by(ctx, frame, error)
        finally:
            ctx.native = None


def try_(ctx: Context, frame: Frame, node: gast.Try) -> None:
    """Interpret a `try` statement whose exceptions are followed."""
    if node.finalbody:
        _final(ctx, frame, node)
        return
    clauses = [_classes(ctx, frame, h) for h in node.handlers]
    with escapes.following(ctx, clauses) as entry:
        statements.block(ctx, frame, node.body)
    found = Ways(ctx, frame, entry)

    def handle(kind: escapes.Kind, error: Operand) -> None:
        handler(ctx, frame, node.handlers[kind.clause], error)

    def went_on() -> None:
        if node.orelse:
            orelse = functools.partial(statements.block, ctx, frame, node.orelse)
            statements.if_stayed(ctx, frame, orelse)

    found.choose(handle, went_on)


def _classes(ctx: Context, frame: Frame, node: Any) -> Const | None:
    if node.type is None:
        return None
    classes = expressions.evaluate(ctx, frame, node.type)
    known = isinstance(classes, Const)
    if not known and isinstance(type_of(classes), lt.TupleT):
        parts = ctx.builder.elements(classes) or []
        if all(isinstance(p, Const) for p in parts):
            classes, known = Const(tuple(p.value for p in parts)), True  # type: ignore[union-attr]
    if not known:
        raise not_differentiable(
            "CR502", frame.loc(node), "the exception class must be known"
        )
    return classes  # type: ignore[return-value]


def handler(ctx: Context, frame: Frame, node: Any, error: Operand) -> None:
    """Interpret an `except` clause for an exception."""
    label = None
    if node.name is not None:
        label = node.name.id if isinstance(node.name, gast.Name) else node.name
        frame.env[label] = error
    with escapes.handling(frame, error):
        statements.block(ctx, frame, node.body)
    if label is not None:
        frame.env.pop(label, None)


def suppress(
    ctx: Context, frame: Frame, body: list[Any], classes: list[Operand]
) -> None:
    """Interpret `with contextlib.suppress(*classes)`."""
    caught = Const(tuple(c.value for c in classes if isinstance(c, Const)))
    with escapes.following(ctx, [caught]) as entry:
        statements.block(ctx, frame, body)
    Ways(ctx, frame, entry).choose(lambda *_: None, lambda: None)


def managed(
    ctx: Context, frame: Frame, body: Callable[[], None], leave: Operand
) -> None:
    """Interpret a body between the `__enter__` and the `__exit__` of an object."""
    with escapes.following(ctx, [None]) as entry:
        body()
    found = Ways(ctx, frame, entry)

    def exit_(given: list[Operand]) -> Operand:
        return calls.call(ctx, frame, leave, given, [])

    def handle(kind: escapes.Kind, error: Operand) -> None:
        cls = calls.call(ctx, frame, Const(type), [error], [])
        swallowed = expressions.truth(ctx, frame, exit_([cls, error, Const(None)]))
        consumers.choose(
            ctx,
            frame,
            swallowed,
            lambda: None,
            lambda: steps.raise_again(ctx, frame, error),
        )

    def went_on() -> None:
        ctl = frame.env.get(CTL, UNDEF)
        frame.env[CTL] = NEXT
        exit_([Const(None)] * 3)
        frame.env[CTL] = ctl

    found.choose(handle, went_on)


def unassigned(frame: Frame, stmts: list[Any]) -> dict[str, Operand]:
    """Return the variables that statements do not assign.

    They are not joined where the paths have returned; a `finally` clause reads them.
    """
    assigned = {*scope.assigned_names(stmts)} - scope.declared_names(frame.tree)
    return {n: op for n, op in frame.env.items() if n not in assigned and n[0] != "$"}


def _final(ctx: Context, frame: Frame, node: gast.Try) -> None:
    """Interpret `try ... finally`: the clause once, behind all ways out of the body."""
    from chainrule.specialise import protected

    inner = node.body
    if node.handlers:
        whole = gast.Try(node.body, node.handlers, node.orelse, [])
        inner = [gast.copy_location(whole, node)]
    reads = {
        n.id for s in node.finalbody for n in gast.walk(s) if isinstance(n, gast.Name)
    }
    assigned = {*scope.assigned_names(inner)} - scope.declared_names(frame.tree)
    if reads & assigned and "return" in scope.exits(inner):
        raise protected.reads_assigned(frame, node)
    kept = unassigned(frame, inner)
    with escapes.following(ctx, [None]) as entry:
        statements.block(ctx, frame, inner)
    found, result = Ways(ctx, frame, entry), frame.env.get(RET, UNDEF)
    if isinstance(found.ctl, Undef):
        return
    frame.env |= kept
    frame.env[CTL] = NEXT
    statements.block(ctx, frame, node.finalbody)
    if not statements.stays(frame.env):
        return
    if not isinstance(result, Undef):
        frame.env[RET] = result

    def handle(kind: escapes.Kind, error: Operand) -> None:
        steps.raise_again(ctx, frame, error)

    found.choose(handle, lambda: None)
