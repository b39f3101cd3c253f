"""Sorting and selecting by order: each value keeps its own cotangent.

In: arrays. Out: values read through `argsort`, and pullbacks that put cotangents back.
Equal elements count in the order in which NumPy's stable sort puts them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import zeros_like


@rules.reverse(np.sort, wrt="a")
def sort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
    """Sort; the pullback undoes the permutation."""
    order = stable_order(a, axis)

    def pullback(out_bar: Any) -> Any:
        return put_back(out_bar, a, order, axis)

    return read_in_order(a, order, axis), pullback


def stable_order(a: Any, axis: Any) -> Any:
    """Return the order in which equal elements stay as they are."""
    if axis == -1 or (a.ndim == 1 and axis is not None):
        return np.argsort(a, kind="stable")
    return np.argsort(a, axis, kind="stable")


@rules.forward(np.sort)
def sort_dot(a: Any, a_dot: Any, axis: Any = -1, kind: Any = None) -> Any:
    """Permute the tangent."""
    order = stable_order(a, axis)
    return read_in_order(a_dot, order, axis)


@rules.reverse(np.partition, wrt="a")
def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect") -> Any:
    """Partition; the pullback undoes the permutation."""
    order = np.argpartition(a, kth, axis)

    def pullback(out_bar: Any) -> Any:
        return put_back(out_bar, a, order, axis)

    return read_in_order(a, order, axis), pullback


@rules.forward(np.partition)
def partition_dot(
    a: Any, a_dot: Any, kth: Any, axis: Any = -1, kind: Any = "introselect"
) -> Any:
    """Permute the tangent."""
    return read_in_order(a_dot, np.argpartition(a, kth, axis), axis)


def read_in_order(a: Any, order: Any, axis: Any) -> Any:
    """Return the elements in the order that was found along an axis."""
    if axis is None:
        return a.ravel()[order]
    if a.ndim == 1:
        return a[order]
    return np.take_along_axis(a, order, axis)


def put_back(out_bar: Any, a: Any, order: Any, axis: Any) -> Any:
    """Return each cotangent to the place of its element."""
    if axis is None:
        zeros = np.zeros(a.size, a.dtype)
        return prims.index_set(zeros, order, out_bar).reshape(a.shape)
    if a.ndim == 1:
        return prims.index_set(zeros_like(a), order, out_bar)
    return np.take_along_axis(out_bar, np.argsort(order, axis), axis)


@rules.reverse(np.unique, wrt="ar")
def unique(ar: Any) -> Any:
    """Of equal elements, the first carries the derivative."""
    out, first = np.unique(ar, return_index=True)

    def pullback(out_bar: Any) -> Any:
        if ar.ndim == 1:
            return prims.index_set(zeros_like(ar), first, out_bar)
        zeros = np.zeros(ar.size, ar.dtype)
        return prims.index_set(zeros, first, out_bar).reshape(ar.shape)

    return out, pullback


@rules.forward(np.unique)
def unique_dot(ar: Any, ar_dot: Any) -> Any:
    """Of equal elements, the first carries the derivative."""
    return ar_dot.ravel()[np.unique(ar, return_index=True)[1]]


rules.inactive(np.argsort, np.argpartition, np.digitize, np.lexsort, np.searchsorted)
