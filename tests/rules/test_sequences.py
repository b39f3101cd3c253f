"""Rules of functions of several numbers: sum, min, max and those of `math`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule, cotangents

X = [0.7, -1.3, 2.1, 0.4]
A = np.array(X)
M = np.array([[0.7, -1.3, 2.1], [0.4, 1.9, -0.6]])


@pytest.mark.parametrize(
    "items", [X, tuple(X), A, M, [M, M + 1], X[:1], [0.5, 2]], ids=str
)
def test_sum(items: Any) -> None:
    """The cotangent of a sum is that of every term and of the start."""
    check_rule(sum, items)
    check_rule(sum, items, 0.5)


@pytest.mark.parametrize("items", [X, tuple(X), A, X[:1], [2, 0.5]], ids=str)
@pytest.mark.parametrize("fn", [max, min])
def test_extremes(fn: Any, items: Any) -> None:
    """Only the extreme element has a cotangent."""
    check_rule(fn, items)
    if len(items) > 1:
        check_rule(fn, *items)


@pytest.mark.parametrize("fn", [max, min])
def test_ties(fn: Any) -> None:
    """Equal extremes share the cotangent equally."""
    other = 0.2 if fn is max else 2.0
    assert cotangents(fn, 1.5, 1.5) == [[0.5, 0.5]]
    assert cotangents(fn, 1.5, other, 1.5) == [[0.5, 0.0, 0.5]]
    assert cotangents(fn, [1.5, other, 1.5, 1.5, 1.5]) == [
        [[0.25, 0, 0.25, 0.25, 0.25]]
    ]
    assert cotangents(fn, np.array([1.5, other, 1.5])) == [[[0.5, 0.0, 0.5]]]


@pytest.mark.parametrize(
    "items", [X, A, tuple(X), [0.0, 2.0, 3.0], [0.0, 0.0, 2.0]], ids=str
)
def test_prod(items: Any) -> None:
    """A product has its derivative also where factors are zero."""
    check_rule(math.prod, items)
    check_rule(math.prod, items, start=1.5)


@pytest.mark.parametrize("fn", [getattr(math, "sumprod", math.dist)])
def test_pairs(fn: Any) -> None:
    """Two sequences of any kind each have cotangents."""
    check_rule(fn, X, [0.1, 0.2, 0.3, 0.4])
    check_rule(fn, tuple(X), A + 1)
    check_rule(fn, A, A + 1)


@pytest.mark.parametrize("items", [X, A, tuple(X), X[:1]], ids=str)
def test_fsum(items: Any) -> None:
    """The cotangent of an accurate sum is that of every term."""
    check_rule(math.fsum, items)


def test_distances() -> None:
    """Lengths have the direction as derivative, at length 0 the derivative is 0."""
    check_rule(math.hypot, 0.3, -0.7)
    check_rule(math.hypot, 0.3, -0.7, 0.2)
    check_rule(math.hypot, 0.0, 0.0)
    check_rule(math.dist, X, [0.1, 0.2, 0.3, 0.4])
    check_rule(math.dist, tuple(X), A + 1)
    check_rule(math.dist, A, A + 1)
    check_rule(math.dist, X, X)
