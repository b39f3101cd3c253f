"""Splitting, inserting and deleting against differences."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

CASES = [
    (np.split, (6,), (3,), {}),
    (np.split, (6,), ([2, 3],), {}),
    (np.split, (6,), ((-2,),), {}),
    (np.split, (6,), ([2, 9],), {}),
    (np.split, (2, 4), (2,), {"axis": 1}),
    (np.split, (2, 4), (2, -1), {}),
    (np.array_split, (7,), (3,), {}),
    (np.array_split, (2, 5), (2,), {"axis": 1}),
    (np.hsplit, (4,), (2,), {}),
    (np.hsplit, (2, 4), ([1],), {}),
    (np.vsplit, (4, 2), (2,), {}),
    (np.dsplit, (2, 2, 4), (2,), {}),
    (np.delete, (5,), (1,), {}),
    (np.delete, (5,), ([0, -1],), {}),
    (np.delete, (5,), (slice(1, 3),), {}),
    (np.delete, (3, 4), ([1, 2],), {"axis": 1}),
    (np.delete, (3, 4), (1,), {"axis": 0}),
    (np.delete, (3, 4), (5,), {}),
]


@pytest.mark.parametrize(("fn", "shape", "args", "kwargs"), CASES)
def test_parts(fn: object, shape: tuple, args: tuple, kwargs: dict) -> None:
    """The cotangents of the parts are joined."""
    check_rule(fn, real(*shape), *args, **kwargs)
    check_rule(fn, complex_(*shape), *args, **kwargs)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_unstack(axis: int) -> None:
    """The cotangents of the parts are stacked, where NumPy has the function."""
    if hasattr(np, "unstack"):
        check_rule(np.unstack, real(2, 3), axis=axis)
    else:
        check_rule(np.split, real(6, 6), 2, axis=axis)


def test_overlapping_parts_are_refused() -> None:
    """Places to split at that go back would give elements twice."""
    with pytest.raises(rules.Refused, match="ascending"):
        check_rule(np.split, real(6), [3, 1])


INSERTIONS = [
    ((4,), 1, 2.0, {}),
    ((4,), [1, 1, 3], real(3), {}),
    ((4,), [3, 0], real(2), {}),
    ((4,), [3, 0], 2.5, {}),
    ((4,), 2, real(3), {}),
    ((2, 3), 1, 2.0, {}),
    ((4,), -1, 2.0, {"axis": 0}),
]


@pytest.mark.parametrize(("shape", "obj", "values", "kwargs"), INSERTIONS)
def test_insert(shape: tuple, obj: object, values: object, kwargs: dict) -> None:
    """Old and new elements get the cotangents at their places."""
    check_rule(np.insert, real(*shape), obj, values, **kwargs)


def test_insert_into_a_matrix_is_refused() -> None:
    """Rows and columns are not inserted."""
    with pytest.raises(rules.Refused, match="more than one axis"):
        check_rule(np.insert, real(2, 3), 1, 2.0, axis=0)
