"""Products of arrays: matmul, dot, inner, outer, vdot, tensordot, kron, cross.

In: operands of every combination of ranks. Out: their transposes. All are linear in
each operand, so the tangent follows from the function itself. Stacks that were
broadcast are summed by the compiler, or by `tensordot` in the course of the product.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import (
    axes_tuple,
    conj,
    inverse_axes,
    shaped,
    transposed,
)


@rules.linear(np.matmul, operator.matmul, wrt=("x1", "x2"))
def matmul(out_bar: Any, x1: Any, x2: Any) -> Any:
    """The cotangents of `x1 @ x2`."""
    left, right = matmul_left(out_bar, x1, x2), matmul_right(out_bar, x1, x2)
    if x1.ndim > 2 or x2.ndim > 2:
        return left, right
    # Without stacks nothing is broadcast: the summed axes are certainly of one size.
    return rules.of_shape(left, x1), rules.of_shape(right, x2)


def matmul_left(out_bar: Any, x1: Any, x2: Any) -> Any:
    """The cotangent of the left operand of `@`."""
    if x2.ndim == 1:
        if x1.ndim == 1:
            return out_bar * conj(x2)
        return out_bar[..., None] * conj(x2)
    if x1.ndim > 1:
        return out_bar @ transposed(conj(x2))
    if x2.ndim == 2:
        return conj(x2) @ out_bar
    return (conj(x2) @ out_bar[..., None])[..., 0]


def matmul_right(out_bar: Any, x1: Any, x2: Any) -> Any:
    """The cotangent of the right operand of `@`."""
    if x1.ndim == 1:
        if x2.ndim == 1:
            return out_bar * conj(x1)
        if x2.ndim == 2:
            return conj(x1)[:, None] * out_bar
        return conj(x1)[:, None] * out_bar[..., None, :]
    if x1.ndim > 2 and x2.ndim < 3:
        stack = tuple(range(x1.ndim - 1))
        return np.tensordot(conj(x1), out_bar, (stack, stack))
    if x2.ndim == 1:
        return transposed(conj(x1)) @ out_bar
    return transposed(conj(x1)) @ out_bar


@rules.linear(np.dot, wrt=("a", "b"))
def dot(out_bar: Any, a: Any, b: Any) -> Any:
    """The cotangents of `np.dot`: a scaling, `@`, or the sum over one axis of each."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return out_bar * conj(b), out_bar * conj(a)
    if b.ndim < 3:
        left, right = matmul_left(out_bar, a, b), matmul_right(out_bar, a, b)
        return rules.of_shape(left, a), rules.of_shape(right, b)
    return contraction(out_bar, a, b, (a.ndim - 1,), (b.ndim - 2,))


@rules.linear(np.inner, wrt=("a", "b"))
def inner(out_bar: Any, a: Any, b: Any) -> Any:
    """The cotangents of the sum over the last axis of both operands."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return out_bar * conj(b), out_bar * conj(a)
    if a.ndim == 1 and b.ndim == 1:
        return out_bar * conj(b), out_bar * conj(a)
    return contraction(out_bar, a, b, (a.ndim - 1,), (b.ndim - 1,))


@rules.linear(np.tensordot, wrt=("a", "b"))
def tensordot(out_bar: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    """The cotangents of a sum over several axes of both operands."""
    axes_a, axes_b = contracted_axes(axes, np.ndim(a), np.ndim(b))
    return contraction(out_bar, a, b, axes_a, axes_b)


@rules.static
def contracted_axes(
    axes: Any, ndim_a: int, ndim_b: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes that `tensordot` sums over, non-negative, of both operands."""
    if np.ndim(axes) == 0 and not isinstance(axes, list | tuple):
        count = int(axes)
        return tuple(range(ndim_a - count, ndim_a)), tuple(range(count))
    axes_a, axes_b = axes
    return axes_tuple(axes_a, ndim_a), axes_tuple(axes_b, ndim_b)


def contraction(
    out_bar: Any, a: Any, b: Any, axes_a: tuple[int, ...], axes_b: tuple[int, ...]
) -> Any:
    """The cotangents of a product that sums `axes_a` of a with `axes_b` of b.

    The axes of the result are the other axes of `a`, then the other axes of `b`.
    """
    ndim_a, ndim_b, summed = np.ndim(a), np.ndim(b), len(axes_a)
    free_a, free_b = other_axes(axes_a, ndim_a), other_axes(axes_b, ndim_b)
    split = ndim_a - summed
    left, right = tuple(range(split)), tuple(range(split, split + ndim_b - summed))
    a_bar = np.tensordot(out_bar, conj(b), (right, free_b))
    b_bar = np.tensordot(conj(a), out_bar, (free_a, left))
    order_a = left_order(axes_a, axes_b, free_a)
    order_b = right_order(axes_a, axes_b, free_b)
    return in_order(a_bar, order_a), in_order(b_bar, order_b)


def in_order(x: Any, order: tuple[int, ...]) -> Any:
    """Transpose, unless the axes are in order."""
    if order == tuple(range(len(order))):
        return x
    return np.transpose(x, order)


@rules.static
def other_axes(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Return the axes that are not among `axes`."""
    return tuple(k for k in range(ndim) if k not in axes)


@rules.static
def left_order(
    axes_a: tuple[int, ...], axes_b: tuple[int, ...], free_a: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the transposition that puts the axes of the cotangent of `a` in place.

    It comes with the free axes of `a`, then the summed ones as they are in `b`.
    """
    summed = [axes_a[axes_b.index(k)] for k in sorted(axes_b)]
    return inverse_axes((*free_a, *summed), len(free_a) + len(summed))


@rules.static
def right_order(
    axes_a: tuple[int, ...], axes_b: tuple[int, ...], free_b: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the transposition that puts the axes of the cotangent of `b` in place."""
    summed = [axes_b[axes_a.index(k)] for k in sorted(axes_a)]
    return inverse_axes((*summed, *free_b), len(free_b) + len(summed))


@rules.linear(np.outer, wrt=("a", "b"))
def outer(out_bar: Any, a: Any, b: Any) -> Any:
    """The cotangents of the product of all pairs of elements."""
    if np.ndim(a) == 1 and np.ndim(b) == 1:
        return out_bar @ conj(b), conj(a) @ out_bar
    a_bar = out_bar @ conj(np.ravel(b))
    b_bar = conj(np.ravel(a)) @ out_bar
    return shaped(a_bar, a), shaped(b_bar, b)


@rules.linear(np.vdot, wrt=("a", "b"))
def vdot(out_bar: Any, a: Any, b: Any) -> Any:
    """The cotangents of `conj(a) @ b`, both flattened."""
    if np.ndim(a) <= 1 and np.ndim(b) <= 1:
        return conj(out_bar) * b, out_bar * a
    a_bar, b_bar = conj(out_bar) * np.ravel(b), out_bar * np.ravel(a)
    return shaped(a_bar, a), shaped(b_bar, b)
