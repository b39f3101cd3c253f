"""Anything callable, taken apart: a plain function and the arguments already filled in.

In: a function, lambda, method, partial, callable object, `Differentiable`,
`Derivative`, or a function of C. Out: a `Target`; from it, the dispatcher of each
derivative.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import FunctionType, MethodType
from typing import Any

from chainrule.cache.primitives import as_function, is_primitive
from chainrule.cache.signatures import (
    Argnames,
    Argnums,
    Parameters,
    depends_on_call,
    parameters_of,
    resolve,
)
from chainrule.cache.specialisations import Dispatcher
from chainrule.cache.store import dispatcher
from chainrule.request import Request


@dataclass(frozen=True, slots=True)
class Options:
    """What to differentiate by; `argnums` None means every argument with numbers.

    `check` verifies the first call of each specialisation; `debug` is `"nan"` where
    gradients that are not finite are looked into.
    """

    argnums: Argnums | None = 0
    argnames: Argnames = None
    has_aux: bool = False
    check: bool = False
    debug: str | None = None

    def __post_init__(self) -> None:
        nums = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        if any(type(n) is not int and n is not None for n in nums) or not nums:
            raise TypeError(
                f"argnums must be an int or a tuple of ints, not {self.argnums!r}"
            )
        names = self.argnames if isinstance(self.argnames, tuple) else (self.argnames,)
        if any(not isinstance(n, str) and n is not None for n in names) or not names:
            raise TypeError(
                f"argnames must be a str or a tuple of str, not {self.argnames!r}"
            )
        if self.argnames is not None and self.argnums not in (0, None):
            raise TypeError("give either argnums or argnames, not both")
        if self.debug not in (None, "nan"):
            raise TypeError(f'debug must be "nan" or None, not {self.debug!r}')

    @property
    def as_tuple(self) -> bool:
        """Whether the gradient is a tuple, even of one."""
        if self.argnames is not None:
            return isinstance(self.argnames, tuple)
        return isinstance(self.argnums, tuple)

    def shift(self, by: int) -> Options:
        """Return the options for a function with so many more parameters in front."""
        if self.argnames is not None or self.argnums is None or not by:
            return self
        nums = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        moved = tuple(n + by if n >= 0 else n for n in nums)
        argnums = moved if isinstance(self.argnums, tuple) else moved[0]
        return replace(self, argnums=argnums)


@dataclass(slots=True)
class Target:
    """`function` is what is differentiated, with `args` and `kwargs` filled in.

    `base` is the plain function whose signature it has; `parent` is the dispatcher of
    `function` where that is itself a derivative.
    """

    function: Callable[..., Any]
    base: Callable[..., Any]
    parameters: Parameters
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    parent: Dispatcher | None = None

    def wrt(self, options: Options, passed: int | None = None) -> tuple[str, ...]:
        """Return the active parameters; `passed` counts positional arguments."""
        argnums = 0 if options.argnums is None else options.argnums
        count = passed if depends_on_call(self.parameters, argnums) else None
        return resolve(
            self.parameters, argnums, options.argnames, len(self.args), count
        )

    def dispatcher(
        self, transform: str, wrt: tuple[str, ...], options: Options
    ) -> Dispatcher:
        """Return the dispatcher of a derivative."""
        request = Request(self.function, transform, wrt, options.has_aux)
        as_tuple = options.as_tuple and "grad" in transform
        return dispatcher(self.base, request, as_tuple, self.parent, options.check)

    def bind(
        self, made: Dispatcher, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, ...]:
        """Return all arguments in the order of the signature."""
        out: tuple[Any, ...]
        out = made.bind(*self.args, *args, **{**self.kwargs, **kwargs})
        return out

    def passed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
        """Return the names of the arguments of a call, in order."""
        ordered, bound = self.parameters.ordered, len(self.args)
        out = []
        for i in range(bound, bound + len(args)):
            inside = i < len(ordered)
            star = f"{self.parameters.varargs}[{i - len(ordered)}]"
            out.append(ordered[i] if inside else star)
        for name in kwargs:
            out += resolve(self.parameters, 0, name)
        return out


def target_of(given: Any) -> Target:
    """Take a callable apart."""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    f = given
    while not isinstance(f, FunctionType) or is_primitive(f):
        if hasattr(f, "__chainrule_target__"):
            inner: Target = f.__chainrule_target__()
            inner.args += args
            inner.kwargs = {**inner.kwargs, **kwargs}
            return inner
        if isinstance(f, functools.partial):
            args, kwargs = f.args + args, {**f.keywords, **kwargs}
            f = f.func
        elif isinstance(f, MethodType):
            args = (f.__self__, *args)
            f = f.__func__
        elif isinstance(f, staticmethod):
            f = f.__func__
        elif isinstance(
            inspect.getattr_static(type(f), "__call__", None), FunctionType
        ):
            f = MethodType(type(f).__call__, f)
        else:
            f = as_function(f)
    return Target(f, f, parameters_of(f), args, kwargs)
