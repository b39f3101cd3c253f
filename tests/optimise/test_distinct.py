"""Elements are added with `+=` only where none is picked twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def one_of_each_row(x: Any, k: Any) -> Any:
    return np.sum(x[np.arange(len(x)), k] ** 2)


def any_elements(x: Any, k: Any) -> Any:
    return np.sum(x[k, k] ** 2)


def any_rows(x: Any, k: Any) -> Any:
    return np.sum(x[k] ** 2)


def row_against_many(x: Any, k: Any) -> Any:
    return np.sum(x[np.arange(1), k] ** 2)


def from_the_end(x: Any, k: Any) -> Any:
    return np.sum(x[np.arange(-3, 3)] ** 2)


def rectangle(x: Any, k: Any) -> Any:
    return np.sum(x[np.arange(3)[:, None], k] ** 2)


REPEATED = [any_elements, any_rows, row_against_many, from_the_end, rectangle]


@pytest.mark.parametrize("function", [one_of_each_row, *REPEATED])
def test_gradient_is_right(function: Callable[..., Any]) -> None:
    """By differences, with indices that are repeated."""
    x = np.random.default_rng(4).normal(size=(3, 3))
    check_program(function, (x, np.array([1, 1, 2])), (0,))


def test_rows_are_not_repeated() -> None:
    """One element of each row is added to directly."""
    source = grad(one_of_each_row).source(np.ones((3, 3)), np.array([1, 1, 2]))
    assert ".at(" not in source
    assert "] += " in source or "] = " in source


@pytest.mark.parametrize("function", REPEATED)
def test_others_may_be(function: Callable[..., Any]) -> None:
    """What may be repeated is added element by element."""
    assert ".at(" in grad(function).source(np.ones((3, 3)), np.array([1, 1, 2]))
