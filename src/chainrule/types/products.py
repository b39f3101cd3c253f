"""Types of products of arrays and of polynomials.

In: types or constants. Out: the type of the result, by probing: names of sizes that a
contraction needs equal are identified there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.indexing import as_array, normal_axis
from chainrule.types.infer import TYPE_RULES, WillRaise, static, typed
from chainrule.types.lattice import NEVER, ArrayT, Sym, Type, fresh_dim, join
from chainrule.types.probed import probe_checked, probed

probed(operator, "matmul")
probed(
    np,
    """dot inner outer vdot tensordot einsum kron trace convolve correlate polyval
    polyadd polysub polyfit polyder polyint vander interp matvec vecmat vecdot""",
)
TYPE_RULES[np.matmul] = probe_checked
for _name in ("vecdot", "matvec", "vecmat"):
    if hasattr(np, _name):
        TYPE_RULES[getattr(np, _name)] = probe_checked


@typed(np.polymul)
def polymul(fn: Callable[..., Any], a1: Any, a2: Any) -> Type:
    """Give a length that depends on how many coefficients lead with zero."""
    return ArrayT(
        np.result_type(as_array(a1).dtype, as_array(a2).dtype), (fresh_dim(),)
    )


probed(np.polynomial.polynomial, "polyval")


@typed(np.cross, getattr(np.linalg, "cross", np.cross))
def cross(fn: Callable[..., Any], a: Any, b: Any, *args: Any, **kwargs: Any) -> Type:
    """Multiply vectors of 3 elements, or of 2 with one axis less.

    A size is a name, not 2 or 3: unless it is known, the rank is not.
    """
    x, y = as_array(a), as_array(b)
    axes = [static(v, k) for k, v in kwargs.items()] + [static(v, "axis") for v in args]
    out: Type = NEVER
    for size in (3, 2) if x.dims is not None and y.dims is not None else ():
        try:
            sized = (_sized(t, axes[-1] if axes else -1, size) for t in (x, y))
            out = join(out, probe_checked(fn, *sized, *args, **kwargs))
        except WillRaise:
            continue
    if x.dims is None or y.dims is None:
        return ArrayT(np.result_type(x.dtype, y.dtype), None)
    if out == NEVER:
        raise WillRaise("ValueError: incompatible dimensions for cross product")
    return out


def _sized(t: ArrayT, axis: int, size: int) -> ArrayT:
    """Return the type with a named axis taken to have this size."""
    if t.dims is None:
        return t
    at = normal_axis(axis, len(t.dims))
    if not isinstance(t.dims[at], Sym):
        return t
    return ArrayT(t.dtype, (*t.dims[:at], size, *t.dims[at + 1 :]))
