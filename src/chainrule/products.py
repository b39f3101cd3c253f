"""Products with the Jacobian from either side, and the objects they return.

In: a target and the arguments of a call. Out: `(value, pullback)` of `vjp`, `(value,
tangent)` of `jvp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.arguments import carries_derivative, conform, is_integer, leaves
from chainrule.cache.specialisations import Dispatcher
from chainrule.target import Options, Target
from chainrule.types import lattice as lt
from chainrule.types.typeof import type_of


class Pullback:
    """Maps a cotangent of the value to one cotangent for each argument.

    It may be called several times. An argument without derivative has None.
    """

    __slots__ = ("_backward", "_places", "_residual", "_value")

    def __init__(
        self,
        backward: Callable[..., tuple[Any, ...]],
        residual: Any,
        value: Any,
        places: Sequence[int | None],
    ) -> None:
        self._backward = backward
        self._residual = residual
        self._value = value
        self._places = places

    def __call__(self, value_bar: Any) -> tuple[Any, ...]:
        bar = conform(self._value, value_bar, "the cotangent")
        if isinstance(bar, np.ndarray) and bar.ndim == 0:
            bar = bar[()]  # a number cannot be added to in place
        out = _run(_note, self._backward, (self._residual, bar))
        return tuple(None if i is None else out[i] for i in self._places)

    def __repr__(self) -> str:
        return f"<pullback to {len(self._places)} arguments>"


def run_vjp(target: Target, options: Options, /, *args: Any, **kwargs: Any) -> Any:
    """Return the value and its pullback (and aux)."""
    names = target.passed(args, kwargs)
    wrt = vjp_names(target, options, args, kwargs)
    places = [wrt.index(n) if n in wrt else None for n in names]
    made = target.dispatcher("vjp", tuple(wrt), options)
    spec, values = made.find(target.bind(made, args, kwargs))
    forward, backward = spec.built.calls
    value, residual = call(made, forward, values)
    if options.has_aux:
        value, aux = value
        return value, Pullback(backward, residual, value, places), aux
    return value, Pullback(backward, residual, value, places)


def vjp_names(
    target: Target, options: Options, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[str]:
    """Return the active arguments of a call, in order.

    Without `argnums`, these are the arguments that hold floating-point numbers; where
    there is none, integers count as reals.
    """
    if options.argnums is not None or options.argnames is not None:
        return list(target.wrt(options, len(args)))
    named = list(
        zip(target.passed(args, kwargs), (*args, *kwargs.values()), strict=True)
    )
    wrt = [name for name, value in named if _holds_reals(value)]
    if not wrt:
        wrt = [name for name, v in named if any(map(is_integer, leaves(v)))]
    if not wrt:
        raise TypeError("no argument holds numbers to differentiate by")
    return wrt


def _holds_reals(value: Any) -> bool:
    """Say whether an argument holds floating-point numbers, in attributes too."""
    if carries_derivative(value):
        return True
    try:
        t = type_of(value)
    except ValueError:
        return False
    return isinstance(t, lt.ObjT) and lt.is_differentiable(t)


def run_jvp(
    target: Target, options: Options, primals: Any, tangents: Any, /, **kwargs: Any
) -> Any:
    """Return the value and its tangent (and aux)."""
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError("primals and tangents of jvp are tuples, one entry an argument")
    if len(primals) != len(tangents):
        raise TypeError(f"{len(primals)} primals, but {len(tangents)} tangents")
    names = target.passed(tuple(primals), {})
    pairs = [
        (name, dot)
        for name, x, dot in zip(names, primals, tangents, strict=True)
        if not _is_no_tangent(x, dot)
    ]
    if not pairs:
        raise TypeError("jvp needs a tangent for at least one argument")
    wrt = tuple(name for name, _ in pairs)
    made = target.dispatcher("jvp", wrt, options)
    values = target.bind(made, tuple(primals), kwargs)
    return push(made, values, [dot for _, dot in pairs])


def push(made: Dispatcher, values: tuple[Any, ...], tangents: list[Any]) -> Any:
    """Run a jvp with a tangent for each active parameter."""
    spec, values = made.find(values)
    dots = [
        conform(x, dot, f"the tangent of {name}")
        for name, x, dot in zip(
            made.request.wrt, made.active(values), tangents, strict=True
        )
    ]
    return call(made, spec.built.calls[0], (*values, *dots))


def call(made: Dispatcher, function: Callable[..., Any], values: Sequence[Any]) -> Any:
    """Call generated code; an exception gets a note with the user's line."""
    return _run(made.note, function, values)


def _run(
    note: Callable[[BaseException], None],
    function: Callable[..., Any],
    values: Sequence[Any],
) -> Any:
    try:
        return function(*values)
    except Exception as error:
        note(error)
        raise


def _note(error: BaseException) -> None:
    """Name the user's line on an exception of a pullback."""
    from chainrule.backend.link import annotate

    annotate(error, "pullback,")


def _is_no_tangent(x: Any, tangent: Any) -> bool:
    """Say whether an argument stays fixed: None, or an integer zero for an integer."""
    if tangent is None:
        return True
    dtype = getattr(tangent, "dtype", None)
    if dtype is not None and dtype.kind == "V":  # jax.float0
        return True
    return is_integer(x) and is_integer(tangent) and not np.any(tangent)
