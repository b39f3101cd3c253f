"""Bind the arguments of a call to the parameters of a function, as Python does.

In: the function's parameter list and the operands of the call. Out: an environment.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise.frames import Context
from chainrule.specialise.values import Closure, Method

Env = dict[str, Operand]


def bind(
    ctx: Context,
    name: str,
    spec: Any,
    args: Sequence[Operand],
    kwargs: Sequence[tuple[str, Operand]],
    defaults: Sequence[Operand],
    kw_defaults: dict[str, Operand],
) -> Env:
    """Return the parameters' values; a call that Python refuses is the
    primal's error.
    """
    positional = [p.id for p in (*spec.posonlyargs, *spec.args)]
    only = {p.id for p in spec.posonlyargs}
    env: Env = dict(zip(positional, args, strict=False))
    extra = list(args[len(positional) :])
    if extra and spec.vararg is None:
        raise misuse(ctx, f"{name}() takes {len(positional)} positional arguments")
    keyword_only = [p.id for p in spec.kwonlyargs]
    rest: dict[Any, Operand] = {}
    for key, value in kwargs:
        if key in env or (key in rest):
            if key not in only:
                raise misuse(ctx, f"{name}() got multiple values for argument '{key}'")
        if (key in positional and key not in only) or key in keyword_only:
            env[key] = value
        elif spec.kwarg is not None:
            rest[key] = value
        else:
            raise misuse(ctx, f"{name}() got an unexpected keyword argument '{key}'")
    start = len(positional) - len(defaults)
    for param, value in zip(positional[start:], defaults, strict=True):
        env.setdefault(param, value)
    for param in keyword_only:
        if param in kw_defaults:
            env.setdefault(param, kw_defaults[param])
    missing = [p for p in (*positional, *keyword_only) if p not in env]
    if missing:
        raise misuse(ctx, f"{name}() missing argument '{missing[0]}'")
    if spec.vararg is not None:
        env[spec.vararg.id] = ctx.builder.apply(prims.make_tuple, *extra)
    if spec.kwarg is not None:
        env[spec.kwarg.id] = ctx.builder.apply(
            prims.make_dict, Const(tuple(rest)), *rest.values()
        )
    return env


def missing(callee: Operand, given: int, named: Sequence[str | None]) -> int | None:
    """Return how many positional arguments a call must still pass,
    where that is certain.
    """
    fn = callee.value if isinstance(callee, Const) else None
    if isinstance(fn, np.ufunc):
        return fn.nin - given
    if isinstance(fn, Method):
        return missing(fn.function, given + len(fn.args), [*named, *dict(fn.kwargs)])
    if isinstance(fn, Closure):
        spec: Any = fn.tree.args
        names = [p.id for p in (*spec.posonlyargs, *spec.args)]
        open_ended, optional = spec.vararg is not None, len(fn.defaults)
    elif isinstance(fn, types.FunctionType):
        code = fn.__code__
        names = [*code.co_varnames[: code.co_argcount]]
        open_ended = bool(code.co_flags & inspect.CO_VARARGS)
        optional = len(fn.__defaults__ or ())
    else:
        return None
    rest = names[given:]
    if (
        open_ended
        or None in named
        or any(n in named for n in rest[: len(rest) - optional])
    ):
        return None
    needed = [n for n in rest if n not in named]
    return len(needed) if optional == len(rest) - len(needed) else None


def misuse(ctx: Context, message: str) -> Exception:
    """Return the error for a call that fails in the primal as well."""
    error = not_differentiable(
        "CR107", ctx.builder.loc, message, label="this call fails"
    )
    error.primal_fails = True
    return error
