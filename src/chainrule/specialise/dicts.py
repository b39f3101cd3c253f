"""Dicts that change: stores, `update`, `pop` and the rest of their methods.

In: a dict with known keys and what is done to it. Out: the memory after it.
"""

from __future__ import annotations

import collections
import operator
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import calls, comprehensions, displays, writing
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.iterables import primal_error
from chainrule.specialise.joins import make
from chainrule.types import lattice as lt

Args = list[Operand]
Fields = dict[Any, Operand]


def key(ctx: Context, op: Operand) -> Any:
    """Return the value of a key, which must be known."""
    return displays.static_key(ctx, None, None, op)  # type: ignore[arg-type]


def fields(ctx: Context, op: Operand) -> Fields:
    """Return what a dict holds."""
    return dict(ctx.builder.fields(op) or {})


def become(ctx: Context, op: Operand, items: Fields) -> None:
    """Let a dict hold these items."""
    t = type_of(ctx.builder.memory.current(op))
    cls = t.cls if isinstance(t, lt.DictT) else dict
    layout = (prims.make_dict, cls, tuple(items))
    writing.write(ctx, op, make(ctx.builder, layout, list(items.values())))


def store(ctx: Context, op: Operand, name: Any, value: Operand) -> None:
    """Write `op[name] = value`."""
    become(ctx, op, {**fields(ctx, op), name: value})


def delete(ctx: Context, op: Operand, name: Any) -> Operand:
    """Write `del op[name]`; return what was there."""
    items = fields(ctx, op)
    if name not in items:
        raise primal_error(ctx, f"KeyError: {name!r}")
    value = items.pop(name)
    become(ctx, op, items)
    return value


def augmented(
    ctx: Context, frame: Frame, fn: Any, op: Operand, right: Operand
) -> Operand:
    """Write `op |= right`."""
    if fn is not operator.or_:
        raise primal_error(ctx, "unsupported operand of a dict")
    _update(ctx, frame, op, [right], [])
    return op


def missing(ctx: Context, frame: Frame, op: Operand, name: Any) -> Operand | None:
    """Return what a `defaultdict` makes of a key that it does not have yet."""
    memory = ctx.builder.memory
    factory = memory.factories.get(memory.object(op)) if isinstance(op, Value) else None
    if factory is None:
        return None
    value = calls.call(ctx, frame, factory, [], [])
    store(ctx, op, name, value)
    return value


def _update(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    items = fields(ctx, op)
    adds = getattr(type_of(op), "cls", dict) is collections.Counter
    for arg in args:
        more = ctx.builder.fields(arg)
        if more is None:
            rows = comprehensions.static_items(ctx, frame, arg)
            if rows is None or adds:
                raise not_differentiable(
                    "CR502", ctx.builder.loc, "the keys must be known"
                )
            pairs = [ctx.builder.elements(row) or [] for row in rows]
            more = {key(ctx, k): v for k, v in pairs}
        for name, value in more.items():
            if adds and name in items:
                value = ctx.builder.apply(operator.add, items[name], value)
            items[name] = value
    items.update(kwargs)
    become(ctx, op, items)
    return Const(None)


def _pop(ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any) -> Operand:
    name = key(ctx, args[0])
    if name not in fields(ctx, op) and len(args) > 1:
        return args[1]
    return delete(ctx, op, name)


def _popitem(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    items = fields(ctx, op)
    if not items:
        raise primal_error(ctx, "KeyError: 'popitem(): dictionary is empty'")
    last = args and isinstance(args[0], Const) and not args[0].value
    name = next(iter(items)) if last else list(items)[-1]
    value = delete(ctx, op, name)
    return ctx.builder.apply(prims.make_tuple, Const(name), value)


def _setdefault(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    name, items = key(ctx, args[0]), fields(ctx, op)
    if name not in items:
        store(ctx, op, name, args[1] if len(args) > 1 else Const(None))
        items = fields(ctx, op)
    return items[name]


def _clear(ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any) -> Operand:
    become(ctx, op, {})
    return Const(None)


def _move_to_end(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    name, items = key(ctx, args[0]), fields(ctx, op)
    value = items.pop(name)
    last = dict(kwargs).get("last") or (args[1] if len(args) > 1 else Const(True))
    to_end = isinstance(last, Const) and last.value
    become(ctx, op, {**items, name: value} if to_end else {name: value, **items})
    return Const(None)


METHODS = {
    "update": _update,
    "pop": _pop,
    "popitem": _popitem,
    "setdefault": _setdefault,
    "clear": _clear,
    "move_to_end": _move_to_end,
}


def method(
    ctx: Context, frame: Frame, op: Operand, name: str, args: Args, kwargs: Any
) -> Operand:
    """Call a method that changes a dict."""
    if not isinstance(op, Value):
        raise writing.outside(ctx, op)
    return METHODS[name](ctx, frame, op, args, kwargs)
