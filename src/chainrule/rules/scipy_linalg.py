"""Functions of `scipy.linalg`: systems, factorisations, the matrix exponential.

In: matrices and right-hand sides. Out: values with pullbacks, as for `np.linalg`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from chainrule.rules import registry as rules
from chainrule.rules import solving
from chainrule.rules.common import adjoint, conj
from chainrule.rules.decompositions import (
    half_lower,
    hermitian_of,
    hermitian_part,
    solve_right,
    triangle_bar,
)


@rules.reverse(linalg.inv)
def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The cotangent is `-inv(a).T @ out_bar @ inv(a).T`."""
    out = linalg.inv(a, check_finite=check_finite)

    def pullback(out_bar: Any) -> Any:
        return -adjoint(out) @ out_bar @ adjoint(out)

    return out, pullback


rules.forward(linalg.inv)(solving.inv_dot)


@rules.reverse(linalg.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The cotangent is `out_bar * det(a) * inv(a).T`."""
    out = linalg.det(a, check_finite=check_finite)

    def pullback(out_bar: Any) -> Any:
        if a.ndim == 2:
            return out_bar * conj(out) * adjoint(np.linalg.inv(a))
        return (out_bar * conj(out))[..., None, None] * adjoint(np.linalg.inv(a))

    return out, pullback


rules.forward(linalg.det)(solving.det_dot)


def outer_bar(b_bar: Any, out: Any) -> Any:
    """Return the cotangent of the matrix of a system from those of its sides."""
    if out.ndim == 1:
        return -b_bar[:, None] * conj(out)
    return -b_bar @ adjoint(out)


def plain(assume_a: Any) -> None:
    """Refuse structures of which only a part of the matrix is read."""
    if assume_a not in (None, "gen", "general"):
        rules.refuse(f"scipy.linalg.solve with assume_a={assume_a!r}")


@rules.reverse(linalg.solve)
def solve(a: Any, b: Any, check_finite: bool = True, assume_a: Any = None) -> Any:
    """Solve with the adjoint of `a`; the rest is an outer product."""
    plain(assume_a)
    out = linalg.solve(a, b, check_finite=check_finite)

    def pullback(out_bar: Any) -> Any:
        b_bar = linalg.solve(adjoint(a), out_bar, check_finite=check_finite)
        return outer_bar(b_bar, out), b_bar

    return out, pullback


@rules.forward(linalg.solve)
def solve_dot(
    a: Any,
    out: Any,
    a_dot: Any,
    b_dot: Any,
    check_finite: bool = True,
    assume_a: Any = None,
) -> Any:
    """Solve for what the tangents leave over."""
    plain(assume_a)
    return linalg.solve(a, b_dot - a_dot @ out, check_finite=check_finite)


@rules.static
def operation(trans: Any) -> Any:
    """Return which matrix a triangular system has: "N", "T" or "C"."""
    return {0: "N", 1: "T", 2: "C"}.get(trans, trans)


def triangle(x: Any, lower: bool, unit_diagonal: bool) -> Any:
    """Return the part of a matrix that a triangular solve reads."""
    if lower:
        return np.tril(x, -1) if unit_diagonal else np.tril(x)
    return np.triu(x, 1) if unit_diagonal else np.triu(x)


def solve_adjoint(a: Any, g: Any, trans: str, lower: bool, unit_diagonal: bool) -> Any:
    """Solve the triangular system with the adjoint of its matrix."""
    if trans == "N":
        return linalg.solve_triangular(a, g, "C", lower, unit_diagonal)
    if trans == "C":
        return linalg.solve_triangular(a, g, "N", lower, unit_diagonal)
    return linalg.solve_triangular(conj(a), g, "N", lower, unit_diagonal)


@rules.reverse(linalg.solve_triangular)
def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """One more triangular solve; the other triangle has no derivative."""
    out = linalg.solve_triangular(a, b, trans, lower, unit_diagonal)

    def pullback(out_bar: Any) -> Any:
        kind = operation(trans)
        b_bar = solve_adjoint(a, out_bar, kind, lower, unit_diagonal)
        if kind == "N":
            a_bar = outer_bar(b_bar, out)
        elif kind == "C":
            a_bar = outer_bar(out, b_bar)
        else:
            a_bar = outer_bar(conj(out), conj(b_bar))
        return triangle(a_bar, lower, unit_diagonal), b_bar

    return out, pullback


@rules.forward(linalg.solve_triangular)
def solve_triangular_dot(
    a: Any,
    out: Any,
    a_dot: Any,
    b_dot: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
) -> Any:
    """Solve for what the tangents leave over."""
    kind = operation(trans)
    moved = triangle(a_dot, lower, unit_diagonal)
    if kind == "C":
        moved = adjoint(moved)
    elif kind == "T":
        moved = moved.T
    rest = b_dot - moved @ out
    return linalg.solve_triangular(a, rest, trans, lower, unit_diagonal)


def factor_bar(out_bar: Any, factor: Any, lower: bool) -> Any:
    """Return the cotangent of a matrix from that of its Cholesky factor."""
    factor_adj = adjoint(factor) if lower else factor
    p = half_lower(factor_adj @ (out_bar if lower else adjoint(out_bar)))
    s = np.linalg.solve(factor_adj, solve_right(p, adjoint(factor_adj)))
    return triangle_bar(hermitian_part(s), lower)


@rules.reverse(linalg.cholesky)
def cholesky(a: Any, lower: bool = False, check_finite: bool = True) -> Any:
    """Two solves with the factor."""
    out = linalg.cholesky(a, lower, check_finite=check_finite)

    def pullback(out_bar: Any) -> Any:
        return factor_bar(out_bar, out, lower)

    return out, pullback


@rules.forward(linalg.cholesky)
def cholesky_dot(
    a_dot: Any, out: Any, lower: bool = False, check_finite: bool = True
) -> Any:
    """The factor times the lower half of the whitened tangent."""
    factor = out if lower else adjoint(out)
    s = hermitian_of(a_dot, lower)
    whitened = solve_right(np.linalg.solve(factor, s), adjoint(factor))
    factor_dot = factor @ half_lower(whitened)
    return factor_dot if lower else adjoint(factor_dot)


# Before SciPy 1.18 the other triangle kept what it held; now it holds zeros.
KEEPS_THE_REST = bool(linalg.cho_factor(np.array([[2.0, 0.5], [0.5, 2.0]]))[0][1, 0])


@rules.composite(linalg.cho_factor)
def cho_factor(a: Any, lower: bool = False, check_finite: bool = True) -> Any:
    """The factor, with what is not read of the matrix in the other triangle."""
    factor = linalg.cholesky(a, lower, check_finite=check_finite)
    if not KEEPS_THE_REST:
        return factor, lower
    other = np.triu(a, 1) if lower else np.tril(a, -1)
    return factor + other, lower


@rules.composite(linalg.cho_solve)
def cho_solve(c_and_lower: Any, b: Any, check_finite: bool = True) -> Any:
    """Two triangular systems."""
    c, lower = c_and_lower
    if lower:
        half = linalg.solve_triangular(c, b, "N", True)
        return linalg.solve_triangular(c, half, "C", True)
    half = linalg.solve_triangular(c, b, "C", False)
    return linalg.solve_triangular(c, half, "N", False)


@rules.reverse(linalg.expm)
def expm(A: Any) -> Any:  # noqa: N803
    """The adjoint is the derivative at the adjoint matrix, along the cotangent."""
    out = linalg.expm(A)

    def pullback(out_bar: Any) -> Any:
        return expm_along(adjoint(A), out_bar)

    return out, pullback


@rules.forward(linalg.expm)
def expm_dot(A: Any, A_dot: Any) -> Any:  # noqa: N803
    """The derivative along the tangent."""
    return expm_along(A, A_dot)


def expm_along(a: Any, direction: Any) -> Any:
    """Return the upper right block of the exponential of `[[a, direction], [0, a]]`."""
    m = a.shape[-1]
    upper = np.concatenate([a, direction], axis=-1)
    lower = np.concatenate([np.zeros(a.shape), a], axis=-1)
    return linalg.expm(np.concatenate([upper, lower], axis=-2))[..., :m, m:]


@rules.composite(linalg.norm)
def norm(
    a: Any,
    ord: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    check_finite: bool = True,
) -> Any:
    """As `np.linalg.norm`."""
    return np.linalg.norm(a, ord, axis, keepdims)
