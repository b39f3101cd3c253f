"""Exponentials and logarithms of NumPy.

In: operands and results. Out: partial derivatives, from the result where it is cheaper.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.rules import registry as rules


@rules.elementwise(np.exp)
def exp(x: Any, out: Any) -> Any:
    return out


@rules.elementwise(np.exp2)
def exp2(x: Any, out: Any) -> Any:
    return math.log(2.0) * out


@rules.elementwise(np.expm1)
def expm1(x: Any, out: Any) -> Any:
    return out + 1


@rules.elementwise(np.log)
def log(x: Any, out: Any) -> Any:
    return 1 / x


@rules.elementwise(np.log2)
def log2(x: Any, out: Any) -> Any:
    return 1 / (math.log(2.0) * x)


@rules.elementwise(np.log10)
def log10(x: Any, out: Any) -> Any:
    return 1 / (math.log(10.0) * x)


@rules.elementwise(np.log1p)
def log1p(x: Any, out: Any) -> Any:
    return 1 / (1 + x)


@rules.elementwise(np.logaddexp)
def logaddexp(x: Any, y: Any, out: Any) -> Any:
    return np.exp(minus(x, out)), np.exp(minus(y, out))


@rules.elementwise(np.logaddexp2)
def logaddexp2(x: Any, y: Any, out: Any) -> Any:
    return np.exp2(minus(x, out)), np.exp2(minus(y, out))


def minus(x: Any, out: Any) -> Any:
    """Return `x - out`; where both are infinite, x itself."""
    return x - np.where(np.isinf(out), 0, out)


@rules.elementwise(np.sinc)
def sinc(x: Any, out: Any) -> Any:
    safe = np.where(x == 0, 1, x)
    return np.where(np.abs(x) < 0.1, sinc_slope(x), (np.cos(np.pi * x) - out) / safe)


def sinc_slope(x: Any) -> Any:
    """The derivative of `sinc` near 0 by its Taylor series, exact at all orders."""
    u = (np.pi * x) ** 2
    series = 1 - u / 10 * (1 - u / 28 * (1 - u / 54 * (1 - u / 88 * (1 - u / 130))))
    return -(np.pi**2) / 3 * x * series
