"""Views: which operations give memory that they did not make.

In: an operation. Out: whether its result shows the memory of its first operand, and how
to write through it. A basic index, a transposition and their like always do; a reshape
does so only if the memory lies as it has to; see `layouts`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.types import lattice as lt

# Views whatever the layout of their operand.
ALWAYS: set[Any] = {
    getattr(np, name)
    for name in (
        "transpose swapaxes moveaxis rollaxis expand_dims squeeze flip flipud fliplr "
        "rot90 real imag matrix_transpose permute_dims atleast_1d atleast_2d atleast_3d"
    ).split()
    if hasattr(np, name)
}
ALWAYS.add(prims.einsum_view)
# Views that NumPy does not let a program write to.
READ_ONLY: set[Any] = {
    np.broadcast_to,
    np.diagonal,
    np.diag,
    np.lib.stride_tricks.sliding_window_view,
}
# The operand itself or a view of it where that can be, else a copy.
PERHAPS: set[Any] = {
    np.reshape,
    np.ravel,
    np.ascontiguousarray,
    np.asfortranarray,
    np.require,
}
# The operand itself.
SAME: set[Any] = {np.asarray, np.asanyarray, prims.stop, prims.on_cotangent}
# Lists of views.
SPLITS: set[Any] = {
    np.split,
    np.array_split,
    np.hsplit,
    np.vsplit,
    np.dsplit,
    np.broadcast_arrays,
    prims.unpack,
}
# Views in a way that is not followed: neither they nor what they show is written.
UNFOLLOWED: set[Any] = {
    np.einsum,
    np.trim_zeros,
    np.real_if_close,
    np.lib.stride_tricks.as_strided,
    *(
        getattr(np.linalg, name)
        for name in ("matrix_transpose", "diagonal")
        if hasattr(np.linalg, name)
    ),
}


def is_view(stmt: Apply) -> bool:
    """Say whether the result of an operation may show the memory of its operand."""
    if not stmt.args or not isinstance(stmt.args[0], Value):
        return False
    source, out = stmt.args[0].type, stmt.out.type
    if not isinstance(source, lt.ArrayT):
        return False
    if stmt.fn in SPLITS:
        return (
            source.dims is None or len(source.dims) > 1 or stmt.fn is not prims.unpack
        )
    if not isinstance(out, lt.ArrayT):
        return False
    if stmt.fn is operator.getitem:
        return is_basic(stmt.args[1])
    if stmt.fn in SAME:
        return bool(source.dtype == out.dtype)
    if stmt.fn is np.diag:
        return source.dims is None or len(source.dims) == 2
    return stmt.fn in ALWAYS or stmt.fn in READ_ONLY or stmt.fn in PERHAPS


def is_basic(index: Operand) -> bool:
    """Say whether an index is made of integers, slices, `None` and `...` alone."""
    if isinstance(index, Const):
        items = index.value if isinstance(index.value, tuple) else (index.value,)
        return all(
            item is None
            or item is ...
            or (isinstance(item, int | np.integer) and not isinstance(item, bool))
            or isinstance(item, slice)
            for item in items
        )
    return isinstance(index, Value) and _is_basic_type(index.type)


def _is_basic_type(t: Any) -> bool:
    if isinstance(t, lt.TupleT):
        return all(map(_is_basic_type, t.items))
    if isinstance(t, lt.ScalarT):
        return t.kind == "int"
    return isinstance(t, lt.SliceT) or t == lt.NONE or t == lt.OpaqueT(type(...))


def is_flat(stmt: Apply) -> bool:
    """Say whether an operation is `x.flat`, which shows `x` whatever its layout."""
    return stmt.fn is np.ravel and stmt.text == "flat"
