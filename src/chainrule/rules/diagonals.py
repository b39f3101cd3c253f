"""Diagonals and triangles of matrices.

In: a matrix, a stack of matrices, or a diagonal. Out: the cotangent put on the diagonal
of zeros, or read from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import axes_tuple, present, shaped, zeros_of


@rules.linear(np.diag, wrt="v")
def diag(out_bar: Any, v: Any, k: int = 0) -> Any:
    """Read the diagonal of a matrix, or put a vector there."""
    if v.ndim == 1:
        return np.diag(out_bar, k)
    return on_diagonal(out_bar, v.shape, k, v.dtype)


@rules.linear(np.diagflat, wrt="v")
def diagflat(out_bar: Any, v: Any, k: int = 0) -> Any:
    """Read the diagonal."""
    return shaped(np.diag(out_bar, k), v)


@rules.linear(np.diagonal, wrt="a")
def diagonal(
    out_bar: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Any:
    """Put the cotangent on the diagonal of zeros."""
    one, two = axes_tuple((axis1, axis2), a.ndim)
    shape: tuple[Any, ...] = ()
    for k in range(a.ndim):
        if k != one and k != two:
            shape = (*shape, a.shape[k])
    shape = (*shape, a.shape[one], a.shape[two])
    return in_place(on_diagonal(out_bar, shape, offset, a.dtype), one, two)


@rules.linear(*present(np.linalg, "diagonal"), wrt="x")
def matrix_diagonal(out_bar: Any, x: Any, *, offset: int = 0) -> Any:
    """Put the cotangent on the diagonal of zeros."""
    return on_diagonal(out_bar, x.shape, offset, x.dtype)


def on_diagonal(out_bar: Any, shape: tuple[Any, ...], offset: int, dtype: Any) -> Any:
    """Return zeros with the cotangent on a diagonal of the last two axes."""
    k = np.arange(out_bar.shape[-1])
    rows, columns = k, k
    if offset > 0:
        columns = k + offset
    elif offset < 0:
        rows = k - offset
    if len(shape) == 2:
        return prims.index_set(zeros_of(shape, dtype), (rows, columns), out_bar)
    return prims.index_set(zeros_of(shape, dtype), (..., rows, columns), out_bar)


def in_place(x: Any, axis1: int, axis2: int) -> Any:
    """Move the last two axes to where they were."""
    if (axis1, axis2) == (x.ndim - 2, x.ndim - 1):
        return x
    return np.moveaxis(x, (-2, -1), (axis1, axis2))


@rules.linear(np.trace, wrt="a")
def trace(out_bar: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The same cotangent for every element of the diagonal."""
    one, two = axes_tuple((axis1, axis2), a.ndim)
    eye = identity(a.shape[one], a.shape[two], offset)
    if a.ndim == 2:
        return in_place(out_bar * eye, one, two)
    return in_place(out_bar[..., None, None] * eye, one, two)


@rules.linear(*present(np.linalg, "trace"), wrt="x")
def matrix_trace(out_bar: Any, x: Any, *, offset: int = 0) -> Any:
    """The same cotangent for every element of the diagonal."""
    return trace(out_bar, x, offset, -2, -1)


def identity(rows: Any, columns: Any, offset: int) -> Any:
    """Return ones on a diagonal."""
    if offset == 0:
        return np.eye(rows, columns)
    return np.eye(rows, columns, offset)


@rules.linear(np.tril, wrt="m")
def tril(out_bar: Any, m: Any, k: int = 0) -> Any:
    """Keep the same triangle."""
    return np.tril(out_bar, k)


@rules.linear(np.triu, wrt="m")
def triu(out_bar: Any, m: Any, k: int = 0) -> Any:
    """Keep the same triangle."""
    return np.triu(out_bar, k)
