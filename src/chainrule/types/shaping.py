"""Types of functions that change the shape only.

In: types or constants. Out: the type of the result. Most are probed; `reshape`,
`ravel`, `squeeze` and `repeat` have rules because their sizes are products or depend on
which sizes are 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import product
from chainrule.types.indexing import as_array, normal_axis
from chainrule.types.infer import NeedsStatic, WillRaise, known, lift, static, typed
from chainrule.types.lattice import (
    ArrayT,
    Dim,
    Dims,
    ListT,
    ScalarT,
    Sym,
    TupleT,
    Type,
    fresh_dim,
    maybe_one,
)
from chainrule.types.probed import probed

Fn = Callable[..., Any]

probed(
    np,
    """transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis
    expand_dims broadcast_to broadcast_arrays tile roll flip fliplr flipud rot90
    atleast_1d atleast_2d atleast_3d pad resize tril triu diag diagflat diagonal
    broadcast_shapes""",
)
probed(np.lib.stride_tricks, "sliding_window_view")


def sizes_of(arg: Any, name: str) -> tuple[Any, ...]:
    """Return the sizes in a shape argument: ints, names, or None where nothing is
    known.
    """
    arg = known(arg)
    if isinstance(arg, ListT | TupleT):
        if arg.items is None:
            raise NeedsStatic(name)
        return tuple(map(_size, arg.items))
    if isinstance(arg, tuple | list):
        return tuple(map(_size, arg))
    return (_size(arg),)


def _size(arg: Any) -> Dim | None:
    arg = known(arg)
    if not isinstance(arg, Type):
        return int(arg)
    return arg.dim if isinstance(arg, ScalarT) else None


@typed(np.reshape)
def reshape(
    fn: Fn,
    a: Any,
    shape: Any = None,
    order: Any = "C",
    *,
    newshape: Any = None,
    copy: Any = None,
) -> Type:
    """Give the sizes asked for; a -1 is what is left over."""
    t = as_array(a)
    wanted = newshape if shape is None else shape
    if isinstance(wanted, ListT) and wanted.items is None:
        return ArrayT(t.dtype, None)
    sizes = sizes_of(wanted, "shape")
    # An unknown int may be -1 as well, so only a name is a size.
    open_ = [i for i, s in enumerate(sizes) if s == -1]
    dims = [fresh_dim() if s is None or s == -1 else s for s in sizes]
    if len(open_) > 1:
        raise WillRaise("can only specify one unknown dimension")
    if t.dims is not None and open_ and None not in sizes:
        others = tuple(d for i, d in enumerate(dims) if i != open_[0])
        left = remaining(t.dims, others)
        if left is not None:
            dims[open_[0]] = left
    elif t.dims is not None and not open_:
        _check_count(t.dims, tuple(dims))
    return ArrayT(t.dtype, tuple(dims))


def remaining(have: Dims, used: Dims) -> Dim | None:
    """Return the size that completes `used` to as many elements as `have`."""
    rest = list(have)
    factor = 1
    for dim in used:
        if isinstance(dim, int) and dim not in rest:
            factor *= dim
        elif dim in rest:
            rest.remove(dim)
        else:
            return None
    whole = product(tuple(rest))
    if factor == 1:
        # A named size that is 0 leaves any number over, but then NumPy refuses the -1.
        return whole
    if isinstance(whole, int):
        if factor == 0 or whole % factor:
            raise WillRaise(f"cannot reshape {have} into {used}")
        return whole // factor
    return Sym(("/", whole, factor))


def _check_count(have: Dims, wanted: Dims) -> None:
    a, b = product(have), product(wanted)
    if isinstance(a, int) and isinstance(b, int) and a != b:
        raise WillRaise(f"cannot reshape array of size {a} into shape {wanted}")


@typed(np.ravel)
def ravel(fn: Fn, a: Any, order: Any = "C") -> Type:
    """Give one axis with all elements."""
    t = as_array(a)
    return ArrayT(t.dtype, (fresh_dim() if t.dims is None else product(t.dims),))


@typed(np.squeeze)
def squeeze(fn: Fn, a: Any, axis: Any = None) -> Type:
    """Drop the axes named, or all that are 1: unknown rank if that is not certain."""
    t, axis = as_array(a), static(axis, "axis")
    if isinstance(lift(a), ScalarT):
        return lift(a)
    if t.dims is None:
        return t
    if axis is None:
        if any(isinstance(d, Sym) and maybe_one(d) for d in t.dims):
            return ArrayT(t.dtype, None)
        return ArrayT(t.dtype, tuple(d for d in t.dims if d != 1))
    axes = axis if isinstance(axis, tuple) else (axis,)
    drop = {normal_axis(i, len(t.dims)) for i in axes}
    if any(isinstance(t.dims[i], int) and t.dims[i] != 1 for i in drop):
        raise WillRaise("cannot select an axis to squeeze out which has size not 1")
    return ArrayT(t.dtype, tuple(d for i, d in enumerate(t.dims) if i not in drop))


@typed(np.repeat)
def repeat(fn: Fn, a: Any, repeats: Any, axis: Any = None) -> Type:
    """Multiply the length of an axis, or of the flat array."""
    t, axis, repeats = as_array(a), static(axis, "axis"), known(repeats)
    count = _size(repeats) if isinstance(lift(repeats), ScalarT) else None
    if axis is None:
        whole = None if t.dims is None or count is None else product((*t.dims, count))
        return ArrayT(t.dtype, (fresh_dim() if whole is None else whole,))
    if t.dims is None:
        return t
    at = normal_axis(axis, len(t.dims))
    size = fresh_dim() if count is None else product((t.dims[at], count))
    return ArrayT(t.dtype, (*t.dims[:at], size, *t.dims[at + 1 :]))
