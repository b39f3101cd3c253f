"""Norms against differences, over orders and axes."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

VECTOR = [None, 1, 2, 3, 2.5, 1.5, np.inf, -np.inf, -1, -2, 0.5]
MATRIX = ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("ord", VECTOR)
def test_vector_norms(ord: object) -> None:
    """Every order, of a vector and along an axis."""
    for x in (real(4), complex_(4)):
        check_rule(np.linalg.norm, x, ord=ord)
        check_rule(np.linalg.norm, x, ord=ord, axis=0, keepdims=True)
    for x in (real(3, 4), complex_(3, 4)):
        check_rule(np.linalg.norm, x, ord=ord, axis=0)
        check_rule(np.linalg.norm, x, ord=ord, axis=-1, keepdims=True)


@pytest.mark.parametrize("ord", MATRIX)
def test_matrix_norms(ord: object) -> None:
    """Every order, of a matrix and over two axes of a stack."""
    for x in (real(3, 4), complex_(4, 3), real(3, 3)):
        check_rule(np.linalg.norm, x, ord=ord)
        check_rule(np.linalg.norm, x, ord=ord, keepdims=True)
    for x in (real(2, 3, 4), complex_(2, 3, 4)):
        check_rule(np.linalg.norm, x, ord=ord, axis=(1, 2))
        check_rule(np.linalg.norm, x, ord=ord, axis=(2, 0), keepdims=True)


@pytest.mark.parametrize("shape", [(1,), (2, 3), (2, 3, 2)])
def test_flat_norm(shape: tuple) -> None:
    """Without order and axis, all elements are one vector."""
    check_rule(np.linalg.norm, real(*shape))
    check_rule(np.linalg.norm, complex_(*shape), keepdims=True)


@pytest.mark.parametrize("kwargs", [{}, {"ord": 1}, {"ord": 3}, {"ord": np.inf}])
def test_the_cotangent_at_zero_is_finite(kwargs: dict) -> None:
    """A norm has a kink at zero; its gradient there is zero."""
    _, pullback = rules.RULES.reverse[np.linalg.norm].template(np.zeros(3), **kwargs)
    with np.errstate(all="raise"):
        assert pullback(1.0).tolist() == [0.0, 0.0, 0.0]


def test_a_zero_element_has_a_finite_slope() -> None:
    """Orders that are not even do not divide by an element."""
    template = rules.RULES.reverse[np.linalg.norm].template
    for ord in (0.5, 1, 1.5, 3):
        _, pullback = template(np.array([0.0, 2.0]), ord)
        with np.errstate(all="raise"):
            zero, slope = pullback(1.0).tolist()
        assert zero == 0.0
        assert slope == pytest.approx(1.0, rel=1e-15, abs=2e-16)  # as `pow` rounds


def test_large_and_small_numbers_do_not_overflow() -> None:
    """The slope is found from quotients, not from powers of the elements."""
    template = rules.RULES.reverse[np.linalg.norm].template
    with np.errstate(over="ignore", under="ignore"):
        _, pullback = template(np.array([3e100, 3e100, 3e100]), 3)
    np.testing.assert_allclose(pullback(1.0), np.full(3, 3 ** (-2 / 3)))


def test_ties_are_shared() -> None:
    """Equal largest elements share the derivative."""
    _, pullback = rules.RULES.reverse[np.linalg.norm].template(np.ones(4), np.inf)
    assert pullback(1.0).tolist() == [0.25] * 4


NEWER = [
    ("vector_norm", (2, 3), {}),
    ("vector_norm", (2, 3), {"axis": 1, "ord": 3}),
    ("vector_norm", (2, 3), {"axis": (0, 1), "keepdims": True}),
    ("matrix_norm", (2, 3, 4), {}),
    ("matrix_norm", (2, 3, 4), {"ord": 2}),
    ("matrix_norm", (2, 3, 4), {"ord": "nuc", "keepdims": True}),
]


@pytest.mark.parametrize(("name", "shape", "kwargs"), NEWER)
def test_norms_of_numpy_2(name: str, shape: tuple, kwargs: dict) -> None:
    """The array API's norms, where NumPy has them."""
    if hasattr(np.linalg, name):
        check_rule(getattr(np.linalg, name), real(*shape), **kwargs)
    else:
        check_rule(np.linalg.norm, real(*shape))


def test_unknown_orders_are_refused() -> None:
    """Orders over several axes that are not the Euclidean one are refused."""
    if hasattr(np.linalg, "vector_norm"):
        with pytest.raises(rules.Refused, match="several axes"):
            check_rule(np.linalg.vector_norm, real(2, 3), ord=3)
    else:
        assert np.linalg.norm in rules.RULES.reverse
