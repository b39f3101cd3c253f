"""Functions that make or stand for functions: `partial`, decorators, operators.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from chainrule.ir.nodes import Const
from chainrule.specialise import attributes, calls, expressions, library
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import SPECIAL, Args, Kwargs, Special, special
from chainrule.specialise.values import (
    Closure,
    Method,
)


def _operator(fn: Callable[..., Any]) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        if len(args) != 2:
            return NotImplemented
        return expressions.binary(ctx, frame, fn, *args)

    return handler


SPECIAL.update({fn: _operator(fn) for fn in expressions.BINARY.values()})


@special(functools.partial)
def partial_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Fill in arguments."""
    return Const(Method(args[0], tuple(args[1:]), tuple(kwargs)))


@special(functools.lru_cache, functools.cache)
def decorator(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Decorators that do not change what a pure function computes."""
    if len(args) == 1 and isinstance(args[0], Const) and callable(args[0].value):
        return args[0]
    if (
        len(args) == 1
        and isinstance(args[0], Const)
        and isinstance(args[0].value, Closure)
    ):
        return args[0]
    return Const(Method(Const(itself)))


@special(functools.wraps)
def wraps(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the decorator that copies names, and changes nothing else."""
    return Const(Method(Const(itself)))


def itself(function: Any) -> Any:
    return function


@special(itself)
def identity(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the decorated function itself."""
    return args[0]


@special(attributes.dispatched)
def dispatched(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Call what a `singledispatchmethod` has for the class of the first argument."""
    method, me, first, *rest = args
    assert isinstance(method, Const)
    cls = calls.call(ctx, frame, Const(type), [first], [])
    chosen = library.dispatched(ctx, method.value.dispatcher, cls)
    return calls.call(ctx, frame, Const(chosen), [me, first, *rest], kwargs)
