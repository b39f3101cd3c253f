"""Dicts that change: reads, stores, and the methods that write.

In: a dict with known keys and what is done to it. Out: the memory after it, or what is
read. `defaultdict` makes what is missing when it is read; `Counter` counts it as 0.
"""

from __future__ import annotations

import collections
import operator
import types
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import (
    calls,
    chosen_keys,
    comprehensions,
    displays,
    expressions,
    iterables,
    keyed,
    writing,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import make
from chainrule.types import lattice as lt

Args = list[Operand]
Fields = dict[Any, Operand]


def key(ctx: Context, op: Operand) -> Any:
    """Return the value of a key, which must be known."""
    return displays.static_key(ctx, None, None, op)  # type: ignore[arg-type]


def class_of(ctx: Context, op: Operand) -> type:
    """Return the class of a dict."""
    t = type_of(ctx.builder.memory.current(op))
    return t.cls if isinstance(t, lt.DictT) else dict


def fields(ctx: Context, op: Operand) -> Fields:
    """Return what a dict holds."""
    return dict(ctx.builder.fields(op) or {})


def build(ctx: Context, cls: type, items: Fields) -> Operand:
    """Make a dict of a class."""
    layout = (prims.make_dict, cls, tuple(items))
    return make(ctx.builder, layout, list(items.values()))


def become(ctx: Context, op: Operand, items: Fields) -> None:
    """Let a dict hold these items."""
    writing.write(ctx, op, build(ctx, class_of(ctx, op), items))


def gathered(ctx: Context, frame: Frame, op: Operand) -> Fields:
    """Return the items of a dict, or of an iterable of pairs."""
    found = ctx.builder.fields(op)
    if found is not None:
        return dict(found)
    rows = comprehensions.static_items(ctx, frame, op)
    pairs = [ctx.builder.elements(row) or [] for row in rows or []]
    if rows is None or not all(len(pair) == 2 for pair in pairs):
        raise unknown_keys(ctx)
    return {key(ctx, k): v for k, v in pairs}


def unknown_keys(ctx: Context) -> Exception:
    """Return the error for a dict whose keys the run time decides."""
    return not_differentiable(
        "CR502",
        ctx.builder.loc,
        "the keys of a dict must be known when the derivative is made",
        label="computed at run time",
        help="use a list or an array",
    )


# ----------------------------------------------------------------------- items


def read(ctx: Context, frame: Frame, op: Operand, index: Operand) -> Operand:
    """Write `op[index]`."""
    with keyed.or_begins_again(ctx, op):
        if chosen_keys.is_chosen(ctx, index):
            return chosen_keys.at(
                ctx,
                frame,
                op,
                index,
                lambda name: _read(ctx, frame, op, name),
                lambda: _absent(ctx, op, index),
            )
        return _read(ctx, frame, op, key(ctx, index))


def _absent(ctx: Context, op: Operand, index: Operand) -> Operand:
    """Write what happens where the run picks a key that a dict does not have."""
    if issubclass(class_of(ctx, op), collections.Counter | collections.defaultdict):
        key(ctx, index)  # it would get this key
        raise unknown_keys(ctx)
    return iterables.fails(ctx, KeyError, index)


def _read(ctx: Context, frame: Frame, op: Operand, name: Any) -> Operand:
    if name in fields(ctx, op):
        return ctx.builder.apply(operator.getitem, op, Const(name))
    cls = class_of(ctx, op)
    if issubclass(cls, collections.Counter):
        return Const(0)
    if issubclass(cls, collections.defaultdict):
        return missing(ctx, frame, op, name)
    hook = getattr(cls, "__missing__", None)
    if isinstance(hook, types.FunctionType):
        return calls.call(ctx, frame, Const(hook), [op, Const(name)], [])
    return iterables.fails(ctx, KeyError, name)


def store_at(
    ctx: Context,
    frame: Frame,
    op: Operand,
    index: Operand,
    value: Operand,
    present: bool = False,
) -> None:
    """Write `op[index] = value`; that the key is `present` may be known."""
    chosen = chosen_keys.is_chosen(ctx, index)
    if not chosen or not (present or chosen_keys.alternatives(ctx.builder, index)):
        with keyed.or_begins_again(ctx, op):
            name = key(ctx, index)
        store(ctx, op, name, value)
        return

    def act(name: Any) -> Operand:
        store(ctx, op, name, value)
        return Const(None)

    chosen_keys.at(ctx, frame, op, index, act, None)


def store(ctx: Context, op: Operand, name: Any, value: Operand) -> None:
    """Write `op[name] = value`."""
    become(ctx, op, {**fields(ctx, op), name: value})


def delete_at(ctx: Context, op: Operand, index: Operand) -> None:
    """Write `del op[index]`."""
    with keyed.or_begins_again(ctx, op):
        name = key(ctx, index)
    delete(ctx, op, name)


def delete(ctx: Context, op: Operand, name: Any) -> Operand:
    """Write `del op[name]`; return what was there."""
    items = fields(ctx, op)
    if name not in items:
        if issubclass(class_of(ctx, op), collections.Counter):
            return Const(None)
        return iterables.fails(ctx, KeyError, name)
    value = items.pop(name)
    become(ctx, op, items)
    return value


def missing(ctx: Context, frame: Frame, op: Operand, name: Any) -> Operand:
    """Return what a `defaultdict` makes of a key that it does not have yet."""
    memory = ctx.builder.memory
    factory = memory.factories.get(memory.object(op)) if isinstance(op, Value) else None
    if factory is None:
        raise not_differentiable(
            "CR303",
            ctx.builder.loc,
            f"what the defaultdict makes of {name!r} is not known here",
            label="it does not have this key",
            help="make the defaultdict in the function, or store the key first",
        )
    if isinstance(factory, Const) and factory.value is None:
        return iterables.fails(ctx, KeyError, name)
    value = calls.call(ctx, frame, factory, [], [])
    store(ctx, op, name, value)
    return value


def augmented(
    ctx: Context, frame: Frame, fn: Any, op: Operand, right: Operand
) -> Operand:
    """Write `op |= right`; of counters, `+=` and the others too."""
    if issubclass(class_of(ctx, op), collections.Counter):
        become(ctx, op, counted(ctx, fn, op, right))
    elif fn is operator.or_:
        _update(ctx, frame, op, [right], [])
    else:
        return expressions.binary(ctx, frame, fn, op, right)
    return op


def joined(ctx: Context, fn: Any, left: Operand, right: Operand) -> Operand | None:
    """Write `left | right`, and the arithmetic of counters."""
    cls, other = class_of(ctx, left), class_of(ctx, right)
    if issubclass(cls, collections.Counter) and issubclass(other, collections.Counter):
        return build(ctx, cls, counted(ctx, fn, left, right))
    if fn is not operator.or_:
        return None
    made = build(ctx, cls, {**fields(ctx, left), **fields(ctx, right)})
    inherit(ctx, left, made)
    return made


def inherit(ctx: Context, op: Operand, made: Operand) -> None:
    """Let a copy of a `defaultdict` make what is missing in the same way."""
    memory = ctx.builder.memory
    if isinstance(op, Value) and isinstance(made, Value):
        factory = memory.factories.get(memory.object(op))
        if factory is not None:
            memory.factories[made] = factory


# ----------------------------------------------------------------------- counters

COUNTED = {operator.add, operator.sub, operator.or_, operator.and_}


def counted(ctx: Context, fn: Any, left: Operand, right: Operand) -> Fields:
    """Return the counts of `left + right` and the like: the positive ones are kept."""
    one, two = fields(ctx, left), fields(ctx, right)
    values = [*one.values(), *two.values()]
    if fn not in COUNTED or not all(isinstance(v, Const) for v in values):
        raise not_differentiable(
            "CR502",
            ctx.builder.loc,
            "which keys are left of two counters must be known",
            label="only positive counts are kept, and these are computed",
            help="add the values key by key, or use update()",
        )
    known = [
        collections.Counter({k: v.value for k, v in side.items()})  # type: ignore[union-attr]
        for side in (one, two)
    ]
    return {k: Const(v) for k, v in fn(*known).items()}


def count(ctx: Context, frame: Frame, items: Fields, op: Operand, fn: Any) -> None:
    """Add to counts, or subtract: a mapping says how much, an iterable 1 each."""
    more = ctx.builder.fields(op)
    if more is None:
        found = comprehensions.static_items(ctx, frame, op)
        if found is None:
            raise unknown_keys(ctx)
        steps: list[tuple[Any, Operand]] = [(key(ctx, k), Const(1)) for k in found]
    else:
        steps = list(more.items())
    for name, value in steps:
        before = items.get(name, Const(0))
        known = isinstance(before, Const) and before.value == 0
        if fn is operator.add and name not in items and known and more is not None:
            items[name] = value
        else:
            items[name] = ctx.builder.apply(fn, before, value)


# ----------------------------------------------------------------------- methods


def _update(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    items = fields(ctx, op)
    if issubclass(class_of(ctx, op), collections.Counter):
        named = [displays.make_dict(ctx, dict(kwargs))] if kwargs else []
        for arg in [*args, *named]:
            count(ctx, frame, items, arg, operator.add)
    else:
        for arg in args:
            items.update(gathered(ctx, frame, arg))
        items.update(kwargs)
    become(ctx, op, items)
    return Const(None)


def _subtract(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    items = fields(ctx, op)
    named = [displays.make_dict(ctx, dict(kwargs))] if kwargs else []
    for arg in [*args, *named]:
        count(ctx, frame, items, arg, operator.sub)
    become(ctx, op, items)
    return Const(None)


def _pop(ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any) -> Operand:
    name = key(ctx, args[0])
    if name not in fields(ctx, op):
        return args[1] if len(args) > 1 else iterables.fails(ctx, KeyError, name)
    return delete(ctx, op, name)


def _popitem(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    items = fields(ctx, op)
    last = dict(kwargs).get("last") or (args[0] if args else Const(True))
    if not items:
        ordered = issubclass(class_of(ctx, op), collections.OrderedDict)
        text = "dictionary is empty" if ordered else "popitem(): dictionary is empty"
        return iterables.fails(ctx, KeyError, text)
    if not isinstance(last, Const):
        raise unknown_keys(ctx)
    name = list(items)[-1 if last.value else 0]
    value = delete(ctx, op, name)
    return ctx.builder.apply(prims.make_tuple, Const(name), value)


def _setdefault(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    name = key(ctx, args[0])
    if name not in fields(ctx, op):
        store(ctx, op, name, args[1] if len(args) > 1 else Const(None))
    return fields(ctx, op)[name]


def _clear(ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any) -> Operand:
    become(ctx, op, {})
    return Const(None)


def _move_to_end(
    ctx: Context, frame: Frame, op: Operand, args: Args, kwargs: Any
) -> Operand:
    name, items = key(ctx, args[0]), fields(ctx, op)
    last = dict(kwargs).get("last") or (args[1] if len(args) > 1 else Const(True))
    if name not in items:
        return iterables.fails(ctx, KeyError, name)
    if not isinstance(last, Const):
        raise unknown_keys(ctx)
    value = items.pop(name)
    become(ctx, op, {**items, name: value} if last.value else {name: value, **items})
    return Const(None)


METHODS = {
    "update": _update,
    "subtract": _subtract,
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
    cls = class_of(ctx, op)
    if not hasattr(cls, name):
        raise iterables.primal_error(
            ctx, f"{cls.__name__!r} object has no attribute {name!r}"
        )
    with keyed.or_begins_again(ctx, op):
        return METHODS[name](ctx, frame, op, args, kwargs)
