"""Comprehensions and generator expressions: loops that build a value.

In: a comprehension node. Out: a list, a dict, or one operand per element. Where the
elements are known one by one the comprehension is unrolled; else it becomes a loop that
appends.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import (
    displays,
    exhaustion,
    expressions,
    generators,
    iterables,
    iterators,
    keyed,
    loops,
    sets,
    statements,
    stepping,
    turns,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import CTL, NEXT, Context, Frame, mark
from chainrule.specialise.values import Closure, Generated, Generator, Method, is_const
from chainrule.types import lattice as lt

SOURCE = "$source"


def list_comprehension(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Interpret `[... for ...]`."""
    items = unrolled(ctx, frame, node, lambda f: expressions.evaluate(ctx, f, node.elt))
    if items is not None:
        return ctx.builder.apply(prims.make_list, *items)
    start = mark(ctx, frame)
    try:
        return appended(ctx, frame, node)
    except turns.Unlisted:
        start.back(ctx)
    items = unrolled(
        ctx, frame, node, lambda f: expressions.evaluate(ctx, f, node.elt), force=True
    )
    if items is None:
        raise not_differentiable(
            "CR303", frame.loc(node), "a list of functions must have a known length"
        )
    return ctx.builder.apply(prims.make_list, *items)


def generator(ctx: Context, frame: Frame, node: Any) -> Generator:
    """Make a generator expression; what it runs over first is evaluated at once."""
    source = expressions.evaluate(ctx, frame, node.generators[0].iter)
    around = Frame(
        tree=node,
        file=frame.file,
        name="<comprehension>",
        globals=frame.globals,
        parent=frame,
        env={CTL: NEXT, SOURCE: source},
    )
    name = gast.Name(SOURCE, gast.Load(), None, None)
    gast.copy_location(name, node.generators[0].iter)
    first = copy.copy(node.generators[0])
    first.iter = name
    tree = copy.copy(node)
    tree.generators = [first, *node.generators[1:]]
    return Generator(tree, around)


def collect(ctx: Context, frame: Frame, generator: Generator) -> Operand:
    """Run a generator expression to its end."""

    def run() -> Operand:
        exhaustion.consume(ctx, generator)
        return list_comprehension(ctx, generator.frame, generator.tree)

    return exhaustion.once(ctx, generator, run)


def dict_comprehension(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Interpret `{k: v for ...}`; the keys must be known."""

    def pair(f: Frame) -> Operand:
        key = expressions.evaluate(ctx, f, node.key)
        value = expressions.evaluate(ctx, f, node.value)
        return ctx.builder.apply(prims.make_tuple, key, value)

    if keyed.wanted(ctx):
        return keyed.comprised(ctx, frame, node)
    items = unrolled(ctx, frame, node, pair, force=True)
    fields: dict[Any, Operand] = {}
    with keyed.or_begins_again(ctx):
        if items is None:
            raise not_differentiable(
                "CR502",
                frame.loc(node),
                "the keys of a dict comprehension must be known",
            )
        for item in items:
            key, value = ctx.builder.elements(item) or []
            fields[displays.static_key(ctx, frame, node, key)] = value
    return displays.make_dict(ctx, fields)


def set_comprehension(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Interpret `{... for ...}`; only constants may be members."""
    items = unrolled(
        ctx, frame, node, lambda f: expressions.evaluate(ctx, f, node.elt), force=True
    )
    if items is None and lt.keys_listed():
        elements = list_comprehension(ctx, frame, node)
        return sets.listed(ctx, frame, elements, "added")
    return sets.made(ctx, frame, items, frame.loc(node))


def owner(frame: Frame) -> Frame:
    """Return the function's frame that a comprehension's frame belongs to."""
    while frame.name == "<comprehension>" and frame.parent is not None:
        frame = frame.parent
    return frame


def holder(frame: Frame, name: str) -> Frame:
    """Return the frame in which `:=` binds a name."""
    while frame.name == "<comprehension>" and name not in frame.locals:
        assert frame.parent is not None
        frame = frame.parent
    return frame


def inner(ctx: Context, frame: Frame, node: Any) -> Frame:
    """Return the scope of a comprehension: its targets hide the function's names."""
    from chainrule.frontend import scope

    names: set[str] = set()
    for generator in node.generators:
        names |= set(scope.target_names(generator.target))
    made = Frame(
        tree=node,
        file=frame.file,
        name="<comprehension>",
        globals=frame.globals,
        parent=frame,
        env={CTL: NEXT},
        locals=frozenset(names),
    )
    ctx.frames.append(made)
    return made


def unrolled(
    ctx: Context,
    frame: Frame,
    node: Any,
    element: Callable[[Frame], Operand],
    force: bool = False,
) -> list[Operand] | None:
    """Return the elements one by one, or None when the loop must stay a loop."""
    scope = inner(ctx, frame, node)
    start = mark(ctx, frame)
    items: list[Operand] = []
    force = force or bool(_walruses(node)) or lt.all_turns()

    def go(k: int) -> bool:
        if k == len(node.generators):
            items.append(element(scope))
            return True
        generator = node.generators[k]
        source = expressions.evaluate(ctx, scope if k else frame, generator.iter)
        source = iterators.opened(ctx, scope, source)
        if is_const(source, Generated):
            if not force:
                return False
            source = generators.collect(ctx, scope, source.value)
        plan = iterables.plan(ctx, scope, source)
        if not isinstance(plan, list):
            known = iterables.elements_if_known(ctx, source, turns.MAX_UNROLLED)
            small = known is not None and (force or _small(known))
            if known is None or not small:
                return False
            plan = known
        for item in plan:
            ctx.step += 1
            statements.assign(ctx, scope, generator.target, item)
            if all_pass(ctx, scope, generator.ifs):
                if not go(k + 1):
                    return False
        return True

    try:
        done = go(0)
    except _Dynamic:
        done = False
    if done:
        return items
    start.back(ctx)
    return None


def _small(items: list[Operand]) -> bool:
    return len(items) <= iterables.UNROLL


def holds_function(ctx: Context, op: Operand) -> bool:
    """Say whether a value is a function of the program, or contains one."""
    if isinstance(op, Const):
        return isinstance(op.value, Closure | Method)
    parts = ctx.builder.parts(op)
    inner = list(parts.values()) if isinstance(parts, dict) else parts or []
    return any(holds_function(ctx, part) for part in inner)


class _Dynamic(Exception):
    """A condition is known only at run time."""


def all_pass(ctx: Context, scope: Frame, tests: list[Any]) -> bool:
    """Evaluate the conditions of a comprehension for one element."""
    for test in tests:
        value = expressions.condition(ctx, scope, test)
        if not isinstance(value, Const):
            raise _Dynamic
        if not value.value:
            return False
    return True


def appended(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Write a comprehension as a loop that appends to a list."""
    b = ctx.builder
    scope = inner(ctx, frame, node)
    scope.env["$list"] = b.apply(prims.make_list, type_=lt.ListT(None, None))

    def add() -> None:
        value = expressions.evaluate(ctx, scope, node.elt)
        items = scope.env["$list"]
        scope.env["$list"] = append(ctx, items, value)

    run_generators(ctx, frame, scope, node, add, ["$list"])
    result = scope.env["$list"]
    if isinstance(result, Value):
        result.hint = None
    return result


def append(ctx: Context, items: Operand, value: Operand) -> Operand:
    """Write `items.append(value)`, as a new list."""
    if holds_function(ctx, value):
        raise turns.Unlisted(ctx.builder.loc)
    elem = lt.element_type(type_of(items))
    t = type_of(value)
    try:
        joined = t if elem is None or isinstance(elem, lt.NeverT) else lt.join(elem, t)
    except TypeError as error:
        raise not_differentiable(
            "CR501", ctx.builder.loc, f"an element of the list is {error}"
        ) from None
    return ctx.builder.apply(
        prims.list_append, items, value, type_=lt.ListT(None, joined)
    )


def run_generators(
    ctx: Context,
    frame: Frame,
    scope: Frame,
    node: Any,
    body: Callable[[], None],
    carried: list[str],
) -> None:
    """Run the `for` and `if` clauses of a comprehension as nested loops.

    What `:=` binds is carried like a variable of the comprehension, and handed on after
    it.
    """
    named = _walruses(node)
    for name in named:
        before = holder(frame, name).env.get(name)
        if before is not None:
            scope.env[name] = before
    scope.locals |= frozenset(named)
    carried = [*carried, *named]

    def go(k: int) -> None:
        if k == len(node.generators):
            body()
            return
        generator = node.generators[k]
        source = expressions.evaluate(ctx, scope if k else frame, generator.iter)

        def bind(item: Operand) -> None:
            statements.assign(ctx, scope, generator.target, item)

        def inside() -> None:
            tests(generator.ifs)

        def tests(left: list[Any]) -> None:
            if not left:
                go(k + 1)
                return
            value = expressions.condition(ctx, scope, left[0])
            if isinstance(value, Const):
                if value.value:
                    tests(left[1:])
                return
            statements.either(ctx, scope, value, lambda: tests(left[1:]), lambda: None)

        loops.loop(
            ctx,
            scope,
            SimpleNamespace(body=[], orelse=[]),
            source,
            bind,
            inside,
            carried,
        )

    go(0)
    for name in named:
        if name in scope.env:
            holder(frame, name).env[name] = scope.env[name]


def _walruses(node: Any) -> list[str]:
    return [n.target.id for n in gast.walk(node) if isinstance(n, gast.NamedExpr)]


def static_items(ctx: Context, frame: Frame, op: Operand) -> list[Operand] | None:
    """Return the elements of an iterable one by one if they are known, else None."""
    if isinstance(op, Const) and isinstance(op.value, Generator):
        op = collect(ctx, frame, op.value)
    stepped = stepping.is_stepper(op)
    op = iterators.opened(ctx, frame, op)
    if is_const(op, Generated):
        op = generators.collect(ctx, frame, op.value)
    known = iterables.elements_if_known(ctx, op, 10_000)
    if known is not None:
        return known
    if stepped:  # who asks would run over it again
        raise not_differentiable(
            "CR303", ctx.builder.loc, "how many elements an iterator has is not known"
        )
    t = type_of(op)
    if isinstance(t, lt.ArrayT) and t.dims and isinstance(t.dims[0], int):
        return [ctx.builder.getitem(op, k) for k in range(t.dims[0])]
    try:
        plan = iterables.plan(ctx, frame, op)
    except Exception:
        if isinstance(op, Const):
            raise
        return None
    return plan if isinstance(plan, list) else None
