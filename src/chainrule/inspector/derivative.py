"""Ask the compiler for derivatives: the one module here that knows its interface.

In: a target, a mode, argument numbers and values. Out: generated text, stage by stage,
and derivatives to call.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Any

import chainrule
from chainrule.inspector.target import Target, is_decorated
from chainrule.inspector.values import Arguments

ATTRIBUTES = {"reverse": "grad", "forward": "jvp", "value-and-grad": "value_and_grad"}
MODES = tuple(ATTRIBUTES)
STAGES = ("derivative",)


def version() -> str:
    """Return the version of the installed package."""
    return importlib.metadata.version("chainrule")


@dataclass(frozen=True)
class Derivative:
    """A function, with the choice of what to differentiate and how."""

    target: Target
    differentiable: Any
    mode: str
    wrt: tuple[str, ...]
    several: bool

    @property
    def call(self) -> Any:
        """The derivative itself."""
        return getattr(self.differentiable, ATTRIBUTES[self.mode])

    def source(self, arguments: Arguments) -> str:
        """Return the text of the derivative for these arguments."""
        return str(self.call.source(*arguments.args, **arguments.kwargs))

    def gradient(self, arguments: Arguments) -> dict[str, Any]:
        """Return the gradient by parameter."""
        out = self.call(*arguments.args, **arguments.kwargs)
        gradient = out[1] if self.mode == "value-and-grad" else out
        parts = gradient if self.several else (gradient,)
        return dict(zip(self.wrt, parts, strict=True))

    def tangent(self, arguments: Arguments, name: str, direction: Any) -> Any:
        """Return the tangent of the value as one parameter moves along a direction."""
        function = self.target.function

        def of_one(value: Any) -> Any:
            changed = arguments.replaced({name: value})
            return function(*changed.args, **changed.kwargs)

        return chainrule.jvp(of_one, (arguments.values[name],), (direction,))[1]


def of(target: Target, mode: str, wrt: tuple[int, ...] | int | None) -> Derivative:
    """Return the derivative of a target: as decorated, unless `wrt` says otherwise."""
    names = tuple(target.signature.parameters)
    if wrt is None and is_decorated(target.object):
        made = target.object
        wrt = made.argnums
    else:
        wrt = 0 if wrt is None else wrt
        made = chainrule.differentiate(target.function, argnums=wrt)
    numbers = wrt if isinstance(wrt, tuple) else (wrt,)
    active = tuple(names[i] for i in numbers)
    return Derivative(target, made, mode, active, isinstance(wrt, tuple))
