"""Reads of parts of arrays against differences, over all kinds of index."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import chainrule.rules.indexing  # noqa: F401
from chainrule.ir import prims
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

INDICES = [
    0,
    -1,
    (1, 2),
    (1, 2, 3),
    slice(1, None),
    slice(None, None, -2),
    (slice(None), 1),
    (Ellipsis, 0),
    (None, 1, slice(None), None),
    Ellipsis,
    (),
    np.array([0, 0, 1]),
    [1, 1, 0],
    np.array([[0, 1], [1, 1]]),
    (np.array([0, 1, 0]), np.array([2, 2, 2])),
    (slice(None), np.array([1, 1])),
    (np.array([1, 1]), slice(None), np.array([3, 3])),
    (np.array([[0], [1]]), np.array([2, 2])),
    np.array([True, False]),
    (slice(None), np.array([True, False, True])),
    (0, np.array([2, 2]), None),
    np.array([], dtype=int),
    slice(2, 2),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_getitem(index: object) -> None:
    """Repeated elements are added; everything else is zero."""
    check_rule(operator.getitem, real(2, 3, 4), index)
    check_rule(operator.getitem, complex_(2, 3, 4), index)


def test_getitem_by_a_mask_of_all_axes() -> None:
    """A mask reads elements in order."""
    x = real(3, 4)
    check_rule(operator.getitem, x, x > 0, variations=False)


@pytest.mark.parametrize("index", [1, slice(1, 3), np.array([0, 0, 2])], ids=str)
def test_index_add(index: object) -> None:
    """Both the buffer and what is added to it have derivatives."""
    value = real(4)[index]
    check_rule(prims.index_add, real(4), index, value)


@pytest.mark.parametrize("index", [1, slice(1, 3), np.array([0, 2])], ids=str)
def test_index_set(index: object) -> None:
    """What was overwritten has no derivative."""
    value = real(4)[index]
    check_rule(prims.index_set, real(4), index, value)
