"""What is to be checked: a function, its arguments, and which of them are active.

In: anything callable and the arguments of a call, as a user has them. Out: a `Problem`,
all of whose active arguments are positional; and the problem whose first derivative is
this problem's next one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import chainrule
from chainrule.checking import structure
from chainrule.checking.differences import Vector
from chainrule.checking.held import Held, holding
from chainrule.derivative import Derivative
from chainrule.differentiable import Differentiable
from chainrule.target import Options, target_of

Wrt = int | str | tuple[int | str, ...] | None
ORDERS = {1: "", 2: "second ", 3: "third "}


@dataclass(frozen=True)
class Problem:
    """A function of positional arguments, and which of them it is differentiated by.

    `function` is a derivative of `origin`, the user's function, where `order` is not 1.
    """

    origin: Callable[..., Any]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...]
    names: tuple[str, ...]
    has_aux: bool = False
    order: int = 1
    held: Held = field(default_factory=Held)

    @property
    def active(self) -> tuple[Any, ...]:
        """The arguments it is differentiated by."""
        return tuple(self.args[i] for i in self.wrt)

    @property
    def title(self) -> str:
        """What is checked, in words."""
        order = ORDERS.get(self.order, f"{self.order}th ")
        name = getattr(target_of(self.origin).base, "__name__", "the function")
        return f"the {order}derivative of `{name}` with respect to " + ", ".join(
            self.names
        )

    @property
    def derivatives(self) -> Any:
        """The function with its derivatives."""
        argnums = self.wrt if len(self.wrt) > 1 else self.wrt[0]
        decorate = chainrule.differentiate(argnums=argnums, has_aux=self.has_aux)
        return decorate(self.function)

    def value(self, active: Sequence[Any] | None = None) -> Any:
        """Return the value, for other active arguments; arrays are passed as copies."""
        args = list(map(structure.fresh, self.args))
        for i, x in zip(self.wrt, active or (), strict=active is not None):
            args[i] = x
        with holding(self.held):
            out = self.function(*args)
        return out[0] if self.has_aux else out


def pose(
    f: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wrt: Wrt,
) -> Problem:
    """Return the problem; without `wrt`, what the decorator says, or argument 0."""
    decorated = isinstance(f, Differentiable | Derivative)
    options = f.options if decorated else Options()
    chosen = _chosen(f, args, options, wrt)
    if kwargs or not set(chosen) <= set(target_of(f).passed(args, {})):
        bound = inspect.signature(f).bind(*args, **kwargs)
        bound.apply_defaults()
        args, kwargs = bound.args, bound.kwargs
        f = functools.partial(f, **kwargs) if kwargs else f
    passed = target_of(f).passed(args, {})
    missing = [name for name in chosen if name not in passed]
    if missing:
        raise ValueError(
            f"`{missing[0]}` cannot be passed by position, as jvp would: check"
            f" `lambda {missing[0]}: ...` instead"
        )
    positions = tuple(map(passed.index, chosen))
    return Problem(f, f, args, positions, chosen, options.has_aux)


def _chosen(
    f: Any, args: tuple[Any, ...], options: Options, wrt: Any
) -> tuple[str, ...]:
    """Return the names of the arguments to differentiate by."""
    target = target_of(f)
    if wrt is None:
        return target.wrt(options, len(args))
    several = wrt if isinstance(wrt, tuple) else (wrt,)
    out: tuple[str, ...] = ()
    for each in several:
        named = isinstance(each, str)
        one = Options(0, each) if named else Options(each)
        out += target.wrt(one, len(args))
    if len(set(out)) < len(out) or not out:
        raise ValueError(f"wrt={wrt!r} must name each argument once")
    return out


def following(problem: Problem) -> Problem:
    """Return the problem whose first derivative is the next one of this problem.

    The gradient, if there is one; else the derivative along a fixed direction.
    """
    function: Any
    has_aux = False
    if is_real_number(problem.value()):
        function = problem.derivatives.grad
        has_aux = problem.has_aux
    else:
        inner, several = problem.function, problem.has_aux
        tangents: list[Any] = [None] * len(problem.args)
        for i, x in zip(problem.wrt, problem.active, strict=True):
            size = structure.to_vector(x).size
            tangents[i] = structure.tangent(x, direction(size, problem.order))

        def function(*args: Any) -> Any:
            return chainrule.jvp(inner, args, tangents, has_aux=several)[1]

    return Problem(
        problem.origin,
        function,
        problem.args,
        problem.wrt,
        problem.names,
        has_aux,
        problem.order + 1,
    )


def is_real_number(value: Any) -> bool:
    """Say whether a value has a gradient: one real number."""
    return structure.is_number(value) and np.ndim(value) == 0 and np.isrealobj(value)


def direction(size: int, seed: int) -> Vector:
    """Return a random direction, exact also in half precision."""
    drawn = np.random.default_rng(seed).uniform(0.5, 1.5, size=size)
    signs = np.random.default_rng(seed + 100).choice([-1.0, 1.0], size=size)
    return np.asarray(signs * np.round(drawn * 256) / 256)
