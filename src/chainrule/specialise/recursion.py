"""Enter a function: in place, or as an IR function when it calls itself.

In: a frame whose parameters are bound. Out: the result. A function found to be active
already is begun again as an IR function whose parameters are the numbers in its
arguments; a call of it is then one statement, and its derivative is a pair of functions
that call themselves.
"""

from __future__ import annotations

from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import inlining, recursive_calls
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame, mark
from chainrule.specialise.joins import layout_of
from chainrule.specialise.memory import MAKERS
from chainrule.specialise.values import is_const
from chainrule.types import lattice as lt

MEMORY = "$memory"
MAX_LEVELS = 20  # where only what objects hold says that a recursion goes on
MAX_DEPTH = 40  # Python's own stack holds about 60
MAX_COPIES = 60  # a function that calls itself twice doubles them at each level


class Recursion(Exception):
    """A function that is being interpreted in place calls itself."""

    def __init__(self, key: Any) -> None:
        super().__init__("recursion")
        self.key = key


def enter(ctx: Context, callee: Frame, key: Any) -> Operand:
    """Interpret a function whose parameters are bound."""
    if key in ctx.functions:
        return recursive_calls.call(ctx, callee, key)
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
    if lt.counts_known():
        env[MEMORY] = Const(constants(ctx))
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
        ctx.functions[key] = []
    finally:
        del ctx.frames[depth:]
        ctx.stack.pop()
        ctx.arguments.pop()
        b.loc = loc
    return recursive_calls.call(ctx, callee, key)


def shrinking(ctx: Context, callee: Frame, key: Any) -> bool:
    """Say whether a constant in the arguments, or in what objects hold, or the layout
    of an argument, changes from one level to the next.
    """
    before = level_above(ctx, key)
    for name, op in callee.env.items():
        old = before.get(name)
        if isinstance(op, Const) and isinstance(old, Const):
            if isinstance(op.value, int | str | tuple) and op.value != old.value:
                return True
    held = before.get(MEMORY)
    if isinstance(held, Const) and ctx.stack.count(key) < MAX_LEVELS:
        if held.value != constants(ctx):
            return True
    return smaller(ctx, callee, key)


def constants(ctx: Context) -> tuple[Any, ...]:
    """Return the constants, and lengths of lists, that objects hold at this point: what
    a parser has read of its text, how much is left of a list of things to do.
    """
    b, found = ctx.builder, []
    for key, op in b.memory.now.items():
        stmt = b.definition(op)
        parts = [op] if stmt is None or stmt.fn not in MAKERS else stmt.args
        known = [p.value for p in parts if is_const(p, (int, str))]
        items = getattr(type_of(op), "items", None)
        found.append((getattr(key, "id", 0), *known, len(items or ())))
    return tuple(found)


def smaller(ctx: Context, callee: Frame, key: Any) -> bool:
    """Say whether the layout of an argument changes from one level to the next."""
    before = level_above(ctx, key)
    for name, op in callee.env.items():
        old = before.get(name)
        none = isinstance(op, Const) and op.value is None
        if none and isinstance(old, Value) and layout_of(old) is not None:
            return True
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
