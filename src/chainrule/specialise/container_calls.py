"""Built-in containers: how they are made, copied and counted, and their methods.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive. `method` treats the methods of tuples, lists and dicts.
"""

from __future__ import annotations

import collections
import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    calls,
    comprehensions,
    displays,
    iterables,
)
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import type_of
from chainrule.specialise.folds import listed
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.specialise.specials import Args, Kwargs, special
from chainrule.specialise.values import (
    Items,
)
from chainrule.types import lattice as lt


@special(list)
def list_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a list."""
    return sequence(ctx, frame, args, prims.make_list)


@special(tuple)
def tuple_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a tuple."""
    return sequence(ctx, frame, args, prims.make_tuple)


def sequence(ctx: Context, frame: Frame, args: Args, maker: Callable[..., Any]) -> Any:
    if not args:
        return ctx.builder.apply(maker)
    items = comprehensions.static_items(ctx, frame, args[0])
    if items is not None:
        return ctx.builder.apply(maker, *items)
    t = type_of(args[0])
    if isinstance(t, lt.ListT) and maker is prims.make_list:
        return ctx.builder.apply(prims.same, args[0], type_=t)
    return listed(ctx, frame, args[0])


@special(len)
def len_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Count elements; known for everything built in the program."""
    op = args[0]
    if isinstance(op, Const) and isinstance(op.value, Items):
        return Const(len(op.value.items))
    if isinstance(type_of(op), lt.ObjT):
        return calls.call(ctx, frame, attribute(ctx, frame, op, "__len__"), [], [])
    fields = ctx.builder.fields(op)
    if fields is not None:
        return Const(len(fields))
    elements = ctx.builder.elements(op)
    return NotImplemented if elements is None else Const(len(elements))


@special(dict, collections.OrderedDict)
def dict_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict with known keys."""
    fields: dict[Any, Operand] = {}
    if args:
        found = ctx.builder.fields(args[0])
        if found is None:
            rows = comprehensions.static_items(ctx, frame, args[0])
            if rows is None:
                raise not_differentiable(
                    "CR502", ctx.builder.loc, "the keys must be known"
                )
            pairs = [ctx.builder.elements(row) or [] for row in rows]
            found = {displays.static_key(ctx, frame, None, k): v for k, v in pairs}
        fields.update(found)
    fields.update(kwargs)
    return displays.make_dict(ctx, fields)


@special(set, frozenset)
def set_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a set of constants."""
    items = comprehensions.static_items(ctx, frame, args[0]) if args else []
    if items is None or not all(isinstance(i, Const) for i in items):
        raise not_differentiable(
            "CR505", ctx.builder.loc, "a set of computed values has no derivative"
        )
    return Const(frozenset(i.value for i in items))  # type: ignore[union-attr]


@special(copy.copy)
def copy_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make another object with the same parts."""
    return copied(ctx, args[0])


@special(copy.deepcopy)
def deepcopy_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make another object, and others of all its parts."""
    return copied(ctx, args[0], deep=True)


def copied(ctx: Context, op: Operand, deep: bool = False) -> Operand:
    """Return a copy of an array or a container."""
    b = ctx.builder
    t = type_of(op)
    if isinstance(t, lt.ArrayT):
        return b.apply(np.copy, op)
    layout = layout_of(op)
    if layout is not None and (deep or not isinstance(t, lt.TupleT)):
        parts = read_parts(b, op)
        return make(b, layout, [copied(ctx, p, True) for p in parts] if deep else parts)
    if isinstance(t, lt.ListT):
        return b.apply(prims.same, op, type_=t)
    return op


@special(np.fromiter)
def fromiter(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make an array of what an iterable yields."""
    named = dict(kwargs)
    dtype = args[1] if len(args) > 1 else named.get("dtype")
    if dtype is None or set(named) - {"dtype"} or len(args) > 2:
        return NotImplemented
    items = sequence(ctx, frame, args[:1], prims.make_list)
    return ctx.builder.apply(np.array, items, kwargs=(("dtype", dtype),))


def method(
    ctx: Context, frame: Frame, base: Operand, name: str, args: Args, kwargs: Kwargs
) -> Any:
    """Call a method of a tuple, list or dict; `NotImplemented` for other objects."""
    b = ctx.builder
    fields = b.fields(base)
    if fields is not None:
        return _dict_method(ctx, frame, fields, base, name, args)
    t = type_of(base)
    if isinstance(t, lt.ListT) and name == "copy":
        return copied(ctx, base)
    if isinstance(t, lt.TupleT) and name == "_replace":
        parts = dict(zip(t.cls._fields, b.elements(base) or [], strict=True))  # type: ignore[attr-defined]
        parts.update(kwargs)
        layout = layout_of(base)
        assert layout is not None
        return make(b, layout, list(parts.values()))
    if isinstance(t, lt.TupleT) and name == "_asdict":
        names = t.cls._fields  # type: ignore[attr-defined]
        return displays.make_dict(
            ctx, dict(zip(names, b.elements(base) or [], strict=True))
        )
    if isinstance(t, lt.ListT) and t.items is None and name in ("index", "count"):
        return _position(ctx, base, name, args)
    elements = None if isinstance(base, Const) else b.elements(base)
    if elements is not None and name in ("index", "count"):
        if all(isinstance(e, Const) for e in (*elements, *args)):
            values = [e.value for e in elements]  # type: ignore[union-attr]
            try:
                return Const(getattr(values, name)(*(a.value for a in args)))  # type: ignore[union-attr]
            except ValueError as error:
                raise iterables.primal_error(ctx, str(error)) from None
        if isinstance(t, lt.ListT):
            return _position(ctx, base, name, args)
    return NotImplemented


def _position(ctx: Context, base: Operand, name: str, args: Args) -> Operand:
    """Search a list at run time."""
    fn = getattr(list, name)
    return ctx.builder.apply(
        fn, base, *args, form="method", text=name, effect=True, type_=lt.INT
    )


def _dict_method(
    ctx: Context,
    frame: Frame,
    fields: dict[Any, Operand],
    base: Operand,
    name: str,
    args: Args,
) -> Any:
    b = ctx.builder
    if name == "keys":
        return Const(Items(tuple(Const(k) for k in fields), view=True))
    if name == "values":
        return Const(Items(tuple(fields.values()), view=True))
    if name == "items":
        rows = (b.apply(prims.make_tuple, Const(k), v) for k, v in fields.items())
        return Const(Items(tuple(rows), view=True))
    if name == "copy":
        return copied(ctx, base)
    if name == "get":
        key = displays.static_key(ctx, frame, None, args[0])
        if key in fields:
            return fields[key]
        return args[1] if len(args) > 1 else Const(None)
    return NotImplemented
