"""Types of products of arrays and of polynomials.

In: types or constants. Out: the type of the result, by probing: names of sizes that a
contraction needs equal are identified there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import shift
from chainrule.types.indexing import as_array, normal_axis
from chainrule.types.infer import TYPE_RULES, Unknown, static, typed
from chainrule.types.lattice import (
    ArrayT,
    ScalarT,
    Sym,
    Type,
    fresh_dim,
    kind_of,
    maybe_one,
    size_at_hand,
)
from chainrule.types.probed import probe_checked, probed

probed(operator, "matmul")
probed(
    np,
    """dot inner outer tensordot einsum kron trace convolve correlate polyval
    polyadd polysub polyfit polyder polyint vander interp matvec vecmat vecdot""",
)
TYPE_RULES[np.matmul] = probe_checked
for _name in ("vecdot", "matvec", "vecmat"):
    if hasattr(np, _name):
        TYPE_RULES[getattr(np, _name)] = probe_checked


@typed(np.vdot)
def vdot(fn: Callable[..., Any], a: Any, b: Any) -> Type:
    """Give a number, whatever the shapes are."""
    dtype = np.result_type(as_array(a).dtype, as_array(b).dtype)
    return ScalarT(kind_of(dtype) or "float", dtype)


@typed(np.polymul)
def polymul(fn: Callable[..., Any], a1: Any, a2: Any) -> Type:
    """Give a length that depends on how many coefficients lead with zero."""
    return ArrayT(
        np.result_type(as_array(a1).dtype, as_array(a2).dtype), (fresh_dim(),)
    )


probed(np.polynomial.polynomial, "polyval")
probed(np.polynomial.chebyshev, "chebval")


@typed(np.cross, getattr(np.linalg, "cross", np.cross))
def cross(fn: Callable[..., Any], a: Any, b: Any, *args: Any, **kwargs: Any) -> Type:
    """Multiply vectors of 3 elements; of 2 (deprecated in NumPy) if that is known.

    A named size is taken for 3, and guarded not to be 2 where a guard can.
    """
    x, y = as_array(a), as_array(b)
    if x.dims is None or y.dims is None:
        return ArrayT(np.result_type(x.dtype, y.dtype), None)
    axes = [static(v, k) for k, v in kwargs.items()] + [static(v, "axis") for v in args]
    sized = (_sized(t, axes[-1] if axes else -1, 3) for t in (x, y))
    return probe_checked(fn, *sized, *args, **kwargs)


def _sized(t: ArrayT, axis: int, size: int) -> ArrayT:
    """Return the type with a named axis taken to have this size."""
    if t.dims is None:
        return t
    at = normal_axis(axis, len(t.dims))
    dim = t.dims[at]
    if not isinstance(dim, Sym):
        return t
    if maybe_one(shift(dim, -1)) and size_at_hand(dim) == 2:
        raise Unknown("cross of vectors of 2 elements")
    return ArrayT(t.dtype, (*t.dims[:at], size, *t.dims[at + 1 :]))
