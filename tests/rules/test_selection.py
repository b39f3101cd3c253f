"""Rules of selection: where, extremes of two, clip, choose, select."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule, cotangents

X = np.array([[0.7, -1.3, 2.1], [0.4, 1.9, -0.6]])
Y = np.array([[1.7, 0.9, -1.1], [2.3, -0.8, 1.2]])
EXTREMES = [np.maximum, np.minimum, np.fmax, np.fmin]


@pytest.mark.parametrize("y", [Y, Y[0], 0.5, Y[:, :1], np.asarray(0.5)], ids=np.shape)
def test_where(y: Any) -> None:
    """Each alternative has the cotangent where it was taken."""
    check_rule(np.where, X > 0, X, y)
    check_rule(np.where, X > 0, y, X)
    check_rule(np.where, X[0] > 0, X, y)
    check_rule(np.where, True, X, y)
    check_rule(np.where, X > 0, X + 1j, y)


def test_where_never_leaks() -> None:
    """The branch not taken contributes exactly zero."""
    x = np.array([1.0, -1.0])
    assert cotangents(np.where, x > 0, x, np.inf * x)[1:] == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("y", [Y, Y[0], 0.5, Y[:, :1], np.asarray(0.5)], ids=np.shape)
@pytest.mark.parametrize("fn", EXTREMES)
def test_extremes(fn: Any, y: Any) -> None:
    """The greater or lesser operand has the cotangent."""
    check_rule(fn, X, y)
    check_rule(fn, y, X)


@pytest.mark.parametrize("fn", EXTREMES)
def test_extreme_ties(fn: Any) -> None:
    """In a tie both operands have half, of infinities too."""
    for tie in (1.0, 0.0, np.inf, -np.inf):
        assert cotangents(fn, np.array([tie]), np.array([tie])) == [[0.5], [0.5]]


@pytest.mark.parametrize("fn", [np.fmax, np.fmin])
def test_nan_loses(fn: Any) -> None:
    """Where one operand is NaN the other is the result."""
    x, y = np.array([np.nan, 1.0]), np.array([2.0, np.nan])
    assert cotangents(fn, x, y) == [[0.0, 1.0], [1.0, 0.0]]


def test_clip() -> None:
    """The number has the cotangent inside the bounds, a bound where it holds."""
    check_rule(np.clip, X, -0.5, 1.0)
    check_rule(np.clip, X, Y[0] - 1, Y[0])
    check_rule(np.clip, X, None, 1.0)
    check_rule(np.clip, X, -0.5, None)
    check_rule(np.clip, 0.7, -0.5, X[:, :1] + 3)
    check_rule(np.clip, 0.7, -0.5, 2)
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
        check_rule(np.clip, X, min=-0.5)
        check_rule(np.clip, X, min=-0.5, max=Y)
        check_rule(np.clip, X, max=1.0)


def test_clip_at_its_bounds() -> None:
    """On a bound number and bound share, as in `maximum`."""
    assert cotangents(np.clip, np.array([0.0, 1.0]), 0.0, 1.0)[:3] == [
        [0.5, 0.5],
        0.5,
        0.5,
    ]


def test_nan_to_num() -> None:
    """Numbers keep their cotangents, what was replaced has none."""
    check_rule(np.nan_to_num, X)
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    assert cotangents(np.nan_to_num, x) == [[1.0, 0.0, 0.0, 0.0]]


def test_choose() -> None:
    """The choice that was taken has the cotangent."""
    a = np.array([[0, 1, 2], [2, 1, 0]])
    check_rule(np.choose, a, [X, Y, X * Y])
    check_rule(np.choose, a, [X, Y[0], 0.5])
    check_rule(np.choose, a, np.stack((X, Y, X * Y)))


def test_select() -> None:
    """The first choice whose condition holds has the cotangent, or the default."""
    check_rule(np.select, [X > 1, X > 0], [X, Y], X * Y)
    check_rule(np.select, [X > 1, X > 0], [X, Y])
    check_rule(np.select, [X > 1, X > 0], [X, Y[0]], 0.5)


def test_heaviside() -> None:
    """The value at 0 is the second operand, which has the cotangent there."""
    check_rule(np.heaviside, X, Y)
    assert cotangents(np.heaviside, np.array([0.0, 1.0]), 0.3)[1] == 1.0
