"""NumPy's functions that take functions, as Python would write them.

In: what the calls are given. Out: what NumPy returns. `numpy_calls` interprets these in
place of NumPy's own, so that the functions handed to them are followed too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Write the pieces one after the other into an array."""
    x = np.asarray(x)
    if not isinstance(condlist, list | tuple):
        condlist = [condlist]
    tests = [np.asarray(test) for test in condlist]
    if x.ndim == 0:
        one = [np.reshape(test, (1,)) for test in tests]
        whole = piecewise(np.reshape(x, (1,)), one, funclist, *args, **kw)
        return np.reshape(whole, ())
    if len(funclist) == len(tests) + 1:
        tests.append(~np.any(np.stack(tests), axis=0))
    elif len(funclist) != len(tests):
        n = len(tests)
        raise ValueError(
            f"with {n} condition(s), either {n} or {n + 1} functions are expected"
        )
    y = np.zeros_like(x)
    for test, piece in zip(tests, funclist, strict=True):
        if callable(piece):
            chosen = x[test]
            if chosen.size > 0:
                y[test] = piece(chosen, *args, **kw)
        else:
            y[test] = piece
    return y


def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kw: Any) -> Any:
    """Call a function on every row along an axis, and put the results together."""
    moved = np.moveaxis(np.asarray(arr), axis, -1)
    front = moved.shape[:-1]
    rows = np.reshape(moved, (-1, moved.shape[-1]))
    results = np.array([np.asarray(func1d(row, *args, **kw)) for row in rows])
    whole = np.reshape(results, front + results.shape[1:])
    if results.ndim == 1:
        return whole
    return np.moveaxis(whole, -1, axis)


def fromfunction(function: Any, shape: Any, *, dtype: Any = float, **kw: Any) -> Any:
    """Call a function on the coordinates of a grid."""
    grid = np.indices(shape, dtype=dtype)
    return function(*[grid[k] for k in range(len(shape))], **kw)


def per_element(function: Any, names: Any, *args: Any) -> Any:
    """Call a function on the elements of arrays of one shape, the last by keyword."""
    columns = [np.ravel(a).tolist() for a in np.broadcast_arrays(*args)]
    k = len(columns) - len(names)
    if not names:
        return [function(*row) for row in zip(*columns, strict=True)]
    return [
        function(*row[:k], **dict(zip(names, row[k:], strict=True)))
        for row in zip(*columns, strict=True)
    ]


def outer(function: Any, a: Any, b: Any) -> Any:
    """Call a ufunc on every pair of elements."""
    a, b = np.asarray(a), np.asarray(b)
    return function(a[(..., *(None for _ in range(b.ndim)))], b)


def rows(parts: Any) -> Any:
    """Join arrays and numbers, as `np.r_[...]` does."""
    return np.concatenate([np.atleast_1d(part) for part in parts])


def columns(parts: Any) -> Any:
    """Put arrays side by side, as `np.c_[...]` does."""
    return np.column_stack(parts)


def split(ary: Any, bounds: Any, axis: Any = 0) -> Any:
    """Cut an array at positions that the run computes; how many is known."""
    whole = np.moveaxis(ary, axis, 0)
    starts, stops = [0, *bounds], [*bounds, len(whole)]
    parts = [whole[a:b] for a, b in zip(starts, stops, strict=True)]
    return [np.moveaxis(part, 0, axis) for part in parts]


def at_one(function: Any, a: Any, places: Any, *value: Any) -> None:
    """Write at places one after the other what a function makes of what is there."""
    for i in places:
        a[i] = function(a[i], *value)


def at_each(function: Any, a: Any, places: Any, values: Any) -> None:
    """Write at places one after the other, with a value for each."""
    for i, value in zip(places, values, strict=True):
        a[i] = function(a[i], value)


def at_once(function: Any, a: Any, index: Any, *values: Any) -> None:
    """Write at places that are all different."""
    a[index] = function(a[index], *values)


def at_rows(function: Any, a: Any, places: Any, values: Any) -> None:
    """Write at places one after the other, with values that are broadcast."""
    at_each(function, a, places, np.broadcast_to(values, a[places].shape))


def at_tuples(function: Any, a: Any, index: Any, *values: Any) -> None:
    """Write element by element, with a vector of places for each axis."""
    shape = a[index].shape
    each = [np.broadcast_to(v, shape) for v in values]
    for place, *value in zip(zip(*index, strict=True), *each, strict=True):
        a[place] = function(a[place], *value)


def at_any(function: Any, a: Any, index: Any, *values: Any) -> None:
    """Write element by element at the places of any index."""
    places = np.arange(a.size).reshape(a.shape)[index]
    each = [np.ravel(np.broadcast_to(v, places.shape)) for v in values]
    flat = np.unravel_index(np.ravel(places), a.shape)
    at_tuples(function, a, flat, *each)


def reduce(function: Any, array: Any, axis: Any = 0) -> Any:
    """Combine what lies along an axis from the left."""
    rows = np.moveaxis(array, axis, 0)
    total = rows[0]
    for row in rows[1:]:
        total = function(total, row)
    return total


def accumulate(function: Any, array: Any, axis: Any = 0) -> Any:
    """Combine what lies along an axis from the left, and keep all results."""
    out = np.array(array)
    rows = np.moveaxis(out, axis, 0)
    for k in range(1, len(rows)):
        rows[k] = function(rows[k - 1], rows[k])
    return out


def reduceat(function: Any, array: Any, indices: Any, axis: Any = 0) -> Any:
    """Combine what lies in each segment of an axis; an empty one gives its start."""
    rows = np.moveaxis(array, axis, 0)
    stops = np.append(indices[1:], len(rows))
    parts = [
        function.reduce(rows[i:j]) if i < j else rows[i]
        for i, j in zip(indices, stops, strict=True)
    ]
    return np.moveaxis(np.stack(parts), 0, axis)


def count_of_steps(start: Any, stop: Any, step: Any) -> Any:
    """Return how many points `np.mgrid[start:stop:step]` has."""
    return math.ceil((stop - start) / step)


def step_of_points(start: Any, stop: Any, count: int) -> Any:
    """Return the step between the points of `np.mgrid[start:stop:count * 1j]`."""
    return (stop - start) / (count - 1.0) if count != 1 else 1.0
