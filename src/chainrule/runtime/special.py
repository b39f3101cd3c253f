"""Special functions that the derivatives of `math.gamma` and `math.lgamma` need.

In: Python floats. Out: Python floats. No compiler, no NumPy.
"""

from __future__ import annotations

import math

# Bernoulli numbers B2, B4, ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_LARGE = 12.0


def polygamma(n: int, x: float) -> float:
    """Return the n-th derivative of digamma (n = 0: digamma itself), for real x.

    The recurrence moves x to where the asymptotic series holds. At the poles 0, -1, ...
    the result is NaN.
    """
    x = float(x)  # an array without dimensions would be written into
    if x <= 0 and x == math.floor(x):
        return math.nan
    sign = -1.0 if n % 2 == 0 else 1.0
    total = 0.0
    while x < _LARGE + n:
        total += x ** -(n + 1)
        x += 1.0
    return sign * math.factorial(n) * total + _asymptotic(n, x, sign)


def _asymptotic(n: int, x: float, sign: float) -> float:
    """Return the asymptotic series at large x."""
    if n == 0:
        value = math.log(x) - 0.5 / x
    else:
        value = math.factorial(n - 1) * x**-n + 0.5 * math.factorial(n) * x ** -(n + 1)
        value *= sign
    for k, number in enumerate(_BERNOULLI, 1):
        ratio = math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        value += sign * number * ratio * x ** -(2 * k + n)
    return value
