"""Products of stacks of vectors, and the Kronecker product.

In: `cross`, `kron`, `multi_dot`, and NumPy 2's `vecdot`, `matvec`, `vecmat` and the
products of `np.linalg`. Out: their transposes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import products
from chainrule.rules import registry as rules
from chainrule.rules.common import (
    adjoint,
    conj,
    positive_axis,
    present,
    shaped,
    transposed,
)

rules.linear(*present(np.linalg, "matmul"), wrt=("x1", "x2"))(products.matmul)


@rules.linear(*present(np.linalg, "outer"), wrt=("x1", "x2"))
def outer(out_bar: Any, x1: Any, x2: Any) -> Any:
    """The cotangents of the product of all pairs of elements."""
    return products.outer(out_bar, x1, x2)


@rules.linear(*present(np.linalg, "tensordot"), wrt=("x1", "x2"))
def tensordot(out_bar: Any, x1: Any, x2: Any, axes: Any = 2) -> Any:
    """The cotangents of a sum over several axes of both operands."""
    return products.tensordot(out_bar, x1, x2, axes)


@rules.linear(*present(np, "vecdot"), *present(np.linalg, "vecdot"), wrt=("x1", "x2"))
def vecdot(out_bar: Any, x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """The cotangents of `sum(conj(x1) * x2)` over one axis."""
    if axis == -1:
        g = out_bar[..., None]
    elif x1.ndim == x2.ndim:
        g = np.expand_dims(out_bar, axis)
    else:
        rules.refuse("an axis counted differently in the two operands")
    return conj(g) * x2, g * x1


@rules.linear(*present(np, "matvec"), wrt=("x1", "x2"))
def matvec(out_bar: Any, x1: Any, x2: Any) -> Any:
    """The cotangents of a stack of matrices times a stack of vectors."""
    x1_bar = out_bar[..., None] * conj(x2)[..., None, :]
    return x1_bar, (adjoint(x1) @ out_bar[..., None])[..., 0]


@rules.linear(*present(np, "vecmat"), wrt=("x1", "x2"))
def vecmat(out_bar: Any, x1: Any, x2: Any) -> Any:
    """The cotangents of a stack of conjugated vectors times a stack of matrices."""
    x1_bar = (x2 @ conj(out_bar)[..., None])[..., 0]
    return x1_bar, x1[..., None] * out_bar[..., None, :]


@rules.linear(np.cross, wrt=("a", "b"))
def cross(
    out_bar: Any,
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: Any = None,
) -> Any:
    """The cotangents of the vector product: `b x g` and `g x a`."""
    if axis is not None:
        return cross_along(out_bar, a, b, axis, axis, axis)
    return cross_along(out_bar, a, b, axisa, axisb, axisc)


@rules.linear(*present(np.linalg, "cross"), wrt=("x1", "x2"))
def linalg_cross(out_bar: Any, x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """The cotangents of the vector product."""
    return cross_along(out_bar, x1, x2, axis, axis, axis)


def cross_along(
    out_bar: Any, a: Any, b: Any, axisa: int, axisb: int, axisc: int
) -> Any:
    """Bring the vectors to the last axis and the cotangents back."""
    a, b = vectors_last(a, axisa), vectors_last(b, axisb)
    if out_bar.ndim < max(a.ndim, b.ndim):
        a_bar, b_bar = plane_cross(out_bar, a, b)
    else:
        g = vectors_last(out_bar, axisc)
        a_bar, b_bar = np.cross(conj(b), g), np.cross(g, conj(a))
    return vectors_at(a_bar, a, axisa), vectors_at(b_bar, b, axisb)


def plane_cross(out_bar: Any, a: Any, b: Any) -> Any:
    """The cotangents of `a[0] * b[1] - a[1] * b[0]`."""
    u, v = conj(a), conj(b)
    a_bar = np.stack([out_bar * v[..., 1], -out_bar * v[..., 0]], axis=-1)
    b_bar = np.stack([-out_bar * u[..., 1], out_bar * u[..., 0]], axis=-1)
    return a_bar, b_bar


def vectors_last(x: Any, axis: int) -> Any:
    """Return the array with its vectors along the last axis."""
    if positive_axis(axis, x.ndim) == x.ndim - 1:
        return x
    return np.moveaxis(x, axis, -1)


def vectors_at(x_bar: Any, x: Any, axis: int) -> Any:
    """Return the cotangent with its vectors along the axis of the operand."""
    if positive_axis(axis, x.ndim) == x.ndim - 1:
        return x_bar
    if x_bar.ndim > x.ndim:
        x_bar = x_bar.sum(axis=tuple(range(x_bar.ndim - x.ndim)))
    return np.moveaxis(x_bar, -1, axis)


@rules.linear(np.kron, wrt=("a", "b"))
def kron(out_bar: Any, a: Any, b: Any) -> Any:
    """The cotangents of all blocks `a[i, j] * b`."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return out_bar * conj(b), out_bar * conj(a)
    ndim = max(a.ndim, b.ndim)
    rows = (1,) * (ndim - a.ndim) + a.shape
    cols = (1,) * (ndim - b.ndim) + b.shape
    blocks = out_bar.reshape(interleaved(rows, cols))
    odd, even = tuple(range(1, 2 * ndim, 2)), tuple(range(0, 2 * ndim, 2))
    full = tuple(range(ndim))
    if a.ndim == b.ndim:
        a_bar = np.tensordot(blocks, conj(b), (odd, full))
        return a_bar, np.tensordot(conj(a), blocks, (full, even))
    a_bar = np.tensordot(blocks, conj(b).reshape(cols), (odd, full))
    b_bar = np.tensordot(conj(a).reshape(rows), blocks, (full, even))
    return a_bar.reshape(a.shape), b_bar.reshape(b.shape)


def interleaved(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `(first[0], second[0], first[1], second[1], ...)`."""
    out: tuple[Any, ...] = ()
    for k in range(len(first)):
        out = (*out, first[k], second[k])
    return out


@rules.linear(np.linalg.multi_dot, wrt="arrays")
def multi_dot(out_bar: Any, arrays: Any) -> Any:
    """Each cotangent is that of the result between the transposes of the others."""
    if not rules.fixed_length(arrays):
        rules.refuse("multi_dot of a list whose length is known only at run time")
    row, column = arrays[0].ndim == 1, arrays[-1].ndim == 1
    chain = tuple(arrays)
    g = out_bar
    if row:
        chain = (chain[0][None, :], *chain[1:])
        g = np.reshape(g, (1, chain[-1].shape[-1] if not column else 1))
    elif column:
        g = g[:, None]
    if column:
        chain = (*chain[:-1], chain[-1][:, None])
    bars = tuple(link_bar(g, chain, k) for k in range(len(chain)))
    return [shaped(x_bar, x) for x_bar, x in zip(bars, arrays, strict=True)]


def link_bar(g: Any, chain: tuple[Any, ...], k: int) -> Any:
    """Return the cotangent of one matrix of a chain."""
    left = tuple(adjoint(x) for x in chain[:k][::-1])
    right = tuple(adjoint(x) for x in chain[k + 1 :][::-1])
    if len(chain) == 2:
        return left[0] @ g if k else g @ right[0]
    return np.linalg.multi_dot((*left, g, *right))


@rules.forward(np.linalg.multi_dot)
def multi_dot_dot(arrays: Any, arrays_dot: Any) -> Any:
    """Replace each matrix by its tangent in turn."""
    out_dot = 0.0
    for k in range(len(arrays)):
        chain = (*arrays[:k], arrays_dot[k], *arrays[k + 1 :])
        term = np.linalg.multi_dot(chain)
        out_dot = term if k == 0 else out_dot + term
    return out_dot


@rules.linear(*present(np, "matrix_transpose"), wrt="x")
def matrix_transpose(out_bar: Any, x: Any) -> Any:
    """Transpose the matrices again."""
    return transposed(out_bar)


rules.linear(*present(np.linalg, "matrix_transpose"), wrt="x")(matrix_transpose)
