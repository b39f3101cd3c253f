"""Built-in containers: how they are made, copied and counted, and their methods.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive. `method` treats the methods of tuples, lists and dicts.
"""

from __future__ import annotations

import collections
import copy
import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.runtime import helpers
from chainrule.specialise import (
    calls,
    chosen_keys,
    comprehensions,
    dicts,
    displays,
    iterables,
    keyed,
    sets,
)
from chainrule.specialise.attributes import attribute, overload
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
        return Const(len(op.value.now()))
    own = overload(ctx, op, "__len__")
    if own is not None:
        return calls.call(ctx, frame, Const(own), [op], [])
    if isinstance(type_of(op), lt.ObjT):
        return calls.call(ctx, frame, attribute(ctx, frame, op, "__len__"), [], [])
    fields = ctx.builder.fields(op)
    if fields is not None:
        return Const(len(fields))
    elements = ctx.builder.elements(op)
    return NotImplemented if elements is None else Const(len(elements))


@special(dict)
def dict_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict with known keys."""
    return dict_of(ctx, frame, dict, args, kwargs)


@special(collections.OrderedDict)
def ordered(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict that can be put in another order."""
    return dict_of(ctx, frame, collections.OrderedDict, args, kwargs)


@special(collections.defaultdict)
def defaulting(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict that makes what is missing."""
    factory = args[0] if args else Const(None)
    if keyed.wanted(ctx):
        given = [args[1] if len(args) > 1 else ctx.builder.apply(prims.make_tuple)]
        given.append(factory)
        return keyed.of_call(ctx, frame, collections.defaultdict, given, kwargs)
    made = dict_of(ctx, frame, collections.defaultdict, args[1:], kwargs)
    assert isinstance(made, Value)
    ctx.builder.memory.factories[made] = factory
    return made


@special(collections.Counter)
def counter(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict of counts."""
    if keyed.wanted(ctx):
        return keyed.of_call(ctx, frame, collections.Counter, args, kwargs)
    items: dict[Any, Operand] = {}
    for arg in [*args, *([displays.make_dict(ctx, dict(kwargs))] if kwargs else [])]:
        if not (isinstance(arg, Const) and arg.value is None):
            with keyed.or_begins_again(ctx):
                dicts.count(ctx, frame, items, arg, operator.add)
    return dicts.build(ctx, collections.Counter, items)


@special(dict.fromkeys, collections.OrderedDict.fromkeys)
def fromkeys(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict of which all keys have one value."""
    value = args[1] if len(args) > 1 else Const(None)
    if keyed.wanted(ctx):
        out = keyed.of_call(ctx, frame, dict, [], [])
        method = attribute(ctx, frame, out, "take_keys")
        calls.call(ctx, frame, method, [args[0], value], [])
        return out
    names = comprehensions.static_items(ctx, frame, args[0])
    with keyed.or_begins_again(ctx):
        if names is None:
            raise dicts.unknown_keys(ctx)
        return displays.make_dict(ctx, {dicts.key(ctx, k): value for k in names})


def dict_of(
    ctx: Context, frame: Frame, cls: type, args: Args, kwargs: Kwargs
) -> Operand:
    """Make a dict of a class from a dict or pairs, and keywords."""
    if keyed.wanted(ctx):
        return keyed.of_call(ctx, frame, cls, args, kwargs)
    with keyed.or_begins_again(ctx):
        fields = dicts.gathered(ctx, frame, args[0]) if args else {}
    return dicts.build(ctx, cls, {**fields, **dict(kwargs)})


@special(set)
def set_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a set."""
    items = comprehensions.static_items(ctx, frame, args[0]) if args else []
    if items is None and lt.keys_listed():
        made = ctx.builder.definition(args[0])
        of_set = made is not None and made.fn is helpers.in_order_of_set
        return sets.listed(ctx, frame, args[0], "unknown" if of_set else "added")
    return sets.made(ctx, frame, items, ctx.builder.loc)


@special(frozenset)
def frozenset_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a set of constants that nobody can change."""
    items = comprehensions.static_items(ctx, frame, args[0]) if args else []
    return sets.frozen(ctx, items, ctx.builder.loc)


@special(copy.copy)
def copy_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make another object with the same parts."""
    t = type_of(args[0])
    own = getattr(t.cls, "__copy__", None) if isinstance(t, lt.ObjT) else None
    if isinstance(own, types.FunctionType):
        return calls.call(ctx, frame, Const(own), args, [])
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
        parts = [copied(ctx, p, True) for p in parts] if deep else parts
        made = make(b, layout, parts)
        dicts.inherit(ctx, op, made)
        return made
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
    if isinstance(t, lt.NeverT):
        return base  # an element of a list that is empty here
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
    if name in ("keys", "values", "items"):
        return _view(ctx, base, name)
    if name == "copy":
        return copied(ctx, base)
    if name == "get":
        return _get(ctx, frame, fields, base, args)
    if name in ("most_common", "total"):
        return _of_counter(ctx, frame, fields, name, args)
    return NotImplemented


def _get(
    ctx: Context, frame: Frame, fields: dict[Any, Operand], base: Operand, args: Args
) -> Operand:
    """Read what a dict has for a key, or something else."""
    default = args[1] if len(args) > 1 else Const(None)
    if chosen_keys.is_chosen(ctx, args[0]):
        return chosen_keys.at(
            ctx,
            frame,
            base,
            args[0],
            lambda name: fields.get(name, default),
            lambda: default,
        )
    with keyed.or_begins_again(ctx, base):
        return fields.get(displays.static_key(ctx, frame, None, args[0]), default)


def _view(ctx: Context, base: Operand, name: str) -> Operand:
    """Return the keys, values or items of a dict: always what it holds now."""
    b = ctx.builder

    def read() -> tuple[Operand, ...]:
        fields = b.fields(base) or {}
        if name == "keys":
            return tuple(map(Const, fields))
        if name == "values":
            return tuple(fields.values())
        rows = (b.apply(prims.make_tuple, Const(k), v) for k, v in fields.items())
        return tuple(rows)

    return Const(Items(read(), view=True, again=read))


def _of_counter(
    ctx: Context, frame: Frame, fields: dict[Any, Operand], name: str, args: Args
) -> Operand:
    """Add up counts, or put them in order if they are known."""
    b = ctx.builder
    if name == "total":
        return calls.call(
            ctx, frame, Const(sum), [b.apply(prims.make_list, *fields.values())], []
        )
    if not all(isinstance(v, Const) for v in (*fields.values(), *args)):
        raise not_differentiable(
            "CR502",
            b.loc,
            "the order of computed counts must be known",
            label="the keys of the largest are known only at run time",
            help="use sorted() on the values",
        )
    known = collections.Counter({k: v.value for k, v in fields.items()})  # type: ignore[union-attr]
    rows = known.most_common(*(a.value for a in args))  # type: ignore[union-attr]
    pairs = [b.apply(prims.make_tuple, Const(k), fields[k]) for k, _ in rows]
    return b.apply(prims.make_list, *pairs)
