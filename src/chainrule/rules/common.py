"""What the rules of several themes share: small helpers, inlined where they are used.

In: operands and cotangents, axes. Out: expressions that print as a person writes them.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.rules import registry as rules


def conj(x: Any) -> Any:
    """Return the conjugate; of a real number, the number itself."""
    if np.iscomplexobj(x):
        return np.conj(x)
    return x


def transposed(x: Any) -> Any:
    """Return the transpose of a matrix, or of each matrix of a stack."""
    if x.ndim == 2:
        return x.T
    return np.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """Return the conjugate transpose of a matrix, or of each matrix of a stack."""
    return transposed(conj(x))


def shaped(x: Any, operand: Any) -> Any:
    """Give a cotangent with as many elements as its operand the operand's shape."""
    if isinstance(operand, np.ndarray):
        if np.ndim(x) == 0:
            return np.broadcast_to(x, operand.shape)
        return x.reshape(operand.shape)
    return np.sum(x)


def zeros_like(x: Any) -> Any:
    """Return an empty accumulator for the cotangent of an array."""
    return zeros_of(x.shape, x.dtype)


def zeros_of(shape: Any, dtype: Any) -> Any:
    """Return an empty accumulator; NumPy's own dtype is not written out."""
    if dtype == np.float64:
        return np.zeros(shape)
    return np.zeros(shape, dtype)


@rules.static
def with_axes(axes: tuple[int, ...], ndim: int) -> tuple[Any, ...]:
    """Return the index that puts axes of size 1 back into a reduced array."""
    return tuple(None if k in axes else slice(None) for k in range(ndim))


@rules.static
def positive_axis(axis: Any, ndim: int) -> int:
    """Return the axis counted from the front."""
    position = operator.index(axis)
    if not -ndim <= position < ndim:
        raise np.exceptions.AxisError(position, ndim)
    return position % ndim


@rules.static
def axes_tuple(axes: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return one axis or several as a tuple, counted from the front."""
    if isinstance(axes, tuple | list | np.ndarray):
        return tuple(positive_axis(axis, ndim) for axis in axes)
    return (positive_axis(axes, ndim),)


@rules.static
def inverse_axes(axes: Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return the transposition that undoes a transposition."""
    order = [positive_axis(axis, ndim) for axis in axes]
    return tuple(order.index(k) for k in range(ndim))


def along(axis: int, start: Any, stop: Any) -> Any:
    """Return the index that selects `start:stop` on one non-negative axis."""
    if axis == 0:
        return slice(start, stop)
    return (slice(None),) * axis + (slice(start, stop),)


def at(axis: int, position: Any) -> Any:
    """Return the index that selects one position on one non-negative axis."""
    if axis == 0:
        return position
    return (slice(None),) * axis + (position,)


def present(namespace: Any, *names: str) -> list[Any]:
    """Return those functions that the installed version has."""
    return [getattr(namespace, name) for name in names if hasattr(namespace, name)]


def on_axis(x: Any, axis: int, ndim: int) -> Any:
    """Return a vector as an array of higher rank, along one of its axes."""
    return x.reshape((-1, *(1,) * (ndim - 1 - axis)))


def as_array(x: Any) -> Any:
    """Return an array for a list or tuple of numbers; else what it was."""
    if isinstance(x, (list, tuple)):
        return np.asarray(x)
    return x
