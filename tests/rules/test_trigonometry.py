"""Rules of trigonometric and hyperbolic functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule

X = np.array([[0.7, -1.3, 2.1], [0.4, 1.9, -0.6]])
U = X / 3
Z = X + 0.3j * U

CASES = [
    (np.sin, X),
    (np.cos, X),
    (np.tan, X),
    (np.arcsin, U),
    (np.arccos, U),
    (np.arctan, X),
    (np.sinh, X),
    (np.cosh, X),
    (np.tanh, X),
    (np.arcsinh, X),
    (np.arccosh, 1 + np.abs(X)),
    (np.arctanh, U),
]
ANGLES = [np.deg2rad, np.rad2deg, np.radians, np.degrees]


@pytest.mark.parametrize(("fn", "x"), CASES + [(fn, X) for fn in ANGLES])
def test_real(fn: Any, x: np.ndarray) -> None:
    """Partials agree with differences, also for one element, none, and no axes."""
    for value in (x, x[:, :1], x[:0], x[0, 0], np.asarray(x[0, 1])):
        check_rule(fn, value)


@pytest.mark.parametrize(("fn", "x"), CASES)
def test_complex(fn: Any, x: np.ndarray) -> None:
    """Partials agree with the complex step, and hold for complex operands."""
    check_rule(fn, x, analytic=True)
    check_rule(fn, Z)
    check_rule(fn, -Z)


def test_arctan2() -> None:
    """Both partials of the angle of a point hold, broadcast too."""
    check_rule(np.arctan2, X, X[::-1] + 0.1)
    check_rule(np.arctan2, X, X[0, :1])
    check_rule(np.arctan2, 0.3, X)
