"""Compare a derivative with differences, argument by argument.

In: a derivative and arguments. Out: one `Row` for each argument (each direction, in
forward mode) that says how far the two are apart, and where most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checking import differences, structure
from chainrule.inspector.derivative import Derivative
from chainrule.inspector.values import Arguments

HEADS = ("argument", "entries", "largest error", "at", "derivative", "differences")


@dataclass(frozen=True)
class Row:
    """One argument: the entry that differs most, and whether all entries agree."""

    name: str
    entries: int
    error: float
    at: str
    derivative: float
    differences: float
    ok: bool

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `HEADS`."""
        numbers = f"{self.derivative:.7g}", f"{self.differences:.7g}"
        if not self.entries:
            return self.name, "0", "", "", "", ""
        return self.name, str(self.entries), f"{self.error:.1e}", self.at, *numbers


def check(derivative: Derivative, arguments: Arguments) -> list[Row]:
    """Return the comparison for every parameter that the derivative is taken of."""
    derivative.run(arguments)
    if derivative.mode == "forward":
        return _tangents(derivative, arguments)
    if derivative.mode == "vjp":
        return _cotangents(derivative, arguments)
    rows = []
    for name, part in derivative.gradient(arguments).items():
        function = _of_one(derivative, arguments, name)
        value = arguments.values[name]
        estimate = differences.numerical_gradient(function, (value,))
        rows.append(_row(name, part, estimate))
    return rows


def _cotangents(derivative: Derivative, arguments: Arguments) -> list[Row]:
    """Compare what the pullback makes of one cotangent, the same at every call."""
    value = derivative.value(arguments)
    size = structure.to_vector(value).size
    weights = np.random.default_rng(0).standard_normal(size)
    bars = derivative.cotangents(arguments, structure.from_vector(value, weights))
    rows = []
    for name, part in bars.items():
        function = _of_one(derivative, arguments, name)

        def weighted(x: Any, function: Callable[[Any], Any] = function) -> float:
            return float(weights @ structure.to_vector(function(x)))

        given = arguments.values[name]
        estimate = differences.numerical_gradient(weighted, (given,))
        rows.append(_row(name, part, estimate))
    return rows


def _of_one(
    derivative: Derivative, arguments: Arguments, name: str
) -> Callable[[Any], Any]:
    """Return the function of one parameter that the others leave."""
    return lambda value: derivative.value(arguments.replaced({name: value}))


def _tangents(derivative: Derivative, arguments: Arguments) -> list[Row]:
    """Compare along one direction, the same at every call."""
    rng = np.random.default_rng(0)
    rows = []
    for name in derivative.wrt:
        value = arguments.values[name]
        size = structure.to_vector(value).size
        direction = structure.from_vector(value, rng.standard_normal(size))
        function = _of_one(derivative, arguments, name)
        estimate = differences.numerical_tangent(function, (value,), (direction,))
        tangent = derivative.tangent(arguments, name, direction)
        rows.append(_row(name, tangent, estimate))
    return rows


def _row(name: str, found: Any, estimate: differences.Estimate) -> Row:
    outcome = differences.compare(found, estimate, name=name)
    vector = structure.gradient_vector(estimate.argument, structure.promote(found))
    off = np.abs(vector - estimate.vector)
    if not off.size:
        return Row(name, 0, 0.0, "", 0.0, 0.0, outcome.ok)
    worst = int(np.argmax(np.where(np.isfinite(off), off, -1.0)))
    place = structure.names(estimate.argument)[worst]
    scale = float(np.max(np.abs(estimate.vector), initial=1e-300))
    error = float(off[worst]) / scale
    pair = float(vector[worst]), float(estimate.vector[worst])
    return Row(name, off.size, error, name + place, *pair, outcome.ok)
