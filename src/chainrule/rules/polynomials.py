"""Polynomials given by their coefficients, highest power first.

In: coefficients and points. Out: equivalents made of products and sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.polynomial.chebyshev as chebyshev
import numpy.polynomial.polynomial as power_series

from chainrule.rules import registry as rules
from chainrule.rules.common import as_array


@rules.composite(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    x = as_array(x)
    y = np.zeros_like(x)
    for coefficient in p:
        y = y * x + coefficient
    return y


@rules.composite(power_series.polyval)
def polyval_ascending(x: Any, c: Any) -> Any:
    x = as_array(x)
    y = c[-1] + x * 0
    for k in range(2, len(c) + 1):
        y = c[-k] + y * x
    return y


@rules.composite(chebyshev.chebval)
def chebval(x: Any, c: Any) -> Any:
    x, n = as_array(x), len(c)
    if n < 3:
        return c[0] + (c[1] if n == 2 else 0) * x
    c0, c1 = c[-2], c[-1]
    for i in range(3, n + 1):
        c0, c1 = c[-i] - c1, c0 + c1 * (2 * x)
    return c0 + c1 * x


@rules.composite(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    missing = len(a2) - len(a1)
    if missing > 0:
        return np.concatenate((np.zeros(missing), a1)) + np.asarray(a2)
    return np.asarray(a1) + np.concatenate((np.zeros(-missing), a2))


@rules.composite(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    return polyadd(a1, -np.asarray(a2))


@rules.composite(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(a1, a2)


@rules.composite(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    p = np.asarray(p)
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@rules.composite(np.polyint)
def polyint(p: Any, m: int = 1) -> Any:
    p = np.asarray(p)
    for _ in range(m):
        p = np.concatenate((p / np.arange(len(p), 0, -1), np.zeros(1)))
    return p


@rules.composite(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    columns = len(x) if N is None else N
    powers = np.arange(columns) if increasing else np.arange(columns - 1, -1, -1)
    return as_array(x)[:, None] ** powers


@rules.composite(np.polyfit)
def polyfit(x: Any, y: Any, deg: Any, w: Any = None) -> Any:
    left, right = np.vander(x, deg + 1), as_array(y)
    if w is not None:
        w = as_array(w)
        left = left * w[:, None]
        right = right * (w if np.ndim(y) == 1 else w[:, None])
    scale = np.sqrt(np.sum(left * left, axis=0))
    rcond = len(x) * np.finfo(np.float64).eps
    solution = np.linalg.lstsq(left / scale, right, rcond)[0]
    return solution / (scale if np.ndim(y) == 1 else scale[:, None])
