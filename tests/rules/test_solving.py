"""Linear systems, determinants and inverses against differences."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad, rules
from chainrule.rules.solving import NUMPY_2
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real


def regular(*shape: int) -> np.ndarray:
    """Return well-conditioned matrices."""
    return real(*shape) + 3 * np.eye(shape[-1])


def complex_regular(*shape: int) -> np.ndarray:
    """Return well-conditioned complex matrices."""
    return complex_(*shape) + 3 * np.eye(shape[-1])


@pytest.mark.parametrize("fn", [np.linalg.inv, np.linalg.det])
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 3, 3), (0, 0), (2, 1, 2, 2)])
def test_inv_and_det(fn: object, shape: tuple) -> None:
    """Matrices and stacks of them, real and complex."""
    check_rule(fn, regular(*shape), analytic=True)
    check_rule(fn, complex_regular(*shape))


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3)])
def test_slogdet(shape: tuple) -> None:
    """A real sign does not move, a complex one turns."""
    check_rule(np.linalg.slogdet, regular(*shape))
    check_rule(np.linalg.slogdet, -regular(*shape))
    check_rule(np.linalg.slogdet, complex_regular(*shape))


SYSTEMS = [
    ((3, 3), (3,)),
    ((3, 3), (3, 2)),
    ((2, 3, 3), (2, 3, 4)),
    ((3, 3), (2, 3, 4)),
    ((1, 1), (1,)),
    ((0, 0), (0,)),
]
# NumPy 1 takes these right-hand sides for stacks of vectors
SYSTEMS += [((2, 3, 3), (3, 4)), ((4, 1, 3, 3), (2, 3, 4))] if NUMPY_2 else []


@pytest.mark.parametrize(("left", "right"), SYSTEMS)
def test_solve(left: tuple, right: tuple) -> None:
    """Vectors and matrices on the right, with stacks on either side."""
    check_rule(np.linalg.solve, regular(*left), real(*right), analytic=True)
    check_rule(np.linalg.solve, complex_regular(*left), complex_(*right))
    check_rule(np.linalg.solve, regular(*left), complex_(*right))


def test_solve_stack_with_vectors() -> None:
    """What counts as a vector differs between NumPy 1 and 2."""
    right = real(3) if NUMPY_2 else real(2, 3)
    check_rule(np.linalg.solve, regular(2, 3, 3), right)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3), (2, 4, 3)])
def test_pinv(shape: tuple) -> None:
    """Tall, wide and stacked matrices of full rank."""
    check_rule(np.linalg.pinv, real(*shape), analytic=False)
    check_rule(np.linalg.pinv, complex_(*shape), rcond=1e-10)


LEAST_SQUARES = [((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((3, 3), (3, 2))]


@pytest.mark.parametrize(("left", "right"), LEAST_SQUARES)
def test_lstsq_solution(left: tuple, right: tuple) -> None:
    """The solution, over- and under-determined, by products of both rules."""
    for a, b in ((real(*left), real(*right)), (complex_(*left), complex_(*right))):
        template = rules.RULES.reverse[np.linalg.lstsq].template
        out, pullback = template(a, b, None)
        x_bar = real(*out[0].shape, seed=3)
        residual_bar = real(*out[1].shape, seed=4)
        a_bar, b_bar = pullback((x_bar, residual_bar, 0, 0 * out[3]))
        a_dot, b_dot = real(*left, seed=5), real(*right, seed=6)

        def loss(h: float) -> float:
            x, residuals, *_ = np.linalg.lstsq(a + h * a_dot, b + h * b_dot, None)
            return np.sum(np.real(x) * x_bar) + np.sum(residuals * residual_bar)

        moved = np.vdot(a_bar, a_dot).real + np.vdot(b_bar, b_dot).real
        h = 1e-5
        np.testing.assert_allclose(moved, (loss(h) - loss(-h)) / (2 * h), rtol=1e-6)
        tangent = rules.RULES.forward[np.linalg.lstsq].template
        x_dot, residuals_dot, *_ = tangent(a, b, out, a_dot, b_dot, None)
        along = np.sum(np.real(x_dot) * x_bar) + np.sum(residuals_dot * residual_bar)
        np.testing.assert_allclose(moved, along, rtol=1e-9)


def test_a_pullback_may_refuse() -> None:
    """What a pullback refuses is said with the user's line, as all refusals are."""

    def norms(a, b):
        x, _, _, s = np.linalg.lstsq(a, b, rcond=None)
        return np.sum(x) + np.sum(s)

    with pytest.raises(NotDifferentiable, match="CR302 the singular values") as caught:
        grad(norms)(regular(3, 3), real(3))
    assert caught.value.filename == __file__


def test_the_singular_values_of_lstsq_are_refused() -> None:
    """What has no rule is refused by name."""
    a, b = real(3, 2), real(3)
    out, pullback = rules.RULES.reverse[np.linalg.lstsq].template(a, b, None)
    with pytest.raises(rules.Refused, match="singular values"):
        pullback((out[0], out[1], 0, np.ones(2)))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, -1, -3])
def test_matrix_power(n: int) -> None:
    """Positive and negative powers, of matrices and of stacks."""
    check_rule(np.linalg.matrix_power, regular(3, 3), n)
    check_rule(np.linalg.matrix_power, complex_regular(2, 2, 2) / 3, n)


def test_tensor_equations() -> None:
    """The equivalents of tensorsolve and tensorinv give the same values."""
    check_rule(np.linalg.tensorsolve, real(2, 3, 6), real(2, 3))
    check_rule(np.linalg.tensorsolve, real(4, 2, 2), real(4))
    check_rule(np.linalg.tensorinv, real(4, 6, 8, 3))
    check_rule(np.linalg.tensorinv, real(6, 2, 3), ind=1)
