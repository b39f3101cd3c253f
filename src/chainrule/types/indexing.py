"""Types of reads by index: `x[...]` in all its forms, `take` and its kin.

In: the type of an array, and an index that is a constant, a type, or a tuple of both.
Out: the type of the element, the view or the copy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.types.dims import product, shift, slice_dim
from chainrule.types.elementwise import broadcast_dims
from chainrule.types.infer import (
    NeedsStatic,
    Unknown,
    WillRaise,
    known,
    lift,
    static,
    typed,
)
from chainrule.types.lattice import (
    ArrayT,
    Dim,
    Dims,
    ListT,
    RangeT,
    ScalarT,
    SliceT,
    Sym,
    TupleT,
    Type,
    fresh_dim,
    kind_of,
)
from chainrule.types.probe import probe

Fn = Callable[..., Any]
_ALL = slice(None)


def as_array(arg: Any) -> ArrayT:
    """Return the type of `np.asarray(arg)`."""
    t = lift(arg)
    out = t if isinstance(t, ArrayT) else probe(np.asarray, arg)
    if not isinstance(out, ArrayT):
        raise Unknown(f"an array of {arg}")
    return out


def element(dtype: np.dtype[Any], dims: Dims | None) -> Type:
    """Return the type of what NumPy makes a scalar when it has no axes."""
    if dims == ():
        return ScalarT(str(kind_of(dtype)), dtype)
    return ArrayT(dtype, dims)


def index_array(t: ArrayT, index: Any) -> Type:
    """Return the type of `x[index]`."""
    index = known(index)
    raw: Sequence[Any] = (index,)
    if isinstance(index, tuple | TupleT):
        raw = index if isinstance(index, tuple) else index.items
    parts = [_part(p) for p in raw]
    if t.dims is None or any(isinstance(p, ArrayT) and p.dims is None for p in parts):
        return ArrayT(t.dtype, None)
    used = sum(map(_axes_used, parts))
    if used > len(t.dims):
        raise WillRaise(f"too many indices: {used} for an array of rank {len(t.dims)}")
    if sum(p is ... for p in parts) > 1:
        raise WillRaise("an index can only have a single ellipsis")
    missing = [_ALL] * (len(t.dims) - used)
    has_ellipsis = any(p is ... for p in parts)
    at = next((i for i, p in enumerate(parts) if p is ...), len(parts))
    parts[at : at + 1] = missing
    dims = _result_dims(t.dims, parts)
    if dims == () and not has_ellipsis:
        return element(t.dtype, ())
    return ArrayT(t.dtype, dims)


def _part(part: Any) -> Any:
    """Return an index as int, type of an int, slice, None, ellipsis or array type."""
    part = known(part)
    if part is None or part is ... or isinstance(part, SliceT):
        return part
    if isinstance(part, slice):
        return SliceT((part.start, part.stop, part.step))
    if isinstance(part, list | tuple | ListT | TupleT | np.ndarray | RangeT | range):
        is_empty = isinstance(part, list | tuple) and not part
        part = ArrayT(np.dtype(int), (0,)) if is_empty else as_array(part)
    t = lift(part)
    if isinstance(t, ArrayT) and t.dtype.kind in "iu" and t.dims == ():
        t = ScalarT("int", t.dtype)
    if isinstance(t, ArrayT) and t.dtype.kind in "iub" and t.dims != ():
        return t
    if isinstance(t, ScalarT) and t.kind == "int":
        return part if isinstance(part, int) else t
    if getattr(t, "kind", "") == "bool":
        raise Unknown("a bool as an index")
    raise WillRaise(f"{t} is not a valid index")


def _axes_used(part: Any) -> int:
    if part is None or part is ...:
        return 0
    if isinstance(part, ArrayT) and part.dtype.kind == "b":
        return len(part.dims or ())
    return 1


def _result_dims(dims: Dims, parts: Sequence[Any]) -> Dims:
    advanced = any(isinstance(p, ArrayT) for p in parts)
    out: list[Dim] = []
    gathered: list[Dims] = []
    places: list[int] = []
    axis, groups, inside = 0, 0, False
    for part in parts:
        gathers = isinstance(part, ArrayT | ScalarT | int)
        if gathers and advanced:
            groups += not inside
            places.append(len(out))
        inside = gathers
        if part is None:
            out.append(1)
        elif isinstance(part, SliceT | slice):
            out.append(sliced(dims[axis], part))
        elif isinstance(part, ArrayT):
            gathered.append(_gathered(part))
        elif isinstance(part, int):
            _check_bounds(part, dims[axis])
        axis += _axes_used(part)
    if advanced:
        at = places[0] if groups == 1 else 0
        out[at:at] = broadcast_dims(gathered)
    return tuple(out)


def _gathered(part: ArrayT) -> Dims:
    return (fresh_dim(),) if part.dtype.kind == "b" else part.dims or ()


def _check_bounds(index: int, dim: Dim) -> None:
    if isinstance(dim, int) and not -dim <= index < dim:
        raise WillRaise(f"index {index} is out of bounds for size {dim}")


def sliced(dim: Dim, index: SliceT | slice) -> Dim:
    """Return the length of a slice of an axis."""
    if isinstance(index, slice):
        return slice_dim(dim, index)
    if index.parts is None:
        return fresh_dim()
    parts = [known(p) for p in index.parts]
    if not any(isinstance(p, Type) for p in parts):
        return slice_dim(dim, slice(*parts))
    start, stop, step = parts
    names = [p.dim if isinstance(p, ScalarT) else p for p in parts]
    if start in (None, 0) and step in (None, 1) and isinstance(names[1], Sym):
        by = _offset_between(dim, names[1])
        # One less would wrap round: x[:n - 3] of two elements is x[:-1].
        if by is not None and -2 <= by <= 0:
            return shift(dim, by)
    if any(
        isinstance(p, Type) and n is None for p, n in zip(parts, names, strict=True)
    ):
        return fresh_dim()
    return Sym(("slice", dim, *names))


def _offset_between(dim: Dim, other: Sym) -> int | None:
    if isinstance(dim, Sym) and dim.key == other.key:
        return other.offset - dim.offset
    return None


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


def normal_axis(axis: int, rank: int) -> int:
    """Return the axis counted from 0."""
    axis = operator.index(axis)
    if not -rank <= axis < rank:
        raise WillRaise(f"axis {axis} is out of bounds for an array of rank {rank}")
    return axis % rank


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


def row(t: ArrayT) -> Type:
    """Return the type of what iteration over an array gives."""
    if t.dims is None:
        return ArrayT(t.dtype, None)
    if t.dims == ():
        raise WillRaise("iteration over a 0-d array")
    return element(t.dtype, t.dims[1:])
