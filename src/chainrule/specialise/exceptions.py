"""Exceptions as objects: what they carry is known while they are on their way.

In: a class of exceptions and the operands of its call, inside a `try` whose exceptions
are followed (`escapes`). Out: an object like any other, with `args` as its first
attribute and those that its `__init__` sets.
"""

from __future__ import annotations

import builtins
import dataclasses
import types
from typing import Any

from chainrule.ir import prims
from chainrule.ir.nodes import Operand
from chainrule.specialise import construct, objects
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, special
from chainrule.types import lattice as lt

PLAIN = tuple(
    cls
    for cls in vars(builtins).values()
    if isinstance(cls, type)
    and issubclass(cls, BaseException)
    and (
        cls.__basicsize__ == BaseException.__basicsize__
        or issubclass(cls, NameError | AttributeError)
    )
    and not issubclass(cls, BaseExceptionGroup)
)


def is_plain(cls: Any) -> bool:
    """Say whether exceptions of a class hold `args` and what Python code sets."""
    native = next(c for c in cls.__mro__ if c.__module__ == "builtins")
    ours = [c for c in cls.__mro__ if c.__module__ != "builtins"]
    made = any("__new__" in vars(c) or "__setattr__" in vars(c) for c in ours)
    return native in PLAIN and type(cls) is type and not made


def make(
    ctx: Context, frame: Frame, cls: Any, args: list[Operand], kwargs: Kwargs
) -> Operand | None:
    """Make an exception, or return None if it cannot be followed."""
    if not is_plain(cls):
        return None
    given: dict[str, Operand] = {"args": ctx.builder.apply(prims.make_tuple, *args)}
    init = cls.__init__
    if not isinstance(init, types.FunctionType):
        return None if kwargs else construct.build(ctx, cls, given)
    if dataclasses.is_dataclass(cls) and construct.is_made_init(cls):
        return construct.dataclass(ctx, cls, args, kwargs, given)
    return construct.initialise(ctx, frame, cls, init, given, args, kwargs)


def is_exception(op: Operand) -> bool:
    """Say whether an operand is an exception that is followed."""
    t = type_of(op)
    return isinstance(t, lt.ObjT) and issubclass(t.cls, BaseException)


@special(*(cls.__init__ for cls in PLAIN))
def initialise(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Interpret `super().__init__(*args)` of an exception."""
    me = ctx.builder.memory.current(args[0])
    if not is_exception(me) or kwargs:
        return NotImplemented
    held = ctx.builder.apply(prims.make_tuple, *args[1:])
    objects.put(ctx, me, "args", held, past=True)
    return None
