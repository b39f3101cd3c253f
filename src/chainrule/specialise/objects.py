"""Objects of the program that change: attributes are set and deleted.

In: an object and the name of an attribute. Out: the memory after the store.
"""

from __future__ import annotations

import dataclasses
import inspect
import types

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import arrays, calls, outside_state, writing
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import make
from chainrule.specialise.values import ArrayMethod
from chainrule.types import lattice as lt

PLAIN_SETTERS = (
    object.__setattr__,
    types.SimpleNamespace.__setattr__,
    BaseException.__setattr__,
)
INSTEAD = {
    "shape": "make a view instead: x = x.reshape(shape)",
    "dtype": "make a new array instead: x = x.astype(dtype)",
}


def set_attribute(
    ctx: Context, frame: Frame, base: Operand, name: str, value: Operand
) -> None:
    """Write `base.name = value`, by a property or `__setattr__` if there is one."""
    base = ctx.builder.memory.current(base)
    t = type_of(base)
    if isinstance(t, lt.ArrayT) and name in ("flat", "real", "imag"):
        part = attribute(ctx, frame, base, name)
        arrays.fill(ctx, part, value)
        return
    if isinstance(t, lt.ArrayT):
        raise not_differentiable(
            "CR405",
            ctx.builder.loc,
            f"write into `.{name}` of {writing.called(base, 'an array')}",
            label="it changes what the array is, not its elements",
            help=INSTEAD.get(name, "make a new array"),
        )
    if isinstance(t, lt.NeverT):
        return
    items: object = dict.__setitem__
    if isinstance(t, lt.DictT) and t.cls.__setattr__ is items:
        method = ArrayMethod(base, "__setitem__")
        calls.call(ctx, frame, Const(method), [Const(name), value], [])
        return
    if not isinstance(t, lt.ObjT):
        if _of_outside(ctx, frame, base, name, value):
            return
        raise writing.outside(ctx, base)
    found = inspect.getattr_static(t.cls, name, None)
    if isinstance(found, property):
        if found.fset is None:
            raise _failed(ctx, f"property '{name}' has no setter")
        calls.call(ctx, frame, Const(found.fset), [base, value], [])
        return
    setting = getattr(type(found), "__set__", None)
    if isinstance(setting, types.FunctionType):
        calls.call(ctx, frame, Const(setting), [Const(found), base, value], [])
        return
    setter: object = t.cls.__setattr__
    if dataclasses.is_dataclass(t.cls) and t.cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise _failed(ctx, f"cannot assign to field '{name}'")
    if setter not in PLAIN_SETTERS:
        if isinstance(setter, types.FunctionType):
            calls.call(ctx, frame, Const(setter), [base, Const(name), value], [])
            return
        raise not_differentiable(
            "CR405",
            ctx.builder.loc,
            f"{t.cls.__name__} sets attributes its own way",
            label="its __setattr__ is not Python code",
            help="use an ordinary class, or write into a local variable",
        )
    put(ctx, base, name, value)


def _of_outside(
    ctx: Context, frame: Frame, base: Operand, name: str, value: Operand
) -> bool:
    """Write an attribute of an object from outside; say whether it is one."""
    if not isinstance(base, Const):
        return False
    found = inspect.getattr_static(type(base.value), name, None)
    if isinstance(found, property) and found.fset is not None:
        calls.call(ctx, frame, Const(found.fset), [base, value], [])
        return True
    special = hasattr(type(found), "__set__") and not isinstance(
        found, types.MemberDescriptorType
    )
    return not special and outside_state.put_attribute(ctx, base, name, value)


def put(
    ctx: Context, base: Operand, name: str, value: Operand, past: bool = False
) -> None:
    """Write an attribute into the object itself, `past` descriptors of its class."""
    t = type_of(base)
    assert isinstance(t, lt.ObjT) and isinstance(base, Value)
    found = inspect.getattr_static(t.cls, name, None)
    special = hasattr(type(found), "__set__") and not isinstance(
        found, types.MemberDescriptorType | property
    )
    if special and not past:
        raise not_differentiable(
            "CR405",
            ctx.builder.loc,
            f"`{name}` is a descriptor of {t.cls.__name__}",
            label="what it does when it is written is not followed",
            help="use a property with a setter, or a plain attribute",
        )
    slots = _slots(t.cls)
    if slots is not None and name not in slots:
        raise _failed(ctx, f"'{t.cls.__name__}' object has no attribute '{name}'")
    fields = _fields(ctx, base, t)
    if name in fields and ctx.builder.memory.same(fields[name], value):
        return
    fields[name] = value
    _write(ctx, base, t.cls, fields)


def delete_attribute(ctx: Context, base: Operand, name: str) -> None:
    """Write `del base.name`."""
    base = ctx.builder.memory.current(base)
    t = type_of(base)
    if not isinstance(t, lt.ObjT):
        raise writing.outside(ctx, base)
    fields = _fields(ctx, base, t)
    if name not in fields:
        raise _failed(ctx, f"{t.cls.__name__} has no attribute '{name}'")
    del fields[name]
    _write(ctx, base, t.cls, fields)


def _fields(ctx: Context, base: Operand, t: lt.ObjT) -> dict[str, Operand]:
    return {n: ctx.builder.apply(getattr, base, Const(n)) for n, _ in t.attrs}


def _write(ctx: Context, base: Operand, cls: type, fields: dict[str, Operand]) -> None:
    layout = (prims.make_object, cls, tuple(fields))
    writing.write(ctx, base, make(ctx.builder, layout, list(fields.values())))


def _slots(cls: type) -> set[str] | None:
    """Return the only attributes that objects of a class can have, if that is so."""
    if hasattr(cls, "__dict__") and "__dict__" in dir(cls):
        return None
    return {n for c in cls.__mro__ for n in _names(c.__dict__.get("__slots__", ()))}


def _names(slots: object) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)  # type: ignore[call-overload]


def _failed(ctx: Context, message: str) -> Exception:
    error = not_differentiable("CR107", ctx.builder.loc, message)
    error.primal_fails = True
    return error
