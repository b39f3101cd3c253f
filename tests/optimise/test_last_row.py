"""An iteration that leaves the loop at once is neither on the tape nor reversed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def converged(a: float, tol: float) -> float:
    x = 1.0
    while True:
        error = x**3 - a
        slope = 3 * x * x
        if abs(error) < tol:
            break
        x = x - error / slope
    return x


def left_at_once(a: float, tol: float) -> float:
    x = a
    while True:
        size = x * x
        if size < 100 * tol + 1e9:
            break
        x = x / size
    return x * a


def counted(a: float, tol: float) -> float:
    x = a
    for k in range(1, 50):
        step = math.sin(x) / k
        if abs(step) < tol * 1e6:
            break
        x = x - step
    return x * x


def skipped(a: float, tol: float) -> float:
    x = a
    for k in range(12):
        y = x * x + tol
        if k % 3 == 1:
            continue
        x = x - 0.1 * math.sin(y) * k
    return x


def last_is_used(a: float, tol: float) -> float:
    x = a
    y = a
    for k in range(1, 50):
        y = math.sin(x) / k
        if abs(y) < tol * 1e6:
            break
        x = x - y
    return x * x + y


def returns(a: float, tol: float) -> float:
    x = a
    for k in range(1, 50):
        step = math.sin(x) / k
        if abs(step) < tol * 1e6:
            return x + a
        x = x - step
    return x * x


def two_exits(a: float, tol: float) -> float:
    x = a
    for k in range(1, 50):
        step = math.sin(x) / k
        if abs(step) < tol * 1e6:
            break
        x = x - step
        if x < -1.0:
            break
    return x * x


def nested(a: float, tol: float) -> float:
    total = 0.0
    for k in range(1, 4):
        x = a * k
        while True:
            step = math.sin(x) / k
            if abs(step) < tol * 1e6:
                break
            x = x - step
        total = total + x * a
    return total


PROGRAMS = [
    *(converged, left_at_once, counted, skipped, last_is_used),
    *(returns, two_exits, nested),
]


@pytest.mark.parametrize("function", PROGRAMS)
@pytest.mark.parametrize("a", [0.7, 2.3])
def test_gradient(function: Callable[..., Any], a: float) -> None:
    """Right, in both modes and to second order."""
    check_program(function, (a, 1e-9), (0,))
    h = 1e-5
    slope = grad(function)
    second = (slope(a + h, 1e-9) - slope(a - h, 1e-9)) / (2 * h)
    assert grad(grad(function))(a, 1e-9) == pytest.approx(second, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("function", [converged, counted, left_at_once])
def test_no_flag_on_the_tape(function: Callable[..., Any]) -> None:
    """The reverse sweep asks nothing: there is no row for the iteration that left."""
    source = grad(function).source(2.3, 1e-9)
    reverse = source.partition("# reverse sweep")[2]
    assert reverse and "if " not in reverse
    assert "None" not in source


def arrays(x: Any, tol: float) -> Any:
    while True:
        size = np.sqrt(np.sum(x * x))
        y = x / size
        if size < 1 + tol:
            break
        x = 0.5 * x + 0.1 * np.sin(y)
    return np.sum(x**3)


def test_arrays() -> None:
    """The cotangent of an array that is not used any more is zeros."""
    check_program(arrays, (np.array([1.5, -2.0, 0.3]), 1e-9), (0,))


def test_an_infinite_partial_of_the_last_iteration_does_not_leak() -> None:
    """What the iteration that left computed has no cotangent, be it infinite."""

    def walk(a: float) -> Any:
        x = np.float64(1.0)
        for _ in range(3):
            root = np.sqrt(x)
            if x == 0:
                break
            x = x - root + 0.0 * a
        return a * 2.0 + x

    with np.errstate(all="ignore"):
        assert grad(walk)(1.0) == 2.0
