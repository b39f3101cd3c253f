"""Attributes: of modules and classes, of arrays and numbers, of objects of the program.

In: an operand and a name. Out: an operand; methods come as compile-time values that
`calls` knows how to call.
"""

from __future__ import annotations

import builtins
import enum
import functools
import inspect
import operator
import re
import sys
import types
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import absences, calls
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame, is_data
from chainrule.specialise.values import (
    ArrayMethod,
    Closure,
    Generated,
    Generator,
    Items,
    Method,
    Poison,
    Streams,
    Super,
    Unforeseen,
)
from chainrule.types import lattice as lt
from chainrule.types.methods import ATTRIBUTES
from chainrule.types.typeof import type_of as runtime_type


def attribute(ctx: Context, frame: Frame, base: Operand, name: str) -> Operand:
    """Write `base.name`."""
    b = ctx.builder
    says = f"'NoneType' object has no attribute {name!r}"
    base = absences.there(b, b.some(base), says, AttributeError)
    t = type_of(base)
    if isinstance(base, Const) and not isinstance(t, lt.TupleT):
        number = isinstance(base.value, int | float | complex)
        if not number or isinstance(base.value, enum.Enum):
            return of_constant(ctx, frame, base, name)
    match t:
        case lt.ArrayT() | lt.ScalarT():
            return of_number(ctx, base, name)
        case lt.ObjT(cls=cls, attrs=pairs):
            if name == "__dict__":
                return calls.call(ctx, frame, Const(vars), [base], [])
            if name in dict(pairs) and not _is_set_by_class(cls, name):
                return b.apply(getattr, base, Const(name))
            return of_class(ctx, frame, base, cls, name)
        case lt.TupleT(cls=cls):
            fields = getattr(cls, "_fields", ())
            if name in fields:
                return b.getitem(base, fields.index(name))
            if name in ("index", "count", "_replace", "_asdict"):
                return Const(ArrayMethod(base, name))
            return of_class(ctx, frame, base, cls, name)
        case lt.NeverT():
            return base
        case lt.DictT(cls=cls) if not is_library(cls.__module__):
            return of_dict(ctx, frame, base, cls, name)
        case lt.DictT() | lt.ListT() | lt.OpaqueT() | lt.RangeT():
            if isinstance(t, lt.OpaqueT) and _is_data_attribute(t.cls, name):
                return b.apply(getattr, base, Const(name))
            if isinstance(base, Value) and lt.is_word(t) and t != lt.STR:
                from chainrule.specialise import chosen_keys

                return chosen_keys.of_member(ctx, frame, base, name)
            if isinstance(t, lt.OpaqueT) and issubclass(t.cls, BaseException):
                found = getattr(t.cls, name, None)
                if not callable(found) or isinstance(found, types.FunctionType):
                    site = b.memory.caught.get(base)
                    if site is not None:
                        raise Unforeseen(site)
                    raise not_differentiable(
                        "CR303",
                        b.loc,
                        f"`{name}` of an exception is read",
                        label="what an exception carries is not followed",
                        help="keep it in a variable before the exception is raised",
                    )
            return Const(ArrayMethod(base, name))
    raise not_differentiable(
        "CR303", b.loc, f"attribute `{name}` of {lt.show(t)} is not supported"
    )


def of_dict(ctx: Context, frame: Frame, base: Operand, cls: Any, name: str) -> Operand:
    """Read an attribute of a dict of a class of the program's own."""
    found = inspect.getattr_static(cls, name, None)
    if isinstance(found, types.FunctionType | property):
        return bound(ctx, frame, base, cls, name, found)
    hook = getattr(cls, "__getattr__", None)
    if found is None and hook is dict.__getitem__:
        return calls.call(ctx, frame, Const(operator.getitem), [base, Const(name)], [])
    if found is None and isinstance(hook, types.FunctionType):
        return calls.call(ctx, frame, Const(hook), [base, Const(name)], [])
    return Const(ArrayMethod(base, name))


def _is_data_attribute(cls: type, name: str) -> bool:
    found = inspect.getattr_static(cls, name, None)
    return isinstance(
        found, types.GetSetDescriptorType | types.MemberDescriptorType | property
    )


def of_number(ctx: Context, base: Operand, name: str) -> Operand:
    """Write an attribute of an array or number, or hold on to a method of it."""
    b = ctx.builder
    if name in ATTRIBUTES:
        return b.apply(ATTRIBUTES[name], base, form="attribute", text=name)
    if name == "flat" and isinstance(type_of(base), lt.ArrayT):
        return b.apply(np.ravel, base, form="attribute", text="flat")
    if name in ("shape", "ndim", "size", "dtype", "nbytes", "itemsize", "flat"):
        return b.apply(builtins.getattr, base, Const(name))
    if name == "strides":
        raise not_differentiable(
            "CR303",
            b.loc,
            "`.strides` of an array is read",
            label="what is computed with it depends on how the memory lies",
            help="use np.lib.stride_tricks.sliding_window_view, or slices",
        )
    return Const(ArrayMethod(base, name))


def of_constant(ctx: Context, frame: Frame, base: Const, name: str) -> Operand:
    """Read an attribute of a module, a class or another object from outside."""
    value = base.value
    if isinstance(value, Poison):
        raise ctx.builder.unreadable(value)
    if isinstance(value, Generated) and name in ("send", "throw", "close"):
        raise not_differentiable(
            "CR102",
            ctx.builder.loc,
            f"`{name}` of a generator",
            label="runs it in turns with this function",
            help="pass what is sent as an argument",
        )
    if isinstance(value, Generated | Generator | Items | Streams | Closure):
        if name == "__name__" and isinstance(value, Closure):
            return Const(value.name)
        return Const(ArrayMethod(base, name))
    if isinstance(value, str | bytes | frozenset | range | slice):
        return Const(ArrayMethod(base, name))
    if isinstance(value, re.Pattern | re.Match):
        found = getattr(value, name, None)
        return Const(ArrayMethod(base, name) if callable(found) else found)
    if isinstance(value, Super):
        from chainrule.specialise.construct import super_attribute

        return super_attribute(ctx, frame, value, name)
    if isinstance(value, Method):
        return attribute(ctx, frame, value.function, name)
    static = statically(value, name)
    if isinstance(static, property) and static.fget is not None:
        stays(ctx, type(value), name)
        return calls.call(ctx, frame, Const(static.fget), [base], [])
    try:
        found = getattr(value, name)
    except AttributeError as error:
        failure = not_differentiable("CR107", ctx.builder.loc, str(error))
        failure.primal_fails = True
        raise failure from None
    text = f"{base.text}.{name}" if base.text else None
    return outside_attribute(ctx, base, name, found, text)


def outside_attribute(
    ctx: Context, base: Const, name: str, found: Any, text: str | None
) -> Operand:
    """Turn an attribute of an outside object into an operand, and record the input."""
    owner = base.value
    trusted = isinstance(owner, types.ModuleType) and is_library(owner.__name__)
    if isinstance(owner, type):
        trusted = is_library(owner.__module__)
    if ctx.splicing or trusted:
        return Const(found, text)
    from chainrule.specialise import outside_state

    written = outside_state.read_attribute(ctx, base, name, found)
    if written is not None:
        return written
    if is_data(found) and text is not None and not isinstance(found, int):
        t = runtime_type(found, ("attribute", id(owner), name))
        if isinstance(t, lt.Type):
            ctx.typed("attribute", name, owner, (), t)
            return ctx.builder.apply(prims.live, Const(found, text), type_=t)
    ctx.known("attribute", name, owner, (), found)
    return Const(found, text)


def statically(value: Any, name: str) -> Any:
    """Return an attribute without running anything; None if there is none."""
    if isinstance(value, types.ModuleType) and name in vars(value):
        return vars(value)[name]
    return inspect.getattr_static(value, name, None)


LIBRARIES = frozenset(
    "numpy scipy math cmath builtins operator functools itertools collections random "
    "warnings contextlib typing dataclasses enum abc copy time sys os chainrule string "
    "statistics logging re json fractions decimal numbers types".split()
)


def is_library(name: str) -> bool:
    """Say whether a module is one whose attributes nobody rebinds."""
    return name.partition(".")[0] in LIBRARIES


def of_class(
    ctx: Context, frame: Frame, base: Operand, cls: type, name: str
) -> Operand:
    """Find a method, property or class attribute of an object of the program."""
    try:
        found = inspect.getattr_static(cls, name)
    except AttributeError:
        hook = getattr(cls, "__getattr__", None)
        if isinstance(hook, types.FunctionType):
            return calls.call(ctx, frame, Const(hook), [base, Const(name)], [])
        error = not_differentiable(
            "CR107", ctx.builder.loc, f"{cls.__name__} has no attribute `{name}`"
        )
        error.primal_fails = True
        raise error from None
    if not inspect.isdatadescriptor(found):
        own_none(ctx, cls, name)
    return bound(ctx, frame, base, cls, name, found)


def _is_set_by_class(cls: type, name: str) -> bool:
    """Say whether a descriptor in Python answers for an attribute."""
    found = next((c.__dict__[name] for c in cls.__mro__ if name in c.__dict__), None)
    return isinstance(getattr(type(found), "__set__", None), types.FunctionType)


def own_none(ctx: Context, cls: type, name: str) -> None:
    """Record that objects of a class have no attribute of this name of their own."""
    if not ctx.splicing and not is_library(cls.__module__):
        ctx.lacks("class", name, cls)


def _kept(
    ctx: Context, frame: Frame, base: Operand, found: functools.cached_property[Any]
) -> Operand:
    """Compute what a `cached_property` leaves in the object as an attribute."""
    from chainrule.specialise import objects

    value = calls.call(ctx, frame, Const(found.func), [base], [])
    objects.put(ctx, ctx.builder.memory.current(base), str(found.attrname), value)
    return value


def class_of(op: Operand) -> type | None:
    """Return the class of an object of the user's, of the program or from outside."""
    t = type_of(op)
    if isinstance(t, lt.ObjT):
        return t.cls
    if not isinstance(op, Const) or isinstance(op.value, type | enum.Enum):
        return None
    cls: type = type(op.value)
    root = cls.__module__.partition(".")[0]
    ours = is_library(cls.__module__) or root in sys.stdlib_module_names
    return None if ours else cls


def overload(ctx: Context, op: Operand, name: str) -> types.FunctionType | None:
    """Return the function by which the class of an object answers `len`, `+`, ..."""
    cls = class_of(op)
    found = None if cls is None else getattr(cls, name, None)
    if cls is None or not isinstance(found, types.FunctionType):
        return None
    if is_library(found.__module__ or ""):
        return None
    stays(ctx, cls, name)
    return found


def stays(ctx: Context, cls: type, name: str) -> None:
    """Record that a class goes on to hold the function or property it holds now."""
    if ctx.splicing or is_library(cls.__module__):
        return
    held = getattr(cls, name, None)
    if isinstance(held, types.FunctionType | types.MethodType | property):
        ctx.known("attribute", name, cls, (), held)


def dispatched(method: Any, me: Any, first: Any, *rest: Any, **named: Any) -> Any:
    """Stand for a `singledispatchmethod` of an object (see `function_calls`)."""
    raise NotImplementedError


def bound(
    ctx: Context, frame: Frame, base: Operand, cls: type, name: str, found: Any
) -> Operand:
    """Bind what a class holds under a name to an object of the class."""
    stays(ctx, cls, name)
    match found:
        case property() if found.fget is not None:
            return calls.call(ctx, frame, Const(found.fget), [base], [])
        case functools.cached_property():
            return _kept(ctx, frame, base, found)
        case staticmethod():
            return Const(found.__func__)
        case classmethod():
            return Const(Method(Const(found.__func__), (Const(cls),)))
        case types.FunctionType():
            return Const(Method(Const(found), (base,)))
        case functools.partialmethod():
            filled = tuple(map(Const, found.args))
            named = tuple((k, Const(v)) for k, v in found.keywords.items())
            inner = bound(ctx, frame, base, cls, name, found.func)
            return Const(Method(inner, filled, named))
        case functools.singledispatchmethod():
            return Const(Method(Const(dispatched), (Const(found), base)))
    if isinstance(found, types.WrapperDescriptorType) and name == "__init__":
        return Const(Method(Const(found), (base,)))
    if hasattr(found, "__wrapped__") and callable(found):
        return Const(Method(Const(found.__wrapped__), (base,)))
    getter = getattr(type(found), "__get__", None)
    if isinstance(getter, types.FunctionType):
        given = [Const(found), base, Const(cls)]
        return calls.call(ctx, frame, Const(getter), given, [])
    value = getattr(cls, name)
    if isinstance(value, types.BuiltinFunctionType | types.MethodDescriptorType):
        return Const(ArrayMethod(base, name))
    return outside_attribute(ctx, Const(cls), name, value, None)
