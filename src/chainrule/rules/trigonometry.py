"""Trigonometric and hyperbolic functions of NumPy, and conversion of angles.

In: operands and results. Out: partial derivatives, from the result where it is cheaper.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.rules import registry as rules


@rules.elementwise(np.sin)
def sin(x: Any, out: Any) -> Any:
    return np.cos(x)


@rules.elementwise(np.cos)
def cos(x: Any, out: Any) -> Any:
    return -np.sin(x)


@rules.elementwise(np.tan)
def tan(x: Any, out: Any) -> Any:
    return 1 + out * out


@rules.elementwise(np.arcsin)
def arcsin(x: Any, out: Any) -> Any:
    return 1 / np.sqrt(1 - x * x)


@rules.elementwise(np.arccos)
def arccos(x: Any, out: Any) -> Any:
    return -1 / np.sqrt(1 - x * x)


@rules.elementwise(np.arctan)
def arctan(x: Any, out: Any) -> Any:
    return 1 / (1 + x * x)


@rules.elementwise(np.arctan2)
def arctan2(y: Any, x: Any, out: Any) -> Any:
    square = x * x + y * y
    return x / square, -y / square


@rules.elementwise(np.sinh)
def sinh(x: Any, out: Any) -> Any:
    return np.cosh(x)


@rules.elementwise(np.cosh)
def cosh(x: Any, out: Any) -> Any:
    return np.sinh(x)


@rules.elementwise(np.tanh)
def tanh(x: Any, out: Any) -> Any:
    return 1 - out * out


@rules.elementwise(np.arcsinh)
def arcsinh(x: Any, out: Any) -> Any:
    return 1 / np.sqrt(x * x + 1)


@rules.elementwise(np.arccosh)
def arccosh(x: Any, out: Any) -> Any:
    if np.iscomplexobj(x):
        return 1 / (np.sqrt(x - 1) * np.sqrt(x + 1))
    return 1 / np.sqrt(x * x - 1)


@rules.elementwise(np.arctanh)
def arctanh(x: Any, out: Any) -> Any:
    return 1 / (1 - x * x)


@rules.elementwise(np.deg2rad, np.radians)
def radians(x: Any, out: Any) -> Any:
    return math.pi / 180


@rules.elementwise(np.rad2deg, np.degrees)
def degrees(x: Any, out: Any) -> Any:
    return 180 / math.pi
