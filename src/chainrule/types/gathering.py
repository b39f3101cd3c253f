"""Types of functions that read or drop elements by index: `take`, `delete`, `ix_`.

In: types of an array and of indices. Out: the type of what is gathered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import product, shift
from chainrule.types.elementwise import broadcast_dims
from chainrule.types.indexing import as_array, element, normal_axis
from chainrule.types.infer import (
    NeedsStatic,
    WillRaise,
    lift,
    static,
    typed,
)
from chainrule.types.lattice import (
    ArrayT,
    Dim,
    Dims,
    ListT,
    ScalarT,
    TupleT,
    Type,
    fresh_dim,
)

Fn = Callable[..., Any]


@typed(np.take)
def take(fn: Fn, a: Any, indices: Any, axis: Any = None, mode: Any = "raise") -> Type:
    """Index one axis; without one the flat array."""
    array, index = as_array(a), as_array(indices)
    axis = static(axis, "axis")
    if axis is None:
        return element(array.dtype, index.dims)
    if array.dims is None or index.dims is None:
        return ArrayT(array.dtype, None)
    at = normal_axis(axis, len(array.dims))
    dims = array.dims[:at] + index.dims + array.dims[at + 1 :]
    return element(array.dtype, dims)


@typed(np.ufunc.reduceat)
def reduceat(
    fn: Fn, array: Any, indices: Any, axis: Any = 0, dtype: Any = None
) -> Type:
    """Reduce as many segments of one axis as there are indices."""
    if dtype is not None:
        raise NeedsStatic("dtype")
    of, index = as_array(array), as_array(indices)
    reduced = fn(np.ones(1, of.dtype), [0]).dtype
    if of.dims is None or index.dims is None:
        return ArrayT(reduced, None)
    at = normal_axis(static(axis, "axis"), len(of.dims))
    return ArrayT(reduced, of.dims[:at] + index.dims + of.dims[at + 1 :])


@typed(np.take_along_axis)
def take_along_axis(fn: Fn, arr: Any, indices: Any, axis: Any = -1) -> Type:
    """Index one axis, the others in step."""
    array, index = as_array(arr), as_array(indices)
    axis = static(axis, "axis")
    if axis is None or array.dims is None or index.dims is None:
        return ArrayT(array.dtype, index.dims)
    if len(array.dims) != len(index.dims):
        raise WillRaise("`indices` and `arr` must have the same number of dimensions")
    at = normal_axis(axis, len(array.dims))
    size = index.dims[at]
    dims = list(broadcast_dims([_without(array.dims, at), _without(index.dims, at)]))
    dims[at] = size
    return ArrayT(array.dtype, tuple(dims))


def _without(dims: Dims, axis: int) -> Dims:
    return (*dims[:axis], 1, *dims[axis + 1 :])


@typed(np.insert)
def insert(fn: Fn, arr: Any, obj: Any, values: Any, axis: Any = None) -> Type:
    """Lengthen an axis, or the flat array, by as much as there is to insert."""
    array, axis = as_array(arr), static(axis, "axis")
    t = lift(obj)
    one = isinstance(t, ScalarT) and isinstance(lift(values), ScalarT)
    if axis is None:
        array, axis = ArrayT(array.dtype, (flat_size(array),)), 0
    if array.dims is None:
        return array
    at = normal_axis(axis, len(array.dims))
    size = shift(array.dims[at], 1) if one else fresh_dim()
    return ArrayT(array.dtype, (*array.dims[:at], size, *array.dims[at + 1 :]))


def flat_size(t: ArrayT) -> Dim:
    """Return the number of elements of an array."""
    return fresh_dim() if t.dims is None else product(t.dims)


@typed(np.trim_zeros)
def trim_zeros(fn: Fn, filt: Any, trim: Any = "fb") -> Type:
    """Shorten a vector as its values say."""
    array = as_array(filt)
    dims = None if array.dims is None else tuple(fresh_dim() for _ in array.dims)
    return ArrayT(array.dtype, dims)


@typed(np.ix_)
def ix(fn: Fn, *args: Any) -> Type:
    """Give one index array for each axis, all of full rank."""
    arrays = [as_array(a) for a in args]
    items = []
    for axis, t in enumerate(arrays):
        size = (t.dims or (fresh_dim(),))[0]
        dims: list[Dim] = [1] * len(arrays)
        dims[axis] = fresh_dim() if t.dtype.kind == "b" else size
        dtype = np.dtype(np.intp) if t.dtype.kind == "b" else t.dtype
        items.append(ArrayT(dtype, tuple(dims)))
    return TupleT(tuple(items))


@typed(np.unravel_index)
def unravel_index(fn: Fn, indices: Any, shape: Any, order: Any = "C") -> Type:
    """Give an index for each axis of a shape."""
    t, index = lift(shape), as_array(indices)
    if isinstance(t, ScalarT):
        t = TupleT((t,))
    items = t.items if isinstance(t, TupleT | ListT) else None
    if items is None:
        raise NeedsStatic("shape")
    return TupleT((element(np.dtype(np.intp), index.dims),) * len(items))


@typed(np.ravel_multi_index)
def ravel_multi_index(
    fn: Fn, multi_index: Any, dims: Any, *args: Any, **kwargs: Any
) -> Type:
    """Give an index into the flat array."""
    t = lift(multi_index)
    items = t.items if isinstance(t, TupleT | ListT) else None
    if items is None:
        raise NeedsStatic("multi_index")
    shapes = [as_array(i).dims for i in items]
    if None in shapes:
        return ArrayT(np.dtype(np.intp), None)
    known_shapes = [s for s in shapes if s is not None]
    return element(np.dtype(np.intp), broadcast_dims(known_shapes))


@typed(np.compress, np.extract, np.delete)
def shorten(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """An axis (or the flat array) with a length that depends on values."""
    at = 0 if fn is np.delete else 1
    array = as_array(args[at] if len(args) > at else kwargs["arr" if at == 0 else "a"])
    axis = static(args[2] if len(args) > 2 else kwargs.get("axis"), "axis")
    if axis is None or fn is np.extract:
        return ArrayT(array.dtype, (fresh_dim(),))
    if array.dims is None:
        return ArrayT(array.dtype, None)
    dims = list(array.dims)
    dims[normal_axis(axis, len(dims))] = fresh_dim()
    return ArrayT(array.dtype, tuple(dims))
