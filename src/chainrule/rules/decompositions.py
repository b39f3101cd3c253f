"""Decompositions of matrices: cholesky, eigh, eigvalsh, eig, svd, qr.

In: a matrix or a stack of them. Out: values with pullbacks. `cholesky` and `eigh` read
one triangle of the matrix only, so the other has no derivative. Phases and signs of
eigenvectors are taken to be those that the primal chose.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import adjoint, conj


def triangle_bar(s: Any, lower: bool) -> Any:
    """Return the cotangent of the triangle that a Hermitian matrix was read from."""
    if lower:
        return np.tril(s) + np.tril(s, -1)
    return np.triu(s) + np.triu(s, 1)


def hermitian_of(triangle: Any, lower: bool) -> Any:
    """Return the Hermitian matrix that is read from one triangle."""
    half = np.tril(triangle, -1) if lower else np.triu(triangle, 1)
    return half + adjoint(half) + np.real(triangle) * np.eye(triangle.shape[-1])


def hermitian_part(x: Any) -> Any:
    """Return the mean of a matrix and its adjoint."""
    return 0.5 * (x + adjoint(x))


def half_lower(x: Any) -> Any:
    """Return the lower triangle with half of the diagonal."""
    return np.tril(x) - 0.5 * x * np.eye(x.shape[-1])


def solve_right(x: Any, a: Any) -> Any:
    """Return `x @ inv(a)`."""
    return adjoint(np.linalg.solve(adjoint(a), adjoint(x)))


@rules.reverse(np.linalg.cholesky)
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """Two solves with the factor."""
    if upper:
        out = np.linalg.cholesky(a, upper=True)
    else:
        out = np.linalg.cholesky(a)

    def pullback(out_bar: Any) -> Any:
        factor_adj = out if upper else adjoint(out)
        p = half_lower(factor_adj @ (adjoint(out_bar) if upper else out_bar))
        s = np.linalg.solve(factor_adj, solve_right(p, adjoint(factor_adj)))
        return triangle_bar(hermitian_part(s), not upper)

    return out, pullback


@rules.forward(np.linalg.cholesky)
def cholesky_dot(a_dot: Any, out: Any, *, upper: bool = False) -> Any:
    """The factor times the lower half of the whitened tangent."""
    factor = adjoint(out) if upper else out
    s = hermitian_of(a_dot, not upper)
    whitened = solve_right(np.linalg.solve(factor, s), adjoint(factor))
    factor_dot = factor @ half_lower(whitened)
    return adjoint(factor_dot) if upper else factor_dot


@rules.static
def reads_lower(UPLO: Any) -> Any:  # noqa: N803
    """Say which triangle `eigh` reads."""
    return UPLO.upper() == "L"


@rules.reverse(np.linalg.eigh, wrt="a")
def eigh(a: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    """Eigenvalues alone need no gaps between them; eigenvectors do."""
    out = np.linalg.eigh(a) if reads_lower(UPLO) else np.linalg.eigh(a, UPLO)

    def pullback(out_bar: Any) -> Any:
        w, v = out
        w_bar, v_bar = out_bar
        if rules.is_zero(v_bar):
            s = (v * in_columns(w_bar)) @ adjoint(v)
        else:
            core = inverse_gaps(w) * (adjoint(v) @ v_bar)
            if not rules.is_zero(w_bar):
                core = core + spread(w_bar)
            s = v @ hermitian_part(core) @ adjoint(v)
        return triangle_bar(s, reads_lower(UPLO))

    return out, pullback


@rules.forward(np.linalg.eigh)
def eigh_dot(a_dot: Any, out: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    """Rotate the tangent to the eigenvectors; its diagonal moves the eigenvalues."""
    w, v = out
    rotated = adjoint(v) @ hermitian_of(a_dot, reads_lower(UPLO)) @ v
    return real_diagonal(rotated), v @ (inverse_gaps(w) * rotated)


def spread(w: Any) -> Any:
    """Return diagonal matrices."""
    if w.ndim == 1:
        return np.diag(w)
    return w[..., None] * np.eye(w.shape[-1])


def real_diagonal(x: Any) -> Any:
    """Return the real diagonal of each matrix."""
    return np.real(np.diagonal(x, axis1=-2, axis2=-1))


def inverse_gaps(w: Any) -> Any:
    """Return `1 / (w[j] - w[i])`, zero on the diagonal."""
    eye = np.eye(w.shape[-1])
    return 1 / (in_columns(w) - in_rows(w) + eye) - eye


def in_columns(w: Any) -> Any:
    """Return vectors so that they scale the columns of matrices."""
    return w if w.ndim == 1 else w[..., None, :]


def in_rows(w: Any) -> Any:
    """Return vectors so that they scale the rows of matrices."""
    return w[:, None] if w.ndim == 1 else w[..., None]


@rules.reverse(np.linalg.eigvalsh, wrt="a")
def eigvalsh(a: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    """The eigenvectors are needed for the derivative only."""
    lower = reads_lower(UPLO)
    out = np.linalg.eigvalsh(a) if lower else np.linalg.eigvalsh(a, UPLO)

    def pullback(out_bar: Any) -> Any:
        v = np.linalg.eigh(a)[1] if lower else np.linalg.eigh(a, UPLO)[1]
        s = (v * in_columns(out_bar)) @ adjoint(v)
        return triangle_bar(s, lower)

    return out, pullback


@rules.forward(np.linalg.eigvalsh)
def eigvalsh_dot(a: Any, a_dot: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    """The diagonal of the tangent, rotated to the eigenvectors."""
    v = np.linalg.eigh(a, UPLO)[1]
    return real_diagonal(adjoint(v) @ hermitian_of(a_dot, reads_lower(UPLO)) @ v)


def complex_only(a: Any) -> None:
    """Refuse real matrices: their eigenvalues may turn out real or complex."""
    if not np.iscomplexobj(a):
        rules.refuse(
            "eigenvalues of a real matrix are real or complex, depending on its values:"
            " use np.linalg.eigh, or convert the matrix with a.astype(complex)"
        )


@rules.reverse(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """The values with the eigenvectors that the derivative needs."""
    complex_only(a)
    # not eigvals, which may find the same values in another order
    out, v = np.linalg.eig(a)

    def pullback(out_bar: Any) -> Any:
        return adjoint(solve_right(v * in_columns(conj(out_bar)), v))

    return out, pullback


@rules.forward(np.linalg.eigvals)
def eigvals_dot(a: Any, a_dot: Any) -> Any:
    """The diagonal of the tangent in the basis of eigenvectors."""
    v = np.linalg.eig(a)[1]
    return np.diagonal(np.linalg.solve(v, a_dot @ v), axis1=-2, axis2=-1)


@rules.reverse(np.linalg.eig)
def eig(a: Any) -> Any:
    """Eigenvectors keep length 1; what depends on their phase has no derivative."""
    complex_only(a)
    out = np.linalg.eig(a)

    def pullback(out_bar: Any) -> Any:
        w, v = out
        w_bar, v_bar = out_bar
        v_adj = adjoint(v)
        turned = v_adj @ v_bar
        turned = turned - (v_adj @ v) * in_columns(real_diagonal(turned))
        core = conj(inverse_gaps(w)) * turned + spread(w_bar)
        return np.linalg.solve(v_adj, core @ v_adj)

    return out, pullback


@rules.forward(np.linalg.eig)
def eig_dot(a_dot: Any, out: Any) -> Any:
    """Turn the tangent to the basis of eigenvectors, and keep their length."""
    w, v = out
    turned = np.linalg.solve(v, a_dot @ v)
    v_dot = v @ (inverse_gaps(w) * turned)
    growth = np.real(np.sum(conj(v) * v_dot, axis=-2))
    return np.diagonal(turned, axis1=-2, axis2=-1), v_dot - v * in_columns(growth)


@rules.reverse(np.linalg.qr, wrt="a")
def qr(a: Any, mode: Any = "reduced") -> Any:
    """The derivative of a tall matrix of full rank; a wide one is its left square."""
    if mode == "r":
        return qr_factor(a)
    if mode != "reduced":
        rules.refuse(f"np.linalg.qr with mode={mode!r}")
    out = np.linalg.qr(a)

    def pullback(out_bar: Any) -> Any:
        q, r = out
        return qr_bar(a, q, r, out_bar[0], out_bar[1])

    return out, pullback


def qr_factor(a: Any) -> Any:
    """Return the triangular factor alone and its pullback."""
    out = np.linalg.qr(a, "r")

    def pullback(out_bar: Any) -> Any:
        q, r = np.linalg.qr(a)
        return qr_bar(a, q, r, 0.0 * q, out_bar)

    return out, pullback


def qr_bar(a: Any, q: Any, r: Any, q_bar: Any, r_bar: Any) -> Any:
    """Return the cotangent of the matrix from those of its factors."""
    k = q.shape[-1]
    if r.shape[-1] > k:
        rest, rest_bar = a[..., k:], r_bar[..., k:]
        q_bar = q_bar + rest @ adjoint(rest_bar)
        left_bar = tall_bar(q, r[..., :k], q_bar, r_bar[..., :k])
        return np.concatenate([left_bar, q @ rest_bar], axis=-1)
    return tall_bar(q, r, q_bar, r_bar)


def tall_bar(q: Any, r: Any, q_bar: Any, r_bar: Any) -> Any:
    """Return the cotangent of a matrix with at least as many rows as columns."""
    m = r @ adjoint(r_bar) - adjoint(q_bar) @ q
    lower = np.tril(m, -1)
    core = lower + adjoint(lower) + np.real(m) * np.eye(m.shape[-1])
    return solve_right(q_bar + q @ core, adjoint(r))


@rules.forward(np.linalg.qr)
def qr_dot(a: Any, a_dot: Any, mode: Any = "reduced") -> Any:
    """The tangent of the rotation is skew; what is left is triangular."""
    q, r = np.linalg.qr(a)
    k = q.shape[-1]
    inner = solve_right(a_dot[..., :k], r[..., :k])
    turned = adjoint(q) @ inner
    lower = np.tril(turned, -1)
    skew = lower - adjoint(lower)
    if np.iscomplexobj(turned):
        skew = skew + 1j * np.imag(turned) * np.eye(k)
    q_dot = q @ skew + inner - q @ turned
    r_dot = adjoint(q) @ a_dot - skew @ r
    return r_dot if mode == "r" else (q_dot, r_dot)
