"""Compare a derivative with differences, argument by argument.

In: a derivative and arguments. Out: one `Compared` for each argument (each
direction, in forward mode) that says how far the two are apart, and where most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.checking import differences, structure
from chainrule.checking.held import Held, holding
from chainrule.inspector.derivative import Derivative
from chainrule.inspector.report import Compared
from chainrule.inspector.values import Arguments

WHY = (
    "stop_gradient or on_cotangent is used, of which differences know nothing; check"
    " the function without it"
)


def check(derivative: Derivative, arguments: Arguments) -> tuple[Compared, ...]:
    """Return the comparison for every parameter that the derivative is taken of."""
    varied = Varied(derivative, arguments)
    ways = {"forward": _tangents, "vjp": _cotangents}
    rows = ways.get(derivative.mode, _gradients)(varied)
    if varied.is_of_another_function:
        rows = [row if row.ok else _unknown(row) for row in rows]
    return tuple(rows)


class Varied:
    """The function that is differentiated, as one of single parameters.

    What `stop_gradient` stops has the value that it has at the arguments.
    """

    def __init__(self, derivative: Derivative, arguments: Arguments) -> None:
        self.derivative = derivative
        self.arguments = arguments
        self.held = Held()
        with holding(self.held):
            derivative.run(arguments)

    @property
    def is_of_another_function(self) -> bool:
        """Whether the user put another derivative there than differences give."""
        if self.derivative.order == 1:
            return self.held.altered
        first, fresh = Held(), self.arguments.fresh()
        with holding(first):
            self.derivative.target.function(*fresh.args, **fresh.kwargs)
        return bool(first.altered or first.values)

    def by(self, name: str) -> Callable[[Any], Any]:
        """Return the function of one parameter that the others leave."""

        def function(value: Any) -> Any:
            with holding(self.held):
                return self.derivative.value(self.arguments.replaced({name: value}))

        return function


def _gradients(varied: Varied) -> list[Compared]:
    """Compare each entry of the gradient."""
    rows = []
    for name, part in varied.derivative.gradient(varied.arguments).items():
        value = varied.arguments.values[name]
        estimate = differences.numerical_gradient(varied.by(name), (value,))
        rows.append(_row(name, part, estimate))
    return rows


def _cotangents(varied: Varied) -> list[Compared]:
    """Compare what the pullback makes of one cotangent, the same at every call."""
    derivative, arguments = varied.derivative, varied.arguments
    value = derivative.value(arguments)
    size = structure.to_vector(value).size
    weights = np.random.default_rng(0).standard_normal(size)
    bars = derivative.cotangents(arguments, structure.from_vector(value, weights))
    rows = []
    for name, part in bars.items():
        function = varied.by(name)

        def weighted(x: Any, function: Callable[[Any], Any] = function) -> float:
            return float(weights @ structure.to_vector(function(x)))

        given = arguments.values[name]
        estimate = differences.numerical_gradient(weighted, (given,))
        rows.append(_row(name, part, estimate))
    return rows


def _tangents(varied: Varied) -> list[Compared]:
    """Compare along one direction, the same at every call."""
    rng = np.random.default_rng(0)
    rows = []
    for name in varied.derivative.wrt:
        value = varied.arguments.values[name]
        size = structure.to_vector(value).size
        direction = structure.from_vector(value, rng.standard_normal(size))
        estimate = differences.numerical_tangent(
            varied.by(name), (value,), (direction,)
        )
        tangent = varied.derivative.tangent(varied.arguments, name, direction)
        rows.append(_row(name, tangent, estimate))
    return rows


def _unknown(row: Compared) -> Compared:
    """Return the comparison with a function that is another one."""
    return replace(row, error=None, differences=None, why=WHY)


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
