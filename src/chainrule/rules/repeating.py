"""Functions that repeat elements: tile, repeat, resize, pad.

In: an array. Out: transposes that add up what was repeated: a reshape and a sum where
the copies are regular, else an accumulation at the indices they were copied from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import positive_axis, shaped, zeros_like


@rules.linear(np.tile, wrt="A")
def tile(out_bar: Any, A: Any, reps: Any) -> Any:  # noqa: N803
    """Give each repetition an axis of its own and sum over it."""
    counts = reps if isinstance(reps, list | tuple) else (reps,)
    shape = np.shape(A)
    ndim = max(len(counts), len(shape))
    counts = (1,) * (ndim - len(counts)) + tuple(counts)
    shape = (1,) * (ndim - len(shape)) + shape
    split: tuple[Any, ...] = ()
    for k in range(ndim):
        split = (*split, counts[k], shape[k])
    total = out_bar.reshape(split).sum(axis=tuple(range(0, 2 * ndim, 2)))
    if ndim == np.ndim(A):
        return total
    return shaped(total, A)


@rules.linear(np.repeat, wrt="a")
def repeat(out_bar: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    """Sum the copies of each element."""
    if np.ndim(a) == 0:
        return np.sum(out_bar)
    if axis is None:
        if np.ndim(repeats) == 0:
            return out_bar.reshape((*a.shape, repeats)).sum(axis=-1)
        origin = np.repeat(np.arange(a.size), repeats)
        zeros = np.zeros(a.size, a.dtype)
        return shaped(prims.index_add(zeros, origin, out_bar), a)
    k = positive_axis(axis, a.ndim)
    if np.ndim(repeats) == 0:
        split = (*a.shape[: k + 1], repeats, *a.shape[k + 1 :])
        return out_bar.reshape(split).sum(axis=k + 1)
    origin = np.repeat(np.arange(a.shape[k]), repeats)
    index = (slice(None),) * k + (origin,)
    return prims.index_add(zeros_like(a), index, out_bar)


@rules.linear(np.resize, wrt="a")
def resize(out_bar: Any, a: Any, new_shape: Any) -> Any:
    """Add each element of the result to the element it is a copy of."""
    origin = np.resize(np.arange(np.size(a)), new_shape)
    zeros = np.zeros(np.size(a), out_bar.dtype)
    return shaped(prims.index_add(zeros, origin, out_bar), a)


GATHERING = ("edge", "reflect", "symmetric", "wrap")


@rules.linear(np.pad, wrt="array")
def pad(
    out_bar: Any,
    array: Any,
    pad_width: Any,
    mode: Any = "constant",
    *,
    constant_values: Any = 0,
) -> Any:
    """Cut off constants; add what was copied from inside to its place."""
    pairs = pad_pairs(pad_width, array.ndim)
    if mode == "constant":
        index: tuple[Any, ...] = ()
        for before, after in pairs:
            index = (*index, slice(before or None, -after or None))
        part = out_bar[index[0] if len(index) == 1 else index]
        return rules.of_shape(part, array)
    if mode not in GATHERING:
        rules.refuse(f"np.pad with mode={mode!r}")
    return prims.index_add(zeros_like(array), origins(array, pairs, mode), out_bar)


def pad_pairs(pad_width: Any, ndim: int) -> Any:
    """Return `(before, after)` for every axis."""
    if not isinstance(pad_width, list | tuple):
        return ((pad_width, pad_width),) * ndim
    if not isinstance(pad_width[0], list | tuple):
        if len(pad_width) == 1:
            return ((pad_width[0], pad_width[0]),) * ndim
        return ((pad_width[0], pad_width[1]),) * ndim
    if len(pad_width) == 1:
        return ((pad_width[0][0], pad_width[0][-1]),) * ndim
    return tuple((pair[0], pair[-1]) for pair in pad_width)


def origins(array: Any, pairs: Any, mode: Any) -> Any:
    """Return the index of the element that each element of the result is a copy of."""
    axes: tuple[Any, ...] = ()
    for k in range(len(pairs)):
        axes = (*axes, np.pad(np.arange(array.shape[k]), pairs[k], mode))
    return axes[0] if len(axes) == 1 else np.ix_(*axes)


@rules.forward(np.pad)
def pad_dot(
    array_dot: Any,
    pad_width: Any,
    mode: Any = "constant",
    *,
    constant_values: Any = 0,
) -> Any:
    """Constants have no tangent."""
    if mode == "constant":
        return np.pad(array_dot, pad_width)
    if mode not in GATHERING:
        rules.refuse(f"np.pad with mode={mode!r}")
    return np.pad(array_dot, pad_width, mode)


@rules.linear(np.lib.stride_tricks.sliding_window_view, wrt="x")
def sliding_window_view(
    out_bar: Any, x: Any, window_shape: Any, axis: Any = None
) -> Any:
    """Add each element of the windows to the element it shows."""
    places = np.arange(np.size(x)).reshape(np.shape(x))
    origin = np.lib.stride_tricks.sliding_window_view(places, window_shape, axis)
    zeros = np.zeros(np.size(x), out_bar.dtype)
    return shaped(prims.index_add(zeros, origin, out_bar), x)
