"""Loops: unrolled when their elements are known one by one, else carried values.

In: a `for` or `while` statement. Out: a `Loop`, and the frame's variables after it. The
body is interpreted until the types of the carried variables no longer change;
containers are carried part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import gast

from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.frontend import scope, unnest
from chainrule.ir.nodes import (
    UNDEF,
    Block,
    Const,
    Iter,
    Loop,
    Operand,
    Undef,
    Value,
)
from chainrule.specialise import (
    consumers,
    escapes,
    expressions,
    generators,
    iterables,
    iterators,
    returns,
    statements,
    stepping,
    turns,
)
from chainrule.specialise.builder import Restart, type_of
from chainrule.specialise.carried import LAYOUT, Carried
from chainrule.specialise.doubts import Doubts
from chainrule.specialise.frames import (
    BY_RAISE,
    CTL,
    NEXT,
    RAISED,
    RET,
    RETURN,
    Context,
    Frame,
    State,
    here,
    mark,
    resume,
)
from chainrule.specialise.memory import Iterated, is_mutable
from chainrule.specialise.reach import in_sight
from chainrule.specialise.values import Cell, Generated, Items, is_const
from chainrule.types import lattice as lt

LEFT, THROWN = "$left", "$thrown"
MAX_ROUNDS = 12


def for_(ctx: Context, frame: Frame, node: gast.For) -> None:
    """Interpret a `for` statement."""
    iterable = expressions.evaluate(ctx, frame, node.iter)

    def bind(element: Operand) -> None:
        statements.assign(ctx, frame, node.target, element)

    loop(
        ctx,
        frame,
        node,
        iterable,
        bind,
        lambda: statements.block(ctx, frame, node.body),
    )


def loop(
    ctx: Context,
    frame: Frame,
    node: Any,
    iterable: Operand,
    bind: Callable[[Operand], None],
    body: Callable[[], None],
    extra: Sequence[str] = (),
) -> None:
    """Run `bind(element); body()` for every element; then the `else` clause."""
    inside = [] if extra else getattr(node, "body", [])
    if not ctx.followed and not consumers.exits(frame, inside) - {"continue"}:
        whole = partial(loop, ctx, frame, node, bind=bind, body=body, extra=extra)
        if stepping.at_once(ctx, frame, iterable, whole):
            return
    iterable = iterators.opened(ctx, frame, iterable)
    if is_const(iterable, Generated):
        generators.loop(ctx, frame, node, iterable.value, bind, body, extra)
        return
    with in_sight(frame, iterable):
        plan: list[Operand] | iterables.Plan = iterables.plan(ctx, frame, iterable)
        if lt.all_turns() or (frame.consumer is not None and frame.consumer.unrolls):
            known = iterables.elements_if_known(ctx, iterable, turns.MAX_UNROLLED)
            plan = plan if known is None else known
        if isinstance(plan, list):
            turns.unroll(
                ctx, frame, node, turns.Elements(ctx, iterable, plan), bind, body
            )
            return
        start = mark(ctx, frame)
        try:
            while True:
                try:
                    For(ctx, frame, node, plan, bind, body, extra).run()
                    return
                except Iterated as write:
                    ctx.builder.memory.forget(start.first)
                    resume(ctx, frame, start.state)
                    again = plan.written(write.home, ctx.builder)
                    if again is None:
                        raise
                    plan = again
        except (Restart, turns.Grows, NotDifferentiable) as need:
            if isinstance(need, turns.Unlisted) and extra:
                raise  # a comprehension takes itself apart
            items = turns.instead(ctx, start, need, iterable, frame.loc(node))
            turns.unroll(
                ctx, frame, node, turns.Elements(ctx, iterable, items), bind, body
            )


class For:
    """One loop whose trip count is known only at run time."""

    def __init__(
        self,
        ctx: Context,
        frame: Frame,
        node: Any,
        plan: iterables.Plan | None,
        bind: Callable[[Operand], None],
        body: Callable[[], None],
        extra: Sequence[str] = (),
        test: Callable[[], Operand] | None = None,
    ) -> None:
        self.ctx, self.frame, self.node, self.plan = ctx, frame, node, plan
        self.bind, self.body, self.test = bind, body, test
        inside = [] if extra else getattr(node, "body", [])
        exits = consumers.exits(frame, inside)
        self.breaks, self.returns = "break" in exits, "return" in exits
        self.outer = here(ctx, frame)
        self.outer[LEFT] = self.outer[THROWN] = Const(False)
        self.throws = False
        names = [*extra] if extra else scope.assigned_names([node])
        kept = set() if extra else set(scope.augmented_names([node]))
        free = scope.declared_names(frame.tree)
        names = [
            n
            for n in names
            if n not in free and (n not in kept or not self.is_object(n))
        ]
        # What a generator returns is of no use to the loop that drops it.
        self.hands_on = self.returns and frame.consumer is None
        if self.returns:
            names += [RET, LEFT] if self.hands_on else [LEFT]
        self.carried = Carried(ctx.builder, names, self.outer)
        self.doubts = Doubts(ctx.builder.memory, self.carried)
        self.doubts.grow(None)
        self.first = Value(lt.NEVER).id
        self.loc = ctx.builder.loc

    def is_object(self, name: str) -> bool:
        """Say whether `name += ...` is no assignment: it writes into an object."""
        return is_mutable(type_of(self.outer.get(name, UNDEF)))

    def run(self) -> None:
        """Interpret the loop, while nobody may write into what it runs over."""
        memory = self.ctx.builder.memory
        known, counted = len(memory.iterated), len(memory.counted)
        if self.plan is not None:
            memory.iterated += self.plan.watched(memory)
            read = (s for s in self.plan.by_index if isinstance(s, Value))
            memory.counted += [memory.object(s) for s in read]
        try:
            try:
                self.settle()
            except NotDifferentiable as error:
                if error.diagnostics[0].code != "CR411":
                    raise
                self.trust_objects()
                self.settle()
        finally:
            del memory.iterated[known:]
            del memory.counted[counted:]

    def trust_objects(self) -> None:
        """Begin again: let variables that hold objects keep them until one does not."""
        ctx = self.ctx
        names = [
            n
            for n in self.carried.slots
            if isinstance(n, str) and (n.startswith("$") or not self.is_object(n))
        ]
        resume(ctx, self.frame, self.outer)
        self.carried = Carried(ctx.builder, names, self.outer)
        self.doubts = Doubts(ctx.builder.memory, self.carried)
        self.doubts.grow(None)

    def check_layouts(self) -> None:
        """Ask for the loop to be unrolled if an object grows in it."""
        for key, slot in self.carried.slots.items():
            grows = slot.poison == LAYOUT and self.plan is not None
            if grows and isinstance(key, Value):
                raise turns.Grows(slot.poison)

    def settle(self) -> None:
        """Interpret the body until the types are stable, then finish the loop."""
        for _ in range(MAX_ROUNDS):
            known = self.held()
            stmt, stop, ends = self.once()
            stable = self.carried.widen(ends)
            fewer, learnt = self.stays(ends), self.doubts.grow(ends)
            more = fewer or self.more(ends) or self.held() > known
            if stable and not (learnt or more):
                break
        else:
            self.carried.give_up(ends)
            stmt, stop, ends = self.once()
        self.check_layouts()
        self.finish(stmt, stop, ends)

    def held(self) -> int:
        """Count what lists of run-time length hold of the objects from before."""
        stored = self.ctx.builder.memory.stored
        old = (lists for value, lists in stored.items() if value.id < self.first)
        return sum(map(len, old))

    def stays(self, ends: State) -> bool:
        """Carry no variable that is bound anew to the object that it was."""
        memory = self.ctx.builder.memory
        for name, slot in list(self.carried.slots.items()):
            if not isinstance(name, str) or name.startswith("$") or slot.param is None:
                continue
            end, before = ends.get(name, UNDEF), self.outer.get(name, UNDEF)
            if isinstance(before, Value) and is_mutable(before.type):
                if isinstance(end, Value) and memory.same(end, slot.param):
                    self.carried.drop(name)
                    return True
        return False

    def more(self, ends: State) -> bool:
        """Carry the objects that the body wrote, and the variables it bound anew."""
        memory, first = self.ctx.builder.memory, self.first
        found: list[Hashable] = []
        for key, op in ends.now.items():
            old = isinstance(key, Value | Cell) and key.id < first
            if old and op is not self.outer.now.get(key):
                found.append(key)
        for name, op in self.outer.items():
            end = ends.get(name, UNDEF)
            if not isinstance(end, Undef) and not memory.same(op, end):
                if is_mutable(type_of(op)) and not name.startswith("$"):
                    found.append(name)
        if self.throws:
            found.append(THROWN)
        found = [key for key in found if key not in self.carried.slots]
        if found:
            memory.forget(first)  # what the body read is not there before it
            self.carried.carry(found, self.outer)
            self.first = Value(lt.NEVER).id
        return bool(found)

    def once(self) -> tuple[Loop, Operand, State]:
        """Interpret the body with the present types of the carried variables."""
        b = self.ctx.builder
        stmt = Loop((), (), Block(), (), loc=self.loc)
        b.memory.forget(self.first)
        self.first = Value(lt.NEVER).id
        b.memory.pools.loops.append(self.first)
        try:
            return self.interpret(stmt)
        finally:
            b.memory.pools.loops.pop()

    def interpret(self, stmt: Loop) -> tuple[Loop, Operand, State]:
        """Interpret test and body."""
        frame, b = self.frame, self.ctx.builder
        iters: tuple[Iter, ...] = ()
        if self.test is not None:
            stmt.header = self.header()
        env = State(self.outer, self.outer.now)
        stmt.body.params = self.carried.enter(env, stmt.body)
        self.doubts.note()
        resume(self.ctx, frame, env)
        frame.env[CTL] = NEXT
        if self.returns:
            frame.env[RET] = UNDEF
        with b.into(stmt.body):
            if self.plan is not None:
                iters, element = self.plan.enter(b)
                stmt.iters = iters
                try:
                    self.bind(element)
                    self.body()
                except Restart as need:
                    mine = {v for it in iters for v in it.elems}
                    need.elements = need.root in mine or need.elements
                    raise
            else:
                self.body()
            ctl = frame.env.get(CTL, UNDEF)
            stop = b.select(ctl, {0: False, 1: True, 2: False, 3: True, 4: True})
            if isinstance(ctl, Undef):
                stop = Const(True)
            if self.returns:
                table = {0: False, 1: False, 2: False, 3: True, 4: False}
                frame.env[LEFT] = b.select(ctl, table)
            if RAISED.value in b.codes(ctl):
                self.throws = True
                frame.env[THROWN] = b.select(ctl, BY_RAISE)
        return stmt, stop, here(self.ctx, frame)

    def header(self) -> Block:
        """Interpret the test of a `while` loop."""
        assert self.test is not None
        block = Block()
        env = State(self.outer, self.outer.now)
        block.params = self.carried.enter(env, block)
        self.doubts.note()
        resume(self.ctx, self.frame, env)
        with self.ctx.builder.into(block):
            test = expressions.truth(self.ctx, self.frame, self.test())
        if here(self.ctx, self.frame).now != env.now:
            raise not_differentiable(
                "CR410",
                self.loc,
                "the test of this loop writes into an object",
                label="it runs once more than the body",
                help="write in the body: while True: ...; if not test: break",
            )
        block.results = (test, *block.params)
        return block

    def finish(self, stmt: Loop, stop: Operand, ends: State) -> None:
        """Add the loop and give the variables their values after it."""
        frame, b = self.frame, self.ctx.builder
        shared = self.share_result(stmt, ends) if self.hands_on else None
        for name, op in self.outer.items():
            if is_const(op, (Generated, Items)) and ends.get(name) is not op:
                if name not in self.carried.names:
                    raise not_differentiable(
                        "CR303", stmt.loc, f"next({name}) in a loop is not supported"
                    )
        with b.into(stmt.body):
            results = self.carried.leave(ends)
        stmt.body.results = (stop, *results)
        stmt.init = self.carried.init
        stmt.outs = self.carried.after(stmt.loc)
        b.add(stmt)
        env = State(self.outer, self.outer.now)
        b.memory.now = {}
        self.carried.rebuild(env)
        self.doubts.after()
        resume(self.ctx, frame, env)
        frame.env[CTL] = NEXT
        if shared is not None:
            frame.env[RET] = frame.env[shared]
        returned = frame.env.pop(LEFT, Const(False))
        thrown = frame.env.pop(THROWN, Const(False))

        behind = partial(self.behind, stmt, stop, returned)
        escapes.leave_where(self.ctx, frame, thrown, behind)

    def behind(self, stmt: Loop, stop: Operand, returned: Operand) -> None:
        """Go on where no exception has left the loop."""
        if self.endless(stmt) and not self.breaks:
            self.frame.env[CTL] = RETURN if self.returns else UNDEF
        else:
            self.leave(stmt, stop, returned)

    def share_result(self, stmt: Loop, ends: State) -> str | None:
        """Let the variable that a `return` hands on carry the
        function's result as well.

        Nobody reads a variable after the function has returned, nor the result before.
        """
        b, result = self.ctx.builder, ends.get(RET, UNDEF)
        slot = self.carried.slots[RET]
        if slot.layout is not None or slot.const is not None or slot.poison:
            return None
        for name in self.carried.names:
            if not isinstance(name, str):
                continue
            other = self.carried.slots[name]
            plain = other.layout is None and other.const is None and not other.poison
            if name == RET or not plain or other.param is None or slot.param is None:
                continue
            if returns.returned_as(b, slot.param, result, ends.get(name, UNDEF), name):
                try:
                    other.type = lt.join(other.type, slot.type)
                except TypeError:
                    return None
                returns.share(b, slot.param, result, ends.get(name, UNDEF))
                returns.drop_param(stmt, slot.param)
                self.carried.drop(RET)
                return name
        return None

    def endless(self, stmt: Loop) -> bool:
        """Say whether the loop is left only from inside."""
        if stmt.header is None:
            return False
        test = stmt.header.results[0]
        return isinstance(test, Const) and bool(test.value)

    def leave(self, stmt: Loop, stop: Operand, returned: Operand) -> None:
        """Interpret the `else` clause, and leave the function if the body did."""
        ctx, frame = self.ctx, self.frame
        orelse = getattr(self.node, "orelse", [])
        never = isinstance(stop, Const) and not stop.value
        if never or not (orelse or self.returns):
            statements.block(ctx, frame, orelse)
            return

        def gone() -> None:
            frame.env[CTL] = RETURN

        def stayed() -> None:
            frame.env[CTL] = NEXT

        if not orelse:
            statements.either(ctx, frame, returned, gone, stayed)
            return
        stmt.stopped = stopped = Value(lt.BOOL, None, stmt.loc)

        def went() -> None:
            if self.returns:
                statements.either(ctx, frame, returned, gone, stayed)

        def ended() -> None:
            statements.block(ctx, frame, orelse)

        statements.either(ctx, frame, stopped, went, ended)


def while_(ctx: Context, frame: Frame, node: gast.While) -> None:
    """Interpret a `while` statement; a test that binds names moves into the body."""

    def test() -> Operand:
        return expressions.condition(ctx, frame, node.test)

    always = isinstance(node.test, gast.Constant) and bool(node.test.value)
    if not always and not _pure(node.test):
        node, always = unnest.with_test_inside(node), True

    def body() -> None:
        statements.block(ctx, frame, node.body)

    if always:
        test = lambda: Const(True)  # noqa: E731
    first = None
    if not always:
        first = expressions_known(ctx, frame, node)
        if first is False:
            statements.block(ctx, frame, node.orelse)
            return
    roll = For(ctx, frame, node, None, lambda _: None, body, test=test).run
    if lt.all_turns():
        turns.unroll_while(ctx, frame, node, test, body) or roll()
        return
    start = mark(ctx, frame)
    try:
        roll()
    except (Restart, NotDifferentiable) as error:
        if not turns.may_unroll(error):
            raise
        start.back(ctx)
        if not turns.unroll_while(ctx, frame, node, test, body):
            raise


def _pure(test: Any) -> bool:
    """Say whether a test is a plain expression,
    without names bound or functions called.
    """
    for node in gast.walk(test):
        if isinstance(node, gast.NamedExpr | gast.GeneratorExp | gast.ListComp):
            return False
    return True


def expressions_known(ctx: Context, frame: Frame, node: gast.While) -> bool | None:
    """Return the value of a test that does not depend on the loop, if it is known."""
    names = {n.id for n in gast.walk(node.test) if isinstance(n, gast.Name)}
    if names & set(scope.assigned_names([node])):
        return None
    start = mark(ctx, frame)
    value = expressions.condition(ctx, frame, node.test)
    start.back(ctx)
    return bool(value.value) if isinstance(value, Const) else None
