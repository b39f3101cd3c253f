"""Vector and Kronecker products against differences."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

CROSS = [
    ((3,), (3,), {}),
    ((4, 3), (4, 3), {}),
    ((4, 3), (3,), {}),
    ((3,), (4, 3), {}),
    ((4, 1, 3), (5, 3), {}),
    ((3, 4), (3, 4), {"axis": 0}),
    ((3, 4), (3, 4), {"axisa": 0, "axisb": 0}),
    ((3, 4), (4, 3), {"axisa": 0, "axisc": 0}),
    ((3,), (4, 3), {"axisc": 0}),
    ((3, 4), (5, 4, 3), {"axisa": 0}),
]


@pytest.mark.parametrize(("left", "right", "kwargs"), CROSS)
def test_cross(left: tuple, right: tuple, kwargs: dict) -> None:
    """Vector products along any axes, with broadcasting."""
    check_rule(np.cross, real(*left), real(*right, seed=1), analytic=True, **kwargs)
    check_rule(np.cross, complex_(*left), complex_(*right, seed=1), **kwargs)


def test_cross_of_plane_vectors() -> None:
    """Vectors of two elements have a number as their product, until NumPy 2.5."""
    if np.lib.NumpyVersion(np.__version__) >= "2.5.0":
        with pytest.raises(ValueError, match="3-dimensional"):
            np.cross(real(2), real(2, seed=1))
        return
    check_rule(np.cross, real(2), real(2, seed=1))
    check_rule(np.cross, real(4, 2), real(2, seed=1))


KRON = [
    ((2,), (3,)),
    ((2, 3), (4, 2)),
    ((2,), (3, 4)),
    ((2, 3), (4,)),
    ((2, 1, 2), (3, 2)),
    ((), (3,)),
    ((2, 0), (3, 1)),
]


@pytest.mark.parametrize(("left", "right"), KRON)
def test_kron(left: tuple, right: tuple) -> None:
    """Kronecker products of any ranks."""
    check_rule(np.kron, real(*left), real(*right), analytic=True)
    check_rule(np.kron, complex_(*left), complex_(*right))


CHAINS = [
    [(2, 3), (3, 4)],
    [(2, 3), (3, 4), (4, 2)],
    [(2, 3), (3, 4), (4, 5), (5, 2)],
    [(3,), (3, 4), (4, 2)],
    [(2, 3), (3, 4), (4,)],
    [(3,), (3, 4), (4,)],
    [(3,), (3, 4)],
    [(3,), (3,)],
]


@pytest.mark.parametrize("shapes", CHAINS)
def test_multi_dot(shapes: list) -> None:
    """Chains of matrices, with a vector at either end."""
    check_rule(np.linalg.multi_dot, [real(*s) for s in shapes])
    check_rule(np.linalg.multi_dot, [complex_(*s) for s in shapes])


NEWER = [
    (np, "vecdot", (4, 3), (3,), {}),
    (np, "vecdot", (3, 4), (3, 4), {"axis": 0}),
    (np, "matvec", (4, 2, 3), (3,), {}),
    (np, "matvec", (2, 3), (4, 3), {}),
    (np, "vecmat", (2,), (4, 2, 3), {}),
    (np, "vecmat", (4, 2), (2, 3), {}),
    (np.linalg, "matmul", (4, 2, 3), (3, 2), {}),
    (np.linalg, "outer", (2,), (3,), {}),
    (np.linalg, "tensordot", (2, 3), (3, 2), {"axes": 1}),
    (np.linalg, "vecdot", (4, 3), (3,), {}),
    (np.linalg, "cross", (4, 3), (4, 3), {}),
    (np.linalg, "cross", (3, 4), (3, 4), {"axis": 0}),
]


@pytest.mark.parametrize(("namespace", "name", "left", "right", "kwargs"), NEWER)
def test_products_of_numpy_2(
    namespace: object, name: str, left: tuple, right: tuple, kwargs: dict
) -> None:
    """The array API's names for products, where this NumPy has them."""
    fn = getattr(namespace, name, np.matmul)
    if fn is np.matmul:
        left, right, kwargs = (2, 3), (3, 2), {}
    check_rule(fn, real(*left), real(*right, seed=1), **kwargs)
    check_rule(fn, complex_(*left), complex_(*right, seed=1), **kwargs)


def test_axis_of_operands_of_different_rank_is_refused() -> None:
    """Where the axis would be counted differently, the rule says no."""
    if hasattr(np, "vecdot"):
        with pytest.raises(rules.Refused, match="counted differently"):
            check_rule(np.vecdot, real(3, 4), real(3), axis=0)
