"""Types of the run-time helpers that generated code calls where types are not known.

In: types or constants. Out: the type of the cotangent: a real number or an array of
reals for integers, None for what has no derivative, containers alike.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.runtime import helpers, scans, special
from chainrule.types.containers import add as add_numbers
from chainrule.types.infer import TYPE_RULES, Unknown, infer, known, lift, typed
from chainrule.types.lattice import (
    FLOAT,
    NONE,
    ArrayT,
    DictT,
    Dims,
    ListT,
    ObjT,
    ScalarT,
    TupleT,
    Type,
    dims_of,
    element_type,
    show,
)
from chainrule.types.probed import probe_checked

Fn = Callable[..., Any]


def cotangent(t: Type, dims: Dims | None) -> Type:
    """Return the type of the cotangent of a number; `dims` are for arrays."""
    match t:
        case ArrayT(dtype=dtype):
            return ArrayT(_real(dtype), dims)
        case ScalarT(kind=kind, dtype=None):
            return ScalarT("complex" if kind == "complex" else "float", None, t.exact)
        case ScalarT(dtype=dtype) if dtype is not None:
            new = _real(dtype)
            return ScalarT("complex" if new.kind == "c" else "float", new, t.exact)
    raise Unknown(f"the cotangent of {show(t)}")


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


@typed(helpers.unbroadcast)
def unbroadcast(fn: Fn, g: Any, like: Any) -> Type:
    """Give shape, class and dtype of `like`."""
    t = lift(like)
    return cotangent(t, dims_of(t))


@typed(helpers.project)
def project(fn: Fn, g: Any, like: Any) -> Type:
    """Keep the shape, give class and dtype of `like`."""
    return cotangent(lift(like), dims_of(lift(g)))


@typed(helpers.last_write)
def last_write(fn: Fn, x: Any, index: Any) -> Type:
    """Give one answer for each element of `x[index]`."""
    read = infer(operator.getitem, (x, index), {})
    return ArrayT(np.dtype(bool), dims_of(read))


@typed(helpers.zeros_like)
def zeros_like(fn: Fn, x: Any) -> Type:
    """Give the structure of `x`."""
    t = lift(x)
    match t:
        case ScalarT(kind="bool"):
            return NONE
        case ScalarT() | ArrayT():
            return cotangent(t, dims_of(t))
        case TupleT(items=items, cls=cls):
            return TupleT(tuple(zeros_like(fn, i) for i in items), cls)
        case ListT(items=items) if items is not None:
            return ListT(tuple(zeros_like(fn, i) for i in items))
        case ListT(elem=elem) if elem is not None:
            return ListT(None, zeros_like(fn, elem))
        case DictT(items=pairs, cls=cls):
            return DictT(tuple((k, zeros_like(fn, v)) for k, v in pairs), cls)
        case ObjT(cls=cls, attrs=pairs):
            return ObjT(cls, tuple((k, zeros_like(fn, v)) for k, v in pairs))
    return NONE


@typed(helpers.add)
def add(fn: Fn, a: Any, b: Any) -> Type:
    """Add two cotangents of one structure, None being zero."""
    x, y = lift(a), lift(b)
    if NONE in (x, y):
        return y if x == NONE else x
    match x, y:
        case TupleT(), TupleT():
            pairs = zip(x.items, y.items, strict=True)
            return TupleT(tuple(add(fn, u, v) for u, v in pairs), x.cls)
        case ListT(), ListT() if x.items is not None and y.items is not None:
            both = zip(x.items, y.items, strict=True)
            return ListT(tuple(add(fn, u, v) for u, v in both))
        case ListT(), ListT():
            return x
        case DictT(), DictT():
            other = dict(y.items)
            return DictT(tuple((k, add(fn, v, other[k])) for k, v in x.items), x.cls)
        case ObjT(), ObjT():
            rest = dict(y.attrs)
            return ObjT(x.cls, tuple((k, add(fn, v, rest[k])) for k, v in x.attrs))
    return add_numbers(fn, known(a), known(b))


@typed(helpers.in_order_of_set)
def in_order_of_set(fn: Fn, items: Any) -> Type:
    """Give a list of the elements, whose places are not known."""
    return ListT(None, element_type(lift(items)))


@typed(helpers.project_all)
def project_all(fn: Fn, g: Any, like: Any) -> Type:
    """Give a list of the classes of another."""
    return lift(like)


@typed(special.polygamma)
def polygamma(fn: Fn, n: Any, x: Any) -> Type:
    """Give a Python float."""
    return FLOAT


TYPE_RULES[scans.recurrence] = probe_checked
