"""Elements that are final when they are read are read again from the filled array."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def recurrence(a: float, n: int) -> Any:
    y = np.ones(n)
    for i in range(1, n):
        y[i] = np.sin(a * y[i - 1]) * y[i - 1]
    return np.sum(y**2)


def stepping(a: float, n: int) -> Any:
    y = np.ones(n + 1)
    for i in range(n):
        y[i + 1] = y[i] + a * np.cos(y[i])
    return np.sum(y**2)


def backwards(a: float, n: int) -> Any:
    y = np.full(n, a)
    for i in range(n - 2, -1, -1):
        y[i] = np.exp(-y[i + 1]) * a * y[i + 1]
    return np.sum(y**2)


def by_twos(a: float, n: int) -> Any:
    y = np.full(2 * n, a)
    for i in range(2, 2 * n, 2):
        y[i] = np.sin(y[i - 2]) * a
        y[i - 1] = np.cos(y[i]) * y[i - 2]
    return np.sum(y**3)


def rows(a: float, n: int) -> Any:
    x = np.ones((n, 2))
    for i in range(1, n):
        x[i] = x[i - 1] + a * np.sin(x[i - 1])
    return np.sum(x**2)


def columns(a: float, n: int) -> Any:
    x = np.ones((n, 2))
    for i in range(1, n):
        x[i, 0] = np.sin(a * x[i - 1, 1]) * x[i - 1, 0]
        x[i, 1] = np.cos(x[i, 0]) * x[i - 1, 0] * a
    return np.sum(x**2)


def left_early(a: float, n: int) -> Any:
    y = np.ones(n)
    for i in range(1, n):
        y[i] = np.sin(a * y[i - 1]) + y[i - 1]
        if y[i] > 2.0:
            break
    return np.sum(y**2)


def written_afterwards(a: float, n: int) -> Any:
    y = np.ones(n)
    for i in range(1, n):
        y[i] = np.sin(a * y[i - 1]) * y[i - 1]
    s = np.sum(y**2)
    y[0] = 5.0 * a
    y[1:] = a * y[1:]
    return s + np.sum(y**2)


def cubed(a: float, n: int) -> Any:
    y = np.full(n, a)
    for i in range(1, n):
        y[i] = a * y[i - 1] + y[i - 1] ** 3
    return np.sum(y**2)


FINAL = [
    cubed,
    recurrence,
    stepping,
    backwards,
    rows,
    left_early,
    written_afterwards,
]


def overwritten(a: float, n: int) -> Any:
    y = np.full(n, a)
    for i in range(1, n):
        y[i - 1] = np.sin(a * y[i - 1]) * y[i]
    return np.sum(y**2)


def read_before_it_is_written(a: float, n: int) -> Any:
    y = np.full(n + 1, a)
    for i in range(n):
        y[i] = np.sin(a * y[i + 1]) * y[i]
    return np.sum(y**2)


def from_the_end(a: float, n: int) -> Any:
    y = np.full(n, a)
    for i in range(n):
        y[i] = np.sin(a * y[i - 1]) * y[i - 1]
    return np.sum(y**2)


def upwards_from_the_end(a: float, n: int) -> Any:
    y = np.full(n, a)
    for i in range(-n + 1, 0):
        y[i] = np.sin(a * y[i - 1]) * y[i - 1]
    return np.sum(y**2)


def two_places(a: float, n: int) -> Any:
    y = np.full(n, a)
    for i in range(1, n):
        y[i] = np.sin(a * y[i - 1]) * y[i - 1]
        y[0] = y[i] * a
    return np.sum(y**2)


def inside_another(a: float, n: int) -> Any:
    y = np.full(n, a)
    for _ in range(2):
        for i in range(1, n):
            y[i] = np.sin(a * y[i - 1]) * y[i - 1]
        y[0] = a * y[n - 1]
    return np.sum(y**2)


def counted_anew(a: float, n: int) -> Any:
    y = np.full(n + 2, a)
    for i in range(1, n):
        i = i + i % 2
        y[i] = np.sin(a * y[i - 1]) * y[i - 1]
    return np.sum(y**2)


def sometimes(a: float, n: int) -> Any:
    y = np.full(n, a)
    for i in range(1, n):
        if i % 2:
            y[i] = np.sin(a * y[i - 1]) * y[i - 1]
        else:
            y[0] = y[i - 1] * a
    return np.sum(y**2)


def through_a_view(a: float, n: int) -> Any:
    y = np.full(n, a)
    v = y[::-1]
    for i in range(1, n):
        y[i] = np.sin(a * y[i - 1]) * y[i - 1]
        v[i - 1] = a * y[i]
    return np.sum(y**2)


SAVED = [
    by_twos,
    columns,
    overwritten,
    read_before_it_is_written,
    from_the_end,
    upwards_from_the_end,
    two_places,
    inside_another,
    counted_anew,
    sometimes,
    through_a_view,
]


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("function", [*FINAL, *SAVED])
def test_gradient(function: Callable[..., Any], n: int) -> None:
    """Right in both modes, for no iteration, one and more."""
    check_program(function, (0.7, n), (0,))


@pytest.mark.parametrize("function", FINAL)
def test_no_element_is_saved(function: Callable[..., Any]) -> None:
    """The reversed loop reads the array; what else was computed is saved."""
    source = grad(function).source(0.7, 6)
    saved = [line for line in source.splitlines() if ".append" in line]
    assert not any(re.search(r"[( ]part_|\[", line) for line in saved), source


def test_nothing_is_saved() -> None:
    """There is no tape where elements are all that is needed."""
    source = grad(cubed).source(0.7, 6)
    assert "tape" not in source and "for i in reversed(range(1, n)):" in source


@pytest.mark.parametrize("function", SAVED)
def test_what_may_be_overwritten_is_saved(function: Callable[..., Any]) -> None:
    """An element that a later iteration may write is on the tape."""
    source = grad(function).source(0.7, 6)
    assert ".append" in source
