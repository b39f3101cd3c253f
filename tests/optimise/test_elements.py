"""Elements of small arrays are added to once, and short arrays written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def oscillator(y: Any, mu: float) -> Any:
    for _ in range(3):
        u = y + 0.1 * np.array([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])
        y = y + 0.1 * np.array([u[1] * u[0], u[0] - u[1] ** 2 * mu])
    return np.sum(y**2)


def float32(y: Any, mu: float) -> Any:
    u = y * np.array([1, 2], dtype=np.float32)
    return np.sum(np.array([u[0] * u[1], u[1] ** 2 * u[0]]) * mu)


def one_element_only(y: Any, mu: float) -> Any:
    u = y + np.array([mu, 1.0])
    return u[0] * u[0] + u[0] ** 3


def from_the_end(y: Any, mu: float) -> Any:
    u = y * np.array([mu, 1.0])
    return u[-1] * u[1] + u[-2] * u[0] * u[1]


def shared(y: Any, mu: float) -> Any:
    u = y + np.array([mu, 1.0])
    v = u * u[0] * u[1]
    return np.sum(np.sin(v)) * u[0] + u[1] * u[0]


def matrix(y: Any, mu: float) -> Any:
    u = np.outer(y, y) + mu
    return u[0, 0] * u[0, 1] + u[1, 0] * u[0, 0] + u[1][1]


PROGRAMS = [oscillator, one_element_only, from_the_end, shared, matrix]


@pytest.mark.parametrize("function", PROGRAMS)
def test_gradient(function: Callable[..., Any]) -> None:
    """Right in both modes, and to second order."""
    y = np.array([0.7, -0.4])
    check_program(function, (y, 0.8), (0, 1))

    def slope(mu: float) -> Any:
        return grad(function)(y, mu)[0]

    numeric = (slope(0.8 + 1e-6) - slope(0.8 - 1e-6)) / 2e-6
    assert grad(slope)(0.8) == pytest.approx(numeric, rel=1e-6)


def test_dtype_is_kept() -> None:
    """What is written out has the dtype of the zeros it stands for."""
    found = grad(float32)(np.array([0.5, -1.5], dtype=np.float32), 2.0)
    assert found.dtype == np.float32
    a, b = 0.5, -3.0
    expected = 2.0 * np.array([b + b * b, (a + 2 * a * b) * 2])
    assert np.allclose(found, expected, rtol=1e-6)


def test_a_short_array_is_written_out() -> None:
    """No zeros, one statement."""
    source = grad(oscillator).source(np.array([0.7, -0.4]), 0.8)
    reverse = source.partition("# reverse sweep")[2]
    assert "np.array(" in reverse
    assert reverse.count("np.zeros_like") <= 1
