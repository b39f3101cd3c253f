"""Joining arrays and splitting them.

In: a list of arrays. Out: the pieces of the cotangent that belong to each. A list of
fixed length is unrolled into slices; one that a loop has filled is split at run time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import along, at, positive_axis, shaped


@rules.linear(np.array, wrt="object")
def array(
    out_bar: Any,
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
) -> Any:
    """The element of the cotangent for each element of a nested list."""
    return unstacked(out_bar, object, ())


@rules.linear(np.asarray, np.asanyarray, wrt="a")
def asarray(out_bar: Any, a: Any, dtype: Any = None, order: Any = None) -> Any:
    """The element of the cotangent for each element of a nested list."""
    return unstacked(out_bar, a, ())


def unstacked(out_bar: Any, items: Any, index: tuple[int, ...]) -> Any:
    """Return the part of the cotangent for each item of a nested list."""
    if isinstance(items, list | tuple):
        if rules.fixed_length(items):
            return [
                unstacked(out_bar, item, (*index, k)) for k, item in enumerate(items)
            ]
        return list(picked(out_bar, index))
    return picked(out_bar, index)


def picked(x: Any, index: tuple[int, ...]) -> Any:
    """Return `x[i]`, `x[i, j]`, or x itself for an empty index."""
    if len(index) == 0:
        return x
    if len(index) == 1:
        return x[index[0]]
    return x[index]


@rules.linear(np.stack, wrt="arrays")
def stack(out_bar: Any, arrays: Any, axis: int = 0) -> Any:
    """One position of the new axis for each array."""
    return layers(out_bar, arrays, positive_axis(axis, out_bar.ndim))


def layers(out_bar: Any, arrays: Any, axis: int) -> Any:
    """Return one position on an axis for each array."""
    if isinstance(arrays, np.ndarray):
        return np.moveaxis(out_bar, axis, 0)
    if rules.fixed_length(arrays):
        return [out_bar[at(axis, k)] for k in range(len(arrays))]
    if axis == 0:
        return list(out_bar)
    return list(np.moveaxis(out_bar, axis, 0))


@rules.linear(np.concatenate, wrt="arrays")
def concatenate(out_bar: Any, arrays: Any, axis: Any = 0) -> Any:
    """One section of the axis for each array."""
    if axis is None:
        return sections(out_bar, arrays, None)
    return sections(out_bar, arrays, positive_axis(axis, out_bar.ndim))


def sections(out_bar: Any, arrays: Any, axis: int | None) -> Any:
    """Return one section of an axis for each array; flattened if there is no axis."""
    if isinstance(arrays, np.ndarray):
        return sections_of_array(out_bar, arrays, axis)
    if not rules.fixed_length(arrays):
        return sections_of_list(out_bar, arrays, axis)
    bars: tuple[Any, ...] = ()
    start, stop = None, 0
    for k in range(len(arrays)):
        x = arrays[k]
        n = count(x) if axis is None else np.shape(x)[axis]
        stop = n if k == 0 else stop + n
        if axis is None:
            bars = (*bars, flat_section(out_bar, start, stop, x))
        else:
            part = out_bar[along(axis, start, stop)]
            bars = (*bars, rules.of_shape(part, x))
        start = stop
    return bars


def count(x: Any) -> Any:
    """Return the number of elements."""
    if np.ndim(x) == 0:
        return 1
    return len(x) if np.ndim(x) == 1 else np.size(x)


def flat_section(out_bar: Any, start: Any, stop: Any, x: Any) -> Any:
    """Return the elements of a flat cotangent that belong to an array."""
    if np.ndim(x) == 0:
        return out_bar[stop - 1]
    if np.ndim(x) == 1:
        return rules.of_shape(out_bar[start:stop], x)
    return out_bar[start:stop].reshape(np.shape(x))


def sections_of_list(out_bar: Any, arrays: Any, axis: int | None) -> Any:
    """Return one section for each array of a list of any length."""
    if axis is None:
        sizes = [np.size(x) for x in arrays]
        ends = np.cumsum(sizes)
        return [
            shaped(out_bar[stop - n : stop], x)
            for x, n, stop in zip(arrays, sizes, ends, strict=True)
        ]
    sizes = [x.shape[axis] for x in arrays]
    ends = np.cumsum(sizes)
    return [
        out_bar[along(axis, stop - n, stop)]
        for n, stop in zip(sizes, ends, strict=True)
    ]


def sections_of_array(out_bar: Any, arrays: Any, axis: int | None) -> Any:
    """Return the sections for the rows of an array, stacked like the rows."""
    if axis is None:
        return out_bar.reshape(arrays.shape)
    row = (arrays.shape[0], arrays.shape[axis + 1])
    rows = (*out_bar.shape[:axis], *row, *out_bar.shape[axis + 1 :])
    return np.moveaxis(out_bar.reshape(rows), axis, 0)


@rules.linear(np.vstack, wrt="tup")
def vstack(out_bar: Any, tup: Any) -> Any:
    """Sections of the first axis; a vector is one row."""
    return rows(out_bar, tup, 0)


def rows(out_bar: Any, arrays: Any, axis: int) -> Any:
    """Return sections of an axis, where a vector is one position of it."""
    if isinstance(arrays, np.ndarray):
        if arrays.ndim < 3:
            return layers(out_bar, arrays, axis).reshape(arrays.shape)
        return sections(out_bar, arrays, axis)
    if not rules.fixed_length(arrays):
        if np.ndim(arrays[0]) < 2:
            return layers(out_bar, arrays, axis)
        return sections(out_bar, arrays, axis)
    bars: tuple[Any, ...] = ()
    start, stop = None, 0
    for k in range(len(arrays)):
        x = arrays[k]
        if np.ndim(x) < 2:
            bars = (*bars, out_bar[at(axis, stop)])
            stop = stop + 1
        else:
            stop = stop + x.shape[axis]
            part = out_bar[along(axis, start, stop)]
            bars = (*bars, rules.of_shape(part, x))
        start = stop
    return bars


@rules.linear(np.hstack, wrt="tup")
def hstack(out_bar: Any, tup: Any) -> Any:
    """Sections of the second axis, or of the first of vectors and scalars."""
    if out_bar.ndim > 1:
        return sections(out_bar, tup, 1)
    if isinstance(tup, np.ndarray) or not rules.fixed_length(tup):
        if np.ndim(tup[0]) == 0:
            return layers(out_bar, tup, 0)
        return sections(out_bar, tup, 0)
    return sections(out_bar, tup, None)


@rules.linear(np.column_stack, wrt="tup")
def column_stack(out_bar: Any, tup: Any) -> Any:
    """Sections of the second axis; a vector is one column."""
    return rows(out_bar, tup, 1)


@rules.linear(np.dstack, wrt="tup")
def dstack(out_bar: Any, tup: Any) -> Any:
    """Sections of the third axis, or positions on it."""
    if isinstance(tup, np.ndarray):
        if tup.ndim < 4:
            return np.moveaxis(out_bar, 2, 0).reshape(tup.shape)
        return sections(out_bar, tup, 2)
    if not rules.fixed_length(tup):
        rules.refuse("np.dstack of a list whose length is known only at run time")
    bars: tuple[Any, ...] = ()
    start, stop = None, 0
    for k in range(len(tup)):
        x = tup[k]
        if np.ndim(x) < 3:
            bars = (*bars, shaped(out_bar[:, :, stop], x))
            stop = stop + 1
        else:
            stop = stop + x.shape[2]
            bars = (*bars, rules.of_shape(out_bar[:, :, start:stop], x))
        start = stop
    return bars


@rules.linear(np.append, wrt=("arr", "values"))
def append(out_bar: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    """The front is the array's, the rest that of what was appended."""
    if axis is None:
        n = np.size(arr)
        return shaped(out_bar[:n], arr), shaped(out_bar[n:], values)
    k = positive_axis(axis, out_bar.ndim)
    n = arr.shape[k]
    front, back = out_bar[along(k, None, n)], out_bar[along(k, n, None)]
    return rules.of_shape(front, arr), rules.of_shape(back, values)


@rules.forward(np.append)
def append_dot(arr_dot: Any, values_dot: Any, axis: Any = None) -> Any:
    """Append the tangents."""
    return np.append(arr_dot, values_dot, axis)


@rules.linear(np.block, wrt="arrays")
def block(out_bar: Any, arrays: Any) -> Any:
    """One block of the cotangent for each array."""
    if not isinstance(arrays, list):
        return shaped(out_bar, arrays)
    if not rules.fixed_length(arrays):
        rules.refuse("np.block of a list whose length is known only at run time")
    return blocks(out_bar, arrays, -nesting(arrays))


def blocks(out_bar: Any, items: Any, axis: int) -> Any:
    """Return the sections of an axis for nested lists, innermost last."""
    if not isinstance(items, list):
        if np.ndim(items) == out_bar.ndim:
            return rules.of_shape(out_bar, items)
        return shaped(out_bar, items)
    bars: list[Any] = []
    start, stop = None, 0
    for k, item in enumerate(items):
        stop = extent(item, axis) if k == 0 else stop + extent(item, axis)
        part = out_bar[along(out_bar.ndim + axis, start, stop)]
        bars = [*bars, blocks(part, item, axis + 1)]
        start = stop
    return bars


def nesting(items: Any) -> int:
    """Return how deep lists are nested."""
    if not isinstance(items[0], list):
        return 1
    if not isinstance(items[0][0], list):
        return 2
    if not isinstance(items[0][0][0], list):
        return 3
    return rules.refuse("np.block of lists that are nested more than three deep")


def extent(item: Any, axis: int) -> Any:
    """Return the size of a block along an axis counted from the end."""
    if isinstance(item, list):
        item = item[0]
    if isinstance(item, list):
        item = item[0]
    return item.shape[axis] if np.ndim(item) >= -axis else 1


@rules.linear(np.meshgrid, wrt="xi")
def meshgrid(
    out_bar: Any,
    *xi: Any,
    copy: bool = True,
    sparse: bool = False,
    indexing: str = "xy",
) -> Any:
    """Sum over the axes along which the coordinates are repeated."""
    bars: tuple[Any, ...] = ()
    for k in range(len(xi)):
        others = other_coordinates(k, len(xi), indexing)
        if out_bar[k] is None:  # integers
            bars = (*bars, None)
            continue
        g = out_bar[k] if len(others) == 0 else out_bar[k].sum(axis=others)
        bars = (*bars, g if np.ndim(xi[k]) == 1 else shaped(g, xi[k]))
    return bars


@rules.static
def other_coordinates(k: int, n: int, indexing: str) -> tuple[int, ...]:
    """Return the axes that coordinate k is repeated along."""
    own = 1 - k if indexing == "xy" and n > 1 and k < 2 else k
    return tuple(axis for axis in range(n) if axis != own)
