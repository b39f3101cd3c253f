"""Functions that move elements about without changing them.

In: an array. Out: transposes that move the cotangent back: a reshape, the inverse
permutation of axes, the opposite shift.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import inverse_axes, positive_axis, shaped, zeros_like


@rules.linear(np.reshape, wrt="a")
def reshape(
    out_bar: Any, a: Any, shape: Any = None, order: Any = "C", *, newshape: Any = None
) -> Any:
    """Give the cotangent the shape of the operand."""
    if order == "C":
        return shaped(out_bar, a)
    if order != "F":
        rules.refuse(f"order={order!r} depends on the memory layout of the array")
    return np.reshape(out_bar, np.shape(a), order)


@rules.linear(np.ravel, wrt="a")
def ravel(out_bar: Any, a: Any, order: Any = "C") -> Any:
    """Give the cotangent the shape of the operand."""
    return reshape(out_bar, a, order=order)


@rules.linear(prims.flatten, wrt="x")
def flatten(out_bar: Any, x: Any, order: Any = "C") -> Any:
    """Give the cotangent the shape of the operand."""
    return reshape(out_bar, x, order=order)


@rules.linear(np.squeeze, wrt="a")
def squeeze(out_bar: Any, a: Any, axis: Any = None) -> Any:
    """Give the cotangent its axes of size 1 back."""
    return shaped(out_bar, a)


@rules.linear(np.expand_dims, wrt="a")
def expand_dims(out_bar: Any, a: Any, axis: Any) -> Any:
    """Drop the axes that were added."""
    return shaped(out_bar, a)


@rules.linear(np.transpose, wrt="a")
def transpose(out_bar: Any, a: Any, axes: Any = None) -> Any:
    """Undo the permutation of the axes."""
    if axes is None:
        return out_bar.T
    return np.transpose(out_bar, inverse_axes(axes, np.ndim(a)))


@rules.linear(np.swapaxes, wrt="a")
def swapaxes(out_bar: Any, a: Any, axis1: Any, axis2: Any) -> Any:
    """Swap the axes back."""
    return np.swapaxes(out_bar, axis1, axis2)


@rules.linear(np.moveaxis, wrt="a")
def moveaxis(out_bar: Any, a: Any, source: Any, destination: Any) -> Any:
    """Move the axes back."""
    return np.moveaxis(out_bar, destination, source)


@rules.linear(np.rollaxis, wrt="a")
def rollaxis(out_bar: Any, a: Any, axis: int, start: int = 0) -> Any:
    """Move the axis back."""
    return np.transpose(out_bar, rolled_back(axis, start, np.ndim(a)))


@rules.static
def rolled_back(axis: int, start: int, ndim: int) -> tuple[int, ...]:
    """Return the transposition that undoes `rollaxis`."""
    axis = positive_axis(axis, ndim)
    start = start + ndim if start < 0 else start
    axes = [k for k in range(ndim) if k != axis]
    axes.insert(start - 1 if axis < start else start, axis)
    return inverse_axes(axes, ndim)


@rules.linear(np.broadcast_to, wrt="array")
def broadcast_to(out_bar: Any, array: Any, shape: Any) -> Any:
    """The compiler sums what was broadcast."""
    return out_bar


@rules.linear(np.broadcast_arrays, wrt="args")
def broadcast_arrays(out_bar: Any, *args: Any) -> Any:
    """The compiler sums what was broadcast."""
    return out_bar


@rules.linear(np.atleast_1d, np.atleast_2d, np.atleast_3d, wrt="arys")
def atleast_nd(out_bar: Any, *arys: Any) -> Any:
    """Give the cotangents the shapes of the operands."""
    if len(arys) == 1:
        return (shaped(out_bar, arys[0]),)
    return tuple(shaped(g, x) for g, x in zip(out_bar, arys, strict=True))


@rules.linear(np.roll, wrt="a")
def roll(out_bar: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    """Roll the other way."""
    if isinstance(shift, list | tuple):
        return np.roll(out_bar, tuple(-s for s in shift), axis)
    if axis is None:
        return np.roll(out_bar, -shift)
    return np.roll(out_bar, -shift, axis)


@rules.linear(np.flip, wrt="m")
def flip(out_bar: Any, m: Any, axis: Any = None) -> Any:
    """Flip again."""
    return np.flip(out_bar, axis)


@rules.linear(np.fliplr, wrt="m")
def fliplr(out_bar: Any, m: Any) -> Any:
    """Flip again."""
    return out_bar[:, ::-1]


@rules.linear(np.flipud, wrt="m")
def flipud(out_bar: Any, m: Any) -> Any:
    """Flip again."""
    return out_bar[::-1]


@rules.linear(np.rot90, wrt="m")
def rot90(out_bar: Any, m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    """Turn back."""
    return np.rot90(out_bar, -k, axes)


@rules.linear(np.copy, wrt="a")
def copy(out_bar: Any, a: Any, order: Any = "K") -> Any:
    """A copy has the same cotangent."""
    return out_bar


@rules.linear(prims.copy_value, wrt="x")
def copy_value(out_bar: Any, x: Any) -> Any:
    """A copy has the same cotangent."""
    return out_bar


@rules.linear(prims.astype, wrt="x")
def astype(out_bar: Any, x: Any, dtype: Any) -> Any:
    """The compiler projects the cotangent to the operand's dtype."""
    return out_bar


@rules.linear(np.ascontiguousarray, np.asfortranarray, wrt="a")
def contiguous(out_bar: Any, a: Any) -> Any:
    """Memory order does not matter; a scalar becomes an array of one element."""
    return shaped(out_bar, a)


@rules.linear(prims.item, wrt="x")
def item(out_bar: Any, x: Any, *index: Any) -> Any:
    """The one element that was read."""
    if len(index) == 0:
        return out_bar if np.ndim(x) == 0 else np.full(x.shape, out_bar)
    if len(index) == x.ndim:
        return prims.index_add(zeros_like(x), index, out_bar)
    zeros = np.zeros(x.size, x.dtype)
    return prims.index_add(zeros, index[0], out_bar).reshape(x.shape)


@rules.linear(prims.tolist, wrt="x")
def tolist(out_bar: Any, x: Any) -> Any:
    """Nested lists of cotangents become an array."""
    return np.array(out_bar)
