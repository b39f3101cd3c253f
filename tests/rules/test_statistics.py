"""Rules of statistics, over axes, keepdims and their own options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.rules import RULES, Refused
from tests.rules.harness import check_rule, cotangents
from tests.rules.test_reductions import AXES, A

MORE = [c for c in AXES if c[0] > 0 and c[1] != ()]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("rank", "axis"), MORE)
@pytest.mark.parametrize("fn", [np.var, np.std])
def test_spread(fn: Any, rank: int, axis: Any, keepdims: bool) -> None:
    """Variance and deviation have cotangents along every axis, with any ddof."""
    for ddof in (0, 1):
        check_rule(fn, A[rank], axis=axis, keepdims=keepdims, ddof=ddof)


@pytest.mark.parametrize("fn", [np.var, np.std])
def test_spread_of_complex(fn: Any) -> None:
    """The variance of complex numbers is real, its cotangent complex."""
    check_rule(fn, A[2] + 1j * A[2][::-1])
    check_rule(fn, A[2] + 1j * A[2][::-1], axis=0, keepdims=True)


def test_deviation_of_equal_numbers() -> None:
    """At its kink the standard deviation has derivative 0."""
    assert cotangents(np.std, np.ones(3)) == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_nan(axis: Any, ddof: int) -> None:
    """Equivalents of the functions that skip NaN have the same values."""
    a = np.vstack((A[2], A[2] ** 2))
    a[0, 1] = np.nan
    for keepdims in (False, True):
        check_rule(np.nanvar, a, axis=axis, ddof=ddof, keepdims=keepdims)
        check_rule(np.nanstd, a, axis=axis, ddof=ddof, keepdims=keepdims)


def test_average() -> None:
    """The equivalent of the weighted average has its value."""
    a = A[3]
    check_rule(np.average, a)
    check_rule(np.average, a, axis=1)
    check_rule(np.average, a, weights=a**2)
    check_rule(np.average, a, 1, a**2)
    check_rule(np.average, a, -1, A[1][[0, 1, 2, 0]], keepdims=True)
    check_rule(np.average, a, axis=0, weights=A[1])
    check_rule(np.average, A[1], weights=A[1])


@pytest.mark.parametrize("fn", [np.cov, np.corrcoef])
def test_covariance(fn: Any) -> None:
    """The equivalent of the covariance has its value, with every option."""
    a = np.vstack((A[2].T, A[2].T ** 2 + 1))
    check_rule(fn, a)
    check_rule(fn, a, rowvar=False)
    check_rule(fn, a, a[:1] ** 3)
    check_rule(fn, a[0], a[1])
    check_rule(fn, a[0])
    check_rule(fn, a[:1])
    check_rule(fn, a + 1j * a[::-1])


def test_covariance_normalisation() -> None:
    """The options of the covariance that scale it."""
    check_rule(np.cov, A[2], bias=True)
    check_rule(np.cov, A[2], ddof=0)


def test_average_over_several_axes() -> None:
    """Weights may have the shape of the reduced axes, in ascending order."""
    a = A[3]
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        check_rule(np.average, a, (0, 1), a[..., 0])
    with pytest.raises(Refused):
        RULES.reverse[np.average].template(a, (1, 0), a[..., 0].T)
