"""Functions of `scipy.special` with a parameter that has no derivative, and reductions.

In: numbers of any shape. Out: the derivative with respect to the argument. A function
whose order or shape parameter is to be differentiated is refused by the compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from chainrule.rules import registry as rules
from chainrule.rules.common import axes_tuple, conj, with_axes


def polygamma_slope(n: Any, x: Any) -> Any:
    """Return the derivative of `polygamma`."""
    return special.polygamma(n + 1, x)


@rules.reverse(special.polygamma, wrt="x")
def polygamma(n: Any, x: Any) -> Any:
    """The derivatives of the digamma function."""
    out = special.polygamma(n, x)

    def pullback(out_bar: Any) -> Any:
        return out_bar * polygamma_slope(n, x)

    return out, pullback


@rules.forward(special.polygamma)
def polygamma_dot(n: Any, x: Any, x_dot: Any) -> Any:
    """The slope times the tangent."""
    return polygamma_slope(n, x) * x_dot


@rules.reverse(special.jv, wrt="z")
def jv(v: Any, z: Any) -> Any:
    """The Bessel function of the first kind."""
    out = special.jv(v, z)

    def pullback(out_bar: Any) -> Any:
        return out_bar * conj(0.5 * (special.jv(v - 1, z) - special.jv(v + 1, z)))

    return out, pullback


@rules.forward(special.jv)
def jv_dot(v: Any, z: Any, z_dot: Any) -> Any:
    """The slope times the tangent."""
    return 0.5 * (special.jv(v - 1, z) - special.jv(v + 1, z)) * z_dot


@rules.reverse(special.yv, wrt="z")
def yv(v: Any, z: Any) -> Any:
    """The Bessel function of the second kind."""
    out = special.yv(v, z)

    def pullback(out_bar: Any) -> Any:
        return out_bar * conj(0.5 * (special.yv(v - 1, z) - special.yv(v + 1, z)))

    return out, pullback


@rules.forward(special.yv)
def yv_dot(v: Any, z: Any, z_dot: Any) -> Any:
    """The slope times the tangent."""
    return 0.5 * (special.yv(v - 1, z) - special.yv(v + 1, z)) * z_dot


@rules.reverse(special.iv, wrt="z")
def iv(v: Any, z: Any) -> Any:
    """The modified Bessel function of the first kind."""
    out = special.iv(v, z)

    def pullback(out_bar: Any) -> Any:
        return out_bar * conj(0.5 * (special.iv(v - 1, z) + special.iv(v + 1, z)))

    return out, pullback


@rules.forward(special.iv)
def iv_dot(v: Any, z: Any, z_dot: Any) -> Any:
    """The slope times the tangent."""
    return 0.5 * (special.iv(v - 1, z) + special.iv(v + 1, z)) * z_dot


def ive_slope(v: Any, z: Any) -> Any:
    """Return the derivative of `ive` at real numbers."""
    if np.iscomplexobj(z):
        rules.refuse("scipy.special.ive of complex numbers has no complex derivative")
    mean = 0.5 * (special.ive(v - 1, z) + special.ive(v + 1, z))
    return mean - np.sign(z) * special.ive(v, z)


@rules.reverse(special.ive, wrt="z")
def ive(v: Any, z: Any) -> Any:
    """The scaled modified Bessel function of the first kind."""
    out = special.ive(v, z)

    def pullback(out_bar: Any) -> Any:
        return out_bar * ive_slope(v, z)

    return out, pullback


@rules.forward(special.ive)
def ive_dot(v: Any, z: Any, z_dot: Any) -> Any:
    """The slope times the tangent."""
    return ive_slope(v, z) * z_dot


@rules.reverse(special.kv, wrt="z")
def kv(v: Any, z: Any) -> Any:
    """The modified Bessel function of the second kind."""
    out = special.kv(v, z)

    def pullback(out_bar: Any) -> Any:
        return out_bar * conj(-0.5 * (special.kv(v - 1, z) + special.kv(v + 1, z)))

    return out, pullback


@rules.forward(special.kv)
def kv_dot(v: Any, z: Any, z_dot: Any) -> Any:
    """The slope times the tangent."""
    return -0.5 * (special.kv(v - 1, z) + special.kv(v + 1, z)) * z_dot


@rules.reverse(special.yn, wrt="x")
def yn(n: Any, x: Any) -> Any:
    """The Bessel function of the second kind, of integer order."""
    out = special.yn(n, x)

    def pullback(out_bar: Any) -> Any:
        return out_bar * 0.5 * (special.yn(n - 1, x) - special.yn(n + 1, x))

    return out, pullback


@rules.reverse(special.kn, wrt="x")
def kn(n: Any, x: Any) -> Any:
    """The modified Bessel function of the second kind, of integer order."""
    out = special.kn(n, x)

    def pullback(out_bar: Any) -> Any:
        return out_bar * -0.5 * (special.kn(n - 1, x) + special.kn(n + 1, x))

    return out, pullback


@rules.forward(special.yn)
def yn_dot(n: Any, x: Any, x_dot: Any) -> Any:
    """The slope times the tangent."""
    return 0.5 * (special.yn(n - 1, x) - special.yn(n + 1, x)) * x_dot


@rules.forward(special.kn)
def kn_dot(n: Any, x: Any, x_dot: Any) -> Any:
    """The slope times the tangent."""
    return -0.5 * (special.kn(n - 1, x) + special.kn(n + 1, x)) * x_dot


def gamma_density(a: Any, x: Any) -> Any:
    """Return the density of the gamma distribution."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


@rules.reverse(special.gammainc, wrt="x")
def gammainc(a: Any, x: Any) -> Any:
    """The gamma distribution."""
    out = special.gammainc(a, x)

    def pullback(out_bar: Any) -> Any:
        return out_bar * gamma_density(a, x)

    return out, pullback


@rules.forward(special.gammainc)
def gammainc_dot(a: Any, x: Any, x_dot: Any) -> Any:
    """The density times the tangent."""
    return gamma_density(a, x) * x_dot


@rules.reverse(special.gammaincc, wrt="x")
def gammaincc(a: Any, x: Any) -> Any:
    """The complement of the gamma distribution."""
    out = special.gammaincc(a, x)

    def pullback(out_bar: Any) -> Any:
        return -out_bar * gamma_density(a, x)

    return out, pullback


@rules.forward(special.gammaincc)
def gammaincc_dot(a: Any, x: Any, x_dot: Any) -> Any:
    """The density times the tangent, negative."""
    return -gamma_density(a, x) * x_dot


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """Return the density of the beta distribution."""
    log_density = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x)
    return np.exp(log_density - special.betaln(a, b))


@rules.reverse(special.betainc, wrt="x")
def betainc(a: Any, b: Any, x: Any) -> Any:
    """The beta distribution."""
    out = special.betainc(a, b, x)

    def pullback(out_bar: Any) -> Any:
        return out_bar * beta_density(a, b, x)

    return out, pullback


@rules.forward(special.betainc)
def betainc_dot(a: Any, b: Any, x: Any, x_dot: Any) -> Any:
    """The density times the tangent."""
    return beta_density(a, b, x) * x_dot


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
