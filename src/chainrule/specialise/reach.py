"""Which objects the program can still see.

In: the state of an interpretation. Out: the objects that its variables, arguments and
the objects in these lead to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.memory import MAKERS, is_mutable
from chainrule.specialise.values import (
    ArrayMethod,
    Back,
    Cell,
    Choice,
    Closure,
    Generated,
    Generator,
    Getter,
    Items,
    Managed,
    Method,
    Streams,
    Super,
    is_const,
)
from chainrule.types import lattice as lt


@contextmanager
def in_sight(frame: Frame, op: Operand) -> Iterator[None]:
    """Keep an object in sight for a while, though it may have no name."""
    name = f"${Value(lt.NEVER).id}"
    if is_const(op, Streams) or is_mutable(type_of(op)):
        frame.env[name] = op
    try:
        yield
    finally:
        frame.env.pop(name, None)


def reachable(ctx: Context) -> set[Value]:
    """Return the objects that are in sight."""
    memory = ctx.builder.memory
    found: set[Value] = set()
    frames: set[int] = set()
    todo: list[Operand] = list(ctx.params)

    def enter(frame: Frame | None) -> None:
        while frame is not None and id(frame) not in frames:
            frames.add(id(frame))
            todo.extend(frame.env.values())
            frame = frame.parent

    for frame in ctx.frames:
        enter(frame)
    children: dict[Value, list[Value]] = {}
    for (holder, _), child in memory.parts.items():
        children.setdefault(holder, []).append(child)
    while todo:
        op = todo.pop()
        if isinstance(op, Const):
            todo += _inside(op.value, memory.now, enter)
            continue
        home = memory.object(op) if isinstance(op, Value) else None
        if home is None or home in found:
            continue
        found.add(home)
        todo += children.get(home, ())
        stmt = ctx.builder.definition(memory.now.get(home, home))
        if stmt is not None and stmt.fn in MAKERS:
            todo += stmt.args
        stmt = ctx.builder.definition(home)
        if stmt is not None and memory.is_view(stmt):
            todo.append(stmt.args[0])
    return found


def _inside(value: Any, now: Any, enter: Any) -> list[Operand]:
    """Return the operands that a compile-time value holds."""
    match value:
        case Closure():
            enter(value.frame)
            return [*value.defaults, *(d for d in value.kw_defaults if d is not None)]
        case Generator():
            enter(value.frame)
            return list(value.env.values())
        case Generated():
            enter(value.frame)
            return []
        case Managed():
            enter(value.generator.frame)
            return []
        case Method():
            return [value.function, *value.args, *(v for _, v in value.kwargs)]
        case ArrayMethod() | Super():
            return [value.base]
        case Items():
            return list(value.items)
        case Streams():
            return list(value.sources)
        case Back():
            return [value.home]
        case Getter():
            return list(value.keys)
        case Choice():
            return [value.then, value.orelse]
        case Cell():
            return [now[value]] if value in now else []
    return []
