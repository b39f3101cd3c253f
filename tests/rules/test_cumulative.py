"""Rules of cumulative functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.runtime.scans import recurrence
from tests.rules.harness import check_rule
from tests.rules.test_reductions import A

CASES = [(n, axis) for n in range(4) for axis in (None, *range(-n, n))]


@pytest.mark.parametrize(("rank", "axis"), [c for c in CASES if c[0] > 0])
@pytest.mark.parametrize("fn", [np.cumsum, np.cumprod])
def test_axes(fn: Any, rank: int, axis: Any) -> None:
    """Cumulative functions have cotangents along every axis, of complex numbers too."""
    check_rule(fn, A[rank], axis=axis)
    check_rule(fn, A[rank] + 1j * A[rank][::-1], axis=axis)


@pytest.mark.parametrize("fn", [np.cumsum, np.cumprod])
@pytest.mark.parametrize("shape", [(0,), (1,), (1, 3), (3, 1)])
def test_small(fn: Any, shape: Any) -> None:
    """Empty axes and axes of one element work."""
    check_rule(fn, np.ones(shape))
    check_rule(fn, np.ones(shape), 0)


@pytest.mark.parametrize("zeros", [[0], [2], [1, 3], [0, 1, 2]])
def test_cumprod_with_zeros(zeros: list[int]) -> None:
    """Cumulative products have their derivative where factors are zero."""
    a = np.array([0.7, -1.3, 2.1, 0.4, 1.1])
    a[zeros] = 0
    check_rule(np.cumprod, a)
    check_rule(np.cumprod, np.stack((a, a + 1)), axis=1)
    check_rule(np.cumprod, np.stack((a, a + 1)))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8])
def test_recurrence(n: int) -> None:
    """The scan equals the loop that it stands for, and has its derivative."""
    rng = np.random.default_rng(n)
    b, a = rng.standard_normal((2, n, 2))
    expected = b.copy()
    for i in range(1, n):
        expected[i] += a[i] * expected[i - 1]
    np.testing.assert_allclose(recurrence(b, a, 0), expected)
    np.testing.assert_allclose(recurrence(b.T, a.T, 1), expected.T)
    check_rule(recurrence, b, a, 0)
    check_rule(recurrence, b.T, a.T + 1j, 1)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_equivalents(axis: Any) -> None:
    """Equivalents of the variants have the same values."""
    a = A[2].copy()
    check_rule(np.add.accumulate, a, 0 if axis is None else axis)
    check_rule(np.multiply.accumulate, a, axis=0 if axis is None else axis)
    a[0, 1] = np.nan
    check_rule(np.nancumsum, a, axis=axis)
    check_rule(np.nancumprod, a, axis=axis)


def test_unwrap() -> None:
    """Unwrapped angles move with the angles."""
    angles = np.array([[0.3, 3.0, -3.0, 2.9], [3.1, -3.1, 0.2, 0.4]])
    check_rule(np.unwrap, angles)
    check_rule(np.unwrap, angles, axis=0, period=4.0)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_running_extremes(name: str, axis: int) -> None:
    """Each cotangent goes to the element that is the extreme so far."""
    a = np.random.default_rng(2).standard_normal((5, 4))
    check_rule(getattr(np, name).accumulate, a, axis)
    check_rule(getattr(np, name).accumulate, a[:, 0])


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_array_api_names(name: str) -> None:
    """Equivalents under the names of the array API have the same values."""
    if hasattr(np, name):
        check_rule(getattr(np, name), A[1])
        check_rule(getattr(np, name), A[2], axis=-1, include_initial=True)
    assert hasattr(np, name) == (np.lib.NumpyVersion(np.__version__) >= "2.1.0")
