"""`Derivative`: what `grad` and its kin return, a callable that can show its source.

In: something callable, the transformation and its options. Out: a callable with the
function's own signature.

A `Derivative` is a `functools.partial` of its entry: it is called without a frame of
its own, and `self` of a bound method is an argument that is filled in.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from chainrule.arguments import conform
from chainrule.cache.signatures import Argnames, Argnums, depends_on_call
from chainrule.cache.specialisations import Dispatcher
from chainrule.products import run_jvp, run_vjp, vjp_names
from chainrule.request import Request
from chainrule.source import GeneratedSource
from chainrule.target import Options, Target, target_of

if TYPE_CHECKING:
    from chainrule.debugging.explain import Explanation

P = ParamSpec("P")
R = TypeVar("R")
GRADIENTS = ("grad", "value_and_grad")


class Derivative(functools.partial[R], Generic[P, R]):
    """A derivative of `function`, called with the function's own arguments.

    Attributes
    ----------
    function
        The callable that is differentiated, as it was given.
    transform
        `"grad"`, `"value_and_grad"`, `"vjp"`, `"jvp"`, `"jacobian"`, `"hessian"` or
        `"hvp"`.
    """

    function: Callable[..., Any]
    transform: str
    options: Options
    target: Target

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @property
    def argnums(self) -> Argnums | None:
        """Positions of the arguments it differentiates by."""
        return self.options.argnums

    @property
    def argnames(self) -> Argnames:
        """Names of the arguments it differentiates by."""
        return self.options.argnames

    @property
    def has_aux(self) -> bool:
        """Whether the function returns other values beside the one to differentiate."""
        return self.options.has_aux

    @property
    def request(self) -> Request:
        """What the compiler is asked for, when it differentiates this derivative."""
        argnums = 0 if self.argnums is None else self.argnums
        if self.transform not in GRADIENTS or depends_on_call(
            self.target.parameters, argnums
        ):
            raise TypeError(
                f"{self!r} cannot be differentiated again: use grad, value_and_grad or"
                " hessian, and argnums that do not depend on the call"
            )
        wrt = self.target.wrt(self.options)
        return Request(self.target.function, self.transform, wrt, self.has_aux)

    def source(self, *args: Any, **kwargs: Any) -> GeneratedSource:
        """Return the code that runs for these arguments of the function."""
        dispatcher, values = prepared(self, args, kwargs)
        spec, _ = dispatcher.find(values)
        return GeneratedSource(spec.built.source)

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Say in words what the derivative for these arguments of the function does.

        What is saved for the reverse sweep, copied, computed again, found inactive,
        settled beforehand or left to run time, and why. The function and its derivative
        are run once, to count. `account` of the text that is returned holds the same
        as data.

        Raises
        ------
        NotDifferentiable
            If there is no derivative.
        TypeError
            For derivatives of third and higher order.
        """
        from chainrule.api import differentiate
        from chainrule.debugging.explain import of_request

        dispatcher, values = prepared(self, args, kwargs)
        _, values = dispatcher.find(values)
        call = dispatcher.call_of(values)
        return of_request(dispatcher.request, *call, differentiate)

    def export(self, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        """Write the derivative for these arguments as a module of its own.

        The module imports nothing but NumPy, SciPy and the standard library, runs where
        chainrule is not installed, and raises `TypeError` for arguments of other types.
        `inspect-derivative --verify PATH` says whether it is up to date.

        Raises
        ------
        CannotExport
            A `ValueError`: the derivative needs something that cannot be written down,
            such as a large global array.

        Examples
        --------
        >>> grad(lambda x: x**2).export("square_grad.py", 5.0)  # doctest: +SKIP
        """
        from chainrule.standalone.module import write

        write(self, path, args, kwargs)

    def __chainrule_target__(self) -> Target:
        request, target = self.request, self.target
        made = target.dispatcher(self.transform, request.wrt, self.options)
        return Target(
            _unbound(self),
            target.base,
            target.parameters,
            target.args,
            target.kwargs,
            made,
        )

    @property
    def __name__(self) -> str:
        return f"{self.transform}_{getattr(self.function, '__name__', 'function')}"

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.function)

    if not TYPE_CHECKING:  # or checkers bind `f.grad` as a method of `f`

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        return derivative, (self.function, self.transform, self.options)

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", repr(self.function))
        return f"<{self.transform} of {name}>"


def derivative(function: Any, transform: str, options: Options) -> Any:
    """Return a `Derivative` of anything callable."""
    target = target_of(function)
    if transform in GRADIENTS:
        entry = _gradient_entry(target, transform, options)
        if options.debug is not None:
            entry = _debugged(entry, target, transform, options)
        made: Any = Derivative(entry, *target.args, **target.kwargs)
    else:
        made = Derivative(_runner(transform), target, options)
    made.function, made.transform = function, transform
    made.options, made.target = options, target
    name = getattr(function, "__name__", "the function")
    made.__doc__ = f"{transform} of `{name}`; `.source(*args)` shows its code."
    return made


def _gradient_entry(
    target: Target, transform: str, options: Options
) -> Callable[..., Any]:
    """Return the dispatcher's entry, or what finds it if it depends on the call."""
    bound = len(target.args)

    def late(*args: Any, **kwargs: Any) -> Any:
        wrt = target.wrt(options, len(args) - bound)
        return target.dispatcher(transform, wrt, options).entry(*args, **kwargs)

    if depends_on_call(target.parameters, options.argnums or 0):
        return late
    try:
        wrt = target.wrt(options)
    except ValueError:
        return late  # raises when it is called, not at import
    return target.dispatcher(transform, wrt, options).entry


def _debugged(
    entry: Callable[..., Any], target: Target, transform: str, options: Options
) -> Callable[..., Any]:
    """Return an entry that looks into gradients that are not finite."""
    from chainrule.debugging import nonfinite

    def prepare(*args: Any, **kwargs: Any) -> tuple[Request, dict[str, Any]]:
        wrt = target.wrt(options, len(args) - len(target.args))
        made = target.dispatcher(transform, wrt, options)
        _, values = made.find(made.bind(*args, **kwargs))
        return made.request, made.arguments(values)

    return nonfinite.checked(entry, prepare, transform, options.has_aux)


def _runner(transform: str) -> Callable[..., Any]:
    if transform in ("vjp", "jvp"):
        return run_vjp if transform == "vjp" else run_jvp
    from chainrule import jacobians

    return jacobians.RUNNERS[transform]


def prepared(
    made: Derivative[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Dispatcher, tuple[Any, ...]]:
    """Return the dispatcher of the code that runs for these arguments of the function,
    and all its arguments. Those of `jvp` and `hvp` may be those of their own calls.
    """
    transform = made.transform
    if transform == "jvp" and [type(a) for a in args] == [tuple, tuple]:
        args = args[0]
    if transform == "hvp" and args:
        *rest, vector = args
        with contextlib.suppress(TypeError, ValueError):  # it was given no vector
            dispatcher, values = _prepared(made, tuple(rest), kwargs)
            several = made.options.as_tuple
            conform(
                dispatcher.active(values), vector if several else [vector], "the vector"
            )
            return dispatcher, values
    return _prepared(made, args, kwargs)


def _prepared(
    made: Derivative[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Dispatcher, tuple[Any, ...]]:
    target, options, transform = made.target, made.options, made.transform
    if transform in ("hessian", "hvp"):
        target = derivative(made.function, "grad", options).__chainrule_target__()
    if transform in ("vjp", "jvp"):
        wrt = tuple(vjp_names(target, options, args, kwargs))
    else:
        wrt = target.wrt(options, len(args))
    if transform not in GRADIENTS:
        transform = "vjp" if transform in ("vjp", "jacobian") else "jvp"
    dispatcher = target.dispatcher(transform, wrt, options)
    return dispatcher, target.bind(dispatcher, args, kwargs)


def _unbound(made: Derivative[Any, Any]) -> Derivative[Any, Any]:
    """Return the derivative of the plain function: bound arguments are counted too."""
    target, options = made.target, made.options
    if not target.args and not target.kwargs:
        return made
    shifted = options.shift(len(target.args))
    out: Derivative[Any, Any] = derivative(target.function, made.transform, shifted)
    return out
