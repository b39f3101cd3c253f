"""Reductions that are linear: sums and means.

In: arrays, an axis or several, whether axes are kept. Out: their transposes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import axes_tuple


def kept(x: Any, axis: Any, keepdims: bool) -> Any:
    """Give the result of a reduction the axes that it would have with `keepdims`."""
    if axis is None or keepdims:
        return x
    return np.expand_dims(x, axis)


def spread(out_bar: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """Repeat the cotangent of a reduction over the axes that were reduced."""
    return np.broadcast_to(kept(out_bar, axis, keepdims), np.shape(a))


def count(a: Any, axis: Any) -> Any:
    """Return how many elements are reduced to one."""
    if axis is None:
        return np.size(a)
    n = 1
    for k in axes_tuple(axis, np.ndim(a)):
        n = n * np.shape(a)[k]
    return n


@rules.linear(np.sum, wrt="a")
def sum_(
    out_bar: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    where: Any = True,
) -> Any:
    a_bar = spread(out_bar, a, axis, keepdims)
    if where is True:
        return a_bar
    return np.where(where, a_bar, 0)


@rules.linear(np.add.reduce, wrt="array")
def add_reduce(
    out_bar: Any, array: Any, axis: Any = 0, dtype: Any = None, keepdims: bool = False
) -> Any:
    return spread(out_bar, array, axis, keepdims)


@rules.linear(np.mean, wrt="a")
def mean(
    out_bar: Any, a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False
) -> Any:
    return spread(out_bar / count(a, axis), a, axis, keepdims)
