"""Equivalents of the polynomial functions."""

from __future__ import annotations

import numpy as np
import numpy.polynomial.polynomial as power_series
import pytest

from tests.rules.harness import check_rule

P = np.array([0.7, -1.3, 2.1, 0.4])
X = np.array([[0.7, -1.3, 2.1], [0.4, 1.9, -0.6]])


def test_values() -> None:
    """A polynomial has the same value at numbers and at arrays."""
    for p in (P, list(P), P[:1]):
        check_rule(np.polyval, p, X)
        check_rule(np.polyval, p, 0.3)
        check_rule(power_series.polyval, X, p)
        check_rule(power_series.polyval, 0.3, p)


def test_arithmetic() -> None:
    """Sums and products of polynomials of different degrees are the same."""
    for fn in (np.polyadd, np.polysub, np.polymul):
        check_rule(fn, P, P[1:])
        check_rule(fn, P[2:], P)
        check_rule(fn, P, P**2)


@pytest.mark.parametrize("m", [0, 1, 2])
def test_calculus(m: int) -> None:
    """Derivatives and integrals of polynomials are the same."""
    check_rule(np.polyder, P, m)
    check_rule(np.polyint, P, m)


def test_vander() -> None:
    """The powers of points are the same, in either order."""
    check_rule(np.vander, P)
    check_rule(np.vander, P, 3)
    check_rule(np.vander, P, 6, increasing=True)


def test_polyfit() -> None:
    """The fitted coefficients are the same, with weights and several right sides."""
    x = np.linspace(0.0, 2.0, 7)
    y = np.sin(3 * x)
    check_rule(np.polyfit, x, y, 3)
    check_rule(np.polyfit, x, y, 2, w=1 + x)
    check_rule(np.polyfit, x, np.stack((y, y**2), 1), 2, w=1 + x)
