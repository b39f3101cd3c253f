"""Functions given by samples: differences, gradient, integral, interpolation.

In: samples and their spacing. Out: transposes, and equivalents made of slices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import (
    along,
    as_array,
    at,
    axes_tuple,
    on_axis,
    positive_axis,
)


@rules.linear(np.diff, wrt=("a", "prepend", "append"))
def diff(
    out_bar: Any,
    a: Any,
    n: int = 1,
    axis: int = -1,
    prepend: Any = None,
    append: Any = None,
) -> Any:
    for _ in range(n):
        out_bar = -np.diff(out_bar, axis=axis, prepend=0, append=0)
    if prepend is None and append is None:
        return out_bar, None, None
    k = positive_axis(axis, np.ndim(a))
    start = 0 if prepend is None else width(prepend, k)
    stop = start + np.shape(a)[k]
    return (
        out_bar[along(k, start, stop)],
        None if prepend is None else out_bar[along(k, None, start)],
        None if append is None else out_bar[along(k, stop, None)],
    )


@rules.forward(np.diff)
def diff_forward(
    a_dot: Any,
    n: int = 1,
    axis: int = -1,
    prepend: Any = None,
    append: Any = None,
    prepend_dot: Any = None,
    append_dot: Any = None,
) -> Any:
    k = positive_axis(axis, np.ndim(a_dot))
    a_dot = as_array(a_dot)
    if prepend is not None:
        a_dot = np.concatenate((extension(prepend_dot, a_dot, k), a_dot), k)
    if append is not None:
        a_dot = np.concatenate((a_dot, extension(append_dot, a_dot, k)), k)
    return np.diff(a_dot, n, axis)


def width(x: Any, axis: int) -> Any:
    """Return how many positions an extension of an axis takes; a number takes one."""
    return 1 if np.ndim(x) == 0 else np.shape(x)[axis]


def extension(x: Any, a: Any, axis: int) -> Any:
    """Return what extends an axis: an array as it is, a number in every place."""
    if np.ndim(x) > 0:
        return x
    return x * np.ones_like(a[along(axis, None, 1)])


@rules.linear(np.ediff1d, wrt="ary")
def ediff1d(out_bar: Any, ary: Any) -> Any:
    bar = -np.diff(out_bar, prepend=0, append=0)
    return bar if np.ndim(ary) == 1 else bar.reshape(np.shape(ary))


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral by the trapezoidal rule."""
    y = as_array(y)
    k = positive_axis(axis, np.ndim(y))
    both = y[along(k, 1, None)] + y[along(k, None, -1)]
    if x is None:
        return np.sum(dx * both / 2.0, axis=axis)
    if np.ndim(x) == 1:
        return np.sum(on_axis(np.diff(x), k, np.ndim(y)) * both / 2.0, axis=axis)
    return np.sum(np.diff(x, axis=axis) * both / 2.0, axis=axis)


rules.composite(getattr(np, "trapezoid", None) or np.trapz)(trapezoid)  # type: ignore[attr-defined,unused-ignore]


@rules.composite(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_array(f)
    axes = tuple(range(np.ndim(f))) if axis is None else axes_tuple(axis, np.ndim(f))
    parts: tuple[Any, ...] = ()
    for n in range(len(axes)):
        h: Any = 1.0
        if len(varargs) == 1:
            h = varargs[0]
        elif len(varargs) > 1:
            h = varargs[n]
        parts = (*parts, gradient_along(f, h, axes[n], edge_order))
    return parts[0] if len(parts) == 1 else parts


def gradient_along(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Return second-order central differences, one-sided ones at the ends."""
    before, after = f[along(axis, None, -2)], f[along(axis, 2, None)]
    if np.ndim(h) == 0:
        middle = (after - before) / (2.0 * h)
        first, last = h, h
    else:
        h = as_array(h)
        steps = np.diff(h)
        first, last = steps[0], steps[-1]
        left = on_axis(steps[:-1], axis, np.ndim(f))
        right = on_axis(steps[1:], axis, np.ndim(f))
        both = left + right
        middle = (
            -right / (left * both) * before
            + (right - left) / (left * right) * f[along(axis, 1, -1)]
            + left / (right * both) * after
        )
    start = (f[along(axis, 1, 2)] - f[along(axis, None, 1)]) / first
    stop = (f[along(axis, -1, None)] - f[along(axis, -2, -1)]) / last
    if edge_order == 2:
        start = start + edge_correction(f, h, axis, 0, 1, 2)
        stop = stop - edge_correction(f, h, axis, -1, -2, -3)
    return np.concatenate((start, middle, stop), axis)


def edge_correction(f: Any, h: Any, axis: int, i: int, j: int, k: int) -> Any:
    """Return what second order adds to the one-sided difference at the start."""
    near, far = h, h
    if np.ndim(h) > 0:
        near, far = abs(h[j] - h[i]), abs(h[k] - h[j])
    fi, fj, fk = f[at(axis, i)], f[at(axis, j)], f[at(axis, k)]
    bend = (fj - fi) / near - (fk - fj) / far
    return np.expand_dims(bend * near / (near + far), axis)


@rules.composite(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    j = np.clip(np.searchsorted(xp, x, side="right"), 1, len(xp) - 1) - 1
    slope = (fp[j + 1] - fp[j]) / (xp[j + 1] - xp[j])
    inside = slope * (x - xp[j]) + fp[j]
    below = fp[0] if left is None else left
    above = fp[-1] if right is None else right
    at_end = np.where(x == xp[-1], fp[-1], above)
    out = np.where(x < xp[0], below, np.where(x >= xp[-1], at_end, inside))
    return out[()] if np.ndim(x) == 0 else out  # a number, as from NumPy
