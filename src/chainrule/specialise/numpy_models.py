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


def multiply_at(a: Any, places: Any, value: Any) -> None:
    """Write what `np.multiply.at` does with one value."""
    for i in places:
        a[i] = a[i] * value


def multiply_at_each(a: Any, places: Any, values: Any) -> None:
    """Write what `np.multiply.at` does with a value for each place."""
    for i, value in zip(places, values, strict=True):
        a[i] = a[i] * value


def divide_at(a: Any, places: Any, value: Any) -> None:
    """Write what `np.divide.at` does with one value."""
    for i in places:
        a[i] = a[i] / value


def divide_at_each(a: Any, places: Any, values: Any) -> None:
    """Write what `np.divide.at` does with a value for each place."""
    for i, value in zip(places, values, strict=True):
        a[i] = a[i] / value


def maximum_at(a: Any, places: Any, value: Any) -> None:
    """Write what `np.maximum.at` does with one value."""
    for i in places:
        a[i] = np.maximum(a[i], value)


def maximum_at_each(a: Any, places: Any, values: Any) -> None:
    """Write what `np.maximum.at` does with a value for each place."""
    for i, value in zip(places, values, strict=True):
        a[i] = np.maximum(a[i], value)


def minimum_at(a: Any, places: Any, value: Any) -> None:
    """Write what `np.minimum.at` does with one value."""
    for i in places:
        a[i] = np.minimum(a[i], value)


def minimum_at_each(a: Any, places: Any, values: Any) -> None:
    """Write what `np.minimum.at` does with a value for each place."""
    for i, value in zip(places, values, strict=True):
        a[i] = np.minimum(a[i], value)


def count_of_steps(start: Any, stop: Any, step: Any) -> Any:
    """Return how many points `np.mgrid[start:stop:step]` has."""
    return math.ceil((stop - start) / step)


def step_of_points(start: Any, stop: Any, count: int) -> Any:
    """Return the step between the points of `np.mgrid[start:stop:count * 1j]`."""
    return (stop - start) / (count - 1.0) if count != 1 else 1.0
