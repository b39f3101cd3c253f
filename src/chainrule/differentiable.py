"""`Differentiable`: a function with its derivatives; what `@differentiate` returns.

In: a function and what to differentiate by. Out: the function as it was (same
signature, for people and for checkers), with `.grad` and its kin, made when they are
first asked for.

Like `Derivative` it is a `functools.partial`, so that calling it costs next to nothing.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import linecache
import sys
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType, MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    TypeVar,
    overload,
)

from chainrule.derivative import Derivative, derivative
from chainrule.target import Options, Target, target_of

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


class Differentiable(functools.partial[R], Generic[P, R]):
    """A function and its derivatives.

    `__wrapped__` is the function itself. Pickled by name where it can be imported, like
    the function would be.
    """

    __wrapped__: Callable[P, R]
    options: Options

    if TYPE_CHECKING:
        __name__: str
        __qualname__: str

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @functools.cached_property
    def grad(self) -> Derivative[P, Any]:
        """The gradient, with the structure of the argument."""
        made: Derivative[P, Any] = self._derivative("grad")
        return made

    @functools.cached_property
    def value_and_grad(self) -> Derivative[P, tuple[R, Any]]:
        """The value and the gradient."""
        made: Derivative[P, tuple[R, Any]] = self._derivative("value_and_grad")
        return made

    @functools.cached_property
    def vjp(self) -> Derivative[P, tuple[R, Callable[[Any], tuple[Any, ...]]]]:
        """The value and the pullback, for all arguments that hold numbers."""
        return self._derivative("vjp")  # type: ignore[no-any-return]

    @functools.cached_property
    def jvp(self) -> Derivative[[tuple[Any, ...], tuple[Any, ...]], tuple[R, Any]]:
        """The value and the tangent: `f.jvp(primals, tangents)`."""
        return self._derivative("jvp")  # type: ignore[no-any-return]

    @functools.cached_property
    def jacobian(self) -> Derivative[P, Any]:
        """All first derivatives, of shape `result.shape + argument.shape`."""
        made: Derivative[P, Any] = self._derivative("jacobian")
        return made

    @functools.cached_property
    def hessian(self) -> Derivative[P, Any]:
        """All second derivatives."""
        made: Derivative[P, Any] = self._derivative("hessian")
        return made

    @functools.cached_property
    def hvp(self) -> Derivative[..., Any]:
        """The Hessian times a vector: `f.hvp(x, v)`."""
        made: Derivative[..., Any] = self._derivative("hvp")
        return made

    def _derivative(self, transform: str) -> Any:
        options = self.options
        if (
            transform == "vjp"
            and replace(options, check=False, debug=None) == Options()
        ):
            options = replace(options, argnums=None)
        return derivative(self, transform, options)

    def __chainrule_target__(self) -> Target:
        return target_of(self.__wrapped__)

    @overload
    def __get__(
        self, instance: None, owner: type | None = None
    ) -> Differentiable[P, R]: ...

    @overload
    def __get__(
        self: Differentiable[Concatenate[S, Q], T],
        instance: S,
        owner: type | None = None,
    ) -> Differentiable[Q, T]: ...

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        function: Any = self.__wrapped__
        if isinstance(function, staticmethod | classmethod):
            return differentiable(function.__get__(instance, owner), self.options)
        if instance is None:
            return self
        return differentiable(MethodType(function, instance), self.options)

    def __reduce__(self) -> Any:
        if _importable(self):
            return self.__qualname__
        function: Any = self.__wrapped__
        if isinstance(function, FunctionType) and _took_over(function):
            # So that pickle finds the function behind the name that we took over.
            function.__qualname__ = f"{self.__qualname__}.__wrapped__"
        return restored, (function, self.options, *_text(function))

    def __repr__(self) -> str:
        name = getattr(self, "__qualname__", repr(self.__wrapped__))
        return f"<differentiable {name}>"


def differentiable(
    function: Callable[..., Any], options: Options
) -> Differentiable[..., Any]:
    """Return the function with its derivatives."""
    # A classmethod is not callable before it is bound to its class.
    called: Any = function if callable(function) else function.__func__
    made: Any = Differentiable(called)
    functools.update_wrapper(made, function, updated=())
    if isinstance(function, FunctionType):
        own = vars(Differentiable)
        kept = {k: v for k, v in vars(function).items() if k not in own}
        made.__dict__.update(kept)
    made.__wrapped__, made.options = function, options
    return made  # type: ignore[no-any-return]


def restored(
    function: Callable[..., Any], options: Options, file: str, text: str
) -> Differentiable[..., Any]:
    """Return the function in another process, which may not have its file."""
    if text and not linecache.getlines(file):
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    return differentiable(function, options)


def _text(function: Any) -> tuple[str, str]:
    """Return the file of a function and its text: who gets the function needs both."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    file = "" if code is None else code.co_filename
    return file, "".join(linecache.getlines(file))


def _took_over(function: FunctionType) -> bool:
    """Say whether the function's name now stands for what it was decorated to."""
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return isinstance(found, Differentiable) and found.__wrapped__ is function


def _importable(made: Differentiable[..., Any]) -> bool:
    """Say whether another process finds this object by its name."""
    module = getattr(made, "__module__", None)
    name = getattr(made, "__qualname__", "")
    if module is None or module == "__main__" or "<locals>" in name:
        return False
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return False
    return found is made
