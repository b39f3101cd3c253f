"""Reading parts of arrays, and the buffers that collect the cotangents of reads.

In: an array and an index. Out: the cotangent added at that index of a buffer of zeros;
`prims.index_add` prints as `buffer[index] += value`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import at, positive_axis, zeros_like
from chainrule.runtime import helpers


@rules.linear(operator.getitem, wrt="a")
def getitem(out_bar: Any, a: Any, b: Any) -> Any:
    """Add the cotangent at the index that was read."""
    return prims.index_add(zeros_like(a), b, out_bar)


@rules.linear(prims.index_add, wrt=("buffer", "value"))
def index_add(out_bar: Any, buffer: Any, index: Any, value: Any) -> Any:
    """The buffer's cotangent is unchanged, the value's is read at the index."""
    return out_bar, out_bar[index]


@rules.forward(prims.index_add)
def index_add_dot(buffer: Any, buffer_dot: Any, index: Any, value_dot: Any) -> Any:
    """Add the tangent at the index."""
    value_dot = 0.0 if value_dot is None else value_dot
    return prims.index_add(rules.of_dtype(buffer_dot, buffer), index, value_dot)


@rules.linear(prims.index_set, wrt=("buffer", "value"))
def index_set(out_bar: Any, buffer: Any, index: Any, value: Any) -> Any:
    """What was overwritten has no derivative; the value's is read at the index.

    Of elements that an index names twice, NumPy keeps the one written last.
    """
    value_bar = out_bar[index]
    if rules.names_twice(index):
        value_bar = np.where(helpers.last_write(out_bar, index), value_bar, 0.0)
    return prims.index_set(out_bar, index, 0.0), value_bar


@rules.forward(prims.index_set)
def index_set_dot(buffer: Any, buffer_dot: Any, index: Any, value_dot: Any) -> Any:
    """Set the tangent at the index."""
    value_dot = 0.0 if value_dot is None else value_dot
    return prims.index_set(rules.of_dtype(buffer_dot, buffer), index, value_dot)


@rules.linear(prims.fill, wrt=("buffer", "value"))
def fill(out_bar: Any, buffer: Any, value: Any) -> Any:
    """All elements are the value's; nothing is left of what was overwritten."""
    return None, out_bar


@rules.forward(prims.fill)
def fill_dot(buffer: Any, buffer_dot: Any, value_dot: Any) -> Any:
    """Fill with the tangent."""
    value_dot = 0.0 if value_dot is None else value_dot
    return prims.fill(buffer, value_dot)


@rules.linear(prims.view_set, wrt=("buffer", "value"))
def view_set(
    out_bar: Any, buffer: Any, steps: Any, index: Any, value: Any, *operands: Any
) -> Any:
    """Do to the cotangent's view what `index_set` does to a buffer."""
    view_bar = prims.view_get(out_bar, steps, *operands)
    value_bar = view_bar[index]
    if rules.names_twice(index):
        value_bar = np.where(helpers.last_write(view_bar, index), value_bar, 0.0)
    return prims.view_set(out_bar, steps, index, 0.0, *operands), value_bar


@rules.forward(prims.view_set)
def view_set_dot(
    buffer: Any, buffer_dot: Any, steps: Any, index: Any, value_dot: Any, *operands: Any
) -> Any:
    """Set the tangent in the tangent's view."""
    tangent = rules.of_dtype(buffer_dot, buffer)
    value_dot = 0.0 if value_dot is None else value_dot
    return prims.view_set(tangent, steps, index, value_dot, *operands)


@rules.linear(np.take, wrt="a")
def take(
    out_bar: Any, a: Any, indices: Any, axis: Any = None, *, mode: str = "raise"
) -> Any:
    """Add the cotangent at the positions that were taken."""
    if axis is None and a.ndim > 1:
        index = in_range(indices, a.size, mode)
        zeros = np.zeros(a.size, a.dtype)
        return prims.index_add(zeros, index, out_bar).reshape(a.shape)
    k = 0 if axis is None else positive_axis(axis, a.ndim)
    index = in_range(indices, a.shape[k], mode)
    return prims.index_add(zeros_like(a), at(k, index), out_bar)


@rules.linear(np.add.reduceat, wrt="array")
def add_reduceat(out_bar: Any, array: Any, indices: Any, axis: Any = 0) -> Any:
    """Add the cotangent of a sum to all its elements, of which there is always one."""
    k = positive_axis(axis, array.ndim)
    starts = np.asarray(indices)
    lengths = np.maximum(np.append(starts[1:], array.shape[k]) - starts, 1)
    ends = np.cumsum(lengths)
    before = np.repeat(ends - lengths - starts, lengths)
    places = np.arange(np.sum(lengths)) - before
    each = np.repeat(out_bar, lengths, axis=k)
    return prims.index_add(zeros_like(array), at(k, places), each)


def in_range(indices: Any, n: Any, mode: str) -> Any:
    """Return the positions that `np.take` reads."""
    if mode == "wrap":
        return np.mod(indices, n)
    if mode == "clip":
        return np.clip(indices, 0, n - 1)
    return indices


@rules.linear(np.take_along_axis, wrt="arr")
def take_along_axis(out_bar: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    """Add the cotangent at the positions that were taken."""
    if axis is None:
        zeros = np.zeros(arr.size, arr.dtype)
        return prims.index_add(zeros, indices, out_bar).reshape(arr.shape)
    if arr.ndim == 1:
        return prims.index_add(zeros_like(arr), indices, out_bar)
    index = mesh_with(arr, indices, positive_axis(axis, arr.ndim))
    return prims.index_add(zeros_like(arr), index, out_bar)


def mesh_with(arr: Any, indices: Any, axis: int) -> Any:
    """Return the index of all axes that reads `indices` along one of them."""
    index: tuple[Any, ...] = ()
    for k in range(arr.ndim):
        if k == axis:
            index = (*index, indices)
        else:
            index = (*index, np.arange(arr.shape[k])[upright(k, arr.ndim)])
    return index


@rules.static
def upright(k: int, ndim: int) -> tuple[Any, ...]:
    """Return the index that makes a vector run along axis k of `ndim` axes."""
    return (slice(None),) + (None,) * (ndim - k - 1)


@rules.linear(np.compress, wrt="a")
def compress(out_bar: Any, condition: Any, a: Any, axis: Any = None) -> Any:
    """Zero where elements were left out."""
    return take(out_bar, a, np.flatnonzero(condition), axis)


@rules.linear(np.extract, wrt="arr")
def extract(out_bar: Any, condition: Any, arr: Any) -> Any:
    """Zero where elements were left out."""
    return take(out_bar, arr, np.flatnonzero(condition))


rules.inactive(
    np.argwhere,
    np.flatnonzero,
    np.indices,
    np.nonzero,
    np.ravel_multi_index,
    np.unravel_index,
    np.diag_indices,
    np.diag_indices_from,
    np.tril_indices,
    np.tril_indices_from,
    np.triu_indices,
    np.triu_indices_from,
    np.mask_indices,
    prims.dim,
)


rules.inactive(helpers.last_write)
