"""Products against differences of themselves, over ranks, keywords and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule.rules.products  # noqa: F401
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

MATMUL = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((6, 5, 2, 3), (3, 4)),
    ((3,), (5, 3, 2)),
    ((2, 3), (5, 3, 2)),
    ((5, 2, 3), (5, 3, 2)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((1, 1), (1, 1)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (3, 2)),
]


@pytest.mark.parametrize(("left", "right"), MATMUL)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Matrix products of every combination of ranks, real, complex and mixed."""
    check_rule(np.matmul, real(*left), real(*right), analytic=True)
    check_rule(np.matmul, complex_(*left), complex_(*right))
    check_rule(np.matmul, real(*left), complex_(*right))


DOT = [
    ((), ()),
    ((), (3,)),
    ((2, 3), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((3,), (5, 3, 2)),
    ((2, 3), (5, 3, 4)),
    ((6, 2, 3), (5, 3, 4)),
    ((2, 0), (0, 3)),
]


@pytest.mark.parametrize(("left", "right"), DOT)
def test_dot(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Dot products of every combination of ranks."""
    check_rule(np.dot, real(*left), real(*right), analytic=True)
    check_rule(np.dot, complex_(*left), complex_(*right))


def test_dot_of_scalars() -> None:
    """Python floats are scaled, not summed."""
    check_rule(np.dot, 2.0, 3.0)
    check_rule(np.dot, 2.0, real(3))


INNER = [((), (2,)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 5, 3))]


@pytest.mark.parametrize(("left", "right"), INNER)
def test_inner(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Inner products over the last axes."""
    check_rule(np.inner, real(*left), real(*right), analytic=True)
    check_rule(np.inner, complex_(*left), complex_(*right))


TENSORDOT = [
    ((2, 3), (4, 5), 0),
    ((2, 3), (3, 5), 1),
    ((4, 2, 3), (2, 3, 5), 2),
    ((4, 2, 3), (2, 5, 3), ([1, 2], [0, 2])),
    ((4, 2, 3), (2, 5, 3), ((2, 1), (2, 0))),
    ((4, 2, 3), (2, 5, 3), ((2, 1), (-1, 0))),
    ((4, 2, 3), (5, 3), (-1, 1)),
    ((3, 4, 5, 2), (5, 2, 3), ((0, 2, 3), (2, 0, 1))),
    ((2, 3), (2, 3), 2),
    ((), (2,), 0),
]


@pytest.mark.parametrize(("left", "right", "axes"), TENSORDOT)
def test_tensordot(left: tuple[int, ...], right: tuple[int, ...], axes: object) -> None:
    """Contractions of any axes, in any order."""
    if axes == 2:
        check_rule(np.tensordot, real(*left), real(*right))
    check_rule(np.tensordot, real(*left), real(*right), axes=axes, analytic=True)
    check_rule(np.tensordot, complex_(*left), complex_(*right), axes=axes)


@pytest.mark.parametrize(
    ("left", "right"), [((3,), (4,)), ((), (4,)), ((2, 3), (2, 2)), ((0,), (2,))]
)
def test_outer(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Outer products flatten their operands."""
    check_rule(np.outer, real(*left), real(*right), analytic=True)
    check_rule(np.outer, complex_(*left), complex_(*right))


def test_outer_of_floats() -> None:
    """Python floats are operands too."""
    check_rule(np.outer, 2.0, real(3))


@pytest.mark.parametrize(
    ("left", "right"), [((3,), (3,)), ((2, 3), (3, 2)), ((2, 3), (6,)), ((), ())]
)
def test_vdot(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """The left operand is conjugated, both are flattened."""
    check_rule(np.vdot, real(*left), real(*right))
    check_rule(np.vdot, complex_(*left), complex_(*right))
    check_rule(np.vdot, real(*left), complex_(*right))
