"""Splitting arrays, and inserting and deleting elements.

In: an array. Out: transposes that join the cotangents of the parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import at, positive_axis, present, shaped, zeros_like


@rules.linear(np.split, np.array_split, wrt="ary")
def split(out_bar: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Join the parts again."""
    if isinstance(indices_or_sections, list | tuple):
        in_order(tuple(indices_or_sections))
    return rules.of_shape(np.concatenate(out_bar, axis), ary)


@rules.static
def in_order(indices: tuple[int, ...]) -> bool:
    """Refuse places to split at that are not in order: parts would overlap."""
    for front in ([k for k in indices if k >= 0], [k for k in indices if k < 0]):
        if sorted(front) != front:
            rules.refuse("places to split at that are not in ascending order")
    return True


@rules.linear(np.vsplit, wrt="ary")
def vsplit(out_bar: Any, ary: Any, indices_or_sections: Any) -> Any:
    """Join the parts again."""
    return split(out_bar, ary, indices_or_sections, 0)


@rules.linear(np.hsplit, wrt="ary")
def hsplit(out_bar: Any, ary: Any, indices_or_sections: Any) -> Any:
    """Join the parts again."""
    return split(out_bar, ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@rules.linear(np.dsplit, wrt="ary")
def dsplit(out_bar: Any, ary: Any, indices_or_sections: Any) -> Any:
    """Join the parts again."""
    return split(out_bar, ary, indices_or_sections, 2)


@rules.linear(*present(np, "unstack"), wrt="x")
def unstack(out_bar: Any, x: Any, *, axis: int = 0) -> Any:
    """Stack the parts again."""
    return np.stack(out_bar, axis)


@rules.linear(np.delete, wrt="arr")
def delete(out_bar: Any, arr: Any, obj: Any, axis: Any = None) -> Any:
    """Zero where elements were dropped."""
    if axis is None:
        kept = np.delete(np.arange(arr.size), obj)
        zeros = np.zeros(arr.size, arr.dtype)
        return shaped(prims.index_set(zeros, kept, out_bar), arr)
    k = positive_axis(axis, arr.ndim)
    kept = np.delete(np.arange(arr.shape[k]), obj)
    return prims.index_set(zeros_like(arr), at(k, kept), out_bar)


@rules.linear(np.insert, wrt=("arr", "values"))
def insert(out_bar: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """Read the old elements and the new ones at their places."""
    if axis is not None and arr.ndim > 1:
        rules.refuse("np.insert into an array of more than one axis")
    old = np.insert(np.arange(arr.size), obj, np.full(np.shape(values), -1))
    arr_bar = out_bar[old >= 0]
    if np.size(values) == 1:
        return shaped(arr_bar, arr), np.full(np.shape(values), out_bar[old < 0].sum())
    new = np.insert(np.full(arr.size, -1), obj, np.arange(np.size(values)))
    places = np.argsort(new, kind="stable")[arr.size :]
    return shaped(arr_bar, arr), shaped(out_bar[places], values)


@rules.forward(np.insert)
def insert_dot(arr_dot: Any, obj: Any, values_dot: Any, axis: Any = None) -> Any:
    """Insert the tangents."""
    return np.insert(arr_dot, obj, values_dot, axis)
