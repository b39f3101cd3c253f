"""Cumulative sums and products, and the recurrences behind them.

In: arrays and an axis. Out: transposes and pullbacks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import (
    along,
    as_array,
    conj,
    on_axis,
    positive_axis,
    zeros_like,
)
from chainrule.rules.indexing import mesh_with
from chainrule.rules.reductions import products_before
from chainrule.runtime.scans import recurrence


@rules.linear(np.cumsum, wrt="a")
def cumsum(out_bar: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    if np.ndim(a) == 1:
        return np.cumsum(out_bar[::-1])[::-1]
    if axis is None:
        return np.cumsum(out_bar[::-1])[::-1].reshape(np.shape(a))
    return np.flip(np.cumsum(np.flip(out_bar, axis), axis), axis)


@rules.reverse(np.cumprod)
def cumprod(a: Any, axis: Any = None) -> Any:
    out = np.cumprod(a, axis=axis)

    def pullback(out_bar: Any) -> Any:
        k = 0 if axis is None else positive_axis(axis, np.ndim(a))
        factors = np.ravel(a) if axis is None else as_array(a)
        later = np.roll(np.flip(factors, k), 1, k)
        after = np.flip(recurrence(np.flip(out_bar, k), conj(later), k), k)
        return (conj(products_before(factors, k)) * after).reshape(np.shape(a))

    return out, pullback


@rules.forward(np.cumprod)
def cumprod_forward(a: Any, a_dot: Any, axis: Any = None) -> Any:
    k = 0 if axis is None else positive_axis(axis, np.ndim(a))
    factors = np.ravel(a) if axis is None else as_array(a)
    moved = np.ravel(a_dot) if axis is None else as_array(a_dot)
    return recurrence(moved * products_before(factors, k), factors, k)


@rules.reverse(recurrence, wrt=("b", "a"))
def recurrence_(b: Any, a: Any, axis: int) -> Any:
    out = recurrence(b, a, axis)

    def pullback(out_bar: Any) -> Any:
        later = np.roll(np.flip(conj(a), axis), 1, axis)
        b_bar = np.flip(recurrence(np.flip(out_bar, axis), later, axis), axis)
        return b_bar, b_bar * conj(delayed(out, axis))

    return out, pullback


@rules.forward(recurrence)
def recurrence_forward(b_dot: Any, a: Any, a_dot: Any, axis: int, out: Any) -> Any:
    return recurrence(b_dot + a_dot * delayed(out, axis), a, axis)


def delayed(x: Any, axis: int) -> Any:
    """Return the elements moved on by one position, with a zero in front."""
    zero = np.zeros_like(x[along(axis, None, 1)])
    return np.concatenate((zero, x[along(axis, None, -1)]), axis)


@rules.composite(np.nancumsum)
def nancumsum(a: Any, axis: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0, a), axis=axis)


@rules.composite(np.nancumprod)
def nancumprod(a: Any, axis: Any = None) -> Any:
    return np.cumprod(np.where(np.isnan(a), 1, a), axis=axis)


@rules.composite(np.add.accumulate)
def add_accumulate(array: Any, axis: int = 0) -> Any:
    return np.cumsum(array, axis=axis)


@rules.composite(np.multiply.accumulate)
def multiply_accumulate(array: Any, axis: int = 0) -> Any:
    return np.cumprod(array, axis=axis)


@rules.reverse(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, period: Any = 2 * np.pi) -> Any:
    """Only multiples of the period are added."""
    out = np.unwrap(p, discont=discont, axis=axis, period=period)

    def pullback(out_bar: Any) -> Any:
        return out_bar

    return out, pullback


@rules.forward(np.unwrap)
def unwrap_forward(
    p_dot: Any, discont: Any = None, axis: int = -1, period: Any = 2 * np.pi
) -> Any:
    return p_dot


@rules.reverse(np.maximum.accumulate)
def maximum_accumulate(array: Any, axis: int = 0) -> Any:
    """Of equal elements, the last one carries the derivative."""
    out = np.maximum.accumulate(array, axis)

    def pullback(out_bar: Any) -> Any:
        return returned(out_bar, array, latest(array, out, axis), axis)

    return out, pullback


@rules.reverse(np.minimum.accumulate)
def minimum_accumulate(array: Any, axis: int = 0) -> Any:
    """Of equal elements, the last one carries the derivative."""
    out = np.minimum.accumulate(array, axis)

    def pullback(out_bar: Any) -> Any:
        return returned(out_bar, array, latest(array, out, axis), axis)

    return out, pullback


@rules.forward(np.maximum.accumulate, np.minimum.accumulate)
def extreme_accumulate_forward(
    array: Any, array_dot: Any, out: Any, axis: int = 0
) -> Any:
    return np.take_along_axis(array_dot, latest(array, out, axis), axis)


def latest(a: Any, out: Any, axis: int) -> Any:
    """Return where on the axis the extreme so far was last reached."""
    k = positive_axis(axis, np.ndim(a))
    places = on_axis(np.arange(np.shape(a)[k]), k, np.ndim(a))
    return np.maximum.accumulate(np.where(a == out, places, 0), axis)


def returned(out_bar: Any, a: Any, places: Any, axis: int) -> Any:
    """Add each cotangent at its place on the axis."""
    if np.ndim(a) == 1:
        return prims.index_add(zeros_like(a), places, out_bar)
    index = mesh_with(a, places, positive_axis(axis, np.ndim(a)))
    return prims.index_add(zeros_like(a), index, out_bar)


if hasattr(np, "cumulative_sum"):

    @rules.composite(np.cumulative_sum)
    def cumulative_sum(x: Any, axis: Any = None, include_initial: bool = False) -> Any:
        k = 0 if axis is None else positive_axis(axis, np.ndim(x))
        out = np.cumsum(x, axis=k)
        if not include_initial:
            return out
        return np.concatenate((np.zeros_like(x[along(k, None, 1)]), out), k)

    @rules.composite(np.cumulative_prod)
    def cumulative_prod(x: Any, axis: Any = None, include_initial: bool = False) -> Any:
        k = 0 if axis is None else positive_axis(axis, np.ndim(x))
        out = np.cumprod(x, axis=k)
        if not include_initial:
            return out
        return np.concatenate((np.ones_like(x[along(k, None, 1)]), out), k)
