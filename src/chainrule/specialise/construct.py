"""Objects that the program makes: named tuples, dataclasses,
and classes with an `__init__`.

In: a class and the operands of the call. Out: an operand whose attributes are known one
by one. An `__init__` is interpreted like any function; the attributes it sets are
variables of its frame, called `.name`, so that branches and loops join them like other
variables.
"""

from __future__ import annotations

import abc
import dataclasses
import enum
import types
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    binding,
    calls,
    comprehensions,
    container_calls,
    exceptions,
    keyed,
)
from chainrule.specialise.attributes import is_library
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import make
from chainrule.specialise.values import Super, is_const
from chainrule.types import lattice as lt

Kwargs = list[tuple[str, Operand]]
Fields = dict[str, Operand]


def construct(
    ctx: Context,
    frame: Frame,
    cls: Any,
    args: list[Operand],
    kwargs: Kwargs,
    text: str | None,
) -> Operand:
    """Make an object of a class."""
    b = ctx.builder
    if issubclass(cls, BaseException):
        followed = ctx.followed and not ctx.splicing
        made = exceptions.make(ctx, frame, cls, args, kwargs) if followed else None
        if made is not None:
            return made
        return b.apply(
            cls, *args, kwargs=kwargs, text=text, effect=True, type_=lt.OpaqueT(cls)
        )
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return named_tuple(ctx, cls, args, kwargs)
    if cls is types.SimpleNamespace and not args:
        return build(ctx, cls, dict(kwargs))
    constants = all(isinstance(a, Const) for a in (*args, *(v for _, v in kwargs)))
    if issubclass(cls, enum.Enum) and constants and len(args) == 1:
        return Const(cls(args[0].value))  # type: ignore[union-attr]
    if issubclass(cls, enum.Enum) and len(args) == 1 and not kwargs:
        from chainrule.specialise import chosen_keys

        return chosen_keys.member(ctx, frame, cls, args[0])
    if is_library(cls.__module__):
        if constants:
            return b.apply(
                cls, *args, kwargs=kwargs, text=text, effect=True, type_=lt.OpaqueT(cls)
            )
    elif _ordinary(cls):
        if dataclasses.is_dataclass(cls) and is_made_init(cls):
            return dataclass(ctx, cls, args, kwargs)
        return initialise(ctx, frame, cls, cls.__init__, {}, args, kwargs)
    elif issubclass(cls, dict) and _adds_methods(cls) and not keyed.wanted(ctx):
        return container_calls.dict_of(ctx, frame, cls, args, kwargs)
    raise not_differentiable(
        "CR405",
        b.loc,
        f"an object of class {cls.__name__} is made here",
        label="its construction cannot be followed",
        help="use a dataclass, a named tuple or a dict",
    )


def _ordinary(cls: Any) -> bool:
    """Say whether objects are made by `object.__new__` and attributes are plain."""
    return (
        cls.__new__ is object.__new__
        and type(cls) in (type, abc.ABCMeta)
        and (cls.__setattr__ is object.__setattr__ or dataclasses.is_dataclass(cls))
    )


def bare(ctx: Context, cls: type) -> Any:
    """Write an object that has no attributes yet, if its class allows that."""
    plain = _ordinary(cls) and not is_library(cls.__module__)
    return build(ctx, cls, {}) if plain else NotImplemented


def _adds_methods(cls: Any) -> bool:
    """Say whether a class of dicts does what a dict does, and more."""
    own = {name for c in cls.__mro__[:-2] for name in vars(c)}
    plain = cls.__mro__[-2] is dict and type(cls) is type
    return plain and not own & (set(vars(dict)) - {"__doc__", "__repr__"})


def is_made_init(cls: Any) -> bool:
    """Say whether the decorator `dataclass` made the `__init__`."""
    code = getattr(cls.__init__, "__code__", None)
    return code is not None and code.co_filename == "<string>"


def build(ctx: Context, cls: Any, fields: Fields) -> Operand:
    """Write an object with these attributes."""
    return make(
        ctx.builder, (prims.make_object, cls, tuple(fields)), list(fields.values())
    )


# ----------------------------------------------------------------- by fields


def named_tuple(ctx: Context, cls: Any, args: list[Operand], kwargs: Kwargs) -> Operand:
    """Make a named tuple."""
    fields = dict(zip(cls._fields, args, strict=False))
    fields.update(kwargs)
    for name, value in cls._field_defaults.items():
        fields.setdefault(name, Const(value))
    if set(fields) != set(cls._fields) or len(args) > len(cls._fields):
        raise binding.misuse(ctx, f"{cls.__name__}() got the wrong arguments")
    parts = [fields[name] for name in cls._fields]
    return make(ctx.builder, (prims.make_tuple, cls, tuple(cls._fields)), parts)


def dataclass(
    ctx: Context,
    cls: Any,
    args: list[Operand],
    kwargs: Kwargs,
    more: Fields | None = None,
) -> Operand:
    """Make a dataclass; its `__post_init__` is interpreted.

    `more` are attributes that are no fields, and come first.
    """
    taken = [f for f in dataclasses.fields(cls) if f.init]
    positional = [f.name for f in taken if not f.kw_only]
    values = dict(zip(positional, args, strict=False))
    twice = [name for name, _ in kwargs if name in values]
    values.update(kwargs)
    for f in dataclasses.fields(cls):
        if f.name in values:
            continue
        if f.default is not dataclasses.MISSING:
            values[f.name] = Const(f.default)
        elif f.default_factory is not dataclasses.MISSING:
            values[f.name] = calls.call(ctx, None, Const(f.default_factory), [], [])  # type: ignore[arg-type]
        elif f.init:
            raise binding.misuse(ctx, f"{cls.__name__}() missing argument '{f.name}'")
    names = [f.name for f in dataclasses.fields(cls) if f.name in values]
    if twice or len(args) > len(positional) or set(values) - set(names):
        raise binding.misuse(ctx, f"{cls.__name__}() got unexpected arguments")
    fields = (more or {}) | {n: values[n] for n in names}
    after = getattr(cls, "__post_init__", None)
    if after is not None:
        return initialise(ctx, None, cls, after, fields, [], [])
    return build(ctx, cls, fields)


def replaced(ctx: Context, op: Operand, kwargs: Kwargs) -> Operand:
    """Write `dataclasses.replace(op, ...)`."""
    t = type_of(op)
    if not isinstance(t, lt.ObjT) or not dataclasses.is_dataclass(t.cls):
        raise binding.misuse(ctx, "replace() should be called on dataclass instances")
    given = dict(kwargs)
    for f in dataclasses.fields(t.cls):
        if f.init and f.name not in given:
            given[f.name] = ctx.builder.apply(getattr, op, Const(f.name))
    return construct(ctx, None, t.cls, [], list(given.items()), None)  # type: ignore[arg-type]


# ----------------------------------------------------------------- by `__init__`


def initialise(
    ctx: Context,
    frame: Frame | None,
    cls: Any,
    init: Any,
    fields: Fields,
    args: list[Operand],
    kwargs: Kwargs,
) -> Operand:
    """Make an object and call its `__init__` or `__post_init__`."""
    if init is object.__init__ and (args or kwargs):
        raise binding.misuse(ctx, f"{cls.__name__}() takes no arguments")
    me = build(ctx, cls, fields)
    if init is object.__init__:
        return me
    if not isinstance(init, types.FunctionType):
        raise _unfollowed(ctx, cls)
    calls.call(ctx, frame, Const(init), [me, *args], kwargs)  # type: ignore[arg-type]
    return ctx.builder.memory.current(me)


def _unfollowed(ctx: Context, cls: type) -> Exception:
    return not_differentiable(
        "CR405",
        ctx.builder.loc,
        f"the construction of a {cls.__name__} cannot be followed",
        label="its __init__ is not Python code",
        help="set the attributes in __init__ itself",
    )


def super_object(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Write `super()` in a method."""
    where = comprehensions.owner(frame)
    cell = where.cells.get("__class__")
    params = [*where.tree.args.posonlyargs, *where.tree.args.args] if cell else []
    if cell is None or not params:
        raise not_differentiable(
            "CR101",
            frame.loc(node),
            "super() outside a method is not supported",
            help="call the base class by name: Base.method(self)",
        )
    return Const(Super(cell.cell_contents, where.env[params[0].id]))


def super_attribute(ctx: Context, frame: Frame, found: Super, name: str) -> Operand:
    """Find an attribute in the classes after the one that `super()` names."""
    from chainrule.specialise.attributes import bound, stays

    me = found.base
    if is_const(me, type):
        cls = me.value
    else:
        cls = (
            type(me.value)
            if isinstance(me, Const)
            else getattr(type_of(me), "cls", object)
        )
    order = cls.__mro__
    for base in order[order.index(found.cls) + 1 :]:
        if name in base.__dict__:
            stays(ctx, base, name)
            return bound(ctx, frame, me, cls, name, base.__dict__[name])
    raise binding.misuse(ctx, f"'super' object has no attribute '{name}'")
