"""Enter a function: in place, or as an IR function when it calls itself.

In: a frame whose parameters are bound. Out: the result. A function found to be active
already is begun again as an IR function whose parameters are the numbers in its
arguments; a call of it is then one statement, and its derivative is a pair of functions
that call themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import (
    UNDEF,
    Block,
    Call,
    Const,
    Function,
    Operand,
    Undef,
    Value,
)
from chainrule.ir.walk import free_values, substitute
from chainrule.specialise import inlining, writing
from chainrule.specialise.builder import type_of
from chainrule.specialise.carried import widen_constant
from chainrule.specialise.frames import Context, Frame, mark
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.types import lattice as lt

MAX_DEPTH = 40  # Python's own stack holds about 60
MAX_COPIES = 60  # a function that calls itself twice doubles them at each level
NUMBER = (bool, int, float, complex)


class Recursion(Exception):
    """A function that is being interpreted in place calls itself."""

    def __init__(self, key: Any) -> None:
        super().__init__("recursion")
        self.key = key


def enter(ctx: Context, callee: Frame, key: Any) -> Operand:
    """Interpret a function whose parameters are bound."""
    if key in ctx.functions:
        return call(ctx, callee, key)
    deep = len(ctx.stack) > MAX_DEPTH
    if key not in ctx.stack:
        ctx.copies[key] = 0
    elif deep or not shrinking(ctx, callee, key):
        raise Recursion(key)
    ctx.copies[key] += not smaller(ctx, callee, key)
    if ctx.copies[key] > MAX_COPIES:
        raise Recursion(key)
    if deep:
        for outer in ctx.stack:
            if ctx.stack.count(outer) > 1:
                raise Recursion(outer)
        raise not_differentiable(
            "CR302", ctx.builder.loc, "calls are nested too deep to be taken apart"
        )
    b = ctx.builder
    start, env, loc = mark(ctx, callee), dict(callee.env), b.loc
    ctx.stack.append(key)
    ctx.arguments.append(env)
    depth = len(ctx.frames)
    ctx.frames.append(callee)
    try:
        return inlining.run(ctx, callee)
    except Recursion as found:
        if found.key is not key or ctx.stack.index(key) != len(ctx.stack) - 1:
            raise
        start.back(ctx)
        ctx.functions[key] = {}
    finally:
        del ctx.frames[depth:]
        ctx.stack.pop()
        ctx.arguments.pop()
        b.loc = loc
    return call(ctx, callee, key)


def shrinking(ctx: Context, callee: Frame, key: Any) -> bool:
    """Say whether a constant number in the arguments, or the layout of one,
    changes from one level to the next.
    """
    before = level_above(ctx, key)
    for name, op in callee.env.items():
        old = before.get(name)
        if isinstance(op, Const) and isinstance(old, Const):
            if isinstance(op.value, int | tuple) and op.value != old.value:
                return True
    return smaller(ctx, callee, key)


def smaller(ctx: Context, callee: Frame, key: Any) -> bool:
    """Say whether the layout of an argument changes from one level to the next."""
    before = level_above(ctx, key)
    for name, op in callee.env.items():
        old = before.get(name)
        if layout_of(op) is not None and isinstance(old, Value | Const):
            if skeleton(type_of(op)) != skeleton(type_of(old)):
                return True
    return False


def level_above(ctx: Context, key: Any) -> dict[str, Operand]:
    """Return the arguments of the call around, if it is one of the same function."""
    if key not in ctx.stack:
        return {}
    return ctx.arguments[len(ctx.stack) - 1 - ctx.stack[::-1].index(key)]


def skeleton(t: lt.Type) -> Any:
    """Return how containers are nested in a type, without what is known of numbers."""
    match t:
        case lt.TupleT(items=items) | lt.ListT(items=items) if items is not None:
            return (type(t), tuple(map(skeleton, items)))
        case lt.DictT(items=pairs, cls=cls) | lt.ObjT(attrs=pairs, cls=cls):
            return (cls, tuple((k, skeleton(v)) for k, v in pairs))
        case lt.OpaqueT(cls=cls):
            return cls
    return type(t)


def call(ctx: Context, callee: Frame, key: Any) -> Operand:
    """Write a call of an IR function, made on the first call with these types."""
    leaves: list[Operand] = []
    shape = tuple((n, flatten(ctx, op, leaves)) for n, op in callee.env.items())
    types = tuple(general(type_of(op)) for op in leaves)
    made = ctx.functions[key]
    signature = (shape, tuple(map(lt.show, types)), surroundings(callee))
    function = made.get(signature)
    if function is None:
        if len(made) > 8:
            raise not_differentiable(
                "CR501",
                ctx.builder.loc,
                "the recursion has a new type of argument at each level",
            )
        function = build(ctx, callee, shape, types, made, signature)
    args = (*leaves, *function.captured)
    stmt = Call(Value(function.result, None, ctx.builder.loc), function, args)
    stmt.loc = ctx.builder.loc
    ctx.builder.add(stmt)
    return stmt.out


@dataclass(frozen=True, slots=True, eq=False)
class Same:
    """An operand, equal only to itself."""

    op: Operand

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.op is self.op

    def __hash__(self) -> int:
        return id(self.op)


def surroundings(callee: Frame) -> tuple[Any, ...]:
    """Return the variables of the functions around that a closure reads,
    as they are now.
    """
    names = {n.id for n in gast.walk(callee.tree) if isinstance(n, gast.Name)}
    found = []
    where = callee.parent
    while where is not None:
        read = names - callee.locals
        found += [(n, Same(op)) for n, op in where.env.items() if n in read]
        where = where.parent
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Parts:
    """A container among the arguments: its layout, and what its parts are."""

    layout: tuple[Any, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant among the arguments."""

    value: Any


NUMBERS = object()


def flatten(ctx: Context, op: Operand, leaves: list[Operand]) -> Any:
    """Collect the numbers of an argument; return the rest, which must stay the same."""
    layout = layout_of(op)
    if layout is not None:
        parts = read_parts(ctx.builder, op)
        return Parts(layout, tuple(flatten(ctx, part, leaves) for part in parts))
    if isinstance(op, Const) and not isinstance(op.value, NUMBER):
        return Fixed(op.value)
    leaves.append(op)
    return NUMBERS


def restore(ctx: Context, shape: Any, leaves: list[Operand]) -> Operand:
    """Put an argument together from parameters."""
    if isinstance(shape, Parts):
        parts = [restore(ctx, part, leaves) for part in shape.parts]
        return make(ctx.builder, shape.layout, parts)
    return Const(shape.value) if isinstance(shape, Fixed) else leaves.pop(0)


def general(t: lt.Type) -> lt.Type:
    """Forget sizes: they differ from one level to the next."""
    if isinstance(t, lt.ArrayT) and t.dims is not None:
        return lt.ArrayT(t.dtype, tuple(lt.fresh_dim() for _ in t.dims))
    return widen_constant(t)


def build(
    ctx: Context,
    callee: Frame,
    shape: tuple[Any, ...],
    types: tuple[lt.Type, ...],
    made: dict[Any, Function],
    signature: Any,
) -> Function:
    """Interpret the body of a recursive function until its result's type is settled."""
    b = ctx.builder
    hints = [n for n, part in shape for _ in range(_count(part))]
    params = tuple(Value(t, h) for t, h in zip(types, hints, strict=True))
    function = Function(callee.name, params, Block(), b.loc)
    function.result = lt.NEVER
    made[signature] = function
    before, first = dict(b.memory.now), Value(lt.NEVER).id
    for _ in range(4):
        block = Block()
        b.memory.now = dict(before)
        leaves: list[Operand] = list(params)
        inner = Frame(
            callee.tree,
            callee.file,
            callee.name,
            callee.globals,
            callee.cells,
            callee.parent,
            callee.function,
            locals=callee.locals,
        )
        with b.into(block):
            inner.env = {n: restore(ctx, part, leaves) for n, part in shape}
            result = b.memory.current(inlining.run(ctx, inner))
        b.loc = function.loc
        where = f"`{callee.name}`, which calls itself,"
        writing.refuse_since(ctx, before, first, params, where)
        if isinstance(result, Undef):
            result = UNDEF
        found = general(type_of(result))
        function.body = block
        block.results = (result,)
        joined = lt.join(function.result, found)
        if lt.show(joined) == lt.show(function.result):
            break
        function.result = joined
    close(function)
    return function


def _count(shape: Any) -> int:
    if isinstance(shape, Parts):
        return sum(map(_count, shape.parts))
    return int(shape is NUMBERS)


def close(function: Function) -> None:
    """Hand captured values on as further arguments, through all the calls of itself."""
    captured = tuple(free_values(function.body, set(function.params)))
    if not captured:
        return
    inner = {v: Value(v.type, v.hint, v.loc) for v in captured}
    function.captured = captured
    for stmt in own_calls(function.body, function):
        stmt.args += captured
    function.params += tuple(inner.values())
    substitute(function.body, dict(inner))


def own_calls(block: Block, function: Function) -> list[Call]:
    """Return the calls of a function in its own body."""
    from chainrule.ir.walk import statements

    return [
        s for s in statements(block) if isinstance(s, Call) and s.callee is function
    ]
