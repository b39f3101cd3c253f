"""Types of reads from containers and objects: `operator.getitem`, `getattr`, `+` of
lists.

In: types of a tuple, list, dict, range, string or object and a key. Out: the item's
type. The operators that Python shares between numbers and sequences are entered here,
and go on to `elementwise` for numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.types.dims import refresh
from chainrule.types.elementwise import elementwise
from chainrule.types.indexing import index_array
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
    BOOL,
    INT,
    NEVER,
    ArrayT,
    DictT,
    ListT,
    ObjT,
    OpaqueT,
    RangeT,
    ScalarT,
    SliceT,
    TupleT,
    Type,
    element_type,
    join,
    show,
)

Fn = Callable[..., Any]


def one_of(types: Sequence[Type]) -> Type:
    """Return the join of types; raises `TypeError` where no one type fits."""
    out: Type = NEVER
    for t in types:
        out = join(out, t)
    return out


@typed(operator.getitem)
def getitem(fn: Fn, x: Any, key: Any) -> Type:
    """Read an item by position, key or slice."""
    t, key = lift(x), known(key)
    match t:
        case ArrayT():
            return index_array(t, key)
        case ScalarT(dtype=dtype) if dtype is not None:
            return index_array(ArrayT(dtype, ()), key)
        case TupleT(items=items):
            return _from_items(items, key, lambda part: TupleT(part))
        case ListT(items=items) if items and isinstance(key, SliceT):
            try:
                return ListT(None, refresh(one_of(items)))
            except TypeError as error:
                raise NeedsStatic("index") from error
        case ListT(items=items) if items is not None:
            return _from_items(items, key, ListT)
        case ListT(elem=elem):
            if isinstance(key, slice | SliceT):
                return t
            return refresh(elem or NEVER)
        case DictT(items=pairs):
            return _from_dict(dict(pairs), key)
        case RangeT():
            return RangeT() if isinstance(key, slice | SliceT) else INT
        case OpaqueT(cls=cls) if cls in (str, bytes):
            return t if cls is str or isinstance(key, slice | SliceT) else INT
        case OpaqueT(cls=cls) if cls is np.ndarray:
            return OpaqueT()
    raise Unknown(f"an item of {show(t)}")


def _from_items(
    items: tuple[Type, ...], key: Any, make: Callable[[tuple[Type, ...]], Type]
) -> Type:
    if isinstance(key, SliceT):
        raise NeedsStatic("index")
    if isinstance(key, slice):
        return make(items[key])
    if not isinstance(key, Type):
        try:
            return items[operator.index(key)]
        except IndexError as error:
            raise WillRaise(f"IndexError: {error}") from error
    if not isinstance(key, ScalarT) or not items:
        raise WillRaise("the index does not fit")
    try:
        return refresh(one_of(items))
    except TypeError as error:
        raise NeedsStatic("index") from error


def _from_dict(items: dict[Any, Type], key: Any) -> Type:
    key = static(key, "key")
    if key not in items:
        raise WillRaise(f"KeyError: {key!r}")
    return items[key]


_TEXT = (str, bytes)


def is_number(t: Type) -> bool:
    """Say whether a type is a scalar or an array."""
    return isinstance(t, ScalarT | ArrayT)


@typed(operator.add, operator.iadd, operator.concat)
def add(fn: Fn, x: Any, y: Any) -> Type:
    """Add numbers; join lists, tuples and strings."""
    a, b = lift(x), lift(y)
    match a, b:
        case TupleT(), TupleT():
            return TupleT(a.items + b.items)
        case ListT(), ListT():
            if a.items is not None and b.items is not None:
                return ListT(a.items + b.items)
            return join(_any_length(a), _any_length(b))
        case OpaqueT(cls=cls), OpaqueT() if a == b and cls in _TEXT:
            return a
    if isinstance(a, OpaqueT) and a.cls in _TEXT or is_number(a) and _is_text(b):
        raise WillRaise(f"cannot add {show(a)} and {show(b)}")
    return elementwise(operator.add, x, y)


def _is_text(t: Type) -> bool:
    return isinstance(t, OpaqueT) and t.cls in _TEXT


def _any_length(t: ListT) -> ListT:
    return ListT(None, element_type(t))


@typed(operator.mul, operator.imul)
def mul(fn: Fn, x: Any, y: Any) -> Type:
    """Multiply numbers; repeat lists, tuples and strings."""
    for sequence, count in ((x, y), (y, x)):
        t = lift(sequence)
        if _is_int(count):
            if isinstance(t, TupleT):
                return TupleT(t.items * max(0, static(count, "count")))
            if isinstance(t, ListT):
                return _repeat(t, known(count))
            if _is_text(t):
                return t
    return elementwise(operator.mul, x, y)


def _is_int(arg: Any) -> bool:
    t = lift(arg)
    return isinstance(t, ScalarT) and t.kind in ("int", "bool") and t.dtype is None


def _repeat(t: ListT, count: Any) -> Type:
    if (
        t.items is not None
        and not isinstance(count, Type)
        and count * len(t.items) <= 64
    ):
        return ListT(t.items * max(0, count))
    return _any_length(t)


@typed(operator.mod, operator.imod)
def mod(fn: Fn, x: Any, y: Any) -> Type:
    """Take the remainder; format a string."""
    t = lift(x)
    return t if _is_text(t) else elementwise(operator.mod, x, y)


@typed(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
def compare(fn: Fn, x: Any, y: Any) -> Type:
    """Compare numbers element by element, everything else as a whole."""
    a, b = lift(x), lift(y)
    if is_number(a) and is_number(b):
        return elementwise(fn, x, y)
    if isinstance(a, ArrayT) or isinstance(b, ArrayT):
        return elementwise(fn, x, y)
    if isinstance(a, ObjT) or isinstance(b, ObjT):
        raise Unknown(f"{fn.__name__} of {show(a)} and {show(b)}")
    return BOOL


@typed(operator.is_, operator.is_not, operator.not_, operator.truth)
def test(fn: Fn, *args: Any) -> Type:
    """Give a Python bool, whatever the operands are."""
    return BOOL


@typed(operator.contains)
def contains(fn: Fn, x: Any, y: Any) -> Type:
    """Search a container."""
    return BOOL


@typed(operator.and_, operator.or_, operator.xor)
def bitwise(fn: Fn, x: Any, y: Any) -> Type:
    """Combine numbers bit by bit; sets and dicts as a whole."""
    a, b = lift(x), lift(y)
    if isinstance(a, OpaqueT) and a == b and a.cls in (set, frozenset):
        return a
    if isinstance(a, DictT) and isinstance(b, DictT) and fn is operator.or_:
        return DictT(tuple({**dict(a.items), **dict(b.items)}.items()))
    return elementwise(fn, x, y)


@typed(operator.countOf, operator.indexOf)
def search(fn: Fn, x: Any, y: Any) -> Type:
    """Give an int."""
    return INT
