"""Rules of differences, gradients, integrals and interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule

RNG = np.random.default_rng(5)
A = RNG.standard_normal((5, 4))
X5 = np.array([0.0, 0.3, 1.1, 1.6, 2.9])
X4 = X5[:4]


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_diff(n: int, axis: int) -> None:
    """Differences of every order along every axis have their transpose."""
    check_rule(np.diff, A, n, axis)
    check_rule(np.diff, A[0], n)


@pytest.mark.parametrize("n", [1, 2])
def test_diff_extended(n: int) -> None:
    """What is put before and behind has a cotangent too."""
    check_rule(np.diff, A, n, 0, A[:2], A[1:2])
    check_rule(np.diff, A, n, axis=1, prepend=0.5)
    check_rule(np.diff, A, n, axis=1, append=A[:, :3])
    check_rule(np.diff, A[0], n, prepend=0, append=1)
    check_rule(np.diff, A[0], n, prepend=0.2, append=1.5)


def test_ediff1d() -> None:
    """Differences of the flattened array have their transpose."""
    check_rule(np.ediff1d, A)
    check_rule(np.ediff1d, A[0])


def test_trapezoid() -> None:
    """The equivalent of the trapezoidal rule has its value."""
    fn: Any = getattr(np, "trapezoid", None) or np.trapz
    check_rule(fn, A)
    check_rule(fn, A, dx=0.3, axis=0)
    check_rule(fn, A, X4)
    check_rule(fn, A, X5, axis=0)
    check_rule(fn, A, A**2, axis=0)
    check_rule(fn, A[0], X4)


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient(edge_order: int) -> None:
    """The equivalent of the gradient has its value, for every kind of spacing."""
    for f, spacing, axis in [
        (A[:, 0], (), None),
        (A[:, 0], (0.3,), None),
        (A[:, 0], (X5,), None),
        (A, (), None),
        (A, (0.3,), None),
        (A, (0.3, 0.7), None),
        (A, (X5, X4), None),
        (A, (X5, 0.7), None),
        (A, (0.3,), 0),
        (A, (X4,), -1),
        (A, (X5, 2.0), (0, 1)),
    ]:
        check_rule(np.gradient, f, *spacing, axis=axis, edge_order=edge_order)


def test_interp() -> None:
    """The equivalent of the interpolation has its value, inside, at nodes, outside."""
    x = np.array([[-1.0, 0.0, 0.1], [0.3, 1.4, 2.9], [3.5, 1.6, 2.0]])
    fp = A[:, 0]
    check_rule(np.interp, x, X5, fp)
    check_rule(np.interp, 0.7, X5, fp)
    check_rule(np.interp, x, X5, fp, left=-2.0, right=5.0)
