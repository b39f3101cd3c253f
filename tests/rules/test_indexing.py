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


TAKES = [
    (np.take, (5,), ([0, 0, 3],), {}),
    (np.take, (5,), (2,), {}),
    (np.take, (5,), (np.array([[1, 1], [4, -1]]),), {}),
    (np.take, (3, 4), ([0, 0, 11],), {}),
    (np.take, (3, 4), ([0, 0],), {"axis": 0}),
    (np.take, (3, 4), (np.array([[1, 1], [3, 0]]),), {"axis": -1}),
    (np.take, (3, 4), (1,), {"axis": 1}),
    (np.take, (3, 4), ([-5, 9],), {"axis": 1, "mode": "wrap"}),
    (np.take, (3, 4), ([-5, 9],), {"axis": 1, "mode": "clip"}),
    (np.take, (3, 4), ([-5, 30],), {"mode": "clip"}),
    (np.take_along_axis, (4,), (np.array([3, 3, 0]), 0), {}),
    (np.take_along_axis, (3, 4), (np.array([[0, 0], [1, 2], [3, 3]]), 1), {}),
    (np.take_along_axis, (3, 4), (np.array([[0, 0, 2, 2]]), 0), {}),
    (np.take_along_axis, (3, 1), (np.array([[0, 2, 2]]), 0), {}),
    (np.take_along_axis, (2, 3, 2), (np.array([[[1], [1]]]), -2), {}),
    (np.take_along_axis, (3, 4), (np.array([0, 0, 11]), None), {}),
]


@pytest.mark.parametrize(("fn", "shape", "args", "kwargs"), TAKES)
def test_take(fn: object, shape: tuple, args: tuple, kwargs: dict) -> None:
    """Elements that are taken twice get both cotangents."""
    check_rule(fn, real(*shape), *args, **kwargs)
    check_rule(fn, complex_(*shape), *args, **kwargs)


def test_compress_and_extract() -> None:
    """Elements that are left out get zero; a short condition leaves out the rest."""
    check_rule(np.compress, [True, False, True], real(3))
    check_rule(np.compress, [True, False], real(3, 4), axis=0)
    check_rule(np.compress, [True, False, True], real(3, 4))
    check_rule(np.extract, real(3, 4) > 0, real(3, 4), variations=False)
