"""The public functions, with the signatures and the structure of results of `jax`.

In: anything callable: functions, lambdas, methods, partials, objects, functions of
NumPy, and derivatives. Out: a `Differentiable`, a `Derivative`, or the values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from chainrule.cache.signatures import Argnames, Argnums
from chainrule.checking.held import held
from chainrule.derivative import Derivative, derivative
from chainrule.differentiable import Differentiable, differentiable
from chainrule.products import Pullback, run_jvp, run_vjp
from chainrule.target import Options, target_of

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


@overload
def differentiate(
    function: Callable[P, R], /, *, source: str | None = None
) -> Differentiable[P, R]: ...


@overload
def differentiate(
    *,
    argnums: Argnums = 0,
    argnames: Argnames = None,
    has_aux: bool = False,
    check: bool = False,
    debug: str | None = None,
    source: str | None = None,
) -> Callable[[Callable[P, R]], Differentiable[P, R]]: ...


def differentiate(
    function: Any = None,
    /,
    *,
    argnums: Argnums = 0,
    argnames: Argnames = None,
    has_aux: bool = False,
    check: bool = False,
    debug: str | None = None,
    source: str | None = None,
) -> Any:
    """Give a function its derivatives, as a decorator with or without parentheses.

    Parameters
    ----------
    argnums : int or tuple of int
        Positions of the arguments to differentiate by; negative from the end.
    argnames : str or tuple of str, optional
        Their names, instead of positions.
    has_aux : bool
        Whether the function returns a pair, whose second part is handed through.
    check : bool
        Whether to verify the first call of each specialisation against differences in
        one random direction, which runs the function a few times more. Also switched
        on, for all functions, by `CHAINRULE_CHECK=1` in the environment.
    debug : {None, "nan"}
        With `"nan"`, a gradient that is not finite is looked into: the program is run
        again, operation by operation, and the error says where the first NaN or
        infinity comes from. It is for `grad` and `value_and_grad`.
    source : str, optional
        The text of the function, where there is none to be found: it was typed at the
        plain `>>>` prompt, made by `exec`, or rewritten by an import hook.

    Raises
    ------
    NotDifferentiable
        CR205 if `source` is not the text of the function.
    WrongDerivative
        When the derivative is called, if `check` finds another number.
    FloatingPointError
        When the derivative is called, if `debug` finds a NaN or an infinity.

    Examples
    --------
    >>> @differentiate
    ... def f(x):
    ...     return x**2
    >>> f(3.0), f.grad(3.0)
    (9.0, 6.0)
    """
    options = Options(argnums, argnames, has_aux, check, debug)
    if function is None:
        return lambda function: _decorated(function, options, source)
    return _decorated(function, options, source)


def _decorated(function: Any, options: Options, source: str | None) -> Any:
    if source is not None:
        from chainrule.frontend.source import give

        give(target_of(function).base, source)
    return differentiable(function, options)


def grad(
    f: Callable[P, Any],
    argnums: Argnums = 0,
    argnames: Argnames = None,
    has_aux: bool = False,
    check: bool = False,
    debug: str | None = None,
) -> Derivative[P, Any]:
    """Return the gradient of a function whose result is one real number.

    The gradient has the structure, shape and dtype of the argument; it is a tuple when
    `argnums` (or `argnames`) is one.

    Examples
    --------
    >>> grad(lambda x: x**2)(5.0)
    10.0
    """
    made: Derivative[P, Any] = derivative(
        f, "grad", Options(argnums, argnames, has_aux, check, debug)
    )
    return made


def value_and_grad(
    f: Callable[P, R],
    argnums: Argnums = 0,
    argnames: Argnames = None,
    has_aux: bool = False,
    check: bool = False,
    debug: str | None = None,
) -> Derivative[P, tuple[R, Any]]:
    """Return a function of the value and the gradient, computed together."""
    options = Options(argnums, argnames, has_aux, check, debug)
    made: Derivative[P, tuple[R, Any]] = derivative(f, "value_and_grad", options)
    return made


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return the value and the pullback (and aux).

    `pullback(value_bar)` returns a tuple with one cotangent for each argument, None for
    arguments without floating-point numbers. It may be called several times.

    Examples
    --------
    >>> value, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    return run_vjp(target_of(f), Options(None, has_aux=has_aux), *primals)


def jvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: bool = False,
) -> Any:
    """Return the value and its derivative in the direction of the tangents (and aux).

    A tangent of None, or an integer zero for an integer, keeps the argument fixed.

    Examples
    --------
    >>> jvp(lambda x: x**2, (3.0,), (1.0,))
    (9.0, 6.0)
    """
    return run_jvp(target_of(f), Options(None, has_aux=has_aux), primals, tangents)


def jacobian(
    f: Callable[P, Any],
    argnums: Argnums = 0,
    argnames: Argnames = None,
    has_aux: bool = False,
    check: bool = False,
) -> Derivative[P, Any]:
    """Return a function of all first derivatives, by the cheaper of both directions.

    For every array of the result and every array of the argument there is one of shape
    `result.shape + argument.shape`.
    """
    options = Options(argnums, argnames, has_aux, check)
    made: Derivative[P, Any] = derivative(f, "jacobian", options)
    return made


def hessian(
    f: Callable[P, Any],
    argnums: Argnums = 0,
    argnames: Argnames = None,
    has_aux: bool = False,
    check: bool = False,
) -> Derivative[P, Any]:
    """Return a function of all second derivatives, forward over reverse."""
    options = Options(argnums, argnames, has_aux, check)
    made: Derivative[P, Any] = derivative(f, "hessian", options)
    return made


def hvp(
    f: Callable[..., Any],
    argnums: Argnums = 0,
    argnames: Argnames = None,
    has_aux: bool = False,
    check: bool = False,
) -> Derivative[..., Any]:
    """Return a function of the Hessian times a vector, `hvp(f)(x, v)`.

    The vector comes after the arguments of `f`, with the structure of what `argnums`
    names; no Hessian is formed.
    """
    options = Options(argnums, argnames, has_aux, check)
    made: Derivative[..., Any] = derivative(f, "hvp", options)
    return made


def stop_gradient(x: R) -> R:
    """Return `x`; derivatives take it for a constant."""
    now = held.get()
    return x if now is None else now.constant(x)


def on_cotangent(x: R, change: Callable[[Any], Any]) -> R:
    """Return `x`; put `change` into the reverse sweep, at the place of `x`.

    In the function itself nothing happens: `change` is not called. In the derivative
    its statements stand where the cotangent of the result is complete, and what it
    returns becomes the cotangent of `x`. A `change` that returns nothing only watches.

    Parameters
    ----------
    x : number or array
        The value whose cotangent is meant. Go on with the result.
    change : callable
        A function of the cotangent, which has the shape and dtype of `x`; it returns
        a cotangent of that shape, a number for all of its entries, or None. It may
        read values of the function around it; they have the values that they have
        where `on_cotangent` is called.

    Raises
    ------
    NotDifferentiable
        CR310 where the result is not used or does not fit; CR306 where forward mode
        would have to leave out a change (`jvp`, and the outer direction of a Jacobian).

    Notes
    -----
    The code runs once for each time the value was computed, in reverse order, and only
    where a cotangent comes by: not if `x` does not depend on what is differentiated by,
    or the result does not depend on `x`. Derivatives of the derivative differentiate
    it as it stands.

    Examples
    --------
    >>> def f(x):
    ...     h = on_cotangent(x * x, lambda h_bar: min(h_bar, 1.0))
    ...     return 5 * h
    >>> f(3.0), grad(f)(3.0)
    (45.0, 6.0)
    """
    now = held.get()
    if now is not None:
        now.altered = True
    record = getattr(type(x), "__chainrule_on_cotangent__", None)  # a tensor
    recorded: R = x if record is None else record(x, change)
    return recorded


def checkpoint(f: F) -> F:
    """Return `f`, marked to be computed again in the reverse sweep instead of saved.

    It is a hint: the results are the same with and without.
    """
    marked: Any = getattr(f, "__func__", f)
    with contextlib.suppress(AttributeError):  # a function of C saves nothing anyway
        marked.__chainrule_checkpoint__ = True
    return f


__all__ = [
    "Derivative",
    "Differentiable",
    "Pullback",
    "checkpoint",
    "differentiate",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "on_cotangent",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
