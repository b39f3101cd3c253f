"""Statements while exceptions are followed, and what a statement raises.

In: a statement inside a `try` whose exceptions are exits (`escapes`). Out: the same
statement; where an operation in it may raise, a `Try` around it whose handlers leave.
Where it calls a function that may be left, or has more to do after what may raise, it
is taken apart (`frontend.unnest`), and its steps are interpreted one by one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import gast

from chainrule.analysis.raising import SAFE_ON_FLOATS, may_raise
from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.frontend import scope, unnest
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Call,
    Const,
    Handler,
    Operand,
    Stmt,
    Try,
    Value,
    blocks,
)
from chainrule.specialise import escapes, expressions, statements
from chainrule.specialise.attributes import is_library
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import (
    CTL,
    RET,
    Context,
    Frame,
    State,
    here,
    mark,
    resume,
)
from chainrule.specialise.joins import join_paths
from chainrule.specialise.values import Poison
from chainrule.types import lattice as lt

COMPOUND = (gast.If, gast.For, gast.While, gast.With, gast.Try, gast.Match)
REASON = "may not have its new value when the exception is raised"
UNSURE = Const(Poison(REASON, "CR115"))
# Methods of containers that do nothing at all where they fail.
AT_ONCE = frozenset(
    "append insert pop remove clear reverse extend setdefault popitem appendleft "
    "popleft".split()
)
ALWAYS_SAFE = (prims.make_object, prims.list_append, print)
_PASS = gast.Pass()


def run(ctx: Context, frame: Frame, node: Any) -> list[Any] | None:
    """Interpret a statement, or return those that it has to be taken apart into."""
    if unnest.is_flat(node) or not _may_be_taken_apart(node):
        if _yields(node):  # what the consumer does there has steps of its own
            statements.statement(ctx, frame, node)
        elif not isinstance(node, COMPOUND):
            Simple(ctx, frame, node).run()
        else:
            return [node]
        return None
    key = id(node)
    if key not in ctx.taken_apart:
        if not isinstance(node, COMPOUND) and not _yields(node):
            try:
                Simple(ctx, frame, node).run()
                return None
            except escapes.Escape:
                pass
        elif not (
            isinstance(node, gast.With | gast.Expr) or _header_escapes(ctx, frame, node)
        ):
            return [node]
        ctx.taken_apart[key] = (node, _apart(ctx, frame, node))
    return ctx.taken_apart[key][1]


def _may_be_taken_apart(node: Any) -> bool:
    kinds = (gast.Assign, gast.AnnAssign, gast.AugAssign, gast.Return, gast.Expr)
    more = (gast.Raise, gast.Assert, gast.If, gast.While, gast.For, gast.Match)
    return isinstance(node, (*kinds, *more, gast.With))


def _yields(node: Any) -> bool:
    return isinstance(node, gast.Expr) and isinstance(node.value, scope.YIELDS)


def _apart(ctx: Context, frame: Frame, node: Any) -> list[Any]:
    shared = scope.declared_names(frame.tree)
    if isinstance(frame.tree, scope.FUNCTIONS):
        shared |= scope.shared_names(frame.tree)
    if isinstance(node, gast.With):
        return _entered(ctx, frame, node, shared)
    if not isinstance(node, gast.While):
        return unnest.unnest(node, ctx.numbers, shared)
    loop = unnest.with_test_inside(node)
    loop.flat = True
    return [loop]


def _entered(
    ctx: Context, frame: Frame, node: gast.With, shared: frozenset[str]
) -> list[Any]:
    """Make the context manager in a statement of its own, if that is the program's."""
    item, *rest = node.items
    made, body = item.context_expr, node.body
    if rest:
        body = [gast.copy_location(gast.With(rest, node.body, None), node)]
    steps = []
    if isinstance(made, gast.Call):
        alone = gast.copy_location(gast.Expr(made), made)
        *steps, last = unnest.unnest(alone, ctx.numbers, shared)
        made = last.value
        start = mark(ctx, frame)
        with ctx.builder.into(Block()):
            callee = expressions.callee(ctx, frame, item.context_expr.func)
        start.back(ctx)
        if escapes.lands(callee):
            name = gast.Name(f"${next(ctx.numbers)}", gast.Store(), None, None)
            gast.copy_location(name, made)
            assign = gast.copy_location(gast.Assign([name], made, None), made)
            assign.flat = True
            steps.append(assign)
            made = gast.copy_location(gast.Name(name.id, gast.Load(), None, None), made)
    entered = gast.With([gast.withitem(made, item.optional_vars)], body, None)
    entered.flat = True
    return [*steps, gast.copy_location(entered, node)]


def _header_escapes(ctx: Context, frame: Frame, node: Any) -> bool:
    """Say whether the expression at the head of a statement may be left."""
    head = getattr(node, "test", None) or getattr(node, "subject", None)
    if isinstance(node, gast.For):
        head = node.iter
        if not isinstance(head, gast.Call):
            return False
    if head is None or isinstance(head, gast.Name | gast.Constant):
        return False
    start, block, runs = mark(ctx, frame), Block(), ctx.step
    try:
        with ctx.builder.into(block):
            value = expressions.evaluate(ctx, frame, head)
            if not isinstance(node, gast.For | gast.Match):
                expressions.truth(ctx, frame, value)
        return not isinstance(node, gast.For) and bool(ways(ctx, block))
    except escapes.Escape:
        return True
    except NotDifferentiable:
        return False
    finally:
        start.back(ctx)
        ctx.step = runs


class Simple:
    """A statement without statements inside, while exceptions are followed."""

    def __init__(self, ctx: Context, frame: Frame, node: Any) -> None:
        self.ctx, self.frame, self.node = ctx, frame, node
        self.flat = unnest.is_flat(node)
        self.block = Block()

    def run(self) -> None:
        """Interpret it; what it raises leaves for who catches it."""
        ctx, frame = self.ctx, self.frame
        start, before, first = mark(ctx, frame), here(ctx, frame), Value(lt.NEVER).id
        runs = ctx.entered
        try:
            with ctx.builder.into(self.block):
                self.interpret()
                if any(map(statements.fails, self.block.stmts)):
                    frame.env[CTL] = frame.env[RET] = UNDEF
            found = ways(ctx, self.block)
            again = ctx.entered != runs or self.stores_more(before)
            if found and again and not self.flat:
                raise escapes.Escape
        except escapes.Escape:
            start.back(ctx)
            if self.flat or not _may_be_taken_apart(self.node):
                raise not_differentiable(
                    "CR303",
                    frame.loc(self.node),
                    "an exception is raised in the middle of an expression",
                    help="call what raises it in a statement of its own",
                ) from None
            raise
        if not found:
            ctx.builder.block.stmts += self.block.stmts
            return
        self.catch(found, before, first)

    def stores_more(self, before: State) -> bool:
        """Say whether an exception might come between writes into objects."""
        changed = self.changed(before)
        more = len(changed) > 1 or (bool(changed) and not self.is_store())
        return more or unnest.stores_twice(self.node)

    def changed(self, before: State) -> list[Hashable]:
        """Return the objects, and variables in the memory, that were written."""
        now, old = self.ctx.builder.memory.now, before.now
        codes = {entry.code for entry in self.ctx.followed}  # each path sets its own
        found = [k for k in now if now[k] is not old.get(k) and k not in codes]
        return [k for k in found if isinstance(k, Value) or k in old]

    def is_store(self) -> bool:
        """Say whether all that may raise comes before the one write."""
        node = self.node
        if isinstance(node, gast.Assign | gast.AugAssign | gast.Delete):
            return True
        match node:
            case gast.Expr(value=gast.Call(func=gast.Attribute(value=base, attr=attr))):
                t = type_of(self.frame.env.get(getattr(base, "id", ""), UNDEF))
                return isinstance(t, lt.ListT | lt.DictT) and attr in AT_ONCE
        return False

    def interpret(self) -> None:
        """Interpret the statement; bind what a call gave where it was not left."""
        ctx, frame, node = self.ctx, self.frame, self.node
        value = getattr(node, "value", None)
        if not isinstance(node, gast.Assign | gast.Return | gast.Expr) or value is None:
            statements.statement(ctx, frame, node)
            return
        ctx.builder.loc = frame.loc(node)
        ctx.step += 1
        yields = isinstance(value, scope.YIELDS)
        if yields or not (isinstance(value, gast.Call) or self.flat):
            statements.statement(ctx, frame, node)
            return
        with escapes.landing(ctx, value, isinstance(value, gast.Call)) as landed:
            result = expressions.evaluate(ctx, frame, value)
        test = landed()

        escapes.leave_where(ctx, frame, test, lambda: self.bind(result))

    def bind(self, result: Operand) -> None:
        """Do with a value what the statement does."""
        ctx, frame, node = self.ctx, self.frame, self.node
        if isinstance(node, gast.Assign):
            for target in node.targets:
                statements.assign(ctx, frame, target, result)
        elif isinstance(node, gast.Return):
            statements.return_(frame, result)

    def classes(self, clause: Const | None) -> list[Const]:
        """Return the classes that a clause catches of what may be raised here."""
        if clause is None:
            return [Const(Exception, "Exception")]
        if isinstance(clause.value, type):
            return [clause]
        stmts = list(uncovered(self.block))
        return [Const(c) for c in clause.value if any(_may_be(s, c) for s in stmts)]

    def catch(
        self, found: list[tuple[escapes.Followed, int]], old: State, first: int
    ) -> None:
        """Write a `Try` around the statement whose handlers leave."""
        ctx, frame = self.ctx, self.frame
        for stmt in uncovered(self.block):
            if isinstance(stmt, Apply):
                stmt.effect = True
        done = here(ctx, frame)
        stmt = Try(self.block, (), (), None, frame.loc(self.node))
        paths, handlers = [(self.block, done)], []
        caught = State(old, old.now)
        changed = self.changed(old)
        if not self.is_store() or (len(changed) > 1 and not self.flat):
            caught.now |= dict.fromkeys(changed, UNSURE)
        for name in scope.assigned_names([getattr(self.node, "value", None) or _PASS]):
            caught[name] = UNSURE
        for entry, k in found:
            for classes in self.classes(entry.clauses[k]):
                resume(ctx, frame, caught)
                t = lt.OpaqueT(classes.value)
                error = Value(t, "error")
                entry.leave(ctx, frame, t, k, error)
                handlers.append(Handler(classes, error, Block()))
                paths.append((handlers[-1].block, here(ctx, frame)))
            for inner, _ in found:
                if inner is entry:
                    break
                inner.passed = True
        stmt.handlers = tuple(handlers)
        frame.env = join_paths(ctx, stmt, paths, first)


def raise_again(ctx: Context, frame: Frame, error: Operand) -> None:
    """Raise what has been caught, as a statement of its own."""
    if not ctx.followed:
        statements.leave_by(ctx, frame, error)
        return
    loc = ctx.builder.loc
    with escapes.handling(frame, error):
        Simple(ctx, frame, gast.Raise(None, None)).run()
        ctx.builder.loc = loc


# ------------------------------------------------------------------ what raises


def uncovered(block: Block) -> Iterator[Stmt]:
    """Yield what may raise in a block, but for what a `Try` of its own catches."""
    for stmt in block.stmts:
        if isinstance(stmt, Call):
            yield stmt
        elif isinstance(stmt, Apply):
            if may_raise(stmt) and not _is_safe(stmt):
                yield stmt
        if not isinstance(stmt, Try):
            for inner in blocks(stmt):
                yield from uncovered(inner)


def _is_safe(stmt: Apply) -> bool:
    """Say whether an operation raises nothing that a program would catch."""
    types = [type_of(a) for a in stmt.args]
    if stmt.fn is getattr and isinstance(types[0], lt.ObjT):
        return True
    if stmt.fn in SAFE_ON_FLOATS:
        return all(isinstance(t, lt.ScalarT) and t.dtype is None for t in types)
    if stmt.fn in ALWAYS_SAFE:
        return True
    cls = getattr(stmt.out.type, "cls", None)
    return isinstance(cls, type) and stmt.fn is cls and issubclass(cls, BaseException)


def ways(ctx: Context, block: Block) -> list[tuple[escapes.Followed, int]]:
    """Return by which clauses what may raise in a block may be caught, in order."""
    found: list[tuple[escapes.Followed, int]] = []
    if not ctx.followed:
        return found
    stmts = list(uncovered(block))
    if not stmts:
        return found
    for entry in reversed(ctx.followed):
        for k, classes in enumerate(entry.clauses):
            if classes is None:
                return [*found, (entry, k)]
            if any(
                _may_be(stmt, c) for stmt in stmts for c in escapes.classes_of(classes)
            ):
                found.append((entry, k))
    return found


def _may_be(stmt: Stmt, cls: Any) -> bool:
    """Say whether what an operation raises may be of a class.

    What is not of the program raises no exceptions of the program's own classes.
    """
    if not isinstance(stmt, Apply):
        return True
    if stmt.fn is prims.raise_:
        mine = getattr(type_of(stmt.args[0]), "cls", BaseException)
        return issubclass(mine, cls) or issubclass(cls, mine)
    module = getattr(stmt.fn, "__module__", None) or "builtins"
    own = not is_library(module) and not module.startswith("_")
    return own or is_library(cls.__module__)
