"""Functions of `scipy.special` with a parameter that has no derivative, and reductions.

In: numbers of any shape. Out: the derivative with respect to the argument. A function
whose order or shape parameter is to be differentiated is refused by the compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from chainrule.rules import registry as rules
from chainrule.rules.common import axes_tuple, with_axes


@rules.elementwise(special.polygamma, wrt="x")
def polygamma(n: Any, x: Any, out: Any) -> Any:
    """The derivatives of the digamma function."""
    return special.polygamma(n + 1, x)


@rules.elementwise(special.jv, wrt="z")
def jv(v: Any, z: Any, out: Any) -> Any:
    """The Bessel function of the first kind."""
    return 0.5 * (special.jv(v - 1, z) - special.jv(v + 1, z))


@rules.elementwise(special.yv, wrt="z")
def yv(v: Any, z: Any, out: Any) -> Any:
    """The Bessel function of the second kind."""
    return 0.5 * (special.yv(v - 1, z) - special.yv(v + 1, z))


@rules.elementwise(special.iv, wrt="z")
def iv(v: Any, z: Any, out: Any) -> Any:
    """The modified Bessel function of the first kind."""
    return 0.5 * (special.iv(v - 1, z) + special.iv(v + 1, z))


@rules.elementwise(special.ive, wrt="z")
def ive(v: Any, z: Any, out: Any) -> Any:
    """The scaled modified Bessel function of the first kind, of real numbers."""
    if np.iscomplexobj(z):
        rules.refuse("scipy.special.ive of complex numbers has no complex derivative")
    mean = 0.5 * (special.ive(v - 1, z) + special.ive(v + 1, z))
    return mean - np.sign(z) * out


@rules.elementwise(special.kv, wrt="z")
def kv(v: Any, z: Any, out: Any) -> Any:
    """The modified Bessel function of the second kind."""
    return -0.5 * (special.kv(v - 1, z) + special.kv(v + 1, z))


@rules.elementwise(special.yn, wrt="x")
def yn(n: Any, x: Any, out: Any) -> Any:
    """The Bessel function of the second kind, of integer order."""
    return 0.5 * (special.yn(n - 1, x) - special.yn(n + 1, x))


@rules.elementwise(special.kn, wrt="x")
def kn(n: Any, x: Any, out: Any) -> Any:
    """The modified Bessel function of the second kind, of integer order."""
    return -0.5 * (special.kn(n - 1, x) + special.kn(n + 1, x))


def gamma_density(a: Any, x: Any) -> Any:
    """Return the density of the gamma distribution."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


@rules.elementwise(special.gammainc, wrt="x")
def gammainc(a: Any, x: Any, out: Any) -> Any:
    """The gamma distribution."""
    return gamma_density(a, x)


@rules.elementwise(special.gammaincc, wrt="x")
def gammaincc(a: Any, x: Any, out: Any) -> Any:
    """The complement of the gamma distribution."""
    return -gamma_density(a, x)


@rules.elementwise(special.betainc, wrt="x")
def betainc(a: Any, b: Any, x: Any, out: Any) -> Any:
    """The beta distribution."""
    log_density = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x)
    return np.exp(log_density - special.betaln(a, b))


def standing(value: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """Return a reduced value that broadcasts against the operand."""
    if keepdims or axis is None or np.ndim(value) == 0:
        return value
    return value[with_axes(axes_tuple(axis, a.ndim), a.ndim)]


@rules.reverse(special.logsumexp, wrt="a")
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """The cotangent is shared as by `softmax`."""
    out = special.logsumexp(a, axis, b, keepdims)

    def pullback(out_bar: Any) -> Any:
        shares = np.exp(a - standing(out, a, axis, keepdims))
        if b is not None:
            shares = b * shares
        return standing(out_bar, a, axis, keepdims) * shares

    return out, pullback


@rules.forward(special.logsumexp)
def logsumexp_dot(
    a: Any,
    a_dot: Any,
    out: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
) -> Any:
    """The mean tangent, weighted as by `softmax`."""
    shares = np.exp(a - standing(out, a, axis, keepdims))
    if b is not None:
        shares = b * shares
    return np.sum(shares * a_dot, axis=axis, keepdims=keepdims)


@rules.reverse(special.softmax, wrt="x")
def softmax(x: Any, axis: Any = None) -> Any:
    """The share of each cotangent, less the mean."""
    out = special.softmax(x, axis)

    def pullback(out_bar: Any) -> Any:
        weighted = out * out_bar
        return weighted - out * np.sum(weighted, axis=axis, keepdims=True)

    return out, pullback


@rules.forward(special.softmax)
def softmax_dot(x_dot: Any, out: Any, axis: Any = None) -> Any:
    """The share of each tangent, less the mean."""
    weighted = out * x_dot
    return weighted - out * np.sum(weighted, axis=axis, keepdims=True)


@rules.reverse(special.log_softmax, wrt="x")
def log_softmax(x: Any, axis: Any = None) -> Any:
    """The cotangent, less its share of the sum."""
    out = special.log_softmax(x, axis)

    def pullback(out_bar: Any) -> Any:
        return out_bar - np.exp(out) * np.sum(out_bar, axis=axis, keepdims=True)

    return out, pullback


@rules.forward(special.log_softmax)
def log_softmax_dot(x_dot: Any, out: Any, axis: Any = None) -> Any:
    """The tangent, less the weighted mean."""
    return x_dot - np.sum(np.exp(out) * x_dot, axis=axis, keepdims=True)
