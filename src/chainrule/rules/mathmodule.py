"""Python's `math`: the same derivatives as the ufuncs, in the vocabulary of `math`.

In: Python numbers. Out: partial derivatives that are Python numbers.
"""

from __future__ import annotations

import math
from typing import Any

from chainrule.rules import registry as rules
from chainrule.runtime.special import polygamma


@rules.elementwise(math.sin)
def sin(x: Any, out: Any) -> Any:
    return math.cos(x)


@rules.elementwise(math.cos)
def cos(x: Any, out: Any) -> Any:
    return -math.sin(x)


@rules.elementwise(math.tan)
def tan(x: Any, out: Any) -> Any:
    return 1 + out * out


@rules.elementwise(math.asin)
def asin(x: Any, out: Any) -> Any:
    return 1 / math.sqrt(1 - x * x)


@rules.elementwise(math.acos)
def acos(x: Any, out: Any) -> Any:
    return -1 / math.sqrt(1 - x * x)


@rules.elementwise(math.atan)
def atan(x: Any, out: Any) -> Any:
    return 1 / (1 + x * x)


@rules.elementwise(math.atan2)
def atan2(y: Any, x: Any, out: Any) -> Any:
    square = x * x + y * y
    return x / square, -y / square


@rules.elementwise(math.sinh)
def sinh(x: Any, out: Any) -> Any:
    return math.cosh(x)


@rules.elementwise(math.cosh)
def cosh(x: Any, out: Any) -> Any:
    return math.sinh(x)


@rules.elementwise(math.tanh)
def tanh(x: Any, out: Any) -> Any:
    return 1 - out * out


@rules.elementwise(math.asinh)
def asinh(x: Any, out: Any) -> Any:
    return 1 / math.sqrt(x * x + 1)


@rules.elementwise(math.acosh)
def acosh(x: Any, out: Any) -> Any:
    return 1 / math.sqrt(x * x - 1)


@rules.elementwise(math.atanh)
def atanh(x: Any, out: Any) -> Any:
    return 1 / (1 - x * x)


@rules.elementwise(math.radians)
def radians(x: Any, out: Any) -> Any:
    return math.pi / 180


@rules.elementwise(math.degrees)
def degrees(x: Any, out: Any) -> Any:
    return 180 / math.pi


@rules.elementwise(math.exp)
def exp(x: Any, out: Any) -> Any:
    return out


@rules.elementwise(math.exp2)
def exp2(x: Any, out: Any) -> Any:
    return math.log(2.0) * out


@rules.elementwise(math.expm1)
def expm1(x: Any, out: Any) -> Any:
    return out + 1


@rules.elementwise(math.log)
def log(x: Any, base: Any = None, out: Any = None) -> Any:
    if base is None:
        return 1 / x, None
    return 1 / (x * math.log(base)), -out / (base * math.log(base))


@rules.elementwise(math.log2)
def log2(x: Any, out: Any) -> Any:
    return 1 / (math.log(2.0) * x)


@rules.elementwise(math.log10)
def log10(x: Any, out: Any) -> Any:
    return 1 / (math.log(10.0) * x)


@rules.elementwise(math.log1p)
def log1p(x: Any, out: Any) -> Any:
    return 1 / (1 + x)


@rules.elementwise(math.sqrt)
def sqrt(x: Any, out: Any) -> Any:
    return 0.5 / out


@rules.elementwise(math.pow)
def pow_(x: Any, y: Any, out: Any) -> Any:
    return pow_base(x, y), pow_exponent(x, out)


def pow_base(x: Any, y: Any) -> Any:
    """The partial of `x**y` in x; with y = 0 it is 0, at x = 0 too."""
    return y * math.pow(x, y - 1) if y != 0 else 0.0


def pow_exponent(x: Any, out: Any) -> Any:
    """The partial of `x**y` in y; at x = 0 it is 0 (for y > 0)."""
    if x > 0:
        return out * math.log(x)
    return 0.0 if x == 0 else math.nan


@rules.elementwise(math.fabs)
def fabs(x: Any, out: Any) -> Any:
    return math.copysign(1.0, x) if x != 0 else 0.0


@rules.elementwise(math.copysign)
def copysign(x: Any, y: Any, out: Any) -> Any:
    sign = math.copysign(1.0, x) if x != 0 else 0.0
    return sign * math.copysign(1.0, y), None


@rules.elementwise(math.fmod, math.remainder)
def fmod(x: Any, y: Any, out: Any) -> Any:
    return 1, (out - x) / y


@rules.elementwise(math.ldexp)
def ldexp(x: Any, i: Any, out: Any) -> Any:
    return math.ldexp(1.0, i), None


@rules.elementwise(math.cbrt)
def cbrt(x: Any, out: Any) -> Any:
    return 1 / (3 * out * out)


@rules.elementwise(math.nextafter)
def nextafter(x: Any, y: Any, out: Any) -> Any:
    return 1, None


@rules.elementwise(math.erf)
def erf(x: Any, out: Any) -> Any:
    return 2 / math.sqrt(math.pi) * math.exp(-x * x)


@rules.elementwise(math.erfc)
def erfc(x: Any, out: Any) -> Any:
    return -2 / math.sqrt(math.pi) * math.exp(-x * x)


@rules.elementwise(math.gamma)
def gamma(x: Any, out: Any) -> Any:
    return out * polygamma(0, x)


@rules.elementwise(math.lgamma)
def lgamma(x: Any, out: Any) -> Any:
    return polygamma(0, x)


@rules.elementwise(polygamma)
def polygamma_(n: Any, x: Any, out: Any) -> Any:
    return None, polygamma(n + 1, x)
