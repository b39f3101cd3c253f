"""Consumers: loops over generators.

In: a loop over a generator. Out: what `yield` does there: the body of the loop is
interpreted with the variables of its own frame, while the generator waits. In between,
the variables that the loop assigns are in the memory, so the generator's own loops and
branches carry them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.frontend import scope
from chainrule.ir.nodes import UNDEF, Const, Operand, Undef
from chainrule.specialise.frames import (
    BREAK,
    BY_RAISE,
    CTL,
    NEXT,
    RET,
    RETURN,
    Context,
    Frame,
)
from chainrule.specialise.values import Cell, Generated


class Consumer:
    """A loop over a generator.

    While the generator runs, the variables that the loop assigns are cells; at a
    `yield` they are variables again.
    """

    def __init__(
        self,
        ctx: Context,
        frame: Frame,
        node: Any,
        bind: Callable[[Operand], None],
        body: Callable[[], None],
        extra: Sequence[str] = (),
    ) -> None:
        self.ctx, self.frame, self.node = ctx, frame, node
        self.bind, self.body = bind, body
        found = exits(frame, [] if extra else getattr(node, "body", []))
        self.breaks, self.returns = "break" in found, "return" in found
        self.leaves = self.breaks or self.returns or bool(ctx.followed)
        self.followed, self.thrown = list(ctx.followed), Cell("thrown")
        free = scope.declared_names(frame.tree)
        names = extra or [n for n in scope.assigned_names([node]) if n not in free]
        self.cells = {name: Cell(name) for name in names if name not in _shared(frame)}
        self.broke, self.returned = Cell("broke"), Cell("left")
        self.result = Cell("result")
        self.stack, self.arguments = list(ctx.stack), list(ctx.arguments)
        self.end: Operand = NEXT
        self.unrolls = False

    @property
    def now(self) -> dict[Any, Operand]:
        """What the memory holds at this point."""
        return self.ctx.builder.memory.now

    def run(self, generator: Generated) -> None:
        """Interpret the generator, with the body of the loop at each `yield`."""
        from chainrule.specialise import generators

        before = self.frame.env
        env = dict(before)
        self.put(env)
        self.base = env
        if self.orelse:
            self.now[self.broke] = Const(False)
        if self.returns:
            self.now[self.returned] = Const(False)
        if self.followed:
            self.now[self.thrown] = Const(False)
        self.frame.env = env
        try:
            generators.start(self.ctx, generator, self)
        except BaseException:
            self.frame.env = before
            raise
        self.frame.env = self.get()
        if any(self.now.get(k, k) is not op for k, op in generator.steady.items()):
            raise generators.in_turns(self.ctx, generator.frame)
        self.finish()

    @property
    def orelse(self) -> list[Any]:
        """What runs when the generator has come to its end."""
        found: list[Any] = getattr(self.node, "orelse", [])
        return found

    def put(self, env: dict[str, Operand]) -> None:
        """Move the variables that the loop assigns to the memory."""
        for name, cell in self.cells.items():
            op = env.get(name, UNDEF)
            env[name] = Const(cell)
            if isinstance(op, Undef):
                self.now.pop(cell, None)
            else:
                self.now[cell] = op

    def get(self) -> dict[str, Operand]:
        """Return the variables, those in the memory too."""
        env = dict(self.base)
        for name, cell in self.cells.items():
            op = self.now.pop(cell, UNDEF)
            if isinstance(op, Undef):
                del env[name]
            else:
                env[name] = op
        return env

    def take(self, generator: Frame, value: Operand) -> None:
        """Interpret the body of the loop for one value."""
        from chainrule.specialise import escapes

        ctx, frame = self.ctx, self.frame
        stack, arguments, loc = ctx.stack, ctx.arguments, ctx.builder.loc
        ctx.stack, ctx.arguments = list(self.stack), list(self.arguments)
        frame.env = self.get()
        frame.env[CTL] = NEXT
        try:
            with escapes.nobody(ctx, self.catchers()):
                self.bind(value)
                self.body()
        finally:
            ctx.stack, ctx.arguments, ctx.builder.loc = stack, arguments, loc
        env = frame.env
        ctl, result = env.get(CTL, NEXT), env.get(RET, UNDEF)
        self.put(env)
        frame.env = self.base
        self.leave(generator, ctl, result)

    def catchers(self) -> list[Any]:
        """Return who follows exceptions that the body raises."""
        return self.followed

    def leave(self, generator: Frame, ctl: Operand, result: Operand) -> None:
        """Note how the body was left, and leave the generator if it was."""
        ctx, b = self.ctx, self.ctx.builder
        if isinstance(ctl, Undef):
            generator.env[CTL] = UNDEF
            return
        if not self.leaves:
            return
        if self.orelse:
            broke = {BREAK.value: True}
            self.now[self.broke] = b.select(ctl, {k: k in broke for k in range(5)})
        if self.returns:
            table = {k: k == RETURN.value for k in range(5)}
            self.now[self.returned] = b.select(ctl, table)
            if isinstance(result, Undef):
                self.now.pop(self.result, None)
            else:
                self.now[self.result] = result
        if self.followed:
            self.now[self.thrown] = b.select(ctl, BY_RAISE)
        left = b.select(ctl, {0: False, 1: True, 2: False, 3: True, 4: True})

        def gone() -> None:
            generator.env[CTL] = RETURN

        choose(ctx, generator, left, gone, lambda: None)

    def finish(self) -> None:
        """Go on behind the loop: its `else` clause, or out of the function."""
        from chainrule.specialise import escapes, statements

        ctx, frame = self.ctx, self.frame
        broke = self.now.pop(self.broke, Const(False))
        returned = self.now.pop(self.returned, Const(False))
        result = self.now.pop(self.result, UNDEF)
        thrown = self.now.pop(self.thrown, Const(False))
        raised = ctx.builder.select(self.end, BY_RAISE)
        if isinstance(self.end, Undef):
            frame.env[CTL] = frame.env[RET] = UNDEF
            return
        if not isinstance(result, Undef):
            frame.env[RET] = result

        def gone() -> None:
            frame.env[CTL] = RETURN

        def stayed() -> None:
            frame.env[CTL] = NEXT

        def ended() -> None:
            statements.block(ctx, frame, self.orelse)

        def went_on() -> None:
            stayed()
            choose(ctx, frame, broke, stayed, ended)

        def not_thrown() -> None:
            choose(ctx, frame, returned, gone, went_on)

        def not_raised() -> None:
            escapes.leave_where(ctx, frame, thrown, not_thrown)

        escapes.leave_where(ctx, frame, raised, not_raised)


def choose(
    ctx: Context,
    frame: Frame,
    test: Operand,
    then: Callable[[], None],
    orelse: Callable[[], None],
) -> None:
    """Interpret one of two paths, or both where the test is not known."""
    from chainrule.specialise import statements

    if isinstance(test, Undef):
        return
    if isinstance(test, Const):
        (then if test.value else orelse)()
    else:
        statements.either(ctx, frame, test, then, orelse)


def _shared(frame: Frame) -> frozenset[str]:
    """Return the variables of a frame that are in the memory anyway."""
    if not isinstance(frame.tree, scope.FUNCTIONS):
        return frozenset()
    return scope.shared_names(frame.tree)


def exits(frame: Frame, body: Sequence[Any]) -> frozenset[str]:
    """Return how statements may leave, by what a consumer does at a `yield` too."""
    found = scope.exits(body)
    consumer = frame.consumer
    if consumer is not None and consumer.leaves and has_yield(body):
        return found | {"return"}
    return found


def has_yield(nodes: Sequence[Any]) -> bool:
    """Say whether statements yield."""
    return any(isinstance(n, scope.YIELDS) for n, _ in scope.own_nodes(nodes))
