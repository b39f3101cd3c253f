"""Sums and products of cotangents are written with fewer operations, and mean the same.

The oracles are differences, and the same derivative without these passes, also where
numbers are as large or as small as they get.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from chainrule import grad, pipeline
from chainrule.cache import store
from chainrule.optimise.rewrite import Rewriter
from tests.checks import check_program
from tests.counting import count


def common_factor(a: float, b: float, c: float) -> float:
    u = a * b
    return c * (u * b - u * a)


def like_terms(a: float, b: float, c: float) -> float:
    return a + c * (a * b - 0.02 * a * a) - b


def divided(a: float, b: float, c: float) -> float:
    return (a * b - a) / c - a / c


def constants(a: float, b: float, c: float) -> float:
    return a + 2.0 * a + b * a + 3.0 * a - c - (c + 2.0 * c) + a


def euler(a: float, b: float, c: float) -> float:
    for _ in range(3):
        a, b = a + c * (a * b - a), b - c * (a * b - 0.1 * b)
    return a - b


def quotients(a: float, b: float, c: float) -> float:
    return (a * b + c) / (a - c * b) * a


def sigmoid(a: float, b: float, c: float) -> float:
    p = 1 / (1 + math.exp(-(a * b)))
    return p * c + p * p


def denominator_has_a_name(a: float, b: float, c: float) -> float:
    e = math.exp(a - b)
    q = e + 1.0
    return c * (1.0 / q)


PROGRAMS = [
    *(common_factor, like_terms, divided, constants, euler, quotients, sigmoid),
    denominator_has_a_name,
]


@contextmanager
def as_it_comes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compile without collecting terms and sharing quotients."""
    algebra = sys.modules["chainrule.specialise.algebra"]
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "collect", lambda function, ours: False)
        patch.setattr(Rewriter, "quotient", lambda self, stmt: None)
        patch.setattr(algebra, "sigmoid", lambda b, x, e: None)
        store.clear()
        yield
    store.clear()


@pytest.mark.parametrize("function", PROGRAMS)
def test_gradient_is_right(function: Callable[..., float]) -> None:
    """By differences and forward mode."""
    check_program(function, (0.7, -1.3, 0.4), (0, 1, 2))


@pytest.mark.parametrize("function", PROGRAMS)
def test_nothing_overflows_that_did_not(
    function: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the plain derivative is finite this one is, and equal to rounding."""
    sizes = (0.0, 1e-300, 1e-160, 1.0, -3.0, 1e160, 1e300)
    points = list(itertools.product(sizes, repeat=3))

    def at_all_points() -> list[Any]:
        found: list[Any] = []
        derivative = grad(function, argnums=(0, 1, 2))
        for point in points:
            try:
                found.append(derivative(*point))
            except (ZeroDivisionError, OverflowError):
                found.append(None)
        return found

    with as_it_comes(monkeypatch):
        plain = at_all_points()
    for point, old, new in zip(points, plain, at_all_points(), strict=True):
        if old is None:
            continue
        assert new is not None, point
        for one, two in zip(old, new, strict=True):
            if math.isfinite(one):
                assert math.isfinite(two), (point, old, new)


def operators(function: Callable[..., float]) -> int:
    source = grad(function, argnums=(0, 1, 2)).source(0.7, -1.3, 0.4)
    return count(source).operators


@pytest.mark.parametrize("function", [common_factor, divided, euler, quotients])
def test_takes_fewer_operations(
    function: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text has fewer operators than without the passes.

    Short formulas count once, not at each of their uses.
    """
    monkeypatch.setattr(pipeline, "repeat", lambda function, ours: None)
    with as_it_comes(monkeypatch):
        plain = operators(function)
    assert operators(function) < plain


def test_sigmoid_is_finite_where_its_exponential_is_not() -> None:
    """`p * (1 - p)` is 0 far from 0, not NaN."""

    def f(x: Any) -> Any:
        return np.sum(1 / (1 + np.exp(-x)))

    x = np.array([-1000.0, -30.0, 0.0, 30.0, 1000.0])
    with np.errstate(over="ignore"):
        found = grad(f)(x)
    p = np.array([0.0, 9.357622968840175e-14, 0.5, 1 - 9.357622968840175e-14, 1.0])
    np.testing.assert_allclose(found, p * (1 - p), rtol=1e-2, atol=1e-30)
    assert "1 - " in grad(f).source(x)


def test_factor_leaves_a_sum_where_it_is_the_same_all_along() -> None:
    """By differences, for factors along one axis, the other, and both."""

    def f(x: Any, s: Any, t: Any) -> Any:
        rows = (x / s[:, None] * t).sum(axis=1, keepdims=True)
        return np.sum((x * rows / s[:, None]) ** 2) + np.sum(np.exp(x / t) * t)

    rng = np.random.default_rng(2)
    args = (rng.normal(size=(3, 4)), rng.random(3) + 0.5, rng.random(4) + 1.0)
    check_program(f, args, (0, 1, 2))
    square = (rng.normal(size=(3, 3)), rng.random(3) + 0.5, rng.random(3) + 1.0)
    check_program(f, square, (0, 1, 2))


def test_softmax_is_an_experts() -> None:
    """The cotangent of a softmax is `p * (p_bar - (p * p_bar).sum())`."""

    def f(x: Any, w: Any) -> Any:
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        return np.sum((p @ w) ** 2)

    rng = np.random.default_rng(2)
    args = (rng.normal(size=(3, 4)), rng.normal(size=(4, 2)))
    check_program(f, args, (0, 1))
    assert grad(f).source(*args).count(" / ") == 1


def test_integer_arrays_are_not_added_up_as_integers() -> None:
    """Small integers would wrap around."""

    def f(x: Any, n: Any, m: Any) -> Any:
        return np.sum(x * n) + np.sum(x * m)

    n = np.full(3, 100, dtype=np.int8)
    np.testing.assert_array_equal(grad(f)(np.ones(3), n, n), [200.0] * 3)


def test_weight_of_a_mean_is_outside() -> None:
    """Of a choice and of a sum, and nothing leaks from the branch not taken."""

    def huber(r: Any, d: float) -> Any:
        return np.mean(np.where(np.abs(r) < d, 0.5 * r**2, d * (np.abs(r) - 0.5 * d)))

    def entropy(p: Any, y: Any) -> Any:
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    def guarded(x: Any) -> Any:
        return np.mean(np.where(x > 0, np.sqrt(np.abs(x)), x * x))

    rng = np.random.default_rng(1)
    check_program(huber, (rng.normal(size=7), 0.8), (0, 1))
    assert grad(huber).source(rng.normal(size=7), 0.8).count(" / ") == 1
    args = (rng.random(5), rng.random(5))
    check_program(entropy, args, (0, 1))
    assert grad(entropy).source(*args).count("size") == 1
    with np.errstate(divide="ignore", invalid="ignore"):
        np.testing.assert_allclose(grad(guarded)(np.array([4.0, 0.0])), [0.125, 0.0])


def test_product_of_vectors() -> None:
    """A sum over products of vectors is their product; of others it is not."""

    def f(a: float, x: Any, y: Any) -> Any:
        return np.sum(a * x * y) + np.sum(a * y)

    x, y = np.arange(4.0), np.array([2.0, -1.0, 0.5, 3.0])
    for args in ((0.5, x, y), (0.5, x[:1], y), (0.5, x[:0], y[:0])):
        check_program(f, args, (0, 1, 2))
    one, other = np.ones((2, 3)), np.arange(6.0).reshape(2, 3)
    check_program(f, (0.5, one, other), (0, 1, 2))
    single = x.astype(np.float32), y.astype(np.float32)
    assert grad(f, argnums=1)(0.5, *single).dtype == np.float32
    assert " @ " in grad(f).source(0.5, x, y)


def test_elements_are_added_to_the_other_summand() -> None:
    """And the summand is left alone where it is read again."""

    def f(x: Any, k: Any) -> Any:
        z = np.exp(x)
        return np.sum(z * z) - np.sum(z[k]) + np.sum(z[0] * z)

    x, k = np.array([0.1, -0.4, 0.3]), np.array([2, 0, 2])
    check_program(f, (x, k), (0,))


def test_terms_that_cancel() -> None:
    """What adds up to nothing has no common factor to take out."""

    def cancelled(x: float, y: float, z: float) -> float:
        return (x * y) * z - (x * z) * y + (x * z) * (z * y) - (x * y) * (z * z)

    assert grad(cancelled, argnums=(0, 1, 2))(0.5, 2.0, 3.0) == pytest.approx((0, 0, 0))


def test_mean_of_an_axis() -> None:
    """A sum over an axis, over its length, is a mean."""

    def centred(x: Any) -> Any:
        return np.sum(np.tanh(x - x.mean(axis=0)))

    x = np.array([[0.5, -1.0], [2.0, 0.3], [0.1, 0.4]])
    check_program(centred, (x,), (0,))
    assert "mean(axis=0)" in grad(centred).source(x).partition("return")[2]


def test_mean_over_another_length_is_a_quotient() -> None:
    """The length of the other axis is another number."""

    def scaled(x: Any) -> Any:
        return np.sum(np.tanh(x - x.sum(axis=0) / x.shape[1]))

    x = np.array([[0.5, -1.0], [2.0, 0.3], [0.1, 0.4]])
    check_program(scaled, (x,), (0,))


def test_a_quotient_that_is_there_is_used() -> None:
    """`s / b / n * y` is `s / n` times `y / b`."""

    def standardised(x: Any, g: Any) -> Any:
        mu = np.mean(x, axis=0)
        b = np.sqrt(np.var(x, axis=0) + 1e-3)
        return np.sum(np.tanh(g * ((x - mu) / b)))

    x = np.array([[0.5, -1.0], [2.0, 0.3], [0.1, 0.4]])
    check_program(standardised, (x, np.array([0.3, 2.0])), (0, 1))
    assert grad(standardised).source(x, np.array([0.3, 2.0])).count("x - mu") == 1


def test_signs_are_taken_out_of_products() -> None:
    """A difference is written for the sum with a negative product."""

    def two(w: Any, x: Any, y: Any) -> Any:
        return np.sum(np.tanh(x @ w) ** 2) - np.sum(np.tanh(y @ w) ** 2)

    x = np.array([[0.5, -1.0], [2.0, 0.3], [0.1, 0.4]])
    w, y = np.array([[0.2, 0.1], [0.4, -0.3]]), x[::-1] * 0.5
    check_program(two, (w, x, y), (0, 1, 2))
    assert "@ -" not in grad(two).source(w, x, y)
