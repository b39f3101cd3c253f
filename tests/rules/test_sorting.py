"""Sorting against differences, over axes and ties."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.rules import RULES
from tests.rules.harness import check_rule
from tests.rules.samples import real

CASES = [
    (np.sort, (5,), (), {}),
    (np.sort, (3, 4), (), {}),
    (np.sort, (3, 4), (), {"axis": 0}),
    (np.sort, (3, 4), (), {"axis": None}),
    (np.sort, (2, 3, 4), (1,), {}),
    (np.sort, (5,), (), {"kind": "mergesort"}),
    (np.sort, (0,), (), {}),
    (np.sort, (1, 1), (), {}),
    (np.partition, (5,), (2,), {}),
    (np.partition, (3, 4), (1,), {"axis": 0}),
    (np.partition, (3, 4), ([1, 2],), {}),
    (np.partition, (3, 4), (5,), {"axis": None}),
    (np.unique, (5,), (), {}),
    (np.unique, (2, 3), (), {}),
]


@pytest.mark.parametrize(("fn", "shape", "args", "kwargs"), CASES)
def test_sorted_elements(fn: object, shape: tuple, args: tuple, kwargs: dict) -> None:
    """Every element keeps its cotangent."""
    check_rule(fn, real(*shape), *args, **kwargs)


def test_equal_elements_keep_their_order() -> None:
    """Of equal elements the first in the array is the first of the result."""
    out, pullback = RULES.reverse[np.sort].template(np.array([2.0, 1.0, 2.0, 1.0]))
    assert out.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert pullback(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [3.0, 1.0, 4.0, 2.0]


def test_the_first_of_equal_elements_is_the_unique_one() -> None:
    """The other ones have no derivative."""
    out, pullback = RULES.reverse[np.unique].template(np.array([2.0, 1.0, 2.0]))
    assert out.tolist() == [1.0, 2.0]
    assert pullback(np.array([5.0, 7.0])).tolist() == [7.0, 5.0, 0.0]
