"""Loops taken turn by turn: the body is interpreted once for each of them.

In: the elements of an iterable of known length, or the test of a `while` loop that is
known before each turn. Out: the frame's variables after the loop. Where only the run
decides whether a turn is the last, those after it go into a branch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gast

from chainrule.codes import OF_COUNTS
from chainrule.errors import Diagnostic, NotDifferentiable, not_differentiable
from chainrule.ir.nodes import Const, Loc, Operand, Undef, Value
from chainrule.specialise import escapes, iterables, statements
from chainrule.specialise.builder import Restart, type_of
from chainrule.specialise.carried import LAYOUT
from chainrule.specialise.frames import (
    BY_RAISE,
    CTL,
    NEXT,
    RETURN,
    Context,
    Frame,
    Mark,
    mark,
)
from chainrule.specialise.values import Items, Streams, is_const
from chainrule.types import lattice as lt

MAX_UNROLLED = 100
MAX_TURNS = 1000


def may_unroll(error: NotDifferentiable | Restart) -> bool:
    """Say whether a loop that is refused may be right turn by turn."""
    if isinstance(error, Restart):
        return lt.counts_known()
    if isinstance(error, Unlisted):
        return True
    return lt.counts_known() and all(d.code in OF_COUNTS for d in error.diagnostics)


class Unlisted(NotDifferentiable):
    """An element of a list is a function: the list must be taken apart."""

    def __init__(self, loc: Loc | None) -> None:
        message = "a list of functions gets a length that only the run knows"
        help_ = "keep what the functions compute in the list"
        super().__init__([Diagnostic("CR501", message, loc, "", help_)])


class Grows(Exception):
    """An object changes its layout in a loop: take the iterations one by one."""


def instead(
    ctx: Context,
    start: Mark,
    need: Restart | Grows | NotDifferentiable,
    iterable: Operand,
    loc: Loc | None,
) -> Sequence[Operand]:
    """Go back to where a loop began that cannot be interpreted as one; return the
    elements of its turns, or raise what kept it from being one.
    """
    if isinstance(need, NotDifferentiable) and not may_unroll(need):
        raise need
    start.back(ctx)
    items = iterables.elements_if_known(ctx, iterable, MAX_UNROLLED)
    if isinstance(need, Grows | Unlisted) and items is None:
        root = _count_root(ctx, iterable)
        if root is not None:
            raise Restart(root, root.hint or "the count", ctx.builder.loc) from None
        raise not_differentiable(
            "CR501",
            loc or ctx.builder.loc,
            f"an object {LAYOUT} that runs an unknown number of times",
            help="give it all its attributes, keys or elements before the loop",
        ) from None
    if items is None or not getattr(need, "elements", True):
        raise need
    return items


def _count_root(ctx: Context, iterable: Operand) -> Value | None:
    """Return the argument that says how often a loop over a range runs."""
    stmt = ctx.builder.definition(iterable)
    if stmt is None or stmt.fn is not range:
        return None
    roots = [ctx.builder.root(a) for a in stmt.args if isinstance(a, Value)]
    return roots[0] if roots else None


class Elements:
    """The elements of an iterable of known length, as they are when it is their turn.

    A list that the body changes is read anew for each iteration, as Python does.
    """

    foreseen = True

    def __init__(self, ctx: Context, source: Operand, items: Sequence[Operand]) -> None:
        self.ctx, self.source, self.items = ctx, source, items
        view = is_const(source, Items) and source.value.view
        self.of_dict = view or isinstance(type_of(source), lt.DictT)
        self.anew = is_const(source, Streams) or lt.length_at_hand(type_of(source))

    def at(self, k: int) -> Operand | None:
        """Return an element, or None behind the last."""
        t = type_of(self.source)
        items: Sequence[Operand] | None = self.items
        if self.anew:
            return iterables.element_at(self.ctx, self.source, k, MAX_UNROLLED)
        if is_const(self.source, Items):
            items = self.source.value.now()
        elif isinstance(t, lt.DictT):
            items = list(map(Const, self.ctx.builder.fields(self.source) or {}))
        if self.of_dict and items is not None and len(items) != len(self.items):
            raise iterables.primal_error(
                self.ctx, "dictionary changed size during iteration"
            )
        if isinstance(t, lt.ListT) and self.ctx.builder.memory.now:
            items = self.ctx.builder.elements(self.source)
            if items is None:
                raise not_differentiable(
                    "CR414",
                    self.ctx.builder.loc,
                    "a list changes its length while a loop runs over it",
                    label="how often this runs is known only at run time",
                    help="loop over a copy: for item in list(items)",
                )
        return items[k] if items is not None and k < len(items) else None


class Unforeseen(Exception):
    """Whether a `while` loop goes on is known only at run time."""


class Turns:
    """The turns of a `while` loop whose test is known before each of them."""

    foreseen = False

    def __init__(self, test: Callable[[], Operand]) -> None:
        self.test = test

    def at(self, k: int) -> Operand | None:
        """Return something for one more turn, or None where the loop ends."""
        go_on = self.test()
        if not isinstance(go_on, Const) or k >= MAX_UNROLLED:
            raise Unforeseen
        return Const(k) if go_on.value else None


def unroll(
    ctx: Context,
    frame: Frame,
    node: Any,
    items: Elements | Turns,
    bind: Callable[[Operand], None],
    body: Callable[[], None],
) -> None:
    """Interpret the body once for each element."""
    orelse = getattr(node, "orelse", [])

    def go(k: int) -> None:
        while True:
            element = items.at(k)
            if element is None:
                statements.block(ctx, frame, orelse)
                return
            count_turn(ctx)
            bind(element)
            body()
            ctl = frame.env.get(CTL, NEXT)
            if isinstance(ctl, Undef):
                return
            table = {0: False, 1: True, 2: False, 3: True, 4: True}
            left = ctx.builder.select(ctl, table)
            if not isinstance(left, Const):
                break
            if left.value:
                stop(ctl)
                return
            frame.env[CTL] = NEXT
            k += 1
        if not items.foreseen:
            raise Unforeseen

        def more() -> None:
            frame.env[CTL] = NEXT
            go(k + 1)

        statements.either(ctx, frame, left, partial(stop, ctl), more, guard=True)

    def stop(ctl: Operand) -> None:
        """Go on behind the loop where it was left by `break`."""
        escaped = ctx.builder.select(ctl, BY_RAISE)
        escapes.leave_where(ctx, frame, escaped, partial(stay_or_leave, ctl))

    def stay_or_leave(ctl: Operand) -> None:
        table = {0: False, 1: False, 2: False, 3: True, 4: True}
        returned = ctx.builder.select(ctl, table)
        if isinstance(returned, Const):
            frame.env[CTL] = RETURN if returned.value else NEXT
            return

        def leave() -> None:
            frame.env[CTL] = RETURN

        def stay() -> None:
            frame.env[CTL] = NEXT

        statements.either(ctx, frame, returned, leave, stay)

    go(0)


def count_turn(ctx: Context) -> None:
    """Take so many turns one by one, and no more."""
    ctx.turns += 1
    if ctx.turns > MAX_TURNS:
        raise not_differentiable(
            "CR501",
            ctx.builder.loc,
            f"loops that would have to be unrolled run more than {MAX_TURNS} times",
            help="let the layout of what they carry stay the same",
        )


def unroll_while(
    ctx: Context,
    frame: Frame,
    node: gast.While,
    test: Callable[[], Operand],
    body: Callable[[], None],
) -> bool:
    """Interpret the turns of a `while` loop one by one, if each is known to come."""
    start = mark(ctx, frame)
    try:
        with lt.taking(lt.TURNS):
            unroll(ctx, frame, node, Turns(test), lambda _: None, body)
    except (Unforeseen, Restart):
        start.back(ctx)
        return False
    return True
