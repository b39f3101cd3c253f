"""Ask the compiler for derivatives: the one module here that knows its interface.

In: a target, a mode, the parameters to differentiate by, and values. Out: generated
text, stage by stage, and derivatives to call.
"""

from __future__ import annotations

import contextlib
import functools
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chainrule
from chainrule import pipeline
from chainrule.errors import InternalError, NotDifferentiable
from chainrule.inspector.target import Target, UsageError, is_decorated
from chainrule.inspector.values import VARIADIC, Arguments

ATTRIBUTES = {"reverse": "grad", "forward": "jvp", "value-and-grad": "value_and_grad"}
MODES = tuple(ATTRIBUTES)
STAGES = ("specialised", "primal", "derivative", "optimised", "text")


class Refused(Exception):
    """The function has no such derivative, as one that returns an array no gradient."""


@dataclass(frozen=True)
class Derivative:
    """A function, with the choice of what to differentiate and how.

    `several` says that the gradient is a tuple, `has_aux` that the function returns a
    pair of the value and something else.
    """

    target: Target
    differentiable: Any
    mode: str
    wrt: tuple[str, ...]
    several: bool = False
    has_aux: bool = False

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
        except Exception as problem:
            raise UsageError(
                f"{self.target.name} raises {type(problem).__name__} for these"
                f" arguments: {problem}"
            ) from None

    def value(self, arguments: Arguments) -> Any:
        """Return the value that is differentiated."""
        out = self.target.function(*arguments.args, **arguments.kwargs)
        return out[0] if self.has_aux else out

    def gradient(self, arguments: Arguments) -> dict[str, Any]:
        """Return the gradient by parameter."""
        with self.refusals(arguments):
            out = self.call(*arguments.args, **arguments.kwargs)
        if self.mode == "value-and-grad":
            out = out[1]
        elif self.has_aux:
            out = out[0]
        return dict(zip(self.wrt, out if self.several else (out,), strict=True))

    def tangent(self, arguments: Arguments, name: str, direction: Any) -> Any:
        """Return the tangent of the value as one parameter moves along a direction."""
        function = functools.partial(self.target.function, **arguments.kwargs)
        primals = arguments.args
        place = list(arguments.values).index(name)
        if place >= len(primals):
            raise UsageError(f"{name} is passed by keyword, where jvp has no tangents")
        tangents = [None] * len(primals)
        tangents[place] = direction
        with self.refusals(arguments):
            return chainrule.jvp(function, primals, tangents, has_aux=self.has_aux)[1]

    def stages(self, arguments: Arguments) -> dict[str, str]:
        """Return what the compiler holds at each stage, as text."""
        self.source(arguments)  # refuses what cannot be compiled
        kept = pipeline.Stages(wanted=True)
        made, options = self.call.target, self.call.options
        names = made.wrt(options, len(arguments.args))
        transform = ATTRIBUTES[self.mode]
        dispatcher = made.dispatcher(transform, names, options)
        bound = made.bind(dispatcher, arguments.args, arguments.kwargs)
        _, values = dispatcher.find(bound)  # integers have become reals
        pipeline.build(dispatcher.request, dispatcher.arguments(values), stages=kept)
        return {name: kept.texts[name] for name in STAGES}


def of(target: Target, mode: str, wrt: str | tuple[str, ...] | None) -> Derivative:
    """Return the derivative of a target: as decorated, unless `wrt` says otherwise."""
    has_aux = is_decorated(target.object) and target.object.options.has_aux
    if wrt is None:
        wrt = _default(target)
    made = chainrule.differentiate(argnames=wrt, has_aux=has_aux)(target.function)
    active = (wrt,) if isinstance(wrt, str) else wrt
    return Derivative(target, made, mode, active, not isinstance(wrt, str), has_aux)


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


def _default(target: Target) -> str | tuple[str, ...]:
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
