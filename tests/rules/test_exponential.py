"""Rules of exponentials and logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule, cotangents

X = np.array([[0.7, -1.3, 2.1], [0.4, 0.0, -0.6]])
P = np.abs(X) + 0.2
Z = X + 1j * P

ANALYTIC = [
    (np.exp, X),
    (np.expm1, X),
    (np.log, P),
    (np.log2, P),
    (np.log10, P),
    (np.log1p, P),
]


@pytest.mark.parametrize(("fn", "x"), [*ANALYTIC, (np.exp2, X), (np.sinc, X)])
def test_real(fn: Any, x: np.ndarray) -> None:
    """Partials agree with differences, also for one element, none, and no axes."""
    for value in (x, x[:, :1], x[:0], x[0, 0], np.asarray(x[0, 1])):
        check_rule(fn, value)


@pytest.mark.parametrize(("fn", "x"), ANALYTIC)
def test_complex_step(fn: Any, x: np.ndarray) -> None:
    """Partials of analytic functions agree with the complex step to rounding."""
    check_rule(fn, x, analytic=True)
    check_rule(fn, Z)


@pytest.mark.parametrize("fn", [np.logaddexp, np.logaddexp2])
def test_logaddexp(fn: Any) -> None:
    """Weights of both terms hold, broadcast too, and where one term is -inf."""
    check_rule(fn, X, P)
    check_rule(fn, X, P[0])
    check_rule(fn, 0.3, P)
    check_rule(fn, X, np.full(3, -np.inf), wrt=("x",))
    assert cotangents(fn, -np.inf, -np.inf) == [0, 0]


def test_sinc_near_zero() -> None:
    """The partial of sinc is accurate where its closed form cancels."""
    for x in (0.0, 1e-9, 1e-4, 0.05, 0.0999, 0.1001, -0.07):
        check_rule(np.sinc, x, rtol=1e-8)
