"""Reversed loops read places of arrays: they are saved as numbers, or made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def pairs(M: Any) -> Any:
    a = M.copy()
    for i in range(1, 3):
        for j in range(3):
            a[i, j] = a[i, j] * a[i - 1, j] + a[j, i]
    return np.sum(a**2)


def computed_place(M: Any) -> Any:
    rows = []
    for i in range(3):
        rows.append(M[i % 2, i])
    return sum(rows)


def computed_place_twice(M: Any) -> Any:
    total = 0.0
    for i in range(3):
        k = (i * i) % 3
        total = total * M[k, i] + M[i, k] * M[k, 2]
    return total


def slices(M: Any) -> Any:
    total = 1.0
    for i in range(1, 3):
        k = 3 - i
        total = total * np.sum(M[k:, i] ** 2) + total * np.sum(M[i:k])
    return total


def from_the_data(M: Any) -> Any:
    total = 1.0
    for row in M:
        k = int(np.argmax(row))
        total = total * row[k] + M[k, 1] * total
    return total


@pytest.mark.parametrize(
    "function", [pairs, computed_place, computed_place_twice, slices, from_the_data]
)
def test_gradient(function: Callable[..., Any]) -> None:
    """Right in both modes."""
    M = np.array([[0.66, 0.8, -0.12], [1.01, -0.31, 1.36], [0.4, 0.9, -1.2]])
    check_program(function, (M,), (0,))


def test_no_tuples_on_the_tape() -> None:
    """The reverse sweep of a double loop reads `a_bar[i, j]`."""
    source = grad(pairs).source(np.eye(3))
    assert "a_bar[i, j]" in source
    assert "parts" not in source and "item" not in source
