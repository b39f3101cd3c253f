"""Joining and splitting against differences, over ranks, axes and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule.rules.joining  # noqa: F401
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

JOINS = [
    (np.concatenate, [(2,), (3,)], {}),
    (np.concatenate, [(2, 3), (4, 3), (0, 3)], {}),
    (np.concatenate, [(2, 3), (2, 4)], {"axis": 1}),
    (np.concatenate, [(2, 3), (2, 4)], {"axis": -1}),
    (np.concatenate, [(2, 3, 2), (2, 1, 2)], {"axis": 1}),
    (np.concatenate, [(2, 3), (2,)], {"axis": None}),
    (np.concatenate, [(3,)], {}),
    (np.stack, [(3,), (3,)], {}),
    (np.stack, [(), ()], {}),
    (np.stack, [(2, 3), (2, 3)], {"axis": 1}),
    (np.stack, [(2, 3), (2, 3)], {"axis": -1}),
    (np.vstack, [(3,), (3,)], {}),
    (np.vstack, [(2, 3), (1, 3)], {}),
    (np.vstack, [(2, 3), (3,)], {}),
    (np.vstack, [(), ()], {}),
    (np.hstack, [(3,), (2,)], {}),
    (np.hstack, [(), (2,)], {}),
    (np.hstack, [(2, 3), (2, 1)], {}),
    (np.hstack, [(2, 3, 2), (2, 1, 2)], {}),
]


@pytest.mark.parametrize(("fn", "shapes", "kwargs"), JOINS)
def test_joins(fn: object, shapes: list, kwargs: dict) -> None:
    """Each array gets its part of the cotangent."""
    check_rule(fn, [real(*s, seed=k) for k, s in enumerate(shapes)], **kwargs)
    check_rule(fn, tuple(complex_(*s) for s in shapes), **kwargs)


@pytest.mark.parametrize("fn", [np.concatenate, np.stack, np.vstack, np.hstack])
@pytest.mark.parametrize("shape", [(3, 2, 4), (1, 2, 3)])
def test_joins_of_the_rows_of_an_array(fn: object, shape: tuple[int, ...]) -> None:
    """An array stands for the list of its rows."""
    check_rule(fn, real(*shape))
    if fn in (np.concatenate, np.stack):
        check_rule(fn, real(*shape), axis=1)


NESTED = [
    1.5,
    [1.0, 2.0],
    (1.0, 2.0),
    [[1.0, 2.0], [3.0, 4.0]],
    ((1.0, 2.0), [3.0, 4.0]),
    [real(3), real(3)],
    [[real(2), real(2)]],
    [real(3)],
    real(2, 3),
    [1, 2.5],
]


@pytest.mark.parametrize("object", NESTED, ids=str)
@pytest.mark.parametrize("fn", [np.array, np.asarray])
def test_array(fn: object, object: object) -> None:
    """Each element of a nested list gets its element of the cotangent."""
    check_rule(fn, object)
    check_rule(fn, object, dtype=np.float64, variations=False)


MORE_JOINS = [
    (np.column_stack, [(3,), (3,)]),
    (np.column_stack, [(3,), (3, 2), (3,)]),
    (np.column_stack, [(3, 2), (3, 1)]),
    (np.dstack, [(3,), (3,)]),
    (np.dstack, [(2, 3), (2, 3)]),
    (np.dstack, [(2, 3), (2, 3, 2)]),
    (np.vstack, [(3,), (2, 3), (3,)]),
    (np.block, [(2,), (3,)]),
    (np.block, [(2, 2), (2, 1)]),
    (np.block, [(2,), ()]),
]


@pytest.mark.parametrize(("fn", "shapes"), MORE_JOINS)
def test_joins_of_different_ranks(fn: object, shapes: list) -> None:
    """Arrays of fewer axes get the shape they had."""
    check_rule(fn, [real(*s, seed=k) for k, s in enumerate(shapes)])
    check_rule(fn, [complex_(*s) for s in shapes])


def test_block_of_rows() -> None:
    """Nested lists are joined along the last axis first."""
    check_rule(np.block, [[real(2, 2), real(2, 3)], [real(1, 4), real(1, 1)]])
    check_rule(np.block, [[real(2, 2), real(2, 1)], [real(2), 3.0]])
    check_rule(np.block, [[[real(2)]], [[real(2)]]])
    check_rule(np.block, real(2, 3))


@pytest.mark.parametrize(
    ("shape", "values", "axis"),
    [((3,), (2,), None), ((3,), (), None), ((2, 3), (2, 2), 1), ((2, 3), (4,), None)],
)
def test_append(shape: tuple, values: tuple, axis: int | None) -> None:
    """Both the array and what is appended have derivatives."""
    check_rule(np.append, real(*shape), real(*values), axis=axis)


@pytest.mark.parametrize("kwargs", [{}, {"indexing": "ij"}, {"sparse": True}])
@pytest.mark.parametrize(
    "shapes", [[(2,)], [(2,), (3,)], [(2,), (3,), (4,)], [(), (2,)]]
)
def test_meshgrid(shapes: list, kwargs: dict) -> None:
    """Coordinates get the sum over the grid's other axes."""
    check_rule(np.meshgrid, *(real(*s) for s in shapes), **kwargs)
