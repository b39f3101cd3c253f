"""The method `reduce` of ufuncs, from a number on and of some elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule
from tests.rules.test_reductions import A

REDUCTIONS = [np.add.reduce, np.multiply.reduce, np.maximum.reduce, np.minimum.reduce]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("fn", REDUCTIONS)
def test_initial_and_where(fn: Any, axis: Any, keepdims: bool) -> None:
    """What is reduced, and the number that it begins with, have cotangents."""
    a = A[2]
    options = {"axis": axis, "keepdims": keepdims}
    for initial in (0.3, -0.7):
        check_rule(fn, a, initial=initial, **options)
        check_rule(fn, a, initial=initial, where=a > 0.1, **options)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("fn", [np.add.reduce, np.multiply.reduce, np.mean])
def test_where(fn: Any, axis: Any) -> None:
    """Elements that are left out have no cotangent."""
    a = A[2]
    check_rule(fn, a, axis=axis, where=a > -0.5)
    check_rule(fn, a, axis=axis, where=np.arange(a.shape[1]) < 2)


@pytest.mark.parametrize("axis", [0, -1])
def test_segments(axis: int) -> None:
    """Sums of segments, also of such that overlap or run backwards."""
    for places in ([0, 1], [1, 0], [0, 0, 1], [1, 1, 0]):
        check_rule(np.add.reduceat, A[2], places, axis=axis)
