"""Which arguments of a call of an inner derivative are the active ones.

In: the function whose derivative it is, what `argnums` and `argnames` say, and the
operands of a call. Out: the call, with a place for every active parameter: one that the
call leaves to its default is filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.cache.signatures import Parameters, parameters_of, resolve
from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise.binding import misuse
from chainrule.specialise.frames import Context
from chainrule.specialise.values import Closure, Method
from chainrule.target import target_of

Key = int | str
"""An argument of a call: its position, or its name where it is passed by name."""


@dataclass(slots=True)
class Settled:
    """A call, and the key of each active argument in it."""

    args: list[Operand]
    kwargs: dict[str, Operand]
    keys: tuple[Key, ...]


@dataclass(slots=True)
class Signature:
    """Parameters of a function whose first `bound` are filled in, and defaults."""

    parameters: Parameters
    defaults: dict[str, Operand]
    bound: int = 0


def settle(
    ctx: Context,
    function: Operand,
    wrt: Sequence[Key],
    args: Sequence[Operand],
    kwargs: Sequence[tuple[str, Operand]],
) -> Settled:
    """Return a call with a place for all that the derivative is taken by."""
    call = Settled(list(args), dict(kwargs), ())
    signature = signature_of(function)
    if signature is None:
        raise not_differentiable(
            "CR304",
            ctx.builder.loc,
            "a derivative of something whose parameters are not known here",
            help="take the derivative of a function that calls it",
        )
    keys = [_place(ctx, call, signature, one) for one in wrt]
    call.keys = tuple(keys)
    return call


def _place(ctx: Context, call: Settled, signature: Signature, one: Key) -> Key:
    """Return where the call passes a parameter; make it pass one that it leaves out."""
    parameters, bound = signature.parameters, signature.bound
    number, name = (one, None) if isinstance(one, int) else (0, one)
    passed = len(call.args) if parameters.optional or parameters.varargs else None
    try:
        [found] = resolve(parameters, number, name, bound, passed)
    except ValueError as problem:
        raise misuse(ctx, str(problem)) from None
    ordered = parameters.ordered[bound:]
    if found in ordered and ordered.index(found) < len(call.args):
        return ordered.index(found)
    if found.endswith("]"):  # args[0] or kwargs['w']
        inside = found.partition("[")[2][:-1]
        return inside[1:-1] if name else len(ordered) + int(inside)
    if found not in parameters.positional_only:
        if found not in call.kwargs:
            call.kwargs[found] = _default(ctx, signature, found)
        return found
    for missing in ordered[len(call.args) : ordered.index(found) + 1]:
        call.args.append(_default(ctx, signature, missing))
    return len(call.args) - 1


def _default(ctx: Context, signature: Signature, name: str) -> Operand:
    if name not in signature.defaults:
        raise misuse(ctx, f"missing argument '{name}'")
    return signature.defaults[name]


def signature_of(function: Operand) -> Signature | None:
    """Return the parameters of what an operand holds, or None if it does not say."""
    fn: Any = function.value if isinstance(function, Const) else None
    if fn is None:
        return None
    if hasattr(fn, "transform") and isinstance(getattr(fn, "function", None), Const):
        return signature_of(fn.function)  # a derivative has its function's parameters
    if isinstance(fn, Method):
        found = signature_of(fn.function)
        if found is not None:
            found.bound += len(fn.args)
            found.defaults.update(fn.kwargs)
        return found
    return _of_closure(fn) if isinstance(fn, Closure) else _of_callable(fn)


def _of_closure(fn: Closure) -> Signature:
    spec: Any = fn.tree.args
    only, both, named = (
        tuple(p.id for p in kind)
        for kind in (spec.posonlyargs, spec.args, spec.kwonlyargs)
    )
    ordered = only + both
    defaults = dict(
        zip(ordered[len(ordered) - len(fn.defaults) :], fn.defaults, strict=True)
    )
    pairs = zip(named, fn.kw_defaults, strict=True)
    defaults.update({n: d for n, d in pairs if d is not None})
    return Signature(
        Parameters(
            only,
            both,
            named,
            spec.vararg and spec.vararg.id,
            spec.kwarg and spec.kwarg.id,
            frozenset(defaults),
        ),
        defaults,
    )


def _of_callable(fn: Any) -> Signature | None:
    try:
        target = target_of(fn)
    except TypeError:
        return None
    base: Any = target.base
    parameters = parameters_of(base)
    ordered = parameters.ordered
    values = base.__defaults__ or ()
    defaults: dict[str, Any] = dict(
        zip(ordered[len(ordered) - len(values) :], values, strict=True)
    )
    defaults |= {**(base.__kwdefaults__ or {}), **target.kwargs}
    named: dict[str, Operand] = {name: Const(value) for name, value in defaults.items()}
    return Signature(parameters, named, len(target.args))
