"""Ask the compiler for derivatives: text, numbers, and all that it does on the way.

In: a target, a mode, an order, the parameters to differentiate by, and values. Out:
generated text, what the compiler made stage by stage, and derivatives to call.
"""

from __future__ import annotations

import contextlib
import functools
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Number
from pathlib import Path
from typing import Any

import chainrule
from chainrule import pipeline
from chainrule.errors import InternalError, NotDifferentiable
from chainrule.inspector.target import Target, UsageError, is_decorated
from chainrule.inspector.values import VARIADIC, Arguments
from chainrule.request import Built, Request

ATTRIBUTES = {
    "reverse": "grad",
    "forward": "jvp",
    "value-and-grad": "value_and_grad",
    "vjp": "vjp",
}
MODES = tuple(ATTRIBUTES)
STAGES = ("specialised", "primal", "activity", "derivative", "optimised", "text")


class Refused(Exception):
    """The function has no such derivative, as one that returns an array no gradient."""


@dataclass(frozen=True)
class Compiled:
    """One run of the compiler: what it was asked, with what, and what it made."""

    request: Request
    values: tuple[Any, ...]
    built: Built
    stages: pipeline.Stages


@dataclass(frozen=True)
class Derivative:
    """A function, with the choice of what to differentiate and how.

    `primal` is what is differentiated: the target's function, of order 2 its gradient.
    `several` says that the gradient is a tuple, `has_aux` that the function returns a
    pair of the value and something else.
    """

    target: Target
    primal: Callable[..., Any]
    differentiable: Any
    mode: str
    wrt: tuple[str, ...]
    several: bool = False
    has_aux: bool = False
    order: int = 1

    @property
    def call(self) -> Any:
        """The derivative itself."""
        return getattr(self.differentiable, ATTRIBUTES[self.mode])

    def source(self, arguments: Arguments) -> str:
        """Return the text of the derivative for these arguments."""
        with self.refusals(arguments):
            return str(self.call.source(*arguments.args, **arguments.kwargs))

    @contextlib.contextmanager
    def refusals(self, arguments: Arguments) -> Iterator[None]:
        """Tell what is wrong with the arguments from what is wrong with us."""
        try:
            yield
        except (NotDifferentiable, InternalError, UsageError):
            raise
        except Exception as problem:
            self.run(arguments)
            if _is_refusal(problem):
                raise Refused(str(problem)) from None
            raise

    def run(self, arguments: Arguments) -> None:
        """Run the function once: its own exception is the command line's fault."""
        try:
            self.value(arguments)
        except NotDifferentiable:  # of the gradient, whose derivative this is
            raise
        except Exception as problem:
            example = ", ".join(f"{name}=..." for name in arguments.values)
            raise UsageError(
                f"{self.target.name} raises {type(problem).__name__} for these"
                f" arguments: {problem}",
                f'; give others: --args "{example}"' if arguments.assumed else "",
            ) from None

    def value(self, arguments: Arguments) -> Any:
        """Return the value that is differentiated."""
        fresh = arguments.fresh()
        out = self.primal(*fresh.args, **fresh.kwargs)
        return out[0] if self.has_aux else out

    def gradient(self, arguments: Arguments) -> dict[str, Any]:
        """Return the gradient by parameter."""
        fresh = arguments.fresh()
        with self.refusals(arguments):
            out = self.call(*fresh.args, **fresh.kwargs)
        if self.mode == "value-and-grad":
            out = out[1]
        elif self.has_aux:
            out = out[0]
        return dict(zip(self.wrt, out if self.several else (out,), strict=True))

    def tangent(self, arguments: Arguments, name: str, direction: Any) -> Any:
        """Return the tangent of the value as one parameter moves along a direction."""
        fresh = arguments.fresh()
        function = functools.partial(self.primal, **fresh.kwargs)
        primals = fresh.args
        place = list(arguments.values).index(name)
        if place >= len(primals):
            raise UsageError(f"{name} is passed by keyword, where jvp has no tangents")
        tangents = [None] * len(primals)
        tangents[place] = direction
        with self.refusals(arguments):
            return chainrule.jvp(function, primals, tangents, has_aux=self.has_aux)[1]

    def cotangents(self, arguments: Arguments, value_bar: Any) -> dict[str, Any]:
        """Return what the pullback makes of a cotangent of the value, by parameter."""
        fresh = arguments.fresh()
        with self.refusals(arguments):
            out = self.call(*fresh.args, **fresh.kwargs)
        names = self.call.target.passed(arguments.args, arguments.kwargs)
        bars = dict(zip(names, out[1](value_bar), strict=True))
        return {name: bars[name] for name in self.wrt}

    def compile(
        self,
        arguments: Arguments,
        look: Callable[[str, list[Any]], None] | None = None,
    ) -> Compiled:
        """Compile for these arguments, and keep what the compiler has on the way."""
        self.source(arguments)  # refuses what cannot be compiled
        kept = pipeline.Stages(wanted=True, look=look)
        made, options = self.call.target, self.call.options
        names = made.wrt(options, len(arguments.args))
        transform = ATTRIBUTES[self.mode]
        dispatcher = made.dispatcher(transform, names, options)
        bound = made.bind(dispatcher, arguments.args, arguments.kwargs)
        _, values = dispatcher.find(bound)  # integers have become reals
        request = dispatcher.request
        kept.since = time.perf_counter()
        built = pipeline.build(request, dispatcher.arguments(values), stages=kept)
        return Compiled(request, values, built, kept)


def of(
    target: Target,
    mode: str,
    wrt: str | tuple[str, ...] | None = None,
    order: int = 1,
) -> Derivative:
    """Return the derivative of a target: as decorated, unless `wrt` says otherwise."""
    has_aux = is_decorated(target.object) and target.object.options.has_aux
    if wrt is None:
        wrt = default_wrt(target)
    primal = target.function
    if order == 2:
        primal = chainrule.grad(primal, argnames=wrt, has_aux=has_aux)
    made = chainrule.differentiate(argnames=wrt, has_aux=has_aux)(primal)
    active = (wrt,) if isinstance(wrt, str) else wrt
    several = not isinstance(wrt, str)
    return Derivative(target, primal, made, mode, active, several, has_aux, order)


def mode_of(
    asked: str | None, order: int, wrt: Sequence[str], arguments: Arguments
) -> str:
    """Return the mode: as asked, else what suits; arrays have no gradient twice."""
    if asked is not None:
        return asked
    first = arguments.values[wrt[0]]
    number = isinstance(first, Number) or getattr(first, "ndim", 1) == 0
    if order == 1 or (len(wrt) == 1 and number):
        return "reverse"
    mode = "forward"
    arguments.assumed.append(
        f"--mode {mode} (the gradient is no number: its product with a direction)"
    )
    return mode


def stage_names(asked: Sequence[str]) -> list[str]:
    """Return the stages to show, in the order in which the compiler makes them."""
    for name in asked:
        if name != "all" and name not in STAGES:
            known = ", ".join(STAGES)
            raise UsageError(f"there is no stage {name!r} (there are {known})")
    return [name for name in STAGES if "all" in asked or name in asked]


def _is_refusal(problem: Exception) -> bool:
    """Say whether the public interface raised this to speak to the user."""
    last = traceback.extract_tb(problem.__traceback__)[-1]
    speaks = ("request.py", "arguments.py", "signatures.py", "target.py")
    return isinstance(problem, TypeError | ValueError) and (
        Path(last.filename).name in speaks
    )


def default_wrt(target: Target) -> str | tuple[str, ...]:
    """Return what the decorator names, else the first parameter after `self`."""
    names = list(target.signature.parameters)
    after_self = 0 if target.owner is None else 1
    argnums: int | tuple[int, ...] = 0
    if is_decorated(target.object):
        options = target.object.options
        if options.argnames is not None:
            chosen: str | tuple[str, ...] = options.argnames
            return chosen
        argnums = 0 if options.argnums is None else options.argnums
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    kinds = [p.kind for p in target.signature.parameters.values()]
    try:
        places = [n + after_self if n >= 0 else n for n in numbers]
        found = [names[n] for n in places]
        if any(kinds[n] in VARIADIC for n in places):
            raise IndexError
    except IndexError:
        problem = f"{target.name}{target.signature} has no parameter to differentiate"
        raise UsageError(problem) from None
    return tuple(found) if isinstance(argnums, tuple) else found[0]
