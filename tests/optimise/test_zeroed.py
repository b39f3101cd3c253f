"""The cotangent of an element is set to zero only where somebody looks at it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def filled(u: Any, c: float, n: int) -> Any:
    x = np.zeros((n + 1, 2))
    x[0] = u
    for i in range(1, n + 1):
        x[i] = x[i - 1] + c * np.array([x[i - 1, 1], -x[i - 1, 0] * c])
    return np.sum(x[:, 0] ** 2)


def saved(u: Any, c: float, n: int) -> Any:
    y = np.ones(n + 2)
    y[0] = u[0]
    for i in range(2, n + 2):
        y[i] = np.sin(c * y[i - 1]) * np.exp(y[i - 2] * c)
    return np.sum(y**2)


def from_the_end(u: Any, c: float, n: int) -> Any:
    y = np.full(n + 1, u[0])
    for i in range(n - 1, -1, -1):
        y[i] = c * y[i + 1] + y[i + 1] ** 2 * u[1]
    return y[0]


DROPPED = [filled, saved]


def start_is_read(u: Any, c: float, n: int) -> Any:
    y = u[0] * np.ones(n + 2)
    for i in range(1, n + 1):
        y[i] = c * y[i - 1] + y[i - 1] ** 2
    return np.sum(y)


def twice(u: Any, c: float, n: int) -> Any:
    y = np.ones(n + 2)
    y[0] = u[0]
    for i in range(1, n + 1):
        y[i] = c * y[i - 1] + y[i - 1] ** 2
        y[i] = y[i] * u[1]
    return np.sum(y)


def overwritten_again(u: Any, c: float, n: int) -> Any:
    y = np.ones(n + 2)
    y[0] = u[0]
    for i in range(1, n + 1):
        y[i + 1] = y[i] * u[1]
        y[i] = c * y[i - 1] + y[i - 1] ** 2
    return np.sum(y * y)


def last_read(u: Any, c: float, n: int) -> Any:
    y = np.ones(n + 2)
    y[-1] = u[0]
    y[1] = u[1]
    for i in range(2, n + 2):
        y[i] = c * y[i - 1] + y[i - 1] ** 2
    return np.sum(y * y)


def in_turns(u: Any, c: float, n: int) -> Any:
    y = np.ones(n + 2)
    y[0] = u[0]
    for _ in range(2):
        for i in range(1, n + 1):
            y[i] = c * y[i - 1] + y[i] * u[1]
    return np.sum(y * y)


def sometimes(u: Any, c: float, n: int) -> Any:
    y = np.ones(n + 2)
    y[0] = u[0]
    for i in range(1, n + 1):
        if i % 2:
            y[i] = c * y[i - 1] + y[i] * u[1]
        y[i - 1] = c * y[i]
    return np.sum(y * y)


KEPT = [
    from_the_end,
    start_is_read,
    twice,
    overwritten_again,
    last_read,
    in_turns,
    sometimes,
]


@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("function", [*DROPPED, *KEPT])
def test_gradient(function: Callable[..., Any], n: int) -> None:
    """Right in both modes."""
    check_program(function, (np.array([0.7, -0.4]), 0.8, n), (0, 1))


@pytest.mark.parametrize("function", DROPPED)
def test_nothing_is_set_to_zero(function: Callable[..., Any]) -> None:
    """Neither with a tape nor without."""
    source = grad(function, argnums=(0, 1)).source(np.array([0.7, -0.4]), 0.8, 4)
    assert "] = 0.0" not in source, source


@pytest.mark.parametrize(
    "function",
    [from_the_end, start_is_read, overwritten_again, last_read, sometimes],
)
def test_zeros_that_are_read(function: Callable[..., Any]) -> None:
    """What is read in a later iteration, or behind the loop, starts at zero."""
    source = grad(function, argnums=(0, 1)).source(np.array([0.7, -0.4]), 0.8, 4)
    assert "] = 0.0" in source, source
