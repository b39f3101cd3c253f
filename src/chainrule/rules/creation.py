"""New arrays that depend on numbers: full, linspace, casts to a NumPy scalar type.

In: numbers. Out: transposes; the compiler sums what was repeated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import positive_axis


@rules.elementwise(
    np.float16,
    np.float32,
    np.float64,
    np.longdouble,
    np.complex64,
    np.complex128,
    np.clongdouble,
)
def cast(x: Any, out: Any) -> Any:
    return 1


@rules.linear(np.full, wrt="fill_value")
def full(
    out_bar: Any, shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C"
) -> Any:
    return out_bar


@rules.linear(np.full_like, wrt=("a", "fill_value"))
def full_like(out_bar: Any, a: Any, fill_value: Any, dtype: Any = None) -> Any:
    return None, out_bar


@rules.forward(np.full_like)
def full_like_forward(
    a: Any, a_dot: Any, fill_value_dot: Any, dtype: Any = None
) -> Any:
    return np.full_like(a, fill_value_dot, dtype=dtype)


@rules.linear(np.linspace, wrt=("start", "stop"))
def linspace(
    out_bar: Any,
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    part = np.linspace(0.0, 1.0, num, endpoint)
    if np.ndim(out_bar) == 1:
        return (1 - part) @ out_bar, part @ out_bar
    k = positive_axis(axis, np.ndim(out_bar))
    return (
        np.tensordot(1 - part, out_bar, (0, k)),
        np.tensordot(part, out_bar, (0, k)),
    )


@rules.forward(np.linspace)
def linspace_forward(
    start_dot: Any,
    stop_dot: Any,
    num: Any = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    return np.linspace(start_dot, stop_dot, num, endpoint, axis=axis)


@rules.composite(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    axis: int = 0,
) -> Any:
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@rules.linear(np.arange, wrt=("start_or_stop", "stop", "step"))
def arange(out_bar: Any, start_or_stop: Any, stop: Any = None, step: Any = None) -> Any:
    """The number of elements is taken as constant; the end has no effect but that."""
    if stop is None:
        return None, None, None
    places = np.arange(len(out_bar))
    return np.sum(out_bar), None, None if step is None else places @ out_bar


@rules.forward(np.arange)
def arange_forward(
    out: Any,
    start_or_stop_dot: Any,
    stop: Any = None,
    stop_dot: Any = None,
    step: Any = None,
    step_dot: Any = None,
) -> Any:
    if stop is None:
        return np.zeros(len(out))
    if step is None:
        return np.full(len(out), start_or_stop_dot)
    return start_or_stop_dot + np.arange(len(out)) * step_dot


@rules.composite(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, axis: int = 0
) -> Any:
    part = np.linspace(np.log(start), np.log(stop), num, endpoint, axis=axis)
    return np.exp(part)


@rules.linear(np.bincount, wrt="weights")
def bincount(out_bar: Any, x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    return out_bar[x]


@rules.linear(np.ix_, wrt="args")
def ix_(out_bar: Any, *args: Any) -> Any:
    return [np.ravel(bar) for bar in out_bar]
