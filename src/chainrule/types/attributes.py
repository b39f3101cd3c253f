"""Types of attributes: of arrays, numbers, named tuples, slices and objects.

In: the type of a value and a name. Out: the type of the attribute; shapes are tuples of
ints that carry the names of sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import product
from chainrule.types.elementwise import elementwise
from chainrule.types.infer import (
    Unknown,
    WillRaise,
    lift,
    static,
    typed,
)
from chainrule.types.lattice import (
    INT,
    ArrayT,
    ListT,
    ObjT,
    OpaqueT,
    RangeT,
    ScalarT,
    SliceT,
    TupleT,
    Type,
    result_dtype,
    show,
)

Fn = Callable[..., Any]


@typed(getattr)
def attribute(fn: Fn, x: Any, name: Any, *default: Any) -> Type:
    """Read an attribute of a number, an array or an object."""
    t, name = lift(x), static(name, "name")
    match t:
        case ArrayT() | ScalarT():
            return _number_attribute(t, name)
        case ObjT(attrs=attrs):
            if name in dict(attrs):
                return dict(attrs)[name]
        case TupleT(cls=cls, items=items):
            fields = getattr(cls, "_fields", ())
            if name in fields:
                return items[fields.index(name)]
        case SliceT(parts=parts) if parts and name in _SLICE_PARTS:
            return lift(parts[_SLICE_PARTS.index(name)])
        case RangeT() if name in _SLICE_PARTS:
            return INT
        case OpaqueT():
            # Of no use in arithmetic, so without a derivative for certain.
            return OpaqueT()
    if default:
        return lift(default[0])
    raise Unknown(f"the attribute {name} of {show(t)}")


_SLICE_PARTS = ("start", "stop", "step")


def _number_attribute(t: ArrayT | ScalarT, name: str) -> Type:
    python = isinstance(t, ScalarT) and t.dtype is None
    dims = t.dims if isinstance(t, ArrayT) else ()
    if name in ("real", "imag"):
        return elementwise(getattr(np, name), t) if not python else _part(t)
    if name in ("numerator", "denominator") and python:
        return INT
    if python and isinstance(t, ScalarT) and t.exact:
        raise WillRaise(f"AttributeError: {show(t)} has no attribute {name}")
    if name == "T":
        return (
            t
            if dims is None or not isinstance(t, ArrayT)
            else ArrayT(t.dtype, dims[::-1])
        )
    if name == "dtype":
        return OpaqueT(type(result_dtype(t)))
    if name == "shape" and dims is None:
        return ListT(None, INT)
    if name == "ndim":
        return INT if dims is None else ScalarT("int", dim=len(dims))
    if name == "size":
        return INT if dims is None else ScalarT("int", dim=product(dims))
    if name == "shape" and dims is not None:
        return TupleT(tuple(ScalarT("int", dim=d) for d in dims))
    if name == "flat":
        return ArrayT(result_dtype(t), None if dims is None else (product(dims),))
    if name in ("itemsize", "nbytes"):
        return INT
    if name in ("strides",):
        return INT if dims is None else TupleT((INT,) * len(dims))
    if name == "flags":
        return OpaqueT()
    raise Unknown(f"the attribute {name} of {show(t)}")


def _part(t: Type) -> Type:
    kind = t.kind if isinstance(t, ScalarT) else "float"
    kind = {"complex": "float", "bool": "int"}.get(kind, kind)
    return ScalarT(kind, None, not isinstance(t, ScalarT) or t.exact)


@typed(np.shape)
def shape(fn: Fn, a: Any) -> Type:
    """Return the type of a shape: ints that carry their sizes."""
    return _number_attribute(_numeric(a), "shape")


@typed(np.ndim)
def ndim(fn: Fn, a: Any) -> Type:
    """Return the rank, as an int that is known."""
    return _number_attribute(_numeric(a), "ndim")


@typed(np.size)
def size(fn: Fn, a: Any, axis: Any = None) -> Type:
    """Return the number of elements, or one size."""
    t = _numeric(a)
    axis = static(axis, "axis")
    if axis is None:
        return _number_attribute(t, "size")
    if t.dims is None:
        return INT
    return ScalarT("int", dim=t.dims[axis])


def _numeric(a: Any) -> ArrayT:
    from chainrule.types.indexing import as_array

    return as_array(a)
