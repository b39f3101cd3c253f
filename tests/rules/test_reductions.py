"""Rules of sums, means and products, over axes, keepdims and ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule

RNG = np.random.default_rng(3)
A = {n: RNG.uniform(0.3, 1.5, (3, 2, 4)[:n]) for n in range(4)}
AXES = [
    *((n, axis) for n in range(4) for axis in (None, *range(-n, n))),
    *((3, axis) for axis in ((0, 1), (0, 2), (-1, 0), (0, 1, 2), (1,), ())),
]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("rank", "axis"), AXES)
@pytest.mark.parametrize("fn", [np.sum, np.mean, np.prod])
def test_axes(fn: Any, rank: int, axis: Any, keepdims: bool) -> None:
    """Every axis, several axes and all give the right cotangent, axes kept or not."""
    if fn is np.prod and axis == ():
        return
    check_rule(fn, A[rank], axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("shape", [(0,), (1,), (0, 3), (3, 0), (1, 1), (1, 3)])
@pytest.mark.parametrize("fn", [np.sum, np.prod])
def test_small(fn: Any, shape: tuple[int, ...]) -> None:
    """Empty axes and axes of one element give cotangents of their shape."""
    check_rule(fn, np.ones(shape))
    check_rule(fn, np.ones(shape), axis=0)
    check_rule(fn, np.ones(shape), -1)


@pytest.mark.parametrize("fn", [np.sum, np.mean, np.prod])
def test_complex(fn: Any) -> None:
    """Complex operands have complex cotangents."""
    check_rule(fn, A[2] + 1j * A[2][::-1], axis=1)


def test_sum_where() -> None:
    """Elements that are masked out have no cotangent."""
    check_rule(np.sum, A[2], axis=0, where=A[2] > 0.8)
    check_rule(np.sum, A[2], where=np.array([True, False]))


@pytest.mark.parametrize("zeros", [[1], [1, 3], [0, 1, 2]])
def test_prod_with_zeros(zeros: list[int]) -> None:
    """A product has its derivative also where one or more factors are zero."""
    a = np.array([0.7, -1.3, 2.1, 0.4])
    a[zeros] = 0
    check_rule(np.prod, a)
    check_rule(np.prod, np.stack((a, a + 1)), axis=1)
    check_rule(np.prod, np.stack((a, a + 1)), axis=(0, 1))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("fn", [np.nansum, np.nanprod, np.nanmean])
def test_nan(fn: Any, axis: Any) -> None:
    """Equivalents of the functions that skip NaN have the same values."""
    a = A[2].copy()
    a[0, 1] = np.nan
    check_rule(fn, a, axis=axis)
    check_rule(fn, a, axis=axis, keepdims=True)


@pytest.mark.parametrize(
    "name", "add multiply maximum minimum fmax fmin logaddexp".split()
)
def test_reduce(name: str) -> None:
    """Equivalents of the methods `reduce` have the same values; their axis is 0."""
    fn = getattr(np, name).reduce
    check_rule(fn, A[2])
    check_rule(fn, A[2], axis=1, keepdims=True)
    check_rule(fn, A[2], axis=None)
