"""Types of `np.linalg`.

In: types or constants. Out: the type of the result. `lstsq` gives residuals only for
full rank, `eig` is real or complex as the values are: these have rules of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import map_dims
from chainrule.types.indexing import as_array, normal_axis
from chainrule.types.infer import Unknown, static, typed
from chainrule.types.lattice import ArrayT, TupleT, Type, fresh_dim
from chainrule.types.probe import probe
from chainrule.types.probed import probe_checked, probed

Fn = Callable[..., Any]

probed(
    np.linalg,
    """norm inv pinv det slogdet solve cholesky eigh eigvalsh svd svdvals qr
    matrix_power multi_dot matrix_rank cond vector_norm
    matrix_norm matrix_transpose diagonal trace outer matmul tensordot vecdot""",
)


@typed(np.linalg.lstsq)
def lstsq(fn: Fn, a: Any, b: Any, rcond: Any = None) -> Type:
    """Give solution, residuals (if the rank is full), rank and singular values."""
    out = probe(fn, a, b, rcond=None)
    if not isinstance(out, TupleT):
        raise Unknown("lstsq")
    items = list(out.items)
    items[1] = map_dims(items[1], lambda _: fresh_dim())
    return TupleT(tuple(items))


@typed(np.linalg.tensorsolve)
def tensorsolve(fn: Fn, a: Any, b: Any, axes: Any = None) -> Type:
    """Give the axes of `a` that are left when those of `b` are at the front."""
    a, b, axes = as_array(a), as_array(b), static(axes, "axes")
    dtype = solved(a.dtype, b.dtype)
    if a.dims is None or b.dims is None:
        return ArrayT(dtype, None)
    moved = {normal_axis(k, len(a.dims)) for k in axes or ()}
    rest = [d for k, d in enumerate(a.dims) if k not in moved]
    rest += [a.dims[normal_axis(k, len(a.dims))] for k in axes or ()]
    return ArrayT(dtype, tuple(rest[len(b.dims) :]))


@typed(np.linalg.tensorinv)
def tensorinv(fn: Fn, a: Any, ind: Any = 2) -> Type:
    """Give the last axes first."""
    t, count = as_array(a), static(ind, "ind")
    dims = None if t.dims is None else (*t.dims[count:], *t.dims[:count])
    return ArrayT(solved(t.dtype), dims)


def solved(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the solution of equations with such coefficients."""
    return np.linalg.solve(*(np.ones((1, 1), d) for d in (dtypes * 2)[:2])).dtype


@typed(np.linalg.eig, np.linalg.eigvals)
def eig(fn: Fn, a: Any) -> Type:
    """Give complex values for a complex matrix; for a real one it depends on its
    values.
    """
    if as_array(a).dtype.kind != "c":
        raise Unknown(f"np.linalg.{fn.__name__} of a real matrix")
    return probe_checked(fn, a)
