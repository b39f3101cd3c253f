"""Rules of medians and quantiles, over axes, keepdims, positions and NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.rules import Refused
from tests.rules.harness import check_rule
from tests.rules.test_reductions import AXES, A

MORE = [c for c in AXES if c[0] > 0 and c[1] != ()]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("rank", "axis"), MORE)
@pytest.mark.parametrize("fn", [np.median, np.nanmedian])
def test_median(fn: Any, rank: int, axis: Any, keepdims: bool) -> None:
    """The middle elements have the cotangent, along every axis."""
    check_rule(fn, A[rank], axis=axis, keepdims=keepdims)


@pytest.mark.parametrize(
    "q", [0.0, 1.0, 0.3, [0.25, 0.5, 0.75], [[0.1], [0.9]]], ids=str
)
@pytest.mark.parametrize(("rank", "axis"), MORE)
def test_quantiles(rank: int, axis: Any, q: Any) -> None:
    """Neighbours of the position share the cotangent of a quantile linearly."""
    a = A[rank]
    for keepdims in (False, True):
        check_rule(np.quantile, a, np.array(q), axis=axis, keepdims=keepdims)
        check_rule(np.percentile, a, 100 * np.array(q), axis=axis, keepdims=keepdims)


def test_quantile_of_a_python_number() -> None:
    """A quantile may be given as a number or a list."""
    check_rule(np.quantile, A[2], 0.3, 1)
    check_rule(np.percentile, A[2], [10, 90])


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_nan(axis: Any) -> None:
    """Numbers among NaN entries are ordered among themselves."""
    a = np.vstack((A[2], A[2] ** 2))
    a[0, 1] = a[2, 0] = np.nan
    for keepdims in (False, True):
        check_rule(np.nanmedian, a, axis=axis, keepdims=keepdims)
        check_rule(np.nanquantile, a, 0.0, axis=axis, keepdims=keepdims)
        check_rule(np.nanquantile, a, 0.3, axis=axis, keepdims=keepdims)
        check_rule(np.nanpercentile, a, [30, 60], axis=axis, keepdims=keepdims)


def test_table_of_positions_with_nan() -> None:
    """Positions of rank 2 are refused where NumPy mixes up the axes of the result."""
    with pytest.raises(Refused):
        check_rule(np.nanquantile, A[2], np.array([[0.1], [0.9]]))
