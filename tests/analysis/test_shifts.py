"""A maximum that cancels gets no cotangent, one that does not keeps its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad, jvp
from tests.checks import check_program


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum((e / e.sum(axis=1, keepdims=True)) ** 2)


def log_sum_exp(x: Any) -> Any:
    top = x.max(axis=1)
    return np.sum(np.log(np.sum(np.exp(x - top[:, None]), axis=1)) + top)


def columns(x: Any) -> Any:
    top = np.max(x, axis=0)
    e = np.exp(x - top)
    return np.mean((e / np.sum(e, axis=0)) ** 3)


def whole(x: Any) -> Any:
    e = np.exp(2.0 * (x - x.max()))
    return np.sum(e**2) / np.sum(e) ** 2


def picked(x: Any) -> Any:
    shifted = x - np.max(x, axis=1, keepdims=True)
    norm = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(norm - shifted[np.arange(len(x)), np.array([0, 2, 1])])


def attention(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.sum((e @ x.T / e.sum(axis=-1, keepdims=True)) ** 2)


def smallest(x: Any) -> Any:
    low = np.min(x)
    return -np.log(np.mean(np.exp(-(x - low)))) + low


def pairwise(x: Any) -> Any:
    m = np.maximum(x[0], x[1])
    return np.sum(m + np.log(np.exp(x[0] - m) + np.exp(x[1] - m)))


def in_a_loop(x: Any) -> Any:
    total = 0.0
    for row in x:
        top = np.max(row)
        total = total + np.log(np.sum(np.exp(row - top))) + top
    return total


CANCELLING = [
    *(softmax, log_sum_exp, columns, whole, picked, attention, smallest, pairwise),
    in_a_loop,
]


def not_added_back(x: Any) -> Any:
    return np.log(np.sum(np.exp(x - np.max(x))))


def over_other_axis(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum((e / e.sum(axis=0)) ** 2)


def other_rows(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum((e / e.sum(axis=1)) ** 2)  # broadcast over the wrong axis


def rows_in_disorder(x: Any) -> Any:
    shifted = x - np.max(x, axis=1, keepdims=True)
    norm = np.log(np.sum(np.exp(shifted), axis=1))
    return np.sum((norm - shifted[np.array([2, 0, 0]), np.array([0, 2, 1])]) ** 2)


def also_a_result(x: Any) -> Any:
    top = np.max(x)
    e = np.exp(x - top)
    return np.sum((e / e.sum()) ** 2) + top


def scaled_twice(x: Any) -> Any:
    top = np.max(x)
    e = np.exp(x - top)
    return np.sum(e**2) / np.sum(e)


def stabilised(x: Any) -> Any:
    top = np.max(x)
    e = np.exp(x - top)
    return np.sum(e / (e.sum() + 1e-3))


def in_a_branch(x: Any) -> Any:
    top = np.max(x)
    e = np.exp(x - top)
    if len(x) > 2:
        return np.sum(e)
    return np.sum(e / e.sum())


def through_where(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return np.sum(np.where(x > 0, e, e / e.sum()))


KEPT = [
    *(not_added_back, over_other_axis, other_rows, rows_in_disorder, also_a_result),
    *(scaled_twice, stabilised, in_a_branch, through_where),
]


def scores() -> Any:
    return np.random.default_rng(5).normal(size=(3, 3))


@pytest.mark.parametrize("function", [*CANCELLING, *KEPT])
def test_gradient_is_right(function: Callable[..., Any]) -> None:
    """By differences, and forward mode as reverse mode."""
    check_program(function, (scores(),), (0,))


@pytest.mark.parametrize("function", CANCELLING)
def test_maximum_has_no_cotangent(function: Callable[..., Any]) -> None:
    """No trace of the positions of the maximum is left."""
    assert "==" not in grad(function).source(scores())


@pytest.mark.parametrize("function", KEPT)
def test_maximum_keeps_its_cotangent(function: Callable[..., Any]) -> None:
    """Where it does not cancel, its positions are found."""
    assert "==" in grad(function).source(scores())


def test_of_numbers() -> None:
    """The built-in maximum of two numbers cancels too."""

    def soft(a: float, b: float) -> float:
        top = max(a, b)
        return top + math.log(math.exp(a - top) + math.exp(b - top))

    check_program(soft, (0.3, -0.2), (0, 1))


def test_ties_do_not_matter_where_the_maximum_cancels() -> None:
    """Equal scores have the softmax's gradient, not one of a choice among them."""
    x = np.zeros((2, 3))
    x[1, 0] = 1.0
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(grad(log_sum_exp)(x), p, rtol=1e-15)
    _, tangent = jvp(log_sum_exp, (x,), (np.ones_like(x),))
    assert tangent == pytest.approx(2.0, rel=1e-15)


def test_one_row_is_not_taken_for_many() -> None:
    """A size of 1 is another specialisation: it broadcasts."""
    f = grad(other_rows)
    f(scores())
    check_program(other_rows, (scores()[:1],), (0,))
