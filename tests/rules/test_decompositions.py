"""Decompositions of matrices against differences."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real


def positive(*shape: int) -> np.ndarray:
    """Return symmetric matrices with separate positive eigenvalues."""
    x = real(*shape)
    return 0.3 * (x + np.swapaxes(x, -1, -2)) + np.diag(2.0 + 2 * np.arange(shape[-1]))


def hermitian(*shape: int) -> np.ndarray:
    """Return Hermitian matrices with separate positive eigenvalues."""
    x = 1j * real(*shape, seed=9)
    return positive(*shape) + 0.2 * (x + np.conj(np.swapaxes(x, -1, -2)))


SHAPES = [(3, 3), (1, 1), (2, 3, 3), (0, 0)]


@pytest.mark.parametrize("shape", SHAPES)
def test_cholesky(shape: tuple) -> None:
    """The lower triangle is read; its factor has a derivative."""
    check_rule(np.linalg.cholesky, positive(*shape))
    check_rule(np.linalg.cholesky, hermitian(*shape))


def test_upper_cholesky() -> None:
    """The upper triangle may be asked for, in NumPy 2."""
    if NUMPY_2:
        check_rule(np.linalg.cholesky, positive(3, 3), upper=True)
        check_rule(np.linalg.cholesky, hermitian(2, 3, 3), upper=True)
    else:
        check_rule(np.linalg.cholesky, positive(3, 3))


NUMPY_2 = int(np.__version__.split(".")[0]) >= 2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("UPLO", ["L", "U", "l"])
def test_eigvalsh(shape: tuple, UPLO: str) -> None:
    """Eigenvalues of the triangle that is read."""
    check_rule(np.linalg.eigvalsh, positive(*shape), UPLO=UPLO)
    check_rule(np.linalg.eigvalsh, hermitian(*shape), UPLO=UPLO)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("UPLO", ["L", "U"])
def test_eigh(shape: tuple, UPLO: str) -> None:
    """Eigenvalues and real eigenvectors."""
    check_rule(np.linalg.eigh, positive(*shape), UPLO=UPLO)


def test_eigenvalues_that_tie() -> None:
    """Eigenvalues alone have a derivative where they tie, by their sum at least."""
    out, pullback = rules.RULES.reverse[np.linalg.eigh].template(np.eye(3))
    a_bar = pullback((np.ones(3), np.zeros((3, 3))))
    np.testing.assert_allclose(a_bar, np.eye(3), atol=1e-15)


def invariant(fn: object, project: object, a: np.ndarray, a_bar_of: object) -> None:
    """Compare a pullback with differences of a loss that no phase changes."""
    rng = np.random.default_rng(3)
    direction = rng.standard_normal(a.shape) + 1j * rng.standard_normal(a.shape)
    h = 1e-6
    loss_bar = a_bar_of(a)
    moved = np.real(np.vdot(loss_bar, direction))
    ahead, behind = project(fn(a + h * direction)), project(fn(a - h * direction))
    np.testing.assert_allclose(moved, (ahead - behind) / (2 * h), rtol=1e-6)


WEIGHTS = real(3, 3, seed=12)


def weighted_projector(out: tuple) -> float:
    """Return a function of the first eigenvector that does not see its phase."""
    v = out[1][:, 0]
    return float(np.real(np.conj(v) @ WEIGHTS @ v)) + float(np.real(out[0][1]))


def projector_bars(out: tuple) -> tuple:
    """Return the cotangents of that function."""
    w, v = out
    v_bar, w_bar = np.zeros(v.shape, complex), np.zeros(w.shape, w.dtype)
    v_bar[:, 0] = (WEIGHTS + WEIGHTS.T) @ v[:, 0]
    w_bar[1] = 1.0
    return w_bar, v_bar


def test_complex_eigh() -> None:
    """What does not depend on the phase of eigenvectors has a derivative."""

    def a_bar(a: np.ndarray) -> np.ndarray:
        out, pullback = rules.RULES.reverse[np.linalg.eigh].template(a)
        return pullback(projector_bars(out))

    invariant(np.linalg.eigh, weighted_projector, hermitian(3, 3), a_bar)


def test_complex_eig() -> None:
    """Eigenvectors of a complex matrix have length 1 and any phase."""

    def a_bar(a: np.ndarray) -> np.ndarray:
        out, pullback = rules.RULES.reverse[np.linalg.eig].template(a)
        return pullback(projector_bars(out))

    a = complex_(3, 3) + np.diag([1.0, 4.0, 8.0])
    invariant(np.linalg.eig, weighted_projector, a, a_bar)


def test_tangent_of_complex_eig() -> None:
    """Values and projectors move as they do in the primal."""
    a, a_dot = complex_(3, 3) + np.diag([1.0, 4.0, 8.0]), complex_(3, 3, seed=2)
    out = np.linalg.eig(a)
    w_dot, v_dot = rules.RULES.forward[np.linalg.eig].template(a_dot, out)
    v, h = out[1][:, 0], 1e-6
    moved = 2 * np.real(np.conj(v) @ (WEIGHTS + WEIGHTS.T) / 2 @ v_dot[:, 0])
    moved += np.real(w_dot[1])
    ahead = weighted_projector(np.linalg.eig(a + h * a_dot))
    behind = weighted_projector(np.linalg.eig(a - h * a_dot))
    np.testing.assert_allclose(moved, (ahead - behind) / (2 * h), rtol=1e-6)


def test_eigvals() -> None:
    """Complex matrices, and stacks of them."""
    shift = np.diag([1.0, 4.0, 8.0])
    check_rule(np.linalg.eigvals, complex_(3, 3) + shift)
    check_rule(np.linalg.eigvals, complex_(2, 3, 3) + shift)


@pytest.mark.parametrize("fn", [np.linalg.eig, np.linalg.eigvals])
def test_eigenvalues_of_a_real_matrix_are_refused(fn: object) -> None:
    """Whether they are real is known only when they are computed."""
    with pytest.raises(rules.Refused, match="eigh"):
        check_rule(fn, real(3, 3))


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4), (2, 4, 3), (1, 1), (3, 1)])
def test_qr(shape: tuple) -> None:
    """Tall, square, wide and stacked matrices of full rank."""
    check_rule(np.linalg.qr, real(*shape))
    check_rule(np.linalg.qr, complex_(*shape))
    check_rule(np.linalg.qr, real(*shape), mode="r")


@pytest.mark.parametrize("mode", ["complete", "raw"])
def test_other_modes_of_qr_are_refused(mode: str) -> None:
    """A mode that the rule does not know is refused by name."""
    with pytest.raises(rules.Refused, match=mode):
        check_rule(np.linalg.qr, real(3, 2), mode=mode)
