"""The method `reduce` of ufuncs: from a number on, and of some elements only.

In: an array, the axes, `initial` and `where`. Out: values with pullbacks and tangents.
`np.sum`, `np.prod`, `np.max` and `np.min` come here where they are given `initial` or
`where`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import as_array, conj
from chainrule.rules.reductions import kept, products_of_others, spread


def is_plain(initial: Any, where: Any) -> Any:
    """Say whether all elements are reduced, and nothing else."""
    return initial is None and where is True


def chosen(where: Any, a: Any, other: Any) -> Any:
    """Return the elements that are reduced, something else in place of the others."""
    return a if where is True else np.where(where, a, other)


# NumPy's stubs know `keepdims` only as a literal.
add: Any = np.add
multiply: Any = np.multiply
maximum: Any = np.maximum
minimum: Any = np.minimum

# ----------------------------------------------------------------------- sums


@rules.reverse(np.add.reduce, wrt=("array", "initial"))
def add_reduce(
    array: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if is_plain(initial, where):
        out = np.sum(array, axis=axis, keepdims=keepdims)
    elif initial is None:
        out = np.sum(array, axis=axis, keepdims=keepdims, where=where)
    else:
        out = add.reduce(
            array, axis=axis, keepdims=keepdims, initial=initial, where=where
        )

    def pullback(out_bar: Any) -> Any:
        array_bar = chosen(where, spread(out_bar, array, axis, keepdims), 0)
        return array_bar, None if initial is None else np.sum(out_bar)

    return out, pullback


@rules.forward(np.add.reduce)
def add_reduce_forward(
    array: Any,
    array_dot: Any,
    initial_dot: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    moved: Any = 0.0
    if array_dot is not None:
        dots = chosen(where, as_array(array_dot), 0)
        moved = np.sum(dots, axis=axis, keepdims=keepdims)
    return moved if initial_dot is None else moved + initial_dot


# ----------------------------------------------------------------------- products


@rules.reverse(np.multiply.reduce, wrt=("array", "initial"))
def multiply_reduce(
    array: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if is_plain(initial, where):
        out = np.prod(array, axis=axis, keepdims=keepdims)
    elif initial is None:
        out = multiply.reduce(array, axis=axis, keepdims=keepdims, where=where)
    else:
        out = multiply.reduce(
            array, axis=axis, keepdims=keepdims, initial=initial, where=where
        )

    def pullback(out_bar: Any) -> Any:
        factors = chosen(where, array, 1)
        moved = kept(out_bar, axis, keepdims) * conj(products_of_others(factors, axis))
        if initial is None:
            return chosen(where, moved, 0), None
        rest = np.prod(factors, axis=axis, keepdims=keepdims)
        return chosen(where, moved * initial, 0), np.sum(out_bar * rest)

    return out, pullback


@rules.forward(np.multiply.reduce)
def multiply_reduce_forward(
    array: Any,
    array_dot: Any,
    initial_dot: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    factors: Any = chosen(where, array, 1)
    moved: Any = 0.0
    if array_dot is not None:
        dots = products_of_others(factors, axis) * as_array(array_dot)
        moved = np.sum(chosen(where, dots, 0), axis=axis, keepdims=keepdims)
        if initial is not None:
            moved = moved * initial
    if initial_dot is None:
        return moved
    return moved + initial_dot * np.prod(factors, axis=axis, keepdims=keepdims)


# ----------------------------------------------------------------------- extremes


@rules.reverse(np.maximum.reduce, wrt=("array", "initial"))
def maximum_reduce(
    array: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if initial is None:
        out = np.max(array, axis=axis, keepdims=keepdims)
    else:
        out = maximum.reduce(
            array, axis=axis, keepdims=keepdims, initial=initial, where=where
        )

    def pullback(out_bar: Any) -> Any:
        return shared(out_bar, out, array, axis, keepdims, initial, where)

    return out, pullback


@rules.reverse(np.minimum.reduce, wrt=("array", "initial"))
def minimum_reduce(
    array: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if initial is None:
        out = np.min(array, axis=axis, keepdims=keepdims)
    else:
        out = minimum.reduce(
            array, axis=axis, keepdims=keepdims, initial=initial, where=where
        )

    def pullback(out_bar: Any) -> Any:
        return shared(out_bar, out, array, axis, keepdims, initial, where)

    return out, pullback


@rules.forward(np.maximum.reduce, np.minimum.reduce)
def extreme_forward(
    array: Any,
    array_dot: Any,
    initial_dot: Any,
    out: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    whole = kept(out, axis, keepdims)
    ties = tied(array, whole, where)
    n: Any = np.sum(ties, axis=axis, keepdims=True)
    mine: Any = False if initial is None else by_initial(n, whole, initial)
    n = n + mine
    moved: Any = 0.0
    if array_dot is not None:
        shares = np.sum(ties * array_dot / n, axis=axis, keepdims=True)
        moved = np.reshape(shares, np.shape(out))
    if initial_dot is None:
        return moved
    share = mine * initial_dot / n
    return moved + np.reshape(share, np.shape(out))


def shared(
    out_bar: Any,
    out: Any,
    array: Any,
    axis: Any,
    keepdims: bool,
    initial: Any,
    where: Any,
) -> Any:
    """Share a cotangent equally among what is equal to the extreme."""
    whole = kept(out, axis, keepdims)
    ties = tied(array, whole, where)
    n = np.sum(ties, axis=axis, keepdims=True)
    if initial is None:
        return ties * (kept(out_bar, axis, keepdims) / n), None
    mine = by_initial(n, whole, initial)
    share = kept(out_bar, axis, keepdims) / (n + mine)
    return ties * share, np.sum(mine * share)


def tied(array: Any, whole: Any, where: Any) -> Any:
    """Say which elements are equal to the extreme."""
    ties = as_array(array) == whole
    return ties if where is True else ties & where


def by_initial(n: Any, whole: Any, initial: Any) -> Any:
    """Say where the number to begin with is the extreme: it, or no element is equal to
    it (it may have been rounded to single precision).
    """
    return (whole == initial) | (n == 0)
