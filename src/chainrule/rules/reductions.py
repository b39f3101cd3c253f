"""Reductions: sums, means and products.

In: arrays, an axis or several, whether axes are kept. Out: transposes and pullbacks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import along, as_array, axes_tuple, conj


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


@rules.linear(np.mean, wrt="a")
def mean(
    out_bar: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    where: Any = True,
) -> Any:
    if where is True:
        return spread(out_bar / count(a, axis), a, axis, keepdims)
    there = np.broadcast_to(where, np.shape(a))
    n = np.sum(there, axis=axis, keepdims=keepdims)
    return np.where(there, spread(out_bar / n, a, axis, keepdims), 0)


@rules.reverse(np.prod)
def prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.prod(a, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        return kept(out_bar, axis, keepdims) * conj(products_of_others(a, axis))

    return out, pullback


@rules.forward(np.prod)
def prod_forward(a: Any, a_dot: Any, axis: Any = None, keepdims: bool = False) -> Any:
    moved = products_of_others(a, axis) * as_array(a_dot)
    return np.sum(moved, axis=axis, keepdims=keepdims)


def products_of_others(a: Any, axis: Any) -> Any:
    """Return for each element the product of all others along an axis or several.

    No division: right with zeros, at every order.
    """
    a = as_array(a)
    if axis is None and np.ndim(a) > 1:
        return products_of_others(np.ravel(a), 0).reshape(np.shape(a))
    if np.ndim(a) == 0:
        return 1.0
    axes = axes_tuple(0 if axis is None else axis, np.ndim(a))
    if len(axes) > 1:
        rest = np.prod(a, axis=axes[0], keepdims=True)
        return products_of_others(a, axes[0]) * products_of_others(rest, axes[1:])
    return products_before(a, axes[0]) * products_after(a, axes[0])


def products_before(a: Any, axis: int) -> Any:
    """Return for each element the product of those before it on a non-negative axis."""
    one = np.ones_like(a[along(axis, None, 1)])
    return np.cumprod(np.concatenate((one, a[along(axis, None, -1)]), axis), axis)


def products_after(a: Any, axis: int) -> Any:
    """Return for each element the product of those after it on a non-negative axis."""
    return np.flip(products_before(np.flip(a, axis), axis), axis)


@rules.composite(np.nansum)
def nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)


@rules.composite(np.nanprod)
def nanprod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.prod(np.where(np.isnan(a), 1, a), axis=axis, keepdims=keepdims)


@rules.composite(np.nanmean)
def nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total = np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)
    return total / np.sum(~np.isnan(as_array(a)), axis=axis, keepdims=keepdims)


@rules.composite(np.fmax.reduce)
def fmax_reduce(array: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    return np.nanmax(array, axis=axis, keepdims=keepdims)


@rules.composite(np.fmin.reduce)
def fmin_reduce(array: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    return np.nanmin(array, axis=axis, keepdims=keepdims)


@rules.reverse(np.logaddexp.reduce)
def logaddexp_reduce(array: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    out = np.logaddexp.reduce(array, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]

    def pullback(out_bar: Any) -> Any:
        return kept(out_bar, axis, keepdims) * shares(array, out, axis, keepdims)

    return out, pullback


@rules.forward(np.logaddexp.reduce)
def logaddexp_reduce_forward(
    array: Any, array_dot: Any, out: Any, axis: Any = 0, keepdims: bool = False
) -> Any:
    moved = shares(array, out, axis, keepdims) * array_dot
    return np.sum(moved, axis=axis, keepdims=keepdims)


def shares(a: Any, total: Any, axis: Any, keepdims: bool) -> Any:
    """Return which part of a sum of exponentials each of them is."""
    return np.where(np.isinf(a) & (a < 0), 0, np.exp(a - kept(total, axis, keepdims)))
