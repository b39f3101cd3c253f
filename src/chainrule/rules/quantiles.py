"""Medians and quantiles: linear between neighbours in sorted order.

In: arrays, positions, an axis or several. Out: pullbacks and tangents. An element
counts by the distance of its rank from the position; NaN entries come last in order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import as_array, axes_tuple
from chainrule.rules.reductions import count, kept


@rules.reverse(np.median)
def median(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.median(a, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        weights = quantile_weights(a, 0.5, axis, count(a, axis))
        return kept(out_bar, axis, keepdims) * weights

    return out, pullback


@rules.forward(np.median)
def median_forward(a: Any, a_dot: Any, axis: Any = None, keepdims: bool = False) -> Any:
    weights = quantile_weights(a, 0.5, axis, count(a, axis))
    return np.sum(weights * as_array(a_dot), axis=axis, keepdims=keepdims)


@rules.reverse(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.nanmedian(a, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        weights = quantile_weights(a, 0.5, axis, numbers(a, axis))
        return kept(out_bar, axis, keepdims) * weights

    return out, pullback


@rules.forward(np.nanmedian)
def nanmedian_forward(
    a: Any, a_dot: Any, axis: Any = None, keepdims: bool = False
) -> Any:
    weights = quantile_weights(a, 0.5, axis, numbers(a, axis))
    return np.sum(weights * as_array(a_dot), axis=axis, keepdims=keepdims)


def numbers(a: Any, axis: Any) -> Any:
    """Return how many elements are numbers, with the axes kept."""
    return np.sum(~np.isnan(as_array(a)), axis=axis, keepdims=True)


def ranks(a: Any, axis: Any) -> Any:
    """Return the place that each element takes when the axes are sorted as one."""
    a = as_array(a)
    if axis is None:
        order = np.argsort(a, axis=None, kind="stable")
        return np.argsort(order).reshape(a.shape)
    axes = axes_tuple(axis, a.ndim)
    if len(axes) == 1:
        return np.argsort(np.argsort(a, axes[0], kind="stable"), axes[0])
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(a, axes, last)
    flat = moved.reshape((*moved.shape[: -len(axes)], -1))
    places = np.argsort(np.argsort(flat, -1, kind="stable"), -1)
    return np.moveaxis(places.reshape(moved.shape), last, axes)


def nearness(distance: Any) -> Any:
    """Return the weights of linear interpolation at a distance from the position."""
    return np.maximum(1 - np.abs(distance), 0)


@rules.reverse(np.quantile, wrt="a")
def quantile(a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.quantile(a, q, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        weights = quantile_weights(a, q, axis, count(a, axis))
        return quantile_cotangent(out_bar, a, weights, axis, keepdims)

    return out, pullback


@rules.forward(np.quantile)
def quantile_forward(
    a: Any, q: Any, a_dot: Any, axis: Any = None, keepdims: bool = False
) -> Any:
    weights = quantile_weights(a, q, axis, count(a, axis))
    return quantile_tangent(a_dot, weights, axis, keepdims)


@rules.reverse(np.nanquantile, wrt="a")
def nanquantile(a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    one_row_of_positions(q)
    out = np.nanquantile(a, q, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        weights = quantile_weights(a, q, axis, numbers(a, axis))
        return quantile_cotangent(out_bar, a, weights, axis, keepdims)

    return out, pullback


@rules.forward(np.nanquantile)
def nanquantile_forward(
    a: Any, q: Any, a_dot: Any, axis: Any = None, keepdims: bool = False
) -> Any:
    weights = quantile_weights(a, q, axis, numbers(a, axis))
    return quantile_tangent(a_dot, weights, axis, keepdims)


@rules.reverse(np.percentile, wrt="a")
def percentile(a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.percentile(a, q, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        weights = quantile_weights(a, np.asarray(q) / 100, axis, count(a, axis))
        return quantile_cotangent(out_bar, a, weights, axis, keepdims)

    return out, pullback


@rules.forward(np.percentile)
def percentile_forward(
    a: Any, q: Any, a_dot: Any, axis: Any = None, keepdims: bool = False
) -> Any:
    weights = quantile_weights(a, np.asarray(q) / 100, axis, count(a, axis))
    return quantile_tangent(a_dot, weights, axis, keepdims)


@rules.reverse(np.nanpercentile, wrt="a")
def nanpercentile(a: Any, q: Any, axis: Any = None, keepdims: bool = False) -> Any:
    one_row_of_positions(q)
    out = np.nanpercentile(a, q, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        weights = quantile_weights(a, np.asarray(q) / 100, axis, numbers(a, axis))
        return quantile_cotangent(out_bar, a, weights, axis, keepdims)

    return out, pullback


@rules.forward(np.nanpercentile)
def nanpercentile_forward(
    a: Any, q: Any, a_dot: Any, axis: Any = None, keepdims: bool = False
) -> Any:
    weights = quantile_weights(a, np.asarray(q) / 100, axis, numbers(a, axis))
    return quantile_tangent(a_dot, weights, axis, keepdims)


def one_row_of_positions(q: Any) -> None:
    """Refuse positions of rank 2, for which NumPy's order of axes is not documented."""
    if np.ndim(q) > 1:
        rules.refuse("positions of more than one axis")


def quantile_weights(a: Any, q: Any, axis: Any, n: Any) -> Any:
    """Return how much each element counts in the quantiles; axes of q come first."""
    if np.ndim(q) > 0:
        q = np.reshape(q, np.shape(q) + (1,) * np.ndim(a))
    return nearness(ranks(a, axis) - q * (n - 1))


def quantile_cotangent(
    out_bar: Any, a: Any, weights: Any, axis: Any, keepdims: bool
) -> Any:
    """Return the cotangent of the array whose quantiles are taken."""
    extra = np.ndim(weights) - np.ndim(a)
    if extra == 0:
        return kept(out_bar, axis, keepdims) * weights
    if not keepdims:
        out_bar = np.expand_dims(out_bar, shifted(axis, np.ndim(a), extra))
    return np.sum(out_bar * weights, axis=tuple(range(extra)))


def quantile_tangent(a_dot: Any, weights: Any, axis: Any, keepdims: bool) -> Any:
    """Return the tangent of the quantiles."""
    a_dot = as_array(a_dot)
    reduced = shifted(axis, a_dot.ndim, np.ndim(weights) - a_dot.ndim)
    return np.sum(weights * a_dot, axis=reduced, keepdims=keepdims)


@rules.static
def shifted(axis: Any, ndim: int, extra: int) -> tuple[int, ...]:
    """Return the reduced axes, counted behind some extra ones."""
    axes = tuple(range(ndim)) if axis is None else axes_tuple(axis, ndim)
    return tuple(k + extra for k in axes)
