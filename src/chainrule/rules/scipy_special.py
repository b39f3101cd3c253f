"""Functions of `scipy.special` by their partial derivatives.

In: numbers of any shape. Out: one partial for each operand; `None` for none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from chainrule.rules import registry as rules

SQRT_PI = math.sqrt(math.pi)
SQRT_2PI = math.sqrt(2 * math.pi)
LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


@rules.elementwise(special.expit)
def expit(x: Any, out: Any) -> Any:
    """The logistic function."""
    return out * (1 - out)


@rules.elementwise(special.log_expit)
def log_expit(x: Any, out: Any) -> Any:
    """The logarithm of the logistic function."""
    return special.expit(-x)


@rules.elementwise(special.logit)
def logit(x: Any, out: Any) -> Any:
    """The inverse of the logistic function."""
    return 1 / (x * (1 - x))


@rules.elementwise(special.erf)
def erf(x: Any, out: Any) -> Any:
    """The error function."""
    return 2 / SQRT_PI * np.exp(-x * x)


@rules.elementwise(special.erfc)
def erfc(x: Any, out: Any) -> Any:
    """The complement of the error function."""
    return -2 / SQRT_PI * np.exp(-x * x)


@rules.elementwise(special.erfcx)
def erfcx(x: Any, out: Any) -> Any:
    """The scaled complement of the error function."""
    return 2 * x * out - 2 / SQRT_PI


@rules.elementwise(special.erfi)
def erfi(x: Any, out: Any) -> Any:
    """The imaginary error function."""
    return 2 / SQRT_PI * np.exp(x * x)


@rules.elementwise(special.dawsn)
def dawsn(x: Any, out: Any) -> Any:
    """Dawson's integral."""
    return 1 - 2 * x * out


@rules.elementwise(special.erfinv)
def erfinv(x: Any, out: Any) -> Any:
    """The inverse of the error function."""
    return 0.5 * SQRT_PI * np.exp(out * out)


@rules.elementwise(special.erfcinv)
def erfcinv(x: Any, out: Any) -> Any:
    """The inverse of the complement of the error function."""
    return -0.5 * SQRT_PI * np.exp(out * out)


@rules.elementwise(special.ndtr)
def ndtr(x: Any, out: Any) -> Any:
    """The normal distribution."""
    return np.exp(-0.5 * x * x) / SQRT_2PI


@rules.elementwise(special.log_ndtr)
def log_ndtr(x: Any, out: Any) -> Any:
    """The logarithm of the normal distribution, also far in the tail."""
    return np.exp(-0.5 * x * x - out - LOG_SQRT_2PI)


@rules.elementwise(special.ndtri)
def ndtri(y: Any, out: Any) -> Any:
    """The quantiles of the normal distribution."""
    return SQRT_2PI * np.exp(0.5 * out * out)


@rules.elementwise(special.gamma)
def gamma(z: Any, out: Any) -> Any:
    """The gamma function."""
    return out * special.digamma(z)


@rules.elementwise(special.rgamma)
def rgamma(z: Any, out: Any) -> Any:
    """The reciprocal of the gamma function."""
    return -out * special.digamma(z)


@rules.elementwise(special.gammaln, special.loggamma)
def gammaln(z: Any, out: Any) -> Any:
    """The logarithm of the gamma function."""
    return special.digamma(z)


@rules.elementwise(special.digamma)
def digamma(z: Any, out: Any) -> Any:
    """The logarithmic derivative of the gamma function."""
    return special.polygamma(1, z)


@rules.elementwise(special.beta)
def beta(a: Any, b: Any, out: Any) -> Any:
    """The beta function."""
    both = special.digamma(a + b)
    return out * (special.digamma(a) - both), out * (special.digamma(b) - both)


@rules.elementwise(special.betaln)
def betaln(a: Any, b: Any, out: Any) -> Any:
    """The logarithm of the beta function."""
    both = special.digamma(a + b)
    return special.digamma(a) - both, special.digamma(b) - both


@rules.elementwise(special.xlogy)
def xlogy(x: Any, y: Any, out: Any) -> Any:
    """`x * log(y)`, zero where x is zero."""
    return np.log(y), x / np.where(x == 0, 1.0, y)


@rules.elementwise(special.xlog1py)
def xlog1py(x: Any, y: Any, out: Any) -> Any:
    """`x * log1p(y)`, zero where x is zero."""
    return np.log1p(y), x / np.where(x == 0, 1.0, 1 + y)


@rules.elementwise(special.entr)
def entr(x: Any, out: Any) -> Any:
    """`-x * log(x)`."""
    return -np.log(x) - 1


@rules.elementwise(special.rel_entr)
def rel_entr(x: Any, y: Any, out: Any) -> Any:
    """`x * log(x / y)`."""
    return np.log(x / y) + 1, -x / y


@rules.elementwise(special.kl_div)
def kl_div(x: Any, y: Any, out: Any) -> Any:
    """`x * log(x / y) - x + y`."""
    return np.log(x / y), 1 - x / y


@rules.elementwise(special.huber)
def huber(delta: Any, r: Any, out: Any) -> Any:
    """Huber's loss."""
    outside = np.abs(r) > delta
    slope = np.where(outside, np.abs(r) - delta, 0.0)
    return slope, np.where(outside, delta * np.sign(r), r)


@rules.elementwise(special.pseudo_huber)
def pseudo_huber(delta: Any, r: Any, out: Any) -> Any:
    """The smooth Huber loss."""
    root = np.sqrt(1 + (r / delta) ** 2)
    return 2 * delta * (root - 1) - r * r / (delta * root), r / root


@rules.elementwise(special.exp10)
def exp10(x: Any, out: Any) -> Any:
    """Ten to the power of x."""
    return math.log(10) * out


@rules.elementwise(special.exp2)
def exp2(x: Any, out: Any) -> Any:
    """Two to the power of x."""
    return math.log(2) * out


@rules.elementwise(special.expm1)
def expm1(x: Any, out: Any) -> Any:
    """`exp(x) - 1`."""
    return np.exp(x)


@rules.elementwise(special.log1p)
def log1p(x: Any, out: Any) -> Any:
    """`log(1 + x)`."""
    return 1 / (1 + x)


@rules.elementwise(special.cosm1)
def cosm1(x: Any, out: Any) -> Any:
    """`cos(x) - 1`."""
    return -np.sin(x)


@rules.elementwise(special.cbrt)
def cbrt(x: Any, out: Any) -> Any:
    """The cube root."""
    return 1 / (3 * out * out)


@rules.elementwise(special.j0)
def j0(x: Any, out: Any) -> Any:
    """The Bessel function of the first kind, of order 0."""
    return -special.j1(x)


@rules.elementwise(special.j1)
def j1(x: Any, out: Any) -> Any:
    """The Bessel function of the first kind, of order 1."""
    return 0.5 * (special.j0(x) - special.jv(2, x))


@rules.elementwise(special.y0)
def y0(x: Any, out: Any) -> Any:
    """The Bessel function of the second kind, of order 0."""
    return -special.y1(x)


@rules.elementwise(special.y1)
def y1(x: Any, out: Any) -> Any:
    """The Bessel function of the second kind, of order 1."""
    return special.y0(x) - out / x


@rules.elementwise(special.i0)
def i0(x: Any, out: Any) -> Any:
    """The modified Bessel function of the first kind, of order 0."""
    return special.i1(x)


@rules.elementwise(special.i1)
def i1(x: Any, out: Any) -> Any:
    """The modified Bessel function of the first kind, of order 1."""
    return 0.5 * (special.i0(x) + special.iv(2, x))


@rules.elementwise(special.i0e)
def i0e(x: Any, out: Any) -> Any:
    """The scaled modified Bessel function, of order 0."""
    return special.i1e(x) - np.sign(x) * out


@rules.elementwise(special.i1e)
def i1e(x: Any, out: Any) -> Any:
    """The scaled modified Bessel function, of order 1."""
    return 0.5 * (special.i0e(x) + special.ive(2, x)) - np.sign(x) * out


@rules.elementwise(special.k0)
def k0(x: Any, out: Any) -> Any:
    """The modified Bessel function of the second kind, of order 0."""
    return -special.k1(x)


@rules.elementwise(special.k1)
def k1(x: Any, out: Any) -> Any:
    """The modified Bessel function of the second kind, of order 1."""
    return -special.k0(x) - out / x


@rules.elementwise(special.k0e)
def k0e(x: Any, out: Any) -> Any:
    """The scaled modified Bessel function of the second kind, of order 0."""
    return out - special.k1e(x)


@rules.elementwise(special.k1e)
def k1e(x: Any, out: Any) -> Any:
    """The scaled modified Bessel function of the second kind, of order 1."""
    return out - special.k0e(x) - out / x
