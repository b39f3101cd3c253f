"""Arithmetic on named sizes: what is certain about a dimension after an operation.

In: dimensions of the lattice. Out: dimensions. `Sym(key, offset)` stands for `max(0,
size + offset)`, so that `x[1:]` and `x[:-1]` agree also for an empty `x`. A size that
follows from others gets a key that says how, so that two equal computations give equal
names; only what depends on values is a fresh name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable

from chainrule.types.lattice import (
    ArrayT,
    DictT,
    Dim,
    Dims,
    ListT,
    ObjT,
    RangeT,
    ScalarT,
    Sym,
    TapeT,
    TupleT,
    Type,
    fresh_dim,
    maybe_one,
)


def shift(dim: Dim, by: int) -> Dim:
    """Return the size that is `by` larger, or smaller but never below 0."""
    if isinstance(dim, int):
        return max(0, dim + by)
    if by == 0:
        return dim
    if by > 0 and dim.offset < 0:
        # max(0, n - 1) + 1 is not n when n is 0.
        return Sym(("+", dim, by))
    return Sym(dim.key, dim.offset + by, dim.never_one)


def product(dims: Dims) -> Dim:
    """Return the number of elements of an array with these dimensions."""
    factor = math.prod(d for d in dims if isinstance(d, int))
    names = [d for d in dims if isinstance(d, Sym)]
    if factor == 0 or not names:
        return factor
    if factor == 1 and len(names) == 1:
        return names[0]
    names.sort(key=lambda s: (repr(s.key), s.offset))
    return Sym(("*", factor, *names), never_one=not all(map(maybe_one, dims)))


def quotient(dim: Dim, by: int) -> Dim | None:
    """Return `dim // by` for a positive divisor."""
    if by <= 0:
        return None
    return dim // by if isinstance(dim, int) else Sym(("//", dim, by))


def slice_dim(dim: Dim, index: slice) -> Dim:
    """Return the length of `x[index]` for an axis of size `dim`."""
    start, stop, step = index.start, index.stop, index.step
    if isinstance(dim, int):
        return len(range(*index.indices(dim)))
    if step in (None, 1):
        first = 0 if start is None else start
        if first >= 0 and (stop is None or stop < 0):
            return shift(dim, (stop or 0) - first)
        if first >= 0 and stop is not None and stop <= first:
            return 0
    elif step == -1:
        if start is None and (stop is None or stop >= 0):
            return shift(dim, 0 if stop is None else -stop - 1)
        if stop is None and start is not None and start < 0:
            return shift(dim, start + 1)
    return Sym(("slice", dim, start, stop, step))


def map_dims(t: Type, change: Callable[[Dim], Dim]) -> Type:
    """Return the type with every dimension in it changed."""
    match t:
        case ArrayT(dtype=dtype, dims=dims) if dims is not None:
            return ArrayT(dtype, tuple(map(change, dims)))
        case ScalarT(dim=dim) if dim is not None:
            return ScalarT(t.kind, t.dtype, t.exact, change(dim))
        case RangeT(dim=dim) if dim is not None:
            return RangeT(change(dim))
        case TupleT(items=items, cls=cls):
            return TupleT(tuple(map_dims(i, change) for i in items), cls)
        case ListT(items=items) if items is not None:
            return ListT(tuple(map_dims(i, change) for i in items))
        case ListT(elem=elem) if elem is not None:
            return ListT(None, map_dims(elem, change))
        case DictT(items=pairs, cls=cls):
            return DictT(tuple((k, map_dims(v, change)) for k, v in pairs), cls)
        case ObjT(cls=cls, attrs=pairs):
            return ObjT(cls, tuple((k, map_dims(v, change)) for k, v in pairs))
        case TapeT(items=items):
            return TapeT(tuple(map_dims(i, change) for i in items))
    return t


def dims_in(t: Type) -> list[Dim]:
    """Return every dimension in a type."""
    out: list[Dim] = []

    def note(dim: Dim) -> Dim:
        out.append(dim)
        return dim

    map_dims(t, note)
    return out


def is_fresh(dim: Dim) -> bool:
    """Say whether a size depends on one nobody can name."""
    return isinstance(dim, Sym) and _mentions_fresh(dim.key)


def _mentions_fresh(key: Hashable) -> bool:
    if isinstance(key, tuple):
        parts = [p.key for p in key if isinstance(p, Sym)]
        return any(map(_mentions_fresh, parts))
    return isinstance(key, int)


def refresh(t: Type) -> Type:
    """Return the type of one of many values: their nameless sizes differ.

    The elements of a list share one type, in which a nameless size means a size that
    may be another for each element. Names within one element stay consistent.
    """
    seen: dict[Dim, Dim] = {}

    def change(dim: Dim) -> Dim:
        if not is_fresh(dim):
            return dim
        if dim not in seen:
            seen[dim] = fresh_dim()
        return seen[dim]

    return map_dims(t, change)
