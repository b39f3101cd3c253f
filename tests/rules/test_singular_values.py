"""The singular value decomposition against differences."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

SHAPES = [(3, 3), (4, 3), (3, 4), (2, 4, 3), (2, 3, 4), (1, 1), (3, 1), (1, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_svd(shape: tuple) -> None:
    """Values and real vectors of tall, wide and stacked matrices."""
    check_rule(np.linalg.svd, real(*shape), full_matrices=False)


@pytest.mark.parametrize("shape", [*SHAPES, (0, 2)])
def test_values_alone(shape: tuple) -> None:
    """Singular values of real and complex matrices."""
    check_rule(np.linalg.svd, real(*shape), compute_uv=False)
    check_rule(np.linalg.svd, complex_(*shape), compute_uv=False)
    if hasattr(np.linalg, "svdvals"):
        check_rule(np.linalg.svdvals, complex_(*shape))


def test_square_matrices() -> None:
    """Full matrices are the reduced ones of a square matrix."""
    check_rule(np.linalg.svd, real(3, 3))
    check_rule(np.linalg.svd, real(2, 3, 3))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
def test_complex_vectors(shape: tuple) -> None:
    """A product of vectors that does not see their phase has a derivative."""
    a, direction = complex_(*shape), complex_(*shape, seed=2)
    weights = complex_(*shape, seed=3)

    def loss(a: np.ndarray) -> float:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        pair = np.outer(u[:, 0], vh[0])
        return float(np.real(np.vdot(weights, pair)) + s[1])

    (u, s, vh), pullback = rules.RULES.reverse[np.linalg.svd].template(a, False)
    u_bar, s_bar, vh_bar = (
        np.zeros(u.shape, complex),
        np.zeros(3),
        np.zeros(vh.shape, complex),
    )
    u_bar[:, 0] = weights @ np.conj(vh[0])
    vh_bar[0] = np.conj(u[:, 0]) @ weights
    s_bar[1] = 1.0
    moved = np.real(np.vdot(pullback((u_bar, s_bar, vh_bar)), direction))
    h = 1e-6
    differences = (loss(a + h * direction) - loss(a - h * direction)) / (2 * h)
    np.testing.assert_allclose(moved, differences, rtol=1e-6)
    tangent = rules.RULES.forward[np.linalg.svd].template
    u_dot, s_dot, vh_dot = tangent(a, direction, False)
    pair_dot = np.outer(u_dot[:, 0], vh[0]) + np.outer(u[:, 0], vh_dot[0])
    along = np.real(np.vdot(weights, pair_dot)) + s_dot[1]
    np.testing.assert_allclose(along, differences, rtol=1e-6)


def test_full_matrices_of_a_tall_matrix() -> None:
    """Unused vectors beyond the values do no harm, used ones are an error."""
    a = real(4, 2)
    (u, s, vh), pullback = rules.RULES.reverse[np.linalg.svd].template(a)
    reduced = rules.RULES.reverse[np.linalg.svd].template(a, False)[1]
    u_bar, vh_bar = np.zeros((4, 4)), real(2, 2)
    u_bar[:, :2] = real(4, 2, seed=5)
    np.testing.assert_allclose(
        pullback((u_bar, s, vh_bar)), reduced((u_bar[:, :2], s, vh_bar))
    )
    u_bar[0, 3] = 1.0
    with pytest.raises(ValueError, match="not unique"):
        pullback((u_bar, s, vh_bar))


def test_tangents_of_vectors_that_are_not_unique() -> None:
    """They are NaN, so that nothing wrong can be made of them."""
    tangent = rules.RULES.forward[np.linalg.svd].template
    u_dot, _, vh_dot = tangent(real(4, 2), real(4, 2, seed=2))
    assert np.isnan(u_dot[:, 2:]).all() and np.isfinite(u_dot[:, :2]).all()
    assert vh_dot.shape == (2, 2) and np.isfinite(vh_dot).all()


@pytest.mark.parametrize("p", [None, 2, -2, 1, np.inf, "fro"])
def test_cond(p: object) -> None:
    """The equivalent of the condition number has its value."""
    check_rule(np.linalg.cond, real(3, 3), p)
