"""Types of reads by index: `x[...]` in all its forms, `take` and its kin.

In: the type of an array, and an index that is a constant, a type, or a tuple of both.
Out: the type of the element, the view or the copy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.types.dims import shift, slice_dim
from chainrule.types.elementwise import broadcast_dims
from chainrule.types.infer import (
    NeedsStatic,
    Unknown,
    WillRaise,
    known,
    lift,
)
from chainrule.types.lattice import (
    ArrayT,
    Dim,
    Dims,
    ListT,
    OpaqueT,
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
    if isinstance(part, OpaqueT):
        return _opaque_part(part)
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


def _opaque_part(part: OpaqueT) -> Any:
    if part.cls is type(None):
        return None
    if part.cls is type(...):
        return ...
    if part.cls is slice:
        raise NeedsStatic("index")
    raise WillRaise(f"{part.cls.__name__} is not a valid index")


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


def normal_axis(axis: int, rank: int) -> int:
    """Return the axis counted from 0."""
    axis = operator.index(axis)
    if not -rank <= axis < rank:
        raise WillRaise(f"axis {axis} is out of bounds for an array of rank {rank}")
    return axis % rank


def row(t: ArrayT) -> Type:
    """Return the type of what iteration over an array gives."""
    if t.dims is None:
        return ArrayT(t.dtype, None)
    if t.dims == ():
        raise WillRaise("iteration over a 0-d array")
    return element(t.dtype, t.dims[1:])
