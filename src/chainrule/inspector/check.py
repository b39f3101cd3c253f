"""Compare a derivative with differences, argument by argument.

In: a derivative and arguments. Out: one `Compared` for each argument (each
direction, in forward mode) that says how far the two are apart, and where most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.checking import differences, structure
from chainrule.inspector.derivative import Derivative
from chainrule.inspector.report import Compared
from chainrule.inspector.values import Arguments


def check(derivative: Derivative, arguments: Arguments) -> tuple[Compared, ...]:
    """Return the comparison for every parameter that the derivative is taken of."""
    derivative.run(arguments)
    if derivative.mode == "forward":
        return tuple(_tangents(derivative, arguments))
    if derivative.mode == "vjp":
        return tuple(_cotangents(derivative, arguments))
    rows = []
    for name, part in derivative.gradient(arguments).items():
        function = _of_one(derivative, arguments, name)
        value = arguments.values[name]
        estimate = differences.numerical_gradient(function, (value,))
        rows.append(_row(name, part, estimate))
    return tuple(rows)


def _cotangents(derivative: Derivative, arguments: Arguments) -> list[Compared]:
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


def _tangents(derivative: Derivative, arguments: Arguments) -> list[Compared]:
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


def _row(name: str, found: Any, estimate: differences.Estimate) -> Compared:
    outcome = differences.compare(found, estimate, name=name)
    vector = structure.gradient_vector(estimate.argument, structure.promote(found))
    if not vector.size:
        return Compared(name, 0, 0.0, "", 0.0, 0.0, outcome.ok)
    rtol = differences.default_rtol(found)
    wrong, expected, _ = differences.disagreements(
        vector, estimate.vector, estimate.errors, rtol
    )
    off = np.abs(vector - np.nan_to_num(expected))
    worst = int(np.argmax(np.where(wrong, off, -1.0) if wrong.any() else off))
    place = name + structure.names(estimate.argument)[worst]
    scale = float(np.nanmax(np.abs(expected), initial=1e-300))
    unknown = np.isnan(expected[worst])
    return Compared(
        name,
        off.size,
        None if unknown else float(off[worst]) / scale,
        place,
        float(vector[worst]),
        None if unknown else float(expected[worst]),
        outcome.ok,
    )
