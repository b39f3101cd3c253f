"""The `try` statement: paths that an exception chooses.

In: a `try` statement. Out: a `Try` in the IR, whose handlers are paths like the
branches of an `If`. Leading operations that cannot raise move in front of it, so that
what they compute is known in the handlers; a name assigned before something that may
raise has no certain value there. A `finally` clause that only has effects stays one;
one that assigns is interpreted behind the statement, and once more where an exception
passes through.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any

import gast

from chainrule.analysis.raising import may_raise, raising
from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.frontend import scope, unnest
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    Handler,
    Loc,
    Operand,
    Try,
    Undef,
    Value,
)
from chainrule.optimise.dead import has_effect
from chainrule.specialise import (
    consumers,
    expressions,
    managers,
    statements,
    tries,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import (
    CTL,
    ERROR,
    NEXT,
    RET,
    RETURN,
    Context,
    Frame,
    State,
    here,
    resume,
)
from chainrule.specialise.joins import join_paths
from chainrule.specialise.steps import REASON
from chainrule.specialise.values import Poison
from chainrule.types import lattice as lt

RAN = "$ran"


def try_(ctx: Context, frame: Frame, node: gast.Try) -> None:
    """Interpret a `try` statement."""

    yields = frame.consumer is not None and consumers.has_yield([node])
    if yields and not isinstance(frame.consumer, managers.Entered):
        tries.try_(ctx, frame, node)
        return

    def whole() -> None:
        if yields:
            managers.try_(ctx, frame, node)
        elif node.finalbody:
            _with_final(ctx, frame, node)
        else:
            Caught(ctx, frame, node, node.body, node.handlers, node.orelse).run()

    follow = partial(tries.try_, ctx, frame, node)
    tries.where_needed(ctx, frame, node, whole, follow)


def suppress(
    ctx: Context, frame: Frame, node: gast.With, body: list[Any], classes: list[Operand]
) -> None:
    """Interpret `with contextlib.suppress(*classes)` as a handler that does nothing."""
    if not all(isinstance(c, Const) for c in classes):
        raise not_differentiable(
            "CR502", frame.loc(node), "the exception class must be known"
        )

    def whole() -> None:
        caught = Caught(ctx, frame, node, body, [], [])
        caught.silent = (
            classes[0]
            if len(classes) == 1
            else ctx.builder.apply(prims.make_tuple, *classes)
        )
        caught.run()

    follow = partial(tries.suppress, ctx, frame, body, classes)
    tries.where_needed(ctx, frame, node, whole, follow)


class Body:
    """The body of a `try`: what it writes, and what is unsure in a handler.

    Variables go by their names, objects by their keys in the memory.
    """

    def __init__(
        self, ctx: Context, frame: Frame, body: list[Any], loc: Loc | None
    ) -> None:
        self.ctx, self.frame, self.loc = ctx, frame, loc
        self.block = Block()
        self.start = here(ctx, frame)
        self.unsure: set[Hashable] = set()
        self.pending: set[Hashable] = set()
        self.raises = False
        for k, node in enumerate(body):
            if isinstance(
                node,
                gast.If | gast.Match | gast.For | gast.While | gast.With | gast.Try,
            ):
                if scope.exits([node]):
                    self.rest(body[k:])
                    return
                self.rest([node])
                if not statements.stays(frame.env):
                    return
                continue
            before = here(ctx, frame)
            self.simple(node)
            self.pending |= self.changed(before, [node])
            if not self.raises:
                self.start, self.pending = here(ctx, frame), set()
            if not statements.stays(frame.env):
                return

    def changed(self, before: State, nodes: list[Any]) -> set[Hashable]:
        """Return what statements changed; behind a `return` no name has a value."""
        now = here(self.ctx, self.frame)
        assigned = scope.assigned_names(nodes)
        names = {n for n in assigned if before.get(n) is not now.get(n)}
        objects = {
            k
            for k in {**now.now, **before.now}
            if before.now.get(k) is not now.now.get(k)
        }
        return names | objects

    def simple(self, node: Any) -> None:
        """Interpret a statement that binds its names, or writes, last of all."""
        before, written = here(self.ctx, self.frame), Block()
        with self.ctx.builder.into(written):
            statements.block(self.ctx, self.frame, [node])
        left = isinstance(node, gast.Return | gast.Raise | gast.Break | gast.Continue)
        raises = any(map(may_raise, written.stmts))
        if raises:
            inside: set[Hashable] = set(
                scope.assigned_names([getattr(node, "value", None) or gast.Pass()])
            )
            objects = {k for k in self.changed(before, []) if not isinstance(k, str)}
            store = isinstance(node, gast.Assign | gast.AugAssign)
            plain = store and not unnest.stores_twice(node)
            if not (plain or _appends(self.frame, node)) or len(objects) > 1:
                inside |= objects
            self.unsure |= self.pending | inside
        self.raises = self.raises or raises or left
        if self.raises:
            self.block.stmts += written.stmts
        else:
            self.ctx.builder.block.stmts += written.stmts

    def rest(self, body: list[Any]) -> None:
        """Interpret statements as a whole that may raise anywhere."""
        before, written = here(self.ctx, self.frame), Block()
        with self.ctx.builder.into(written):
            statements.block(self.ctx, self.frame, body)
        raises = any(raising(written))
        if not raises and not self.raises and statements.stays(self.frame.env):
            self.ctx.builder.block.stmts += written.stmts
            self.start, self.pending = here(self.ctx, self.frame), set()
            return
        self.block.stmts += written.stmts
        self.pending |= self.changed(before, []) | set(scope.assigned_names(body))
        if raises:
            self.unsure |= self.pending
        self.raises = True

    def at_exception(self) -> State:
        """Return the state in which an exception is caught."""
        state = State(self.start, self.start.now)
        unsure = Const(Poison(REASON, "CR115", site=self.loc))
        for key in self.unsure:
            if not isinstance(key, str):
                state.now[key] = unsure
            elif not key.startswith("$"):
                state[key] = unsure
        state[CTL] = NEXT
        return state

    def keep_order(self) -> None:
        """Keep what may raise in its place, whether its value is used or not."""
        for stmt in raising(self.block):
            if isinstance(stmt, Apply):
                stmt.effect = True


def _appends(frame: Frame, node: Any) -> bool:
    """Say whether a statement only appends to a list that a name stands for."""
    match node:
        case gast.Expr(
            value=gast.Call(
                func=gast.Attribute(value=gast.Name(id=name), attr="append")
            )
        ):
            return isinstance(type_of(frame.env.get(name, UNDEF)), lt.ListT)
    return False


class Caught:
    """A `try` with handlers, or a `with suppress(...)`."""

    silent: Operand | None = None

    def __init__(
        self,
        ctx: Context,
        frame: Frame,
        node: Any,
        body: list[Any],
        handlers: list[Any],
        orelse: list[Any],
    ) -> None:
        self.ctx, self.frame, self.loc = ctx, frame, frame.loc(node)
        self.body, self.handlers, self.orelse = body, handlers, orelse

    def run(self) -> None:
        """Interpret the body, each handler, and the `else` clause."""
        ctx, frame = self.ctx, self.frame
        first = Value(lt.NEVER).id
        body = Body(ctx, frame, self.body, self.loc)
        if not body.block.stmts:  # nothing here can raise
            self.otherwise(Const(True))
            return
        stmt = Try(body.block, (), (), None, self.loc)
        if self.orelse:
            with ctx.builder.into(stmt.body):
                frame.env[RAN] = _stayed(ctx, frame)
        paths = [(stmt.body, here(ctx, frame))]
        handlers: list[Handler] = []
        if self.silent is not None:
            handlers.append(Handler(self.silent, None, Block()))
            paths.append((handlers[0].block, body.at_exception()))
        for node in self.handlers:
            resume(ctx, frame, body.at_exception())
            handlers.append(handler(ctx, frame, node, self.loc))
            frame.env[RAN] = Const(False)
            paths.append((handlers[-1].block, here(ctx, frame)))
        stmt.handlers = tuple(handlers)
        body.keep_order()
        frame.env = join_paths(ctx, stmt, paths, first)
        ran = frame.env.pop(RAN, Const(True))
        self.otherwise(ran)

    def otherwise(self, ran: Operand) -> None:
        """Interpret the `else` clause where the body has come to its end."""
        ctx, frame = self.ctx, self.frame
        if not self.orelse or isinstance(frame.env.get(CTL), Undef):
            return

        def orelse() -> None:
            statements.block(ctx, frame, self.orelse)

        def run() -> None:
            if not isinstance(ran, Const):
                statements.either(ctx, frame, ran, orelse, lambda: None)
            elif ran.value:
                orelse()

        statements.if_stayed(ctx, frame, run)


def _stayed(ctx: Context, frame: Frame) -> Operand:
    ctl = frame.env.get(CTL, UNDEF)
    return ctx.builder.select(ctl, {0: True, 1: False, 2: False, 3: False, 4: False})


def handler(ctx: Context, frame: Frame, node: Any, site: Loc | None) -> Handler:
    """Interpret one `except` clause."""
    classes = None if node.type is None else expressions.evaluate(ctx, frame, node.type)
    if classes is not None and not isinstance(classes, Const):
        raise not_differentiable(
            "CR502", frame.loc(node), "the exception class must be known"
        )
    name, label, outer = None, None, frame.env.get(ERROR)
    if node.name is not None:
        label = node.name.id if isinstance(node.name, gast.Name) else node.name
    if label is not None or any(
        _bare_raise(n) for s in node.body for n in gast.walk(s)
    ):
        name = Value(lt.OpaqueT(_caught_class(classes)), label or "error")
        if site is not None:
            ctx.builder.memory.caught[name] = site
        frame.env[ERROR] = name
    if name is not None and label is not None:
        frame.env[label] = name
    block = Block()
    with ctx.builder.into(block):
        statements.block(ctx, frame, node.body)
    if outer is None:
        frame.env.pop(ERROR, None)
    else:
        frame.env[ERROR] = outer
    if label is not None:
        frame.env.pop(label, None)
    return Handler(classes, name, block)


def _caught_class(classes: Const | None) -> type:
    """Return a class of which every caught exception is an instance."""
    cls = None if classes is None else classes.value
    return cls if isinstance(cls, type) else Exception


def _bare_raise(node: Any) -> bool:
    return isinstance(node, gast.Raise) and node.exc is None


def _with_final(ctx: Context, frame: Frame, node: gast.Try) -> None:
    """Interpret `try ... finally`."""
    first = Value(lt.NEVER).id
    inner = node.body
    if node.handlers:
        whole = gast.Try(node.body, node.handlers, node.orelse, [])
        inner = [gast.copy_location(whole, node)]
    kept = tries.unassigned(frame, inner)
    body = Body(ctx, frame, inner, frame.loc(node))
    frame.env |= kept
    env = here(ctx, frame)
    assigned = {*scope.assigned_names(inner), *scope.assigned_names(node.finalbody)}
    assigned -= scope.declared_names(frame.tree)
    caught = body.at_exception()
    final, raised, writes = _final_at(ctx, frame, node, caught, env)
    reads = {
        n.id for s in node.finalbody for n in gast.walk(s) if isinstance(n, gast.Name)
    }
    resume(ctx, frame, env)
    branches = not all(
        isinstance(s, gast.Return) or not scope.exits([s]) for s in inner
    )
    if writes and branches and scope.exits(inner) and reads & assigned:
        raise reads_assigned(frame, node)
    if has_effect(final) and not (reads & assigned or writes):
        body.keep_order()
        stmt = Try(body.block, (), (), final, frame.loc(node))
        frame.env = join_paths(ctx, stmt, [(stmt.body, env)], first)
        return
    if has_effect(final):
        if scope.exits(inner):
            raise reads_assigned(frame, node)
        body.keep_order()
        stmt = Try(
            body.block,
            (_passing(ctx, frame, final, raised),),
            (),
            None,
            frame.loc(node),
        )
        frame.env = join_paths(
            ctx, stmt, [(stmt.body, env), (stmt.handlers[0].block, raised)], first
        )
    else:
        ctx.builder.block.stmts += body.block.stmts
    _behind(ctx, frame, node.finalbody, writes)


def _final_at(
    ctx: Context, frame: Frame, node: gast.Try, caught: State, env: State
) -> tuple[Block, State, bool]:
    """Interpret a `finally` clause where an exception passes.

    Return what it leaves, and whether it writes into objects. What it reads may not be
    known there: then it must do nothing that is seen.
    """
    final = Block()
    resume(ctx, frame, caught)
    try:
        with ctx.builder.into(final):
            statements.block(ctx, frame, node.finalbody)
    except NotDifferentiable as error:
        if error.code != "CR115":
            raise
        final = Block()
        resume(ctx, frame, env)
        with ctx.builder.into(final):
            statements.block(ctx, frame, node.finalbody)
        if has_effect(final):
            raise
        caught = env
    left = here(ctx, frame)
    keys = {*left.now, *caught.now}
    writes = any(left.now.get(k) is not caught.now.get(k) for k in keys)
    return final, left, writes


def reads_assigned(frame: Frame, node: gast.Try) -> Exception:
    return not_differentiable(
        "CR114",
        frame.loc(node.finalbody[0]),
        "this `finally` clause uses what is assigned before the `try` is left",
        label="runs on every way out",
        help="move it behind the `try`",
    )


def _passing(ctx: Context, frame: Frame, final: Block, raised: State) -> Handler:
    """Return the handler that runs a `finally` clause and raises again."""
    error = Value(lt.OpaqueT(object), "error")
    before = here(ctx, frame)
    with ctx.builder.into(final):
        statements.leave_by(ctx, frame, error)
    raised.update({k: frame.env.get(k, UNDEF) for k in (CTL, RET)})
    resume(ctx, frame, before)
    return Handler(Const(BaseException, "BaseException"), error, final)


def _behind(ctx: Context, frame: Frame, final: list[Any], writes: bool) -> None:
    """Interpret a `finally` clause behind its `try`.

    If that returned, nobody reads its variables; what it writes into objects remains.
    """
    ctl = frame.env.get(CTL, UNDEF)
    if isinstance(ctl, Undef):
        return

    def run() -> None:
        frame.env[CTL] = NEXT
        statements.block(ctx, frame, final)
        if statements.stays(frame.env):
            frame.env[CTL] = ctl

    returned = ctx.builder.select(ctl, {0: False, 1: False, 2: False, 3: True, 4: True})
    if writes:
        run()
    elif isinstance(returned, Value):

        def leave() -> None:
            frame.env[CTL] = RETURN

        statements.either(ctx, frame, returned, leave, run)
    elif isinstance(returned, Const) and not returned.value:
        run()
