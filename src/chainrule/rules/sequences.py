"""Functions of several numbers or of a sequence: sum, min, max and `math`'s own.

In: lists, tuples or arrays of numbers. Out: one cotangent for each element.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.reductions import products_of_others


@rules.linear(sum, wrt=("iterable", "start"))
def sum_(out_bar: Any, iterable: Any, start: Any = 0) -> Any:
    return repeated(out_bar, iterable), out_bar


@rules.forward(sum)
def sum_forward(iterable_dot: Any, start_dot: Any) -> Any:
    return sum(iterable_dot, start_dot)


def repeated(out_bar: Any, items: Any) -> Any:
    """Give every element the same cotangent."""
    if isinstance(items, np.ndarray):
        return np.broadcast_to(out_bar, items.shape)
    return [out_bar for _ in items]


@rules.linear(math.fsum, wrt="seq")
def fsum(out_bar: Any, seq: Any) -> Any:
    return repeated(out_bar, seq)


@rules.reverse(max, wrt="args")
def max_(*args: Any) -> Any:
    out = max(*args)

    def pullback(out_bar: Any) -> Any:
        if len(args) == 1:
            return (shared(out_bar, out, args[0]),)
        if len(args) == 2:
            x, y = args
            return taken(out_bar, x > y, x == y), taken(out_bar, y > x, x == y)
        return shared(out_bar, out, args)

    return out, pullback


@rules.forward(max, min)
def max_forward(*args: Any, args_dot: Any, out: Any) -> Any:
    if len(args) == 1:
        return shared_tangent(args_dot[0], out, args[0])
    return shared_tangent(args_dot, out, args)


@rules.reverse(min, wrt="args")
def min_(*args: Any) -> Any:
    out = min(*args)

    def pullback(out_bar: Any) -> Any:
        if len(args) == 1:
            return (shared(out_bar, out, args[0]),)
        if len(args) == 2:
            x, y = args
            return taken(out_bar, x < y, x == y), taken(out_bar, y < x, x == y)
        return shared(out_bar, out, args)

    return out, pullback


def taken(out_bar: Any, wins: Any, ties: Any) -> Any:
    """Return the cotangent of the winner, half of it in a tie."""
    return out_bar if wins else 0.5 * out_bar if ties else 0.0


def shared(out_bar: Any, out: Any, items: Any) -> Any:
    """Share a cotangent equally among the elements that are equal to the result."""
    if isinstance(items, np.ndarray):
        ties = items == out
        return ties * (out_bar / np.sum(ties))
    share = out_bar / sum([x == out for x in items])
    return [share * (x == out) for x in items]


def shared_tangent(dots: Any, out: Any, items: Any) -> Any:
    """Return the mean tangent of the elements that are equal to the result."""
    if isinstance(items, np.ndarray):
        ties = items == out
        return np.sum(dots * ties) / np.sum(ties)
    ties = [x == out for x in items]
    return sum([dot * tie for dot, tie in zip(dots, ties, strict=True)]) / sum(ties)


@rules.reverse(math.prod, wrt=("iterable", "start"))
def prod(iterable: Any, start: Any = 1) -> Any:
    out = math.prod(iterable, start=start)

    def pullback(out_bar: Any) -> Any:
        return scaled(start * out_bar, others(iterable)), out_bar * math.prod(iterable)

    return out, pullback


@rules.forward(math.prod)
def prod_forward(iterable: Any, start: Any, iterable_dot: Any, start_dot: Any) -> Any:
    moved = inner(iterable_dot, others(iterable))
    return start_dot * math.prod(iterable) + start * moved


def others(items: Any) -> Any:
    """Return for every element the product of all others; no division, zeros may be."""
    if isinstance(items, np.ndarray):
        return products_of_others(items, 0)
    return [math.prod(items[:k] + items[k + 1 :]) for k in range(len(items))]


def scaled(factor: Any, items: Any) -> Any:
    """Return every element times a factor."""
    if isinstance(items, np.ndarray):
        return factor * items
    return [factor * x for x in items]


def inner(xs: Any, ys: Any) -> Any:
    """Return the sum of the products of elements."""
    if isinstance(xs, np.ndarray) and isinstance(ys, np.ndarray):
        return np.sum(xs * ys)
    return sum([x * y for x, y in zip(xs, ys, strict=True)])


@rules.reverse(math.hypot, wrt="coordinates")
def hypot(*coordinates: Any) -> Any:
    out = math.hypot(*coordinates)

    def pullback(out_bar: Any) -> Any:
        return scaled(out_bar / out if out != 0 else 0.0, coordinates)

    return out, pullback


@rules.forward(math.hypot)
def hypot_forward(*coordinates: Any, coordinates_dot: Any, out: Any) -> Any:
    return inner(coordinates, coordinates_dot) / out if out != 0 else 0.0


@rules.reverse(math.dist)
def dist(p: Any, q: Any) -> Any:
    out = math.dist(p, q)

    def pullback(out_bar: Any) -> Any:
        step = scaled(out_bar / out if out != 0 else 0.0, differences(p, q))
        return of_kind(p, step), of_kind(q, scaled(-1.0, step))

    return out, pullback


@rules.forward(math.dist)
def dist_forward(p: Any, q: Any, p_dot: Any, q_dot: Any, out: Any) -> Any:
    moved = inner(differences(p, q), differences(p_dot, q_dot))
    return moved / out if out != 0 else 0.0


def differences(p: Any, q: Any) -> Any:
    """Return the differences of the elements of two sequences."""
    if isinstance(p, np.ndarray) and isinstance(q, np.ndarray):
        return p - q
    return [x - y for x, y in zip(p, q, strict=True)]


def of_kind(items: Any, bars: Any) -> Any:
    """Return cotangents as an array for an array, as a list for a list or tuple."""
    if isinstance(items, np.ndarray):
        return bars if isinstance(bars, np.ndarray) else np.array(bars)
    if isinstance(bars, np.ndarray):
        return [bars[k] for k in range(len(items))]
    return bars


if hasattr(math, "sumprod"):

    @rules.linear(math.sumprod, wrt=("p", "q"))
    def sumprod(out_bar: Any, p: Any, q: Any) -> Any:
        return of_kind(p, scaled(out_bar, q)), of_kind(q, scaled(out_bar, p))


if hasattr(math, "fma"):

    @rules.elementwise(math.fma)
    def fma(x: Any, y: Any, z: Any, out: Any) -> Any:
        return y, x, 1


@rules.reverse(math.modf)
def modf(x: Any) -> Any:
    out = math.modf(x)

    def pullback(out_bar: Any) -> Any:
        return out_bar[0]

    return out, pullback


@rules.forward(math.modf)
def modf_forward(x_dot: Any) -> Any:
    return x_dot, 0.0


@rules.reverse(math.frexp)
def frexp(x: Any) -> Any:
    out = math.frexp(x)

    def pullback(out_bar: Any) -> Any:
        return math.ldexp(out_bar[0], -out[1])

    return out, pullback


@rules.forward(math.frexp)
def frexp_forward(x_dot: Any, out: Any) -> Any:
    return math.ldexp(x_dot, -out[1]), 0
