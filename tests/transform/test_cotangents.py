"""Cotangents whose sum over broadcast axes is put off: right whatever is broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def scaled(x: Any, y: Any, n: int) -> Any:
    return np.sum((y * (x[:n] * 2.0)) ** 2)


def factor_is_a_number(x: Any, y: Any, n: int) -> Any:
    total = np.zeros(3)
    for k in range(2):
        total = total + x[k] * np.exp(y[k : k + n])
    return np.sum(total**2)


def twice(x: Any, y: Any, n: int) -> Any:
    part = np.sin(x[:n])
    return np.sum(part * y) + np.sum(y / (part + 2.0))


def chosen(x: Any, y: Any, n: int) -> Any:
    part = np.where(x[:n] > 0, x[:n] * 3.0, np.tanh(x[:n]))
    return np.sum(part * y * y)


def rank_unknown(x: Any, y: Any, n: int) -> Any:
    total = 0.0
    for k in range(n):
        total = total * 0.5 + x * y[k]
    return np.sum((total + y) ** 2)


def in_an_errstate(x: Any, y: Any, n: int) -> Any:
    with np.errstate(divide="ignore"):
        part = np.sqrt(np.abs(x[:n]) + 1.0)
    return np.sum(part * y)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(
    "function",
    [scaled, factor_is_a_number, twice, chosen, rank_unknown, in_an_errstate],
)
def test_broadcast_at_run_time(function: Callable[..., Any], n: int) -> None:
    """By differences; one element is repeated, three are not."""
    x, y = np.array([0.4, -1.2, 0.7]), np.array([1.1, 0.3, -0.6])
    if function is factor_is_a_number:
        y = np.array([0.4, 0.2, -0.3, 0.9])
    check_program(function, (x, y, n), (0, 1))


def test_no_helper_where_the_sum_is_over_all() -> None:
    """The sum of a product takes what is broadcast with it."""
    source = grad(factor_is_a_number).source(np.ones(3), np.ones(4), 3)
    assert "unbroadcast" not in source
