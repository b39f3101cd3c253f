"""Norms of vectors and of matrices, of every order.

In: an array, an order, axes. Out: values with pullbacks. At zero, and where elements or
singular values tie, a subgradient: zero, or shared equally.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import axes_tuple, conj, present, with_axes


@rules.reverse(np.linalg.norm, wrt="x")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The gradient of the norm times the cotangent."""
    out = norm_of(x, ord, axis, keepdims)

    def pullback(out_bar: Any) -> Any:
        return norm_bar(out_bar, x, out, ord, axis, keepdims)

    return out, pullback


def norm_of(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    """Call `np.linalg.norm` with the arguments that are not its defaults."""
    if keepdims:
        return np.linalg.norm(x, ord, axis, keepdims=True)
    if axis is None:
        return np.linalg.norm(x) if ord is None else np.linalg.norm(x, ord)
    if ord is None:
        return np.linalg.norm(x, axis=axis)
    return np.linalg.norm(x, ord, axis)


@rules.forward(np.linalg.norm)
def norm_dot(
    x: Any,
    x_dot: Any,
    out: Any,
    ord: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Any:
    """The tangent along the gradient of the norm."""
    axes = normed_axes(x.ndim, ord, axis)
    slope = norm_slope(x, standing(out, x, axes, keepdims), ord, axes)
    return along_slope(slope, x_dot, x.ndim, axes, keepdims)


def norm_bar(
    out_bar: Any, x: Any, out: Any, ord: Any, axis: Any, keepdims: bool
) -> Any:
    """Return the cotangent of the operand of a norm."""
    axes = normed_axes(x.ndim, ord, axis)
    g = standing(out_bar, x, axes, keepdims)
    value = standing(out, x, axes, keepdims)
    if is_euclidean(ord, len(axes)):
        return x * over(g, value)
    return g * norm_slope(x, value, ord, axes)


@rules.static
def normed_axes(ndim: int, ord: Any, axis: Any) -> tuple[int, ...]:
    """Return the axes that the norm reduces."""
    if axis is not None:
        return axes_tuple(axis, ndim)
    return tuple(range(ndim))


@rules.static
def is_euclidean(ord: Any, count: int) -> bool:
    """Say whether a norm is the root of the sum of squares."""
    return ord is None or (ord == 2 and count == 1) or ord in ("fro", "f")


def standing(value: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Return a reduced value that broadcasts against the operand."""
    if keepdims or len(axes) == x.ndim:
        return value
    return value[with_axes(axes, x.ndim)]


def along_slope(
    slope: Any, x_dot: Any, ndim: int, axes: tuple[int, ...], keepdims: bool
) -> Any:
    """Return the real inner product of a slope and a tangent."""
    if len(axes) == ndim and not keepdims:
        return np.sum(np.real(conj(slope) * x_dot))
    return np.sum(np.real(conj(slope) * x_dot), axis=axes, keepdims=keepdims)


def over(g: Any, value: Any) -> Any:
    """Return `g / value`, zero where the value is zero."""
    if np.ndim(value) == 0:
        return g / value if value != 0 else 0.0
    return g / np.where(value == 0, np.inf, value)


def norm_slope(x: Any, value: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    """Return the gradient of the norm with respect to its operand."""
    if is_euclidean(ord, len(axes)):
        return x * over(1.0, value)
    if len(axes) == 1:
        return vector_slope(x, value, ord, axes[0])
    return matrix_slope(x, ord, axes[0], axes[1])


def vector_slope(x: Any, value: Any, ord: Any, axis: int) -> Any:
    """Return the gradient of a vector norm along an axis."""
    if ord == 1:
        return phase(x)
    if ord == np.inf or ord == -np.inf:
        return phase(x) * shared(np.abs(x) == value, axis)
    if ord == 0:
        return 0.0 * x
    # the quotient before the power: neither over- nor underflow
    relative = np.abs(x) * over(1.0, value)
    if ord > 1:
        return phase(x) * relative ** (ord - 1)
    nonzero = np.where(x == 0, 1.0, relative)
    return phase(x) * nonzero ** (ord - 1)


def phase(x: Any) -> Any:
    """Return the sign, or the direction of a complex number."""
    if np.iscomplexobj(x):
        size = np.abs(x)
        return x / np.where(size == 0, 1.0, size)
    return np.sign(x)


def shared(ties: Any, axis: Any) -> Any:
    """Return equal weights where elements tie, of sum 1 along an axis."""
    return ties / np.sum(ties, axis=axis, keepdims=True)


def matrix_slope(x: Any, ord: Any, row: int, column: int) -> Any:
    """Return the gradient of a matrix norm over two axes."""
    if ord == 1 or ord == -1:
        return phase(x) * shared_extreme(
            np.sum(np.abs(x), row, keepdims=True), ord, column
        )
    if ord == np.inf or ord == -np.inf:
        return phase(x) * shared_extreme(
            np.sum(np.abs(x), column, keepdims=True), ord, row
        )
    if ord not in ("nuc", 2, -2):
        rules.refuse(f"np.linalg.norm of order {ord!r}")
    last = (row, column) == (x.ndim - 2, x.ndim - 1)
    matrices = x if last else np.moveaxis(x, (row, column), (-2, -1))
    u, s, vh = np.linalg.svd(matrices, full_matrices=False)
    if ord == "nuc":
        slope = (u * (s > 0)[..., None, :]) @ vh
    elif ord == 2:
        slope = (u * shared(s == s[..., :1], -1)[..., None, :]) @ vh
    else:
        slope = (u * shared(s == s[..., -1:], -1)[..., None, :]) @ vh
    return slope if last else np.moveaxis(slope, (-2, -1), (row, column))


def shared_extreme(sums: Any, ord: Any, axis: int) -> Any:
    """Return equal weights for the largest sums, the smallest if `ord` is negative."""
    if ord > 0:
        return shared(sums == np.max(sums, axis=axis, keepdims=True), axis)
    return shared(sums == np.min(sums, axis=axis, keepdims=True), axis)


@rules.reverse(*present(np.linalg, "matrix_norm"), wrt="x")
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm over the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


@rules.forward(*present(np.linalg, "matrix_norm"))
def matrix_norm_dot(
    x: Any, x_dot: Any, out: Any, *, keepdims: bool = False, ord: Any = "fro"
) -> Any:
    """The tangent along the gradient of the norm."""
    return norm_dot(x, x_dot, out, ord, (-2, -1), keepdims)


@rules.reverse(*present(np.linalg, "vector_norm"), wrt="x")
def vector_norm(
    x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    """The norm over one axis; other axes are refused unless it is of order 2."""
    out = np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)

    def pullback(out_bar: Any) -> Any:
        order = vector_order(x.ndim, axis, ord)
        return norm_bar(out_bar, x, out, order, axis, keepdims)

    return out, pullback


@rules.forward(*present(np.linalg, "vector_norm"))
def vector_norm_dot(
    x: Any,
    x_dot: Any,
    out: Any,
    *,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,
) -> Any:
    """The tangent along the gradient of the norm."""
    order = vector_order(x.ndim, axis, ord)
    return norm_dot(x, x_dot, out, order, axis, keepdims)


@rules.static
def vector_order(ndim: int, axis: Any, ord: Any) -> Any:
    """Return the order for `norm`; over several axes only the Euclidean is alike."""
    if ord == 2:
        return None
    if len(normed_axes(ndim, ord, axis)) != 1:
        rules.refuse(f"np.linalg.vector_norm of order {ord!r} over several axes")
    return ord
