"""Generator functions: their bodies run where they are consumed.

In: a call of a function with `yield`, and the loop that runs over it. Out: the
statements of both, interleaved: the body of the generator is interpreted in its own
frame, and each `yield` binds the target of the loop and interprets the body of the loop
right there. The variables that the consumer assigns are in the memory meanwhile, so the
loops and branches of the generator carry them. A consumer that leaves (`break`,
`return`) leaves the generator as its `return` would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Const, Operand, Undef
from chainrule.specialise import (
    expressions,
    inlining,
    lists,
    loops,
    recursion,
    statements,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import (
    BREAK,
    CTL,
    NEXT,
    RET,
    RETURN,
    Context,
    Frame,
)
from chainrule.specialise.values import (
    Cell,
    Generated,
    Generator,
    Items,
    Streams,
    is_const,
)
from chainrule.types import lattice as lt

ITEM = "$item"


def is_generator(frame: Frame) -> bool:
    """Say whether a function yields; kept with its tree."""
    known: bool | None = getattr(frame.tree, "yields", None)
    if known is None:
        known = frame.tree.yields = scope.scope_of(frame.tree).is_generator
    return known


def made(frame: Frame, key: Any) -> Const:
    """Return the generator that a call makes; nothing has run yet."""
    return Const(Generated(frame, key, Cell("started")))


# ------------------------------------------------------------------ the generator


def start(ctx: Context, generator: Generated, consumer: Any) -> None:
    """Interpret the body of a generator up to its end."""
    begin(ctx, generator)
    frame, key = generator.frame, generator.key
    if len(ctx.stack) > recursion.MAX_DEPTH or not ends(ctx, frame, key):
        raise endless(ctx, frame)
    b, depth = ctx.builder, len(ctx.frames)
    env, loc = frame.env, b.loc
    ctx.stack.append(key)
    ctx.arguments.append(dict(env))
    ctx.frames.append(frame)
    frame.env, frame.consumer = dict(env), consumer
    cells = inlining.share(ctx, frame)
    frame.env[CTL] = NEXT
    try:
        statements.block(ctx, frame, frame.tree.body)
        consumer.end = frame.env.get(CTL, UNDEF)
    finally:
        frame.env, frame.consumer, b.loc = env, None, loc
        del ctx.frames[depth:]
        ctx.stack.pop()
        ctx.arguments.pop()
    for cell in cells:
        b.memory.now.pop(cell, None)


def ends(ctx: Context, frame: Frame, key: Any) -> bool:
    """Say whether a generator that runs itself has other arguments at each level."""
    if key not in ctx.stack or recursion.shrinking(ctx, frame, key):
        return True
    k = len(ctx.stack) - 1 - ctx.stack[::-1].index(key)
    before = {n: type_of(op) for n, op in ctx.arguments[k].items()}
    now = {n: type_of(op) for n, op in frame.env.items()}
    return any(
        recursion.skeleton(t) != recursion.skeleton(before.get(n, lt.NEVER))
        for n, t in now.items()
    )


def begin(ctx: Context, generator: Generated) -> None:
    """Refuse to run a generator twice: the second time it would be empty."""
    now = ctx.builder.memory.now
    if generator.started in now:
        raise not_differentiable(
            "CR112",
            ctx.builder.loc,
            f"the generator `{generator.frame.name}` is run over a second time here",
            label="it is empty, or half-way through",
            help="make a list of it first: items = list(...)",
        )
    now[generator.started] = Const(True)


def in_turns(ctx: Context, frame: Frame) -> Exception:
    """Return the error for two generators whose turns decide what they yield."""
    return not_differentiable(
        "CR303",
        ctx.builder.loc,
        f"the turns that the generator `{frame.name}` takes with others matter",
        help="make a list of it first: items = list(...)",
    )


def endless(ctx: Context, frame: Frame) -> Exception:
    """Return the error for a generator that recurses to a depth that is not known."""
    return not_differentiable(
        "CR302",
        ctx.builder.loc,
        f"the generator `{frame.name}` runs itself, to a depth that is not known",
        label="run here",
        help="keep the values that are left to visit in a list of your own",
    )


def yield_(ctx: Context, frame: Frame, node: Any) -> None:
    """Interpret the statement `yield value` or `yield from iterable`."""
    if frame.consumer is None:
        raise not_differentiable(
            "CR102",
            frame.loc(node),
            f"generator function `{frame.name}`",
            label="what is yielded goes to the caller of the derivative",
            help="return a list: [... for ... in ...]",
        )
    if isinstance(node, gast.Yield):
        value: Operand = Const(None)
        if node.value is not None:
            value = expressions.evaluate(ctx, frame, node.value)
        frame.consumer.take(frame, value)
        return
    name = gast.Name(ITEM, gast.Store(), None, None)
    read = gast.Name(ITEM, gast.Load(), None, None)
    body = gast.Expr(gast.Yield(read))
    each = gast.For(name, node.value, [body], [], None)
    for part in (name, read, body.value, body, each):
        gast.copy_location(part, node)
    loops.for_(ctx, frame, each)
    frame.env.pop(ITEM, None)


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


def refuse_kept(ctx: Context, op: Operand) -> None:
    """Refuse to hand a generator, or a container that holds one, to the caller."""
    if is_const(op, (Generated, Generator, Items, Streams)):
        raise not_differentiable(
            "CR112",
            ctx.builder.loc,
            "an iterator is handed to the caller",
            label="it would run after the derivative has returned",
            help="make a list of it: list(...)",
        )
    parts = ctx.builder.parts(op)
    for part in parts.values() if isinstance(parts, dict) else parts or ():
        refuse_kept(ctx, part)


# ------------------------------------------------------------------ the consumer


def loop(
    ctx: Context,
    frame: Frame,
    node: Any,
    generator: Generated,
    bind: Callable[[Operand], None],
    body: Callable[[], None],
    extra: Sequence[str] = (),
) -> None:
    """Run `bind(element); body()` for every value that a generator yields."""
    refuse_protected(generator.frame)
    Consumer(ctx, frame, node, bind, body, extra).run(generator)


def refuse_protected(frame: Frame) -> None:
    """Refuse `yield` inside `try` and `with`: a loop may drop the generator there."""
    for node, _ in scope.own_nodes(frame.tree.body):
        if isinstance(node, gast.Try | gast.With) and has_yield(
            list(gast.iter_child_nodes(node))
        ):
            kind = "try" if isinstance(node, gast.Try) else "with"
            raise not_differentiable(
                "CR102",
                frame.loc(node),
                f"`yield` inside `{kind}`",
                label="what runs when the generator is dropped is not in the text",
                help=f"collect the values inside the `{kind}`, and return a list",
            )


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
        self.leaves = self.breaks or self.returns
        free = scope.nonlocal_names(frame.tree)
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
        before = self.frame.env
        env = dict(before)
        self.put(env)
        self.base = env
        if self.orelse:
            self.now[self.broke] = Const(False)
        if self.returns:
            self.now[self.returned] = Const(False)
        self.frame.env = env
        try:
            start(self.ctx, generator, self)
        except BaseException:
            self.frame.env = before
            raise
        self.frame.env = self.get()
        if any(self.now.get(k, k) is not op for k, op in generator.steady.items()):
            raise in_turns(self.ctx, generator.frame)
        self.finish()

    @property
    def orelse(self) -> list[Any]:
        """What runs when the generator has come to its end."""
        return getattr(self.node, "orelse", [])

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
        ctx, frame = self.ctx, self.frame
        stack, arguments, loc = ctx.stack, ctx.arguments, ctx.builder.loc
        ctx.stack, ctx.arguments = list(self.stack), list(self.arguments)
        frame.env = self.get()
        frame.env[CTL] = NEXT
        try:
            self.bind(value)
            self.body()
        finally:
            ctx.stack, ctx.arguments, ctx.builder.loc = stack, arguments, loc
        env = frame.env
        ctl, result = env.get(CTL, NEXT), env.get(RET, UNDEF)
        self.put(env)
        frame.env = self.base
        self.leave(generator, ctl, result)

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
            self.now[self.broke] = b.select(ctl, {k: k in broke for k in range(4)})
        if self.returns:
            table = {k: k == RETURN.value for k in range(4)}
            self.now[self.returned] = b.select(ctl, table)
            if isinstance(result, Undef):
                self.now.pop(self.result, None)
            else:
                self.now[self.result] = result
        left = b.select(ctl, {0: False, 1: True, 2: False, 3: True})

        def gone() -> None:
            generator.env[CTL] = RETURN

        choose(ctx, generator, left, gone, lambda: None)

    def finish(self) -> None:
        """Go on behind the loop: its `else` clause, or out of the function."""
        ctx, frame = self.ctx, self.frame
        broke = self.now.pop(self.broke, Const(False))
        returned = self.now.pop(self.returned, Const(False))
        result = self.now.pop(self.result, UNDEF)
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

        choose(ctx, frame, returned, gone, went_on)


def choose(
    ctx: Context,
    frame: Frame,
    test: Operand,
    then: Callable[[], None],
    orelse: Callable[[], None],
) -> None:
    """Interpret one of two paths, or both where the test is not known."""
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


# ------------------------------------------------------------------ into a list


def collect(
    ctx: Context, frame: Frame, generator: Generated, one_by_one: bool = False
) -> Operand:
    """Run a generator to its end; return the list of what it yields.

    Its loops are unrolled, if they can be, to know the elements one by one.
    """
    b = ctx.builder
    holder = b.apply(prims.make_list)
    scope_ = Frame(None, frame.file, frame.name, frame.globals, parent=frame)
    scope_.env[CTL] = NEXT

    def add(item: Operand) -> None:
        lists.method(ctx, frame, holder, "append", [item], [])

    consumer = Consumer(ctx, scope_, gast.Pass(), add, lambda: None)
    consumer.unrolls = one_by_one
    refuse_protected(generator.frame)
    consumer.run(generator)
    if isinstance(consumer.end, Undef):
        raise not_differentiable(
            "CR303",
            b.loc,
            f"the generator `{generator.frame.name}` never comes to its end",
            help="leave a loop over it by `break`",
        )
    return b.memory.current(holder)
