"""The decorated functions of a module, and whether they can be differentiated.

In: a module's name or file. Out: one `State` for each, in the order of the file. Their
argument types are assumed, as everywhere, from defaults and annotations.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.errors import NotDifferentiable
from chainrule.inspector import derivative, target, values
from chainrule.inspector.target import UsageError

HEADS = ("function", "line", "wrt", "state")
GOOD = "differentiable"


@dataclass(frozen=True)
class State:
    """A function, what it is differentiated by, and what came of it."""

    name: str
    line: int
    wrt: str
    state: str
    refused: bool = False

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table, in the order of `HEADS`."""
        return self.name, str(self.line), self.wrt, self.state


def states(label: str) -> list[State]:
    """Return the state of every decorated function of a module."""
    module = target.module(label)
    found = [state(f"{label}:{path}") for path in decorated(module)]
    if not found:
        raise UsageError(f"nothing in {label} is decorated with differentiate")
    return sorted(found, key=lambda each: each.line)


def decorated(holder: Any) -> Iterator[str]:
    """Yield the paths of the decorated functions that are defined in a module."""
    inside = inspect.isclass(holder)
    home = holder.__module__ if inside else holder.__name__
    for name, value in vars(holder).items():
        if getattr(value, "__module__", None) != home:
            continue
        if target.is_decorated(value):
            yield name
        elif inspect.isclass(value) and value.__qualname__.endswith(name):
            yield from (f"{name}.{path}" for path in decorated(value))


def state(label: str) -> State:
    """Try to make the derivative of one function."""
    found = target.find(label)
    code = getattr(inspect.unwrap(found.function), "__code__", None)
    line = 0 if code is None else code.co_firstlineno
    name = label.rpartition(":")[2]
    wrt = ""
    try:
        chosen = derivative.default_wrt(found)
        names = (chosen,) if isinstance(chosen, str) else chosen
        wrt = ", ".join(names)
        arguments = values.choose(found, None, names)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            derivative.of(found, "reverse", chosen).source(arguments)
    except NotDifferentiable as problem:
        return State(name, line, wrt, first_line(problem), True)
    except derivative.Refused:
        return without_gradient(found, name, line, chosen, arguments)
    except UsageError as problem:
        return State(name, line, wrt, f"not tried: {first_line(problem)}")
    return State(name, line, wrt, GOOD)


def without_gradient(
    found: target.Target, name: str, line: int, wrt: Any, arguments: values.Arguments
) -> State:
    """Return the state of a function whose value is no number: it has a pullback."""
    names = wrt if isinstance(wrt, str) else ", ".join(wrt)
    try:
        derivative.of(found, "vjp", wrt).source(arguments)
    except (NotDifferentiable, derivative.Refused) as problem:
        return State(name, line, names, first_line(problem), True)
    return State(name, line, names, f"{GOOD}: vjp, jvp and jacobian")


def first_line(problem: Exception) -> str:
    """Return what a diagnostic says before it shows the place."""
    lines = [text for text in str(problem).splitlines() if text.strip()]
    return lines[0].strip() if lines else type(problem).__name__
