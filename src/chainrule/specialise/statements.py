"""Statements: the effect of each on the variables, and control flow without jumps.

In: a list of gast statements and the frame. Out: the frame's environment after them. An
exit (`break`, `continue`, `return`) is an exit code in the variable `$ctl`. When one
branch of an `if` leaves, the statements after the `if` are interpreted inside the other
branch; when a nested branch may leave, they run under a test of the code. So the IR
needs no jumps.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Apply, Block, Const, If, Operand, Undef, Value
from chainrule.specialise import (
    absences,
    calls,
    contexts,
    escapes,
    expressions,
    generators,
    loops,
    matching,
    outside_state,
    protected,
    steps,
    stores,
    surgery,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import (
    BREAK,
    CONTINUE,
    CTL,
    ERROR,
    NEXT,
    RET,
    RETURN,
    Context,
    Frame,
    here,
    resume,
)
from chainrule.specialise.joins import join
from chainrule.specialise.values import Cell, is_const
from chainrule.types import lattice as lt


def block(ctx: Context, frame: Frame, body: list[Any]) -> None:
    """Interpret statements until one of them leaves on every path."""
    if ctx.followed:
        escapes.calm(ctx)
    for k, node in enumerate(body):
        rest = body[k + 1 :]
        if ctx.followed and not ctx.splicing:
            taken = steps.run(ctx, frame, node)
            if taken is not None and taken != [node]:
                block(ctx, frame, [*taken, *rest])
                return
            if taken is None:
                node = None
        if node is None:
            pass
        elif isinstance(node, gast.If):
            if conditional(ctx, frame, node, rest):
                return
        elif isinstance(node, gast.Match):
            matching.match(ctx, frame, node)
        else:
            mark, where = len(ctx.builder.block.stmts), ctx.builder.block
            statement(ctx, frame, node)
            if any(map(fails, where.stmts[mark:])):
                frame.env[CTL] = frame.env[RET] = UNDEF
        ctl = frame.env.get(CTL, UNDEF)
        if isinstance(ctl, Undef) or (
            isinstance(ctl, Const) and ctl.value != NEXT.value
        ):
            return
        if isinstance(ctl, Value):
            guarded(ctx, frame, rest)
            return


def fails(stmt: Any) -> bool:
    """Say whether a statement raises for certain."""
    if not isinstance(stmt, Apply) or not isinstance(stmt.out.type, lt.NeverT):
        return False
    if stmt.fn is operator.getitem:
        return getattr(type_of(stmt.args[0]), "items", None) is not None
    return stmt.fn is prims.raise_


def guarded(ctx: Context, frame: Frame, rest: list[Any]) -> None:
    """Interpret the rest on the paths that have not left."""
    if rest:
        if_stayed(ctx, frame, lambda: block(ctx, frame, rest))


def if_stayed(ctx: Context, frame: Frame, run: Callable[[], None]) -> None:
    """Run an interpretation on the paths that have not left."""
    ctl = frame.env.get(CTL, UNDEF)
    left = ctx.builder.select(ctl, {0: False, 1: True, 2: True, 3: True, 4: True})
    if isinstance(left, Const):
        if not left.value:
            frame.env[CTL] = NEXT
            run()
        return

    def go_on() -> None:
        frame.env[CTL] = NEXT
        run()

    def leave() -> None:
        codes = ctx.builder.codes(ctl) - {NEXT.value}
        if len(codes) == 1:
            frame.env[CTL] = Const(codes.pop())

    either(ctx, frame, left, leave, go_on, guard=True)


def either(
    ctx: Context,
    frame: Frame,
    test: Operand,
    then: Callable[[], None],
    orelse: Callable[[], None],
    guard: bool = False,
) -> If:
    """Write an `If` whose branches are interpreted from the same variables."""
    b = ctx.builder
    first = Value(lt.NEVER).id
    start = here(ctx, frame)
    stmt = If(test, Block(), Block(), (), b.loc, guard)
    absences.assume(b, stmt)
    with b.into(stmt.then):
        then()
    env_then = here(ctx, frame)
    resume(ctx, frame, start)
    with b.into(stmt.orelse):
        orelse()
    frame.env = join(ctx, frame, stmt, env_then, here(ctx, frame), first)
    return stmt


def conditional(ctx: Context, frame: Frame, node: gast.If, rest: list[Any]) -> bool:
    """Interpret an `if`; say whether the rest was interpreted in one of
    its branches.
    """
    b = ctx.builder
    b.loc = frame.loc(node)
    ctx.step += 1
    test = expressions.condition(ctx, frame, node.test)
    if isinstance(test, Const):
        block(ctx, frame, node.body if test.value else node.orelse)
        return False
    b.loc = frame.loc(node)
    first = Value(lt.NEVER).id
    start = here(ctx, frame)
    stmt = If(test, Block(), Block(), (), b.loc)
    absences.assume(b, stmt)
    with b.into(stmt.then):
        block(ctx, frame, node.body)
    env_then = here(ctx, frame)
    resume(ctx, frame, start)
    with b.into(stmt.orelse):
        block(ctx, frame, node.orelse)
    env_else = here(ctx, frame)
    taken = False
    for env, other, target in (
        (env_then, env_else, stmt.orelse),
        (env_else, env_then, stmt.then),
    ):
        if leaves(env) and stays(other):
            resume(ctx, frame, other)
            with b.into(target):
                block(ctx, frame, rest)
            if target is stmt.orelse:
                env_else = here(ctx, frame)
                stmt.guard = not node.orelse
            else:
                env_then = here(ctx, frame)
            taken = True
            break
    frame.env = join(ctx, frame, stmt, env_then, env_else, first)
    return taken


def leaves(env: dict[str, Operand]) -> bool:
    """Say whether a path has left on every way through."""
    ctl = env[CTL] if CTL in env else UNDEF
    return isinstance(ctl, Undef) or (
        isinstance(ctl, Const) and ctl.value != NEXT.value
    )


def stays(env: dict[str, Operand]) -> bool:
    """Say whether a path goes on to the next statement for certain."""
    ctl = env.get(CTL, UNDEF)
    return isinstance(ctl, Const) and ctl.value == NEXT.value


def statement(ctx: Context, frame: Frame, node: Any) -> None:
    """Interpret one statement that is not an `if`."""
    handler = HANDLERS.get(type(node))
    if handler is None:
        raise not_differentiable(
            "CR101",
            frame.loc(node),
            f"`{type(node).__name__.lower()}` is not supported",
        )
    ctx.builder.loc = frame.loc(node)
    ctx.step += 1
    handler(ctx, frame, node)


def _expression(ctx: Context, frame: Frame, node: gast.Expr) -> None:
    if isinstance(node.value, scope.YIELDS):
        generators.yield_(ctx, frame, node.value)
        return
    surgery.refuse_unused(ctx, expressions.evaluate(ctx, frame, node.value))


def _return(ctx: Context, frame: Frame, node: gast.Return) -> None:
    value = (
        Const(None)
        if node.value is None
        else expressions.evaluate(ctx, frame, node.value)
    )
    return_(frame, value)


def return_(frame: Frame, value: Operand) -> None:
    """Return a value."""
    frame.env[RET] = value
    frame.env[CTL] = RETURN


def _break(ctx: Context, frame: Frame, node: Any) -> None:
    frame.env[CTL] = BREAK


def _continue(ctx: Context, frame: Frame, node: Any) -> None:
    frame.env[CTL] = CONTINUE


def _assign(ctx: Context, frame: Frame, node: gast.Assign) -> None:
    value = expressions.evaluate(ctx, frame, node.value)
    for target in node.targets:
        assign(ctx, frame, target, value)


def _annotated(ctx: Context, frame: Frame, node: gast.AnnAssign) -> None:
    if node.value is not None:
        assign(ctx, frame, node.target, expressions.evaluate(ctx, frame, node.value))


def assign(ctx: Context, frame: Frame, target: Any, value: Operand) -> None:
    """Bind a target: a name, or names in a tuple or list."""
    if isinstance(target, gast.Name):
        # Names in rules are ours: what prints is named after what the user's are.
        ours = ctx.splicing or target.id.startswith("$")
        ours |= owner_of(frame, target.id) is None
        if isinstance(value, Value) and value.hint is None and not ours:
            value.hint = target.id
        bind_name(ctx, frame, target.id, value)
        return
    if isinstance(target, gast.Tuple | gast.List):
        unpack(ctx, frame, target, value)
        return
    if isinstance(target, gast.Starred):
        assign(ctx, frame, target.value, value)
        return
    if isinstance(target, gast.Attribute):
        stores.assign_attribute(ctx, frame, target, value)
    else:
        stores.assign_item(ctx, frame, target, value)


def bind_name(ctx: Context, frame: Frame, name: str, value: Operand) -> None:
    """Bind a variable; one that inner functions assign lives in the memory."""
    if outside_state.declared_global(frame, name):
        outside_state.assign_global(ctx, frame, name, value)
        return
    where = owner_of(frame, name)
    cell = None if where is None else where.env.get(name)
    if is_const(cell, Cell):
        ctx.builder.memory.now[cell.value] = value
    elif where is frame:
        frame.env[name] = value
    elif not outside_state.assign_cell(ctx, frame, name, value):
        raise not_differentiable(
            "CR106",
            ctx.builder.loc,
            f"assignment to the nonlocal name `{name}`",
            label="it belongs to a function outside the one that is differentiated",
            help=f"return the new value of `{name}`, and assign it in the caller",
        )


def owner_of(frame: Frame, name: str) -> Frame | None:
    """Return the frame whose variable a name is where it is assigned, if one is."""
    if outside_state.declared_global(frame, name):
        return None
    where: Frame | None = frame
    while where is not None and name in scope.nonlocal_names(where.tree):
        where = where.parent
    return where


def unpack(ctx: Context, frame: Frame, target: Any, value: Operand) -> None:
    """Bind several targets to the elements of one value."""
    from chainrule.specialise import folds, inlining, lazily
    from chainrule.specialise.comprehensions import static_items
    from chainrule.specialise.folds import listed

    b = ctx.builder
    value = absences.there(b, value, "cannot unpack non-iterable NoneType object")
    names = target.elts
    if type_of(value) is lt.NEVER:  # of a recursion that is not settled yet
        for each in names:
            starred = isinstance(each, gast.Starred)
            assign(ctx, frame, each.value if starred else each, value)
        return
    star = next((k for k, t in enumerate(names) if isinstance(t, gast.Starred)), None)
    items = None
    if isinstance(type_of(value), lt.ObjT):
        value = listed(ctx, frame, value)
    if not isinstance(type_of(value), lt.ArrayT) or (
        star is not None and lt.all_turns()
    ):
        items = static_items(ctx, frame, value)
    if items is None:
        if star is not None:
            after = len(names) - star - 1
            least = Const(len(names) - 1)
            enough: Any = lazily.enough
            inlining.call_function(ctx, frame, enough, [value, least], [])
            items = [b.getitem(value, k) for k in range(star)]
            middle = b.getitem(value, slice(star, -after or None))
            if isinstance(type_of(value), lt.ArrayT):
                middle = folds.listed(ctx, frame, middle)
            items.append(middle)
            items += [b.getitem(value, k - after) for k in range(after)]
        else:
            parts = b.apply(prims.unpack, value, Const(len(names)))
            items = [b.getitem(parts, k) for k in range(len(names))]
    elif star is not None:
        after = len(names) - star - 1
        if len(items) < len(names) - 1:
            raise _wrong_count(frame, target, len(names) - 1, len(items))
        stop = len(items) - after
        middle = b.apply(prims.make_list, *items[star:stop])
        items = [*items[:star], middle, *items[stop:]]
    if len(items) != len(names):
        raise _wrong_count(frame, target, len(names), len(items))
    for name, item in zip(names, items, strict=True):
        assign(ctx, frame, name, item)


def _wrong_count(frame: Frame, target: Any, want: int, got: int) -> Exception:
    error = not_differentiable(
        "CR107",
        frame.loc(target),
        f"{want} values are expected here, and there are {got}",
    )
    error.primal_fails = True
    return error


def _augmented(ctx: Context, frame: Frame, node: gast.AugAssign) -> None:
    stores.augmented(ctx, frame, node)


def _for(ctx: Context, frame: Frame, node: gast.For) -> None:
    loops.for_(ctx, frame, node)


def _while(ctx: Context, frame: Frame, node: gast.While) -> None:
    loops.while_(ctx, frame, node)


def _def(ctx: Context, frame: Frame, node: gast.FunctionDef) -> None:
    value: Operand = Const(expressions.make_closure(ctx, frame, node, node.name))
    for decorator in reversed(node.decorator_list):
        callee = expressions.evaluate(ctx, frame, decorator)
        value = calls.call(ctx, frame, callee, [value], [])
    frame.env[node.name] = value


def _delete(ctx: Context, frame: Frame, node: gast.Delete) -> None:
    for target in node.targets:
        if not isinstance(target, gast.Name):
            stores.delete(ctx, frame, target)
            continue
        if target.id not in frame.env:
            error = not_differentiable(
                "CR107", frame.loc(target), f"no `{target.id}` here"
            )
            error.primal_fails = True
            raise error
        del frame.env[target.id]


def _pass(ctx: Context, frame: Frame, node: Any) -> None:
    return None


def _import(ctx: Context, frame: Frame, node: Any) -> None:
    import importlib

    for alias in node.names:
        if isinstance(node, gast.Import):
            module: Any = importlib.import_module(alias.name)
            root = alias.name.partition(".")[0]
            if alias.asname is None:
                module = importlib.import_module(root)
            frame.env[alias.asname or root] = Const(module)
            continue
        package = frame.globals.get("__package__") if node.level else None
        source = importlib.import_module(
            "." * (node.level or 0) + (node.module or ""), package
        )
        value = getattr(source, alias.name, None)
        if value is None:
            value = importlib.import_module(f"{source.__name__}.{alias.name}")
        frame.env[alias.asname or alias.name] = Const(value)


def _assert(ctx: Context, frame: Frame, node: gast.Assert) -> None:
    test = expressions.condition(ctx, frame, node.test)
    if isinstance(test, Const) and test.value:
        return

    def fail() -> None:
        parts = [] if node.msg is None else [expressions.evaluate(ctx, frame, node.msg)]
        error = ctx.builder.apply(
            AssertionError, *parts, type_=lt.OpaqueT(AssertionError)
        )
        escapes.go_on(ctx, frame, error)

    if isinstance(test, Const):
        fail()
        return
    before = len(ctx.builder.block.stmts)
    message: list[Operand] = []
    if node.msg is not None:
        message = [expressions.evaluate(ctx, frame, node.msg)]
        if len(ctx.builder.block.stmts) > before + 1:
            del ctx.builder.block.stmts[before:]
            either(ctx, frame, test, lambda: None, fail)
            return
    ctx.builder.apply(prims.assert_, test, *message, effect=True, type_=lt.NONE)


def _raise(ctx: Context, frame: Frame, node: gast.Raise) -> None:
    if node.exc is None:
        if ERROR not in frame.env:
            raise not_differentiable(
                "CR108",
                frame.loc(node),
                "which exception is raised here is not known",
                label="outside an `except` clause",
                help="name the exception: `raise error`",
            )
        escapes.go_on(ctx, frame, frame.env[ERROR])
        return
    error = expressions.evaluate(ctx, frame, node.exc)
    if escapes.raised(ctx, frame, error):
        return
    cause = [] if node.cause is None else [expressions.evaluate(ctx, frame, node.cause)]
    leave_by(ctx, frame, error, *cause)


def leave_by(ctx: Context, frame: Frame, *operands: Operand) -> None:
    """Raise: nothing after this is reached."""
    ctx.builder.apply(prims.raise_, *operands, effect=True, type_=lt.NEVER)
    frame.env[CTL] = UNDEF
    frame.env[RET] = UNDEF


def _with(ctx: Context, frame: Frame, node: gast.With) -> None:
    contexts.with_(ctx, frame, node)


def _try(ctx: Context, frame: Frame, node: gast.Try) -> None:
    protected.try_(ctx, frame, node)


HANDLERS: dict[type, Callable[[Context, Frame, Any], None]] = {
    gast.Expr: _expression,
    gast.Return: _return,
    gast.Break: _break,
    gast.Continue: _continue,
    gast.Assign: _assign,
    gast.AnnAssign: _annotated,
    gast.AugAssign: _augmented,
    gast.For: _for,
    gast.While: _while,
    gast.FunctionDef: _def,
    gast.Delete: _delete,
    gast.Pass: _pass,
    gast.Global: _pass,
    gast.Nonlocal: _pass,
    gast.Import: _import,
    gast.ImportFrom: _import,
    gast.Assert: _assert,
    gast.Raise: _raise,
    gast.With: _with,
    gast.Try: _try,
}
