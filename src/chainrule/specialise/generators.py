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
    consumers,
    exhaustion,
    expressions,
    inlining,
    lists,
    loops,
    recursion,
    statements,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import (
    CTL,
    NEXT,
    Context,
    Frame,
)
from chainrule.specialise.values import (
    Cell,
    Generated,
    Generator,
    Items,
    Managed,
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


def refuse_kept(ctx: Context, op: Operand) -> None:
    """Refuse to hand a generator, or a container that holds one, to the caller."""
    if is_const(op, (Generated, Generator, Items, Managed, Streams)):
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


# ------------------------------------------------------------------ its consumers


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
    consumer = consumers.Consumer(ctx, frame, node, bind, body, extra)
    if consumer.leaves:
        refuse_protected(generator.frame, is_dropped(frame, node))
    consumer.run(generator)


def is_dropped(frame: Frame, node: Any) -> bool:
    """Say whether nobody holds the generator of a loop once the loop has been left."""
    names = (n.id for n in gast.walk(node.iter) if isinstance(n, gast.Name))
    kinds = (Generated, Generator, Items, Streams)
    return not any(is_const(frame.env.get(name), kinds) for name in names)


def refuse_protected(frame: Frame, dropped: bool) -> None:
    """Refuse `yield` inside `with`, and inside `try` if it is not known when what is
    to be done `finally` is done: a loop may leave the generator there.
    """
    for node, _ in scope.own_nodes(frame.tree.body):
        if isinstance(node, gast.Try | gast.With) and consumers.has_yield(
            list(gast.iter_child_nodes(node))
        ):
            if isinstance(node, gast.Try) and dropped and not node.handlers:
                continue
            kind = "try" if isinstance(node, gast.Try) else "with"
            raise not_differentiable(
                "CR102",
                frame.loc(node),
                f"`yield` inside `{kind}`",
                label="what runs when the generator is dropped is not in the text",
                help=f"collect the values inside the `{kind}`, and return a list",
            )


# ------------------------------------------------------------------ into a list


def collect(
    ctx: Context, frame: Frame, generator: Generated, one_by_one: bool = False
) -> Operand:
    """Run a generator to its end; return the list of what it yields.

    Its loops are unrolled, if they can be, to know the elements one by one.
    """
    return exhaustion.once(
        ctx, generator, lambda: run_to_end(ctx, generator, one_by_one)
    )


def run_to_end(ctx: Context, generator: Generated, one_by_one: bool) -> Operand:
    """Run a generator with a consumer that appends to a list."""
    inner = generator.frame
    b = ctx.builder
    holder = b.apply(prims.make_list)
    scope_ = Frame(None, inner.file, inner.name, inner.globals, parent=inner)
    scope_.env[CTL] = NEXT

    def add(item: Operand) -> None:
        lists.method(ctx, scope_, holder, "append", [item], [])

    consumer = consumers.Consumer(ctx, scope_, gast.Pass(), add, lambda: None)
    consumer.unrolls = one_by_one
    consumer.run(generator)
    if isinstance(consumer.end, Undef):
        raise not_differentiable(
            "CR303",
            b.loc,
            f"the generator `{generator.frame.name}` never comes to its end",
            help="leave a loop over it by `break`",
        )
    return b.memory.current(holder)
