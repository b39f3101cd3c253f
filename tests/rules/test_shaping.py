"""Reshaping and permuting against differences, over ranks, keywords and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule.rules.shaping  # noqa: F401
from chainrule.ir import prims
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

CASES = [
    (np.reshape, (2, 3), ((3, 2),), {}),
    (np.reshape, (2, 3), (-1,), {}),
    (np.reshape, (2, 3), ((6, 1),), {"order": "F"}),
    (np.reshape, (1,), ((),), {}),
    (np.reshape, (), ((1, 1),), {}),
    (np.reshape, (0, 3), ((3, 0),), {}),
    (np.ravel, (2, 3), (), {}),
    (np.ravel, (2, 3), (), {"order": "F"}),
    (np.ravel, (), (), {}),
    (prims.flatten, (2, 3), (), {}),
    (prims.flatten, (2, 3), ("F",), {}),
    (np.squeeze, (1, 3, 1), (), {}),
    (np.squeeze, (1, 3, 1), (), {"axis": -1}),
    (np.squeeze, (1, 1), (), {}),
    (np.expand_dims, (3, 2), (0,), {}),
    (np.expand_dims, (3, 2), ((0, -1),), {}),
    (np.transpose, (2, 3), (), {}),
    (np.transpose, (2, 3, 4), (), {}),
    (np.transpose, (2, 3, 4), ((1, 2, 0),), {}),
    (np.transpose, (2, 3, 4), (), {"axes": (-1, 0, 1)}),
    (np.transpose, (3,), (), {}),
    (np.swapaxes, (2, 3, 4), (0, -1), {}),
    (np.moveaxis, (2, 3, 4), (0, -1), {}),
    (np.moveaxis, (2, 3, 4), ((0, 1), (-1, 0)), {}),
    (np.rollaxis, (2, 3, 4), (2,), {}),
    (np.rollaxis, (2, 3, 4), (0, 3), {}),
    (np.rollaxis, (2, 3, 4), (-2, -1), {}),
    (np.rollaxis, (2, 3, 4, 5), (1, 3), {}),
    (np.broadcast_to, (3,), ((2, 3),), {}),
    (np.broadcast_to, (2, 1), ((4, 2, 3),), {}),
    (np.roll, (5,), (2,), {}),
    (np.roll, (3, 4), (1,), {}),
    (np.roll, (3, 4), (-1,), {"axis": 1}),
    (np.roll, (3, 4), ((1, 2),), {"axis": (0, 1)}),
    (np.flip, (3, 4), (), {}),
    (np.flip, (3, 4), (), {"axis": 0}),
    (np.flip, (3, 4, 2), ((0, -1),), {}),
    (np.fliplr, (3, 4), (), {}),
    (np.flipud, (3, 4), (), {}),
    (np.rot90, (3, 4), (), {}),
    (np.rot90, (3, 4), (), {"k": 2}),
    (np.rot90, (3, 4, 2), (-1, (1, 2)), {}),
    (np.copy, (3, 4), (), {}),
    (prims.copy_value, (3, 4), (), {}),
    (prims.item, (1, 1), (), {}),
    (prims.item, (), (), {}),
    (prims.item, (3, 4), (5,), {}),
    (prims.item, (3, 4), (1, 2), {}),
    (prims.tolist, (3, 4), (), {}),
    (prims.tolist, (3,), (), {}),
    (np.ascontiguousarray, (3, 4), (), {}),
    (np.ascontiguousarray, (), (), {}),
    (np.asfortranarray, (3, 4), (), {}),
]


@pytest.mark.parametrize(("fn", "shape", "args", "kwargs"), CASES)
def test_moved_elements(fn: object, shape: tuple, args: tuple, kwargs: dict) -> None:
    """The cotangent is moved back, real and complex."""
    check_rule(fn, real(*shape), *args, **kwargs)
    check_rule(fn, complex_(*shape), *args, **kwargs)


@pytest.mark.parametrize("fn", [np.atleast_1d, np.atleast_2d, np.atleast_3d])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (5, 2, 3, 1)])
def test_atleast(fn: object, shape: tuple[int, ...]) -> None:
    """Axes of size 1 are dropped again, for one operand and for two."""
    check_rule(fn, real(*shape))
    check_rule(fn, real(*shape), real(2))


def test_broadcast_arrays() -> None:
    """Each operand gets the sum over what it was repeated along."""
    check_rule(np.broadcast_arrays, real(3, 1), real(4))


def test_reshape_of_a_float() -> None:
    """A Python float can be given axes."""
    check_rule(np.reshape, 2.0, (1, 1))


def test_astype_keeps_the_cotangent() -> None:
    """A change to a wider dtype passes the cotangent on."""
    check_rule(prims.astype, real(3), np.float64, variations=False)
    check_rule(prims.astype, real(3), np.complex128, variations=False)
