"""Questions about objects: `isinstance`, `getattr`, `hasattr`, `callable`.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive.
"""

from __future__ import annotations

import builtins
import types
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise.attributes import attribute, is_library, own_none
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, special
from chainrule.specialise.stand_ins import real_class
from chainrule.specialise.values import (
    ArrayMethod,
    Closure,
    Method,
)
from chainrule.types import lattice as lt


@special(isinstance)
def isinstance_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Answer from the type, or ask at run time."""
    op, classes = args
    t = type_of(op)
    if isinstance(op, Const):
        if isinstance(op.value, Closure | Method | ArrayMethod):
            return Const(False)
        return NotImplemented
    if isinstance(t, lt.ObjT | lt.TupleT | lt.DictT) and isinstance(classes, Const):
        return Const(issubclass(real_class(t.cls), _classes(classes.value)))
    if op is ctx.native and isinstance(classes, Const):
        asked = classes.value if isinstance(classes.value, tuple) else [classes.value]
        if not any(is_library(c.__module__) for c in asked):
            return Const(False)  # Python raises none of the program's own
    if isinstance(t, lt.ListT) and isinstance(classes, Const):
        return Const(issubclass(list, _classes(classes.value)))
    return NotImplemented


def _classes(value: Any) -> Any:
    return value.__args__ if isinstance(value, types.UnionType) else value


@special(getattr)
def getattr_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Read an attribute whose name is known."""
    name = args[1]
    if not isinstance(name, Const):
        raise not_differentiable(
            "CR502", ctx.builder.loc, "the attribute's name must be known"
        )
    if len(args) == 3 and not _has(ctx, args[0], name.value):
        return args[2]
    return attribute(ctx, frame, args[0], name.value)


@special(hasattr)
def hasattr_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Answer from the type."""
    name = args[1]
    if not isinstance(name, Const):
        return NotImplemented
    return Const(_has(ctx, args[0], name.value))


def _has(ctx: Context, op: Operand, name: str) -> bool:
    if isinstance(op, Const):
        found = hasattr(op.value, name)
        if not found and not ctx.splicing:
            ctx.lacks("attribute", name, op.value)
        return found
    match type_of(op):
        case lt.ArrayT():
            return hasattr(np.ndarray, name)
        case lt.ScalarT(dtype=None, kind=kind):
            return hasattr(getattr(builtins, kind), name)
        case lt.ScalarT(dtype=dtype) if dtype is not None:
            return hasattr(dtype.type, name)
        case lt.ObjT(cls=cls, attrs=pairs):
            if name not in dict(pairs):
                own_none(ctx, cls, name)
            return name in dict(pairs) or hasattr(cls, name)
        case lt.TupleT(cls=cls) | lt.DictT(cls=cls) | lt.OpaqueT(cls=cls):
            return hasattr(cls, name)
        case lt.ListT():
            return hasattr(list, name)
    return False


@special(callable)
def callable_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Answer from the type."""
    op = args[0]
    if isinstance(op, Const):
        if isinstance(op.value, Closure | Method | ArrayMethod):
            return Const(True)
        return Const(callable(op.value))
    t = type_of(op)
    classes = t.cls.__mro__ if isinstance(t, lt.ObjT) else ()
    return Const(any("__call__" in vars(cls) for cls in classes))


@special(dir)
def dir_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """List the names of an object's attributes."""
    t = type_of(args[0]) if args else None
    if not isinstance(t, lt.ObjT):
        return NotImplemented
    names = sorted({*dir(t.cls), *(name for name, _ in t.attrs)})
    return ctx.builder.apply(prims.make_list, *map(Const, names))
