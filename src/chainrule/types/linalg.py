"""Types of `np.linalg`.

In: types or constants. Out: the type of the result. `lstsq` gives residuals only for
full rank, `eig` is real or complex as the values are: these have rules of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import map_dims
from chainrule.types.indexing import as_array
from chainrule.types.infer import Unknown, typed
from chainrule.types.lattice import TupleT, Type, fresh_dim
from chainrule.types.probe import probe
from chainrule.types.probed import probe_checked, probed

Fn = Callable[..., Any]

probed(
    np.linalg,
    """norm inv pinv det slogdet solve cholesky eigh eigvalsh svd svdvals qr
    matrix_power multi_dot matrix_rank cond tensorinv tensorsolve vector_norm
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


@typed(np.linalg.eig, np.linalg.eigvals)
def eig(fn: Fn, a: Any) -> Type:
    """Give complex values for a complex matrix; for a real one it depends on its
    values.
    """
    if as_array(a).dtype.kind != "c":
        raise Unknown(f"np.linalg.{fn.__name__} of a real matrix")
    return probe_checked(fn, a)
