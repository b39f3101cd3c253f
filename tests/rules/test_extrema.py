"""Rules of greatest and least elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule, cotangents
from tests.rules.test_reductions import AXES, A

FUNCTIONS = [np.max, np.min, np.nanmax, np.nanmin]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("rank", "axis"), [c for c in AXES if c[0] > 0])
@pytest.mark.parametrize("fn", FUNCTIONS)
def test_axes(fn: Any, rank: int, axis: Any, keepdims: bool) -> None:
    """The extreme element along every axis has the cotangent."""
    check_rule(fn, A[rank], axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("fn", FUNCTIONS)
def test_ties_share(fn: Any) -> None:
    """Equal extremes share the cotangent equally."""
    a = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert cotangents(fn, a) == [[[0.25, 0.25], [0.25, 0.25]]]
    assert cotangents(fn, a, axis=0) == [[[0.5, 0.5], [0.5, 0.5]]]
    check_rule(fn, a, axis=1)


@pytest.mark.parametrize("fn", [np.nanmax, np.nanmin])
def test_nan(fn: Any) -> None:
    """NaN entries have no part."""
    a = A[2].copy()
    a[0, 1] = np.nan
    check_rule(fn, a, axis=1, variations=False)
    check_rule(fn, a)


def test_ptp() -> None:
    """The equivalent of the range has its value."""
    check_rule(np.ptp, A[2])
    check_rule(np.ptp, A[2], axis=1, keepdims=True)
