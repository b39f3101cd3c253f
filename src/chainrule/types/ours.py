"""Types of the primitives of `ir.prims`.

In: types or constants. Out: the type of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.types.dims import product
from chainrule.types.indexing import as_array, element
from chainrule.types.infer import (
    NeedsStatic,
    Unknown,
    WillRaise,
    infer,
    lift,
    static,
    typed,
)
from chainrule.types.iterables import item_type, items_of
from chainrule.types.lattice import (
    INT,
    NEVER,
    NONE,
    STR,
    ArrayT,
    DictT,
    Dim,
    ListT,
    ObjT,
    OptionalT,
    ScalarT,
    TupleT,
    Type,
    fresh_dim,
    join,
    kind_of,
    result_dtype,
    show,
)

Fn = Callable[..., Any]


@typed(prims.make_tuple)
def make_tuple(fn: Fn, *items: Any) -> Type:
    """Give a tuple of known length."""
    return TupleT(tuple(map(lift, items)))


@typed(prims.make_list)
def make_list(fn: Fn, *items: Any) -> Type:
    """Give a list of known length."""
    return ListT(tuple(map(lift, items)))


@typed(prims.make_dict)
def make_dict(fn: Fn, keys: Any, *values: Any) -> Type:
    """Give a dict with known keys."""
    keys = static(keys, "keys")
    return DictT(tuple({k: lift(v) for k, v in zip(keys, values, strict=True)}.items()))


@typed(prims.make_object)
def make_object(fn: Fn, of: Any, names: Any, *values: Any) -> Type:
    """Give an instance, or a named tuple."""
    cls = of.cls if isinstance(of, ObjT) else static(of, "cls")
    names = static(names, "names")
    types = tuple(map(lift, values))
    if issubclass(cls, tuple):
        return TupleT(types, cls)
    if issubclass(cls, dict):
        return DictT(tuple(zip(names, types, strict=True)), cls)
    return ObjT(cls, tuple(zip(names, types, strict=True)))


@typed(prims.some)
def some(fn: Fn, x: Any) -> Type:
    """Give the type without None."""
    return x.elem if isinstance(x, OptionalT) else lift(x)


@typed(prims.stop, prims.on_cotangent, prims.same)
def same(fn: Fn, x: Any, *rest: Any) -> Type:
    """Give the type of the value itself."""
    return lift(x)


@typed(prims.unpack)
def unpack(fn: Fn, x: Any, n: Any) -> Type:
    """Give exactly n elements."""
    t, n = lift(x), static(n, "n")
    items = items_of(t)
    if items is not None and len(items) != n:
        raise WillRaise(f"ValueError: cannot unpack {len(items)} values into {n}")
    return TupleT(items if items is not None else (item_type(t),) * n)


@typed(prims.index_add, prims.index_set)
def index_update(fn: Fn, buffer: Any, index: Any, value: Any) -> Type:
    """Keep the type of the buffer; an element of a list may change its type."""
    t, v = lift(buffer), lift(value)
    if isinstance(t, ListT):
        if t.items is None:
            return ListT(None, join(t.elem or NEVER, v))
        at = static(index, "index")
        items = list(t.items)
        items[at] = v if fn is prims.index_set else items[at]
        return ListT(tuple(items))
    if isinstance(t, ArrayT):
        return t
    if isinstance(t, ScalarT) and t.dtype is not None:
        return ArrayT(t.dtype, ())
    raise Unknown(f"a write into {show(t)}")


@typed(prims.fill)
def fill(fn: Fn, buffer: Any, value: Any) -> Type:
    """Keep the type of the buffer."""
    return lift(buffer)


@typed(prims.view_set)
def view_set(
    fn: Fn, buffer: Any, steps: Any, index: Any, value: Any, *rest: Any
) -> Type:
    """Keep the type of the buffer."""
    return lift(buffer)


@typed(prims.commit, *prims.LEFT_WITH_CALLER, *prims.OUTSIDE)
def commit(fn: Fn, place: Any, *rest: Any) -> Type:
    """Give None."""
    return NONE


@typed(prims.list_append)
def list_append(fn: Fn, items: Any, value: Any) -> Type:
    """Make the list one longer."""
    t, v = lift(items), lift(value)
    if not isinstance(t, ListT):
        raise Unknown(f"append to {show(t)}")
    if t.items is not None:
        return ListT((*t.items, v))
    return ListT(None, join(t.elem or NEVER, v))


@typed(prims.list_init)
def list_init(fn: Fn, items: Any) -> Type:
    """Make the list one shorter."""
    t = lift(items)
    if isinstance(t, ListT) and t.items is not None:
        return ListT(t.items[:-1])
    return t


@typed(prims.raise_)
def raise_(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Never come back."""
    return NEVER


@typed(prims.assert_)
def assert_(fn: Fn, *args: Any) -> Type:
    """Give None."""
    return NONE


@typed(prims.format_)
def format_(fn: Fn, *args: Any) -> Type:
    """Give a string."""
    return STR


@typed(prims.copy_value)
def copy_value(fn: Fn, x: Any) -> Type:
    """Keep the type."""
    return lift(x)


@typed(prims.einsum_view)
def einsum_view(fn: Fn, x: Any, subscripts: Any) -> Type:
    """Give what `np.einsum` gives."""
    return infer(np.einsum, [subscripts, x], {})


@typed(prims.dim)
def dim(fn: Fn, x: Any, axis: Any) -> Type:
    """Give one size."""
    t, axis = as_array(x), static(axis, "axis")
    if t.dims is None:
        return INT
    if not -len(t.dims) <= axis < len(t.dims):
        raise WillRaise(f"an array of rank {len(t.dims)} has no axis {axis}")
    return ScalarT("int", dim=t.dims[axis])


@typed(prims.astype)
def astype(fn: Fn, x: Any, dtype: Any, **kwargs: Any) -> Type:
    """Change the dtype."""
    t = lift(x)
    new = np.dtype(static(dtype, "dtype"))
    kind = kind_of(new)
    if kind is None:
        raise Unknown(f"an array of {new}")
    return element(new, t.dims if isinstance(t, ArrayT) else ())


@typed(prims.item)
def item(fn: Fn, x: Any, *index: Any) -> Type:
    """Give one element as a Python number."""
    kind = kind_of(result_dtype(lift(x)))
    return ScalarT(str(kind))


@typed(prims.tolist)
def tolist(fn: Fn, x: Any) -> Type:
    """Give nested lists of Python numbers."""
    t = as_array(x)
    if t.dims is None:
        raise NeedsStatic("ndim")
    out: Type = ScalarT(str(kind_of(t.dtype)))
    for size in reversed(t.dims):
        out = _list_of(out, size)
    return out


def _list_of(elem: Type, size: Dim) -> Type:
    known = isinstance(size, int) and size <= 4
    return ListT((elem,) * size) if known else ListT(None, elem)  # type: ignore[operator]


@typed(prims.flatten)
def flatten(fn: Fn, x: Any, order: Any = "C") -> Type:
    """Give a fresh array of rank 1."""
    t = as_array(x)
    return ArrayT(t.dtype, (fresh_dim() if t.dims is None else product(t.dims),))


@typed(prims.live)
def live(fn: Fn, value: Any) -> Type:
    """Keep the type."""
    return lift(value)


@typed(prims.read_back)
def read_back(fn: Fn, value: Any, writes: Any = ()) -> Type:
    """Keep the type."""
    return lift(value)


@typed(prims.remark)
def remark(fn: Fn, text: Any) -> Type:
    """Give None."""
    return NONE
