"""Python's `cmath`: holomorphic functions of a complex number, and its polar form.

In: Python numbers. Out: partial derivatives that are Python complex numbers.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

from chainrule.rules import registry as rules


@rules.elementwise(cmath.exp)
def exp(z: Any, out: Any) -> Any:
    return out


@rules.elementwise(cmath.log)
def log(z: Any, base: Any = None, out: Any = None) -> Any:
    if base is None:
        return 1 / z, None
    scale = 1 / cmath.log(base)
    return scale / z, -out * scale / base


@rules.elementwise(cmath.log10)
def log10(z: Any, out: Any) -> Any:
    return 1 / math.log(10) / z


@rules.elementwise(cmath.sqrt)
def sqrt(z: Any, out: Any) -> Any:
    return 0.5 / out


@rules.elementwise(cmath.sin)
def sin(z: Any, out: Any) -> Any:
    return cmath.cos(z)


@rules.elementwise(cmath.cos)
def cos(z: Any, out: Any) -> Any:
    return -cmath.sin(z)


@rules.elementwise(cmath.tan)
def tan(z: Any, out: Any) -> Any:
    return 1 + out * out


@rules.elementwise(cmath.sinh)
def sinh(z: Any, out: Any) -> Any:
    return cmath.cosh(z)


@rules.elementwise(cmath.cosh)
def cosh(z: Any, out: Any) -> Any:
    return cmath.sinh(z)


@rules.elementwise(cmath.tanh)
def tanh(z: Any, out: Any) -> Any:
    return 1 - out * out


@rules.elementwise(cmath.asin)
def asin(z: Any, out: Any) -> Any:
    return 1 / cmath.cos(out)


@rules.elementwise(cmath.acos)
def acos(z: Any, out: Any) -> Any:
    return -1 / cmath.sin(out)


@rules.elementwise(cmath.atan)
def atan(z: Any, out: Any) -> Any:
    return 1 / (1 + z * z)


@rules.elementwise(cmath.asinh)
def asinh(z: Any, out: Any) -> Any:
    return 1 / cmath.cosh(out)


@rules.elementwise(cmath.acosh)
def acosh(z: Any, out: Any) -> Any:
    return 1 / cmath.sinh(out)


@rules.elementwise(cmath.atanh)
def atanh(z: Any, out: Any) -> Any:
    return 1 / (1 - z * z)


@rules.composite(cmath.phase)
def phase(z: Any) -> Any:
    return math.atan2(z.imag, z.real)


@rules.composite(cmath.polar)
def polar(z: Any) -> Any:
    return abs(z), math.atan2(z.imag, z.real)


@rules.composite(cmath.rect)
def rect(r: Any, phi: Any) -> Any:
    return complex(r * math.cos(phi), r * math.sin(phi))
