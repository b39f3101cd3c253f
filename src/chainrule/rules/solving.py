"""Linear systems: inv, solve, det, slogdet, pinv, lstsq, matrix powers.

In: matrices, or stacks of them, and right-hand sides. Out: values with pullbacks, which
take one solve with the adjoint matrix.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import adjoint, conj, transposed

NUMPY_2 = int(np.__version__.split(".")[0]) >= 2
PINV_RCOND = inspect.signature(np.linalg.pinv).parameters["rcond"].default
LSTSQ_RCOND = inspect.signature(np.linalg.lstsq).parameters["rcond"].default


@rules.reverse(np.linalg.inv)
def inv(a: Any) -> Any:
    """The cotangent is `-inv(a).T @ out_bar @ inv(a).T`."""
    out = np.linalg.inv(a)

    def pullback(out_bar: Any) -> Any:
        return -adjoint(out) @ out_bar @ adjoint(out)

    return out, pullback


@rules.forward(np.linalg.inv)
def inv_dot(out: Any, a_dot: Any) -> Any:
    """The tangent is `-inv(a) @ a_dot @ inv(a)`."""
    return -out @ a_dot @ out


@rules.static
def is_vector(ndim_a: int, ndim_b: int) -> bool:
    """Say whether `np.linalg.solve` takes the right-hand side for vectors."""
    return ndim_b == 1 if NUMPY_2 else ndim_b == ndim_a - 1


@rules.reverse(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """Solve with the adjoint of `a`; the rest is an outer product."""
    out = np.linalg.solve(a, b)

    def pullback(out_bar: Any) -> Any:
        if not is_vector(a.ndim, b.ndim):
            b_bar = np.linalg.solve(adjoint(a), out_bar)
            return -b_bar @ adjoint(out), b_bar
        b_bar = solve_vectors(adjoint(a), out_bar)
        if a.ndim == 2:
            return -b_bar[:, None] * conj(out), b_bar
        return -b_bar[..., :, None] * conj(out)[..., None, :], b_bar

    return out, pullback


@rules.forward(np.linalg.solve)
def solve_dot(a: Any, b: Any, out: Any, a_dot: Any, b_dot: Any) -> Any:
    """Solve for what the tangents leave over."""
    if not is_vector(a.ndim, b.ndim):
        return np.linalg.solve(a, b_dot - a_dot @ out)
    if a.ndim == 2:
        return np.linalg.solve(a, b_dot - a_dot @ out)
    return solve_vectors(a, b_dot - (a_dot @ out[..., None])[..., 0])


def solve_vectors(a: Any, b: Any) -> Any:
    """Solve for vectors, or for stacks of vectors."""
    if a.ndim == 2 and b.ndim == 1:
        return np.linalg.solve(a, b)
    return np.linalg.solve(a, b[..., None])[..., 0]


@rules.reverse(np.linalg.det)
def det(a: Any) -> Any:
    """The cotangent is `out_bar * det(a) * inv(a).T`."""
    out = np.linalg.det(a)

    def pullback(out_bar: Any) -> Any:
        if a.ndim == 2:
            return out_bar * conj(out) * adjoint(np.linalg.inv(a))
        return (out_bar * conj(out))[..., None, None] * adjoint(np.linalg.inv(a))

    return out, pullback


@rules.forward(np.linalg.det)
def det_dot(a: Any, out: Any, a_dot: Any) -> Any:
    """The tangent is `det(a) * trace(inv(a) @ a_dot)`."""
    return out * trace_of_product(np.linalg.inv(a), a_dot)


def trace_of_product(x: Any, y: Any) -> Any:
    """Return the trace of `x @ y` for each matrix of a stack."""
    return np.sum(transposed(x) * y, axis=(-2, -1))


@rules.reverse(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """The cotangent is that of the logarithm times `inv(a).T`."""
    out = np.linalg.slogdet(a)

    def pullback(out_bar: Any) -> Any:
        scale = out_bar[1]
        if np.iscomplexobj(a):
            scale = scale + 1j * np.real(1j * out[0] * conj(out_bar[0]))
        if a.ndim == 2:
            return scale * adjoint(np.linalg.inv(a))
        return scale[..., None, None] * adjoint(np.linalg.inv(a))

    return out, pullback


@rules.forward(np.linalg.slogdet)
def slogdet_dot(a: Any, out: Any, a_dot: Any) -> Any:
    """The logarithm moves by `trace(inv(a) @ a_dot)`, a complex sign turns."""
    change = trace_of_product(np.linalg.inv(a), a_dot)
    if np.iscomplexobj(a):
        return 1j * out[0] * np.imag(change), np.real(change)
    return 0.0 * out[0], change


@rules.reverse(np.linalg.pinv, wrt="a")
def pinv(a: Any, rcond: Any = PINV_RCOND) -> Any:
    """The derivative at constant rank, after Golub and Pereyra."""
    out = pseudo_inverse(a, rcond)

    def pullback(out_bar: Any) -> Any:
        p, p_adj, g_adj = out, adjoint(out), adjoint(out_bar)
        column_part = (g_adj - a @ (p @ g_adj)) @ (p @ p_adj)
        row_part = (p_adj @ p) @ (g_adj - (g_adj @ p) @ a)
        return column_part + row_part - p_adj @ out_bar @ p_adj

    return out, pullback


@rules.forward(np.linalg.pinv)
def pinv_dot(a: Any, out: Any, a_dot: Any, rcond: Any = PINV_RCOND) -> Any:
    """The derivative at constant rank, after Golub and Pereyra."""
    p, p_adj, dot_adj = out, adjoint(out), adjoint(a_dot)
    column_part = (p @ p_adj) @ (dot_adj - (dot_adj @ a) @ p)
    row_part = (dot_adj - p @ (a @ dot_adj)) @ (p_adj @ p)
    return column_part + row_part - p @ a_dot @ p


def pseudo_inverse(a: Any, rcond: Any) -> Any:
    """Return the pseudo-inverse; singular values below `rcond` count as zero."""
    if rcond is None or rcond == PINV_RCOND:
        return np.linalg.pinv(a)
    return np.linalg.pinv(a, rcond)


@rules.reverse(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = LSTSQ_RCOND) -> Any:
    """The solution's derivative at constant rank, the residuals' at full rank."""
    out = np.linalg.lstsq(a, b, rcond)

    def pullback(out_bar: Any) -> Any:
        if not rules.is_zero(out_bar[3]):
            rules.refuse("the singular values of np.linalg.lstsq: call np.linalg.svd")
        x, g = as_columns(out[0]), as_columns(out_bar[0])
        right = as_columns(b)
        p = cut_inverse(a, rcond)
        w = adjoint(p) @ g
        r = right - a @ x
        row_part = (adjoint(p) @ x) @ adjoint(g - adjoint(a) @ w)
        a_bar, b_bar = r @ adjoint(p @ w) + row_part - w @ adjoint(x), w
        if not rules.is_zero(out_bar[1]):
            r_bar = 2 * r * residual_scale(out_bar[1], b)
            a_bar, b_bar = a_bar - r_bar @ adjoint(x), b_bar + r_bar
        return a_bar, b_bar if b.ndim == 2 else b_bar[:, 0]

    return out, pullback


@rules.forward(np.linalg.lstsq)
def lstsq_dot(
    a: Any, b: Any, out: Any, a_dot: Any, b_dot: Any, rcond: Any = LSTSQ_RCOND
) -> Any:
    """The tangent of the solution, and that of the sums of squared residuals."""
    x, p = as_columns(out[0]), cut_inverse(a, rcond)
    r = as_columns(b) - a @ x
    moved = as_columns(b_dot) - a_dot @ x
    row_part = (adjoint(a_dot) - p @ (a @ adjoint(a_dot))) @ (adjoint(p) @ x)
    x_dot = p @ moved + p @ (adjoint(p) @ (adjoint(a_dot) @ r)) + row_part
    total = 2 * np.real(np.sum(conj(r) * moved, axis=0))
    residuals_dot = total if out[1].size else out[1]
    return x_dot if b.ndim == 2 else x_dot[:, 0], residuals_dot, 0, 0 * out[3]


def cut_inverse(a: Any, rcond: Any) -> Any:
    """Return the pseudo-inverse with the cut-off of `lstsq`."""
    if rcond is None or rcond == "warn":
        return np.linalg.pinv(a)
    return np.linalg.pinv(a, rcond)


def as_columns(x: Any) -> Any:
    """Return a vector as a matrix of one column."""
    return x if x.ndim == 2 else x[:, None]


def residual_scale(residuals_bar: Any, b: Any) -> Any:
    """Return the cotangents of the sums of squares, one a column."""
    return residuals_bar if b.ndim == 2 else np.sum(residuals_bar)


@rules.reverse(np.linalg.matrix_power, wrt="a")
def matrix_power(a: Any, n: Any) -> Any:
    """The adjoint is the derivative at the adjoint matrix, along the cotangent."""
    out = np.linalg.matrix_power(a, n)

    def pullback(out_bar: Any) -> Any:
        return power_along(adjoint(a), n, out_bar)

    return out, pullback


@rules.forward(np.linalg.matrix_power)
def matrix_power_dot(a: Any, n: Any, a_dot: Any) -> Any:
    """The sum over all places of one factor."""
    return power_along(a, n, a_dot)


def power_along(a: Any, n: Any, direction: Any) -> Any:
    """Return the derivative of the power of a matrix in a direction.

    It is the upper right block of the power of `[[a, direction], [0, a]]`.
    """
    if n == 1:
        return direction
    if n == 2:
        return a @ direction + direction @ a
    m = a.shape[-1]
    upper = np.concatenate([a, direction], axis=-1)
    lower = np.concatenate([np.zeros(a.shape), a], axis=-1)
    both = np.concatenate([upper, lower], axis=-2)
    return np.linalg.matrix_power(both, n)[..., :m, m:]


@rules.composite(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Solve with the axes of the solution, and those of `b`, made one."""
    if axes is not None:
        rules.refuse("np.linalg.tensorsolve with axes: transpose the array first")
    shape = a.shape[b.ndim :]
    return np.linalg.solve(a.reshape(-1, b.size), b.ravel()).reshape(shape)


@rules.composite(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """Invert with the first axes, and the others, made one."""
    rows = 1
    for k in range(ind):
        rows = rows * a.shape[k]
    inverse = np.linalg.inv(a.reshape(rows, -1))
    return inverse.reshape(a.shape[ind:] + a.shape[:ind])


rules.inactive(np.linalg.matrix_rank)
