"""The singular value decomposition and what is made of singular values.

In: a matrix or a stack of them. Out: values with pullbacks. Singular values alone need
no gaps between them; singular vectors do. Vectors beyond the singular values are not
unique: a cotangent on them is an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import adjoint, present
from chainrule.rules.decompositions import in_columns, in_rows, spread


@rules.reverse(np.linalg.svd, wrt="a")
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Values alone, or values and vectors."""
    if not compute_uv:
        return singular_values(a)
    if full_matrices:
        out = np.linalg.svd(a)
    else:
        out = np.linalg.svd(a, full_matrices=False)

    def pullback(out_bar: Any) -> Any:
        u, s, vh = out
        u_bar, s_bar, vh_bar = out_bar
        values_alone = rules.is_zero(u_bar) and rules.is_zero(vh_bar)
        if full_matrices:
            k = s.shape[-1]
            if not values_alone:
                check_unused(u_bar[..., k:])
                check_unused(vh_bar[..., k:, :])
                u_bar, vh_bar = u_bar[..., :k], vh_bar[..., :k, :]
            u, vh = u[..., :k], vh[..., :k, :]
        if values_alone:
            return (u * in_columns(s_bar)) @ vh
        return svd_bar(u, s, vh, u_bar, s_bar, vh_bar)

    return out, pullback


def check_unused(rest_bar: Any) -> None:
    """Raise if the result depends on vectors that are not unique."""
    if np.any(rest_bar):
        raise ValueError(
            "singular vectors beyond the singular values are not unique and have no "
            "derivative: call np.linalg.svd with full_matrices=False"
        )


def singular_values(a: Any) -> Any:
    """Return the singular values and their pullback."""
    out = np.linalg.svd(a, compute_uv=False)

    def pullback(out_bar: Any) -> Any:
        return values_bar(a, out_bar)

    return out, pullback


def values_bar(a: Any, s_bar: Any) -> Any:
    """Return the cotangent of a matrix from that of its singular values."""
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return (u * in_columns(s_bar)) @ vh


def inverse_gaps(s: Any) -> Any:
    """Return `1 / (s[j]**2 - s[i]**2)`, zero on the diagonal."""
    eye = np.eye(s.shape[-1])
    low, high = in_rows(s), in_columns(s)
    return 1 / ((high - low) * (high + low) + eye) - eye


def svd_bar(u: Any, s: Any, vh: Any, u_bar: Any, s_bar: Any, vh_bar: Any) -> Any:
    """Return the cotangent of a matrix from those of its decomposition."""
    turned_u, turned_v = adjoint(u) @ u_bar, vh @ adjoint(vh_bar)
    gaps = inverse_gaps(s)
    left = gaps * (turned_u - adjoint(turned_u)) * in_columns(s)
    right = in_rows(s) * gaps * (turned_v - adjoint(turned_v))
    core = left + right
    if not rules.is_zero(s_bar):
        core = core + spread(s_bar)
    if np.iscomplexobj(u):
        core = core + spread(1j * imag_diagonal(turned_u) / s)
    a_bar = u @ core @ vh
    if u.shape[-2] > u.shape[-1]:
        a_bar = a_bar + ((u_bar - u @ turned_u) / in_columns(s)) @ vh
    if vh.shape[-1] > vh.shape[-2]:
        rest = vh_bar - adjoint(turned_v) @ vh
        a_bar = a_bar + (u / in_columns(s)) @ rest
    return a_bar


def imag_diagonal(x: Any) -> Any:
    """Return the imaginary diagonal of each matrix."""
    return np.imag(np.diagonal(x, axis1=-2, axis2=-1))


def real_diagonal(x: Any) -> Any:
    """Return the real diagonal of each matrix."""
    return np.real(np.diagonal(x, axis1=-2, axis2=-1))


@rules.forward(np.linalg.svd)
def svd_dot(
    a: Any, a_dot: Any, full_matrices: bool = True, compute_uv: bool = True
) -> Any:
    """Turn the tangent to the singular vectors; its diagonal moves the values."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    turned = adjoint(u) @ a_dot @ adjoint(vh)
    s_dot = real_diagonal(turned)
    if not compute_uv:
        return s_dot
    gaps, high, low = inverse_gaps(s), in_columns(s), in_rows(s)
    du = gaps * (turned * high + low * adjoint(turned))
    dv = gaps * (low * turned + adjoint(turned) * high)
    if np.iscomplexobj(u):
        du = du + spread(1j * imag_diagonal(turned) / s)
    u_dot = u @ du
    vh_dot = adjoint(dv) @ vh
    if u.shape[-2] > u.shape[-1]:
        moved = a_dot @ adjoint(vh)
        u_dot = u_dot + (moved - u @ turned) / high
    if vh.shape[-1] > vh.shape[-2]:
        vh_dot = vh_dot + (adjoint(u) @ a_dot - turned @ vh) / low
    if full_matrices:
        return more_columns(u_dot), s_dot, adjoint(more_columns(adjoint(vh_dot)))
    return u_dot, s_dot, vh_dot


def more_columns(x: Any) -> Any:
    """Make a matrix square: vectors that are not unique have NaN as their tangent."""
    rows, columns = x.shape[-2], x.shape[-1]
    if rows == columns:
        return x
    rest = np.full((*x.shape[:-1], rows - columns), np.nan)
    return np.concatenate([x, rest], axis=-1)


@rules.reverse(*present(np.linalg, "svdvals"))
def svdvals(x: Any) -> Any:
    """The singular vectors are needed for the derivative only."""
    out = np.linalg.svd(x, compute_uv=False)

    def pullback(out_bar: Any) -> Any:
        return values_bar(x, out_bar)

    return out, pullback


@rules.forward(*present(np.linalg, "svdvals"))
def svdvals_dot(x: Any, x_dot: Any) -> Any:
    """The diagonal of the tangent, turned to the singular vectors."""
    return svd_dot(x, x_dot, compute_uv=False)


@rules.composite(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The largest singular value over the smallest, or the product of two norms."""
    if p is None or p == 2:
        s = np.linalg.svd(x, compute_uv=False)
        return s[..., 0] / s[..., -1]
    if p == -2:
        s = np.linalg.svd(x, compute_uv=False)
        return s[..., -1] / s[..., 0]
    inverse = np.linalg.inv(x)
    return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(inverse, p, (-2, -1))
