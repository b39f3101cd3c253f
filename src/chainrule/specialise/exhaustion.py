"""Iterators run over once: what was run over is empty, and what waits may change.

In: an iterator that is about to be run over. Out: nothing, or the refusal of what
Python would do otherwise: a second run, or a run after something that the elements
depend on has changed, if they were taken when the iterator was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import (
    Cell,
    Closure,
    Generator,
    Items,
    Method,
    Poison,
    Streams,
    is_const,
)
from chainrule.types import lattice as lt


class Born:
    """What an iterator may read, as it was when its elements were taken from it.

    Python takes them later; so nothing may have changed until then.
    """

    def __init__(self, ctx: Context, args: Sequence[Operand]) -> None:
        self.step, self.now = ctx.step, dict(ctx.builder.memory.now)
        self.id = Value(lt.NEVER).id
        self.names: dict[tuple[Frame, str], Operand | None] = {}
        for op in args:
            self.read(op)

    def read(self, op: Operand | None) -> None:
        """Note the variables that a function reads."""
        while is_const(op, Method):
            op = op.value.function
        if not is_const(op, Closure):
            return
        for name in scope.scope_of(op.value.tree).free:
            frame: Frame | None = op.value.frame
            while frame is not None:
                if name in frame.env and (frame, name) not in self.names:
                    self.names[frame, name] = frame.env[name]
                    self.read(frame.env[name])
                frame = frame.parent

    def check(self, ctx: Context) -> None:
        """Refuse to go on if something has changed."""
        if ctx.step == self.step:
            return
        now, old = ctx.builder.memory.now, self.now
        changed = any(
            now.get(k) is not old.get(k)
            for k in {**now, **old}
            if isinstance(k, Value | Cell) and k.id < self.id and not marks(k)
        )
        rebound = (f.env.get(n) is not op for (f, n), op in self.names.items())
        if changed or any(rebound):
            raise not_differentiable(
                "CR112",
                ctx.builder.loc,
                "an iterator is run over after something it may read has changed",
                label="would take its elements as they are now",
                help="make a list of it at once: items = list(...)",
            )


def once(ctx: Context, value: Any, run: Callable[[], Operand]) -> Operand:
    """Run an iterator into a list, or return the list that was made of it just now."""
    b = ctx.builder
    found = ctx.lists.get(id(value))
    if found is not None and value.started in b.memory.now:
        made: Operand
        _, made, step, loc, block, stmts = found
        same_place = step == ctx.step and loc == b.loc and block is b.block
        if same_place and b.block.stmts[: len(stmts)] == stmts:
            return made
    made = run()
    ctx.lists[id(value)] = (value, made, ctx.step, b.loc, b.block, b.block.stmts[:])
    return made


def marks(key: Value | Cell) -> bool:
    """Say whether a place in the memory only says that an iterator has run."""
    return isinstance(key, Cell) and key.name == "started"


def stamp(ctx: Context, op: Operand, args: Sequence[Operand]) -> None:
    """Note when an iterator was made, and from what."""
    if is_const(op, Items) and op.value.born is None and op.value.again is None:
        op.value.born = Born(ctx, args)


def consume(ctx: Context, value: Items | Streams | Generator) -> None:
    """Refuse to run over an iterator in two places:
    the second time it would be empty.
    """
    if ctx.splicing:
        return
    if isinstance(value, Items | Streams) and value.born is not None:
        value.born.check(ctx)
    if isinstance(value, Items) and value.view:
        return
    loc, now = ctx.builder.loc, ctx.builder.memory.now
    here = (value, ctx.step, loc)
    # The interpreter may look at an iterator several times before it runs over it.
    if value.started not in now:
        ctx.iterated[id(value)] = here
        now[value.started] = Const(Poison("has been run over", "CR112"))
    elif ctx.iterated.get(id(value)) != here:
        raise not_differentiable(
            "CR112",
            loc,
            "an iterator is run over a second time here",
            label="it is empty, or half-way through",
            help="make a list of it first: items = list(...)",
        )
