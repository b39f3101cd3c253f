"""Arithmetic: operators, the ufuncs that spell them, and Python's numeric builtins.

In: operands and results. Out: partial derivatives.

Singular points are those of the arithmetic itself: `0.5 / 0.0` raises
`ZeroDivisionError` in Python and is infinite in NumPy, and so is the derivative of a
root at zero. Where a derivative exists it is found: `x**2` and `x**1` at 0, `0**y` for
positive y. At a kink (`abs`, `hypot` at 0) it is 0.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule.rules import registry as rules


@rules.elementwise(operator.add, np.add)
def add(x: Any, y: Any, out: Any) -> Any:
    return 1, 1


@rules.elementwise(operator.sub, np.subtract)
def subtract(x: Any, y: Any, out: Any) -> Any:
    return 1, -1


@rules.elementwise(operator.mul, np.multiply)
def multiply(x: Any, y: Any, out: Any) -> Any:
    return y, x


@rules.elementwise(operator.truediv, np.divide)
def divide(x: Any, y: Any, out: Any) -> Any:
    return 1 / y, -out / y


@rules.elementwise(operator.neg, np.negative)
def negative(x: Any, out: Any) -> Any:
    return -1


@rules.elementwise(operator.pos, np.positive)
def positive(x: Any, out: Any) -> Any:
    return 1


@rules.elementwise(operator.pow, pow, np.power, np.float_power)
def power(x: Any, y: Any, out: Any) -> Any:
    return power_base(x, y), power_exponent(x, y, out)


def power_base(x: Any, y: Any) -> Any:
    """The partial of `x**y` in x; with y = 0 it is 0, at x = 0 too."""
    if np.ndim(y) > 0:
        return y * x ** np.where(y == 0, 1, y - 1)
    return y * x ** (y - 1) if y != 0 else 0.0


def power_exponent(x: Any, y: Any, out: Any) -> Any:
    """The partial of `x**y` in y; at x = 0 it is 0 (for y > 0)."""
    if np.iscomplexobj(out) or not isinstance(x, (int, float)):
        return out * np.log(np.where(x == 0, 1, x))
    if x > 0:
        return out * math.log(x)
    return 0.0 if x == 0 else math.nan


@rules.elementwise(operator.mod, np.mod)
def mod(x: Any, y: Any, out: Any) -> Any:
    return 1, -(x // y)


@rules.elementwise(np.fmod)
def fmod(x: Any, y: Any, out: Any) -> Any:
    return 1, (out - x) / y


@rules.reverse(divmod)
def divmod_(x: Any, y: Any) -> Any:
    quotient, remainder = divmod(x, y)

    def pullback(out_bar: Any) -> Any:
        remainder_bar = out_bar[1]
        return remainder_bar, -remainder_bar * quotient

    return (quotient, remainder), pullback


@rules.reverse(np.divmod)
def np_divmod(x: Any, y: Any) -> Any:
    quotient, remainder = np.divmod(x, y)

    def pullback(out_bar: Any) -> Any:
        remainder_bar = out_bar[1]
        return remainder_bar, -remainder_bar * quotient

    return (quotient, remainder), pullback


@rules.forward(divmod, np.divmod)
def divmod_forward(x_dot: Any, y_dot: Any, out: Any) -> Any:
    return 0.0 * out[0], x_dot - out[0] * y_dot


@rules.elementwise(abs, operator.abs, np.absolute)
def absolute(x: Any, out: Any) -> Any:
    """The partial p with d out = Re(p dx), real or complex; 0 at 0."""
    if np.iscomplexobj(x):
        return np.conj(x) / np.where(out == 0, 1, out)
    if isinstance(x, float):
        return math.copysign(1.0, x) if x != 0 else 0.0
    return np.sign(x)


@rules.elementwise(np.fabs)
def fabs(x: Any, out: Any) -> Any:
    return np.sign(x)


@rules.elementwise(np.square)
def square(x: Any, out: Any) -> Any:
    return 2 * x


@rules.elementwise(np.sqrt)
def sqrt(x: Any, out: Any) -> Any:
    return 0.5 / out


@rules.elementwise(np.cbrt)
def cbrt(x: Any, out: Any) -> Any:
    return 1 / (3 * out * out)


@rules.elementwise(np.reciprocal)
def reciprocal(x: Any, out: Any) -> Any:
    return -out * out


@rules.elementwise(np.hypot)
def hypot(x: Any, y: Any, out: Any) -> Any:
    length = np.where(out == 0, 1, out)
    return x / length, y / length


@rules.elementwise(np.copysign)
def copysign(x: Any, y: Any, out: Any) -> Any:
    return np.sign(x) * np.copysign(1.0, y), None


@rules.elementwise(np.ldexp)
def ldexp(x1: Any, x2: Any, out: Any) -> Any:
    return np.ldexp(1.0, x2), None


@rules.elementwise(np.nextafter)
def nextafter(x: Any, y: Any, out: Any) -> Any:
    return 1, None


@rules.reverse(np.frexp)
def frexp(x: Any) -> Any:
    mantissa, exponent = np.frexp(x)

    def pullback(out_bar: Any) -> Any:
        return np.ldexp(out_bar[0], -exponent)

    return (mantissa, exponent), pullback


@rules.forward(np.frexp)
def frexp_forward(x_dot: Any, out: Any) -> Any:
    return np.ldexp(x_dot, -out[1]), 0 * out[1]


@rules.reverse(np.modf)
def modf(x: Any) -> Any:
    out = np.modf(x)

    def pullback(out_bar: Any) -> Any:
        return out_bar[0]

    return out, pullback


@rules.forward(np.modf)
def modf_forward(x_dot: Any, out: Any) -> Any:
    return x_dot, 0.0 * out[1]


@rules.elementwise(float)
def to_float(x: Any, out: Any) -> Any:
    return 1


@rules.elementwise(complex)
def to_complex(real: Any, imag: Any = 0.0, out: Any = None) -> Any:
    return 1, 1j
