"""Statistics: variance, standard deviation, averages, covariance.

In: arrays, an axis or several, whether axes are kept. Out: pullbacks and tangents. The
standard deviation of equal numbers is a kink: its derivative is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import as_array, axes_tuple, conj
from chainrule.rules.products import other_axes
from chainrule.rules.reductions import count, kept


@rules.reverse(np.var)
def var(a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    out = np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        scale = 2 * kept(out_bar, axis, keepdims) / (count(a, axis) - ddof)
        return scale * (as_array(a) - np.mean(a, axis=axis, keepdims=True))

    return out, pullback


@rules.forward(np.var)
def var_forward(
    a: Any, a_dot: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False
) -> Any:
    centred = as_array(a) - np.mean(a, axis=axis, keepdims=True)
    moved = np.sum(
        np.real(conj(centred) * as_array(a_dot)), axis=axis, keepdims=keepdims
    )
    return 2 * moved / (count(a, axis) - ddof)


@rules.reverse(np.std)
def std(a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    out = np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        spread = np.where(out == 0, 1, out) * (count(a, axis) - ddof)
        scale = kept(out_bar / spread, axis, keepdims)
        return scale * (as_array(a) - np.mean(a, axis=axis, keepdims=True))

    return out, pullback


@rules.forward(np.std)
def std_forward(
    a: Any,
    a_dot: Any,
    out: Any,
    axis: Any = None,
    ddof: Any = 0,
    keepdims: bool = False,
) -> Any:
    moved = var_forward(a, a_dot, axis, ddof, keepdims)
    return 0.5 * moved / np.where(out == 0, 1, out)


@rules.composite(np.nanvar)
def nanvar(a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    a = as_array(a)
    there = ~np.isnan(a)
    n = np.sum(there, axis=axis, keepdims=True)
    centre = np.sum(np.where(there, a, 0), axis=axis, keepdims=True) / n
    centred = np.where(there, a - centre, 0)
    squares = np.sum(np.square(np.abs(centred)), axis=axis, keepdims=keepdims)
    return squares / (np.sum(there, axis=axis, keepdims=keepdims) - ddof)


@rules.composite(np.nanstd)
def nanstd(a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    variance = np.nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims)
    some = variance != 0
    return np.where(some, np.sqrt(np.where(some, variance, 1)), 0)


@rules.composite(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, keepdims: bool = False
) -> Any:
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    a, weights = as_array(a), as_array(weights)
    if np.ndim(weights) != np.ndim(a):
        axes = axes_tuple(axis, np.ndim(a))
        if axes != tuple(sorted(axes)):
            rules.refuse("weights for axes that are not in ascending order")
        weights = np.expand_dims(weights, other_axes(axes, np.ndim(a)))
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    return np.sum(a * weights, axis=axis, keepdims=keepdims) / total


@rules.composite(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None
) -> Any:
    x = variables(m, rowvar)
    if y is not None:
        x = np.concatenate((x, variables(y, rowvar)), axis=0)
    if ddof is None:
        ddof = 0 if bias else 1
    centred = x - np.mean(x, axis=1, keepdims=True)
    out = centred @ conj(centred).T * np.true_divide(1, x.shape[1] - ddof)
    return out[0, 0] if x.shape[0] == 1 else out


@rules.composite(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = np.cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diag(c)))
    c = c / deviation[:, None] / deviation
    if np.iscomplexobj(c):
        return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)
    return np.clip(c, -1, 1)


def variables(m: Any, rowvar: bool) -> Any:
    """Return observations with one row for each variable."""
    m = as_array(m)
    wide = np.result_type(m, np.float64)
    if m.dtype != wide:
        m = m.astype(wide)
    if np.ndim(m) < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar else m.T
