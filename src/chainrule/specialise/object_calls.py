"""Functions about objects: `dataclasses.replace`, `type`, `vars`,
getters of `operator`.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive.
"""

from __future__ import annotations

import dataclasses
import operator
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    attributes_model,
    calls,
    construct,
    dicts,
    displays,
    expressions,
    objects,
)
from chainrule.specialise.attributes import attribute, class_of, overload
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, Special, special
from chainrule.specialise.stand_ins import real_class
from chainrule.specialise.values import Getter
from chainrule.types import lattice as lt


@special(dataclasses.replace)
def replace(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dataclass with some other fields."""
    return construct.replaced(ctx, args[0], kwargs)


@special(dataclasses.asdict)
def asdict(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take dataclasses apart into dicts."""
    return NotImplemented if kwargs else _apart(ctx, args[0], True)


@special(dataclasses.astuple)
def astuple(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take dataclasses apart into tuples."""
    return NotImplemented if kwargs else _apart(ctx, args[0], False)


def _apart(ctx: Context, op: Operand, named: bool) -> Operand:
    b, t = ctx.builder, type_of(op)
    if isinstance(t, lt.ObjT) and dataclasses.is_dataclass(t.cls):
        names = [f.name for f in dataclasses.fields(t.cls)]
        parts = [_apart(ctx, b.apply(getattr, op, Const(n)), named) for n in names]
        if named:
            return b.apply(prims.make_dict, Const(tuple(names)), *parts)
        return b.apply(prims.make_tuple, *parts)
    elements = b.elements(op) if isinstance(t, lt.ListT) else None
    if elements is not None:
        return b.apply(prims.make_list, *(_apart(ctx, e, named) for e in elements))
    return op


@special(abs)
def abs_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Call the `__abs__` of an object of the program."""
    method = calls.operator_method(ctx, operator.abs, args[0], False) if args else None
    return (
        NotImplemented if method is None else calls.call(ctx, frame, method, args, [])
    )


CONVERSIONS = {
    float: "__float__",
    int: "__int__",
    complex: "__complex__",
    round: "__round__",
}


def _conversion(kind: Any, name: str) -> None:
    @special(kind)
    def convert(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        """Call the method of an object that is converted."""
        own = overload(ctx, args[0], name) if args else None
        if own is None:
            return NotImplemented
        return calls.call(ctx, frame, Const(own), args, kwargs)


for _kind, _name in CONVERSIONS.items():
    _conversion(_kind, _name)


@special(bool)
def bool_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Ask an object for its truth."""
    if not args or class_of(args[0]) is None:
        return NotImplemented
    return expressions.truth(ctx, frame, args[0])


@special(vars)
def vars_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the attributes of an object, to be read and written like a dict."""
    if not args or not isinstance(type_of(args[0]), lt.ObjT):
        return NotImplemented
    model: Any = attributes_model.Attributes
    return construct.initialise(ctx, frame, model, model.__init__, {}, args, [])


@special(attributes_model.held)
def held(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the attributes of an object as a dict."""
    t = type_of(args[0])
    assert isinstance(t, lt.ObjT)
    fields = {n: ctx.builder.apply(getattr, args[0], Const(n)) for n, _ in t.attrs}
    return displays.make_dict(ctx, fields)


@special(attributes_model.put)
def put(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write an attribute whose name is known, into the object itself."""
    owner = ctx.builder.memory.current(args[0])
    objects.put(ctx, owner, str(dicts.key(ctx, args[1])), args[2], past=True)
    return Const(None)


@special(attributes_model.take)
def take(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Delete an attribute whose name is known."""
    objects.delete_attribute(ctx, args[0], str(dicts.key(ctx, args[1])))
    return Const(None)


@special(type)
def type_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the class of an object of the program."""
    t = type_of(args[0])
    if len(args) == 1 and isinstance(t, lt.ObjT | lt.TupleT | lt.DictT):
        return Const(real_class(t.cls))
    if len(args) == 1 and isinstance(t, lt.ListT):
        return Const(list)
    return NotImplemented


@special(object.__setattr__)
def setattr_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Set an attribute, of a frozen dataclass too."""
    if len(args) == 3 and isinstance(args[1], Const):
        if isinstance(type_of(args[0]), lt.ObjT):
            objects.put(ctx, args[0], args[1].value, args[2])
            return Const(None)
    return NotImplemented


@special(setattr)
def setattr_by_name(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Set an attribute by its name."""
    if len(args) != 3:
        return NotImplemented
    objects.set_attribute(ctx, frame, args[0], _named(ctx, args[1]), args[2])
    return Const(None)


@special(delattr)
def delattr_by_name(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Delete an attribute by its name."""
    if len(args) != 2:
        return NotImplemented
    objects.delete_attribute(ctx, args[0], _named(ctx, args[1]))
    return Const(None)


def _named(ctx: Context, op: Operand) -> str:
    """Return the name of an attribute that is given as a value."""
    if isinstance(op, Const) and isinstance(op.value, str):
        return op.value
    raise not_differentiable(
        "CR105",
        ctx.builder.loc,
        "an attribute whose name is computed at run time is set",
        label="which one it is, is not known when the derivative is made",
        help="write out what it does",
    )


@special(dataclasses.fields)
def fields(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Name the fields of a dataclass."""
    t = type_of(args[0])
    if len(args) == 1 and isinstance(t, lt.ObjT) and dataclasses.is_dataclass(t.cls):
        return Const(dataclasses.fields(t.cls))
    return NotImplemented


@special(object.__new__)
def new(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make an object without attributes, as `cls.__new__(cls)` does."""
    cls = args[0].value if len(args) == 1 and isinstance(args[0], Const) else None
    return construct.bare(ctx, cls) if isinstance(cls, type) else NotImplemented


@special(object.__init__)
def init(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Do nothing, as the `__init__` that every class has."""
    return Const(None)


def _getter(read: Any) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        return Const(Getter(read, tuple(args), tuple(kwargs)))

    return handler


def get(ctx: Context, frame: Frame, getter: Getter, base: Operand) -> Operand:
    """Call an `itemgetter`, `attrgetter` or `methodcaller` on an object."""
    if getter.read is _method:
        return _method(ctx, frame, base, getter)
    parts = [getter.read(ctx, frame, base, key) for key in getter.keys]
    return parts[0] if len(parts) == 1 else ctx.builder.apply(prims.make_tuple, *parts)


def _attribute(ctx: Context, frame: Frame, base: Operand, name: Operand) -> Operand:
    assert isinstance(name, Const)
    for step in name.value.split("."):
        base = attribute(ctx, frame, base, step)
    return base


def _item(ctx: Context, frame: Frame, base: Operand, index: Operand) -> Operand:
    return expressions.subscript(ctx, frame, base, index)


def _method(ctx: Context, frame: Frame, base: Operand, getter: Getter) -> Operand:
    name, *args = getter.keys
    found = _attribute(ctx, frame, base, name)
    return calls.call(ctx, frame, found, args, list(getter.kwargs))


special(operator.itemgetter)(_getter(_item))
special(operator.attrgetter)(_getter(_attribute))
special(operator.methodcaller)(_getter(_method))
