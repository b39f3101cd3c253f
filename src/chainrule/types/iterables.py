"""Types of what is iterated over, and of the builtins that make sequences.

In: types or constants. Out: the type of an element, or of a sequence. An iterator of
Python (`zip`, `enumerate`, `reversed`) has the type of a list.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from chainrule.types.containers import one_of
from chainrule.types.dims import refresh
from chainrule.types.indexing import row
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
    INT,
    NEVER,
    STR,
    ArrayT,
    DictT,
    Dim,
    ListT,
    OpaqueT,
    RangeT,
    ScalarT,
    SliceT,
    TapeT,
    TupleT,
    Type,
    show,
)

Fn = Callable[..., Any]


def items_of(t: Type) -> tuple[Type, ...] | None:
    """Return the types of all elements of an iterable of known length, else None."""
    match t:
        case TupleT(items=items):
            return items
        case ListT(items=items):
            return items
        case DictT(items=pairs):
            return tuple(lift(k) for k, _ in pairs)
        case RangeT(dim=int() as count) if count <= 16:
            return tuple(ScalarT("int", dim=i) for i in range(count))
        case ArrayT(dims=dims) if dims and isinstance(dims[0], int) and dims[0] <= 16:
            return (row(t),) * dims[0]
    return None


def item_type(t: Type) -> Type:
    """Return the type that all elements of an iterable have."""
    match t:
        case ArrayT():
            return row(t)
        case TupleT() | ListT(items=tuple()) | DictT():
            return refresh(one_of(items_of(t) or ()))
        case ListT(elem=elem):
            return refresh(elem or NEVER)
        case RangeT():
            return INT
        case OpaqueT(cls=cls) if cls is str:
            return STR
        case TapeT(items=items):
            return TupleT(items)
    raise Unknown(f"the elements of {show(t)}")


def length(t: Type) -> Dim | None:
    """Return the length of a sized value, if it has a name."""
    match t:
        case ArrayT(dims=dims):
            if dims == ():
                raise WillRaise("TypeError: len() of unsized object")
            return dims[0] if dims else None
        case TupleT(items=items) | DictT(items=items):
            return len(items)
        case ListT(items=items):
            return None if items is None else len(items)
        case RangeT(dim=dim):
            return dim
        case OpaqueT():
            return None
    raise WillRaise(f"TypeError: {show(t)} has no len()")


@typed(sorted)
def sorted_(fn: Fn, iterable: Any, *, key: Any = None, reverse: Any = False) -> Type:
    """Give a list of elements whose places are not known."""
    t = lift(iterable)
    items, elem = items_of(t), item_type(t)
    if items is not None and len(items) <= 16:
        return ListT((elem,) * len(items))
    return ListT(None, elem)


@typed(range)
def range_(fn: Fn, *args: Any) -> Type:
    """Give a range, with its length where it counts from 0 in steps of 1."""
    if all(not isinstance(a, Type) for a in args):
        return lift(range(*args))
    if len(args) == 1 or len(args) == 2 and known(args[0]) == 0:
        t = lift(args[-1])
        if isinstance(t, ScalarT) and t.kind == "int":
            return RangeT(t.dim)
    if all(
        isinstance(t, ScalarT) and t.kind in ("int", "bool") for t in map(lift, args)
    ):
        return RangeT()
    raise WillRaise("TypeError: range() needs integers")


@typed(slice)
def slice_(fn: Fn, *args: Any) -> Type:
    """Give a slice that remembers what it is made of."""
    filled = (None, *args, None) if len(args) == 1 else (*args, None, None)
    return SliceT(filled[:3])


@typed(list, tuple)
def sequence(fn: Fn, iterable: Any = ()) -> Type:
    """Copy any iterable into a list or a tuple."""
    t = lift(iterable)
    if isinstance(t, OpaqueT) and t.cls is not str:
        raise Unknown(f"{fn.__name__} of {show(t)}")
    items = items_of(t)
    if isinstance(t, RangeT) and isinstance(t.dim, int) and t.dim <= 16:
        items = (INT,) * t.dim
    if items is not None:
        return TupleT(items) if fn is tuple else ListT(items)
    if fn is tuple:
        raise NeedsStatic("length")
    return ListT(None, item_type(t))


@typed(reversed)
def reversed_(fn: Fn, x: Any) -> Type:
    """Turn a sequence round: the type is that of a list, or of a range."""
    t = lift(x)
    items = items_of(t)
    if items is not None:
        return ListT(items[::-1])
    return t if isinstance(t, RangeT) else ListT(None, item_type(t))


@typed(enumerate)
def enumerate_(fn: Fn, iterable: Any, start: Any = 0) -> Type:
    """Pair elements with their positions."""
    return zip_(zip, RangeT(), iterable)


@typed(zip)
def zip_(fn: Fn, *iterables: Any, strict: Any = False) -> Type:
    """Give tuples: as a list of known length if all have one."""
    types = [lift(i) for i in iterables]
    lengths = [items_of(t) for t in types if not isinstance(t, RangeT)]
    if lengths and all(items is not None for items in lengths):
        count = min(len(items) for items in lengths if items is not None)
        columns = [(items_of(t) or (INT,) * count)[:count] for t in types]
        return ListT(tuple(TupleT(pair) for pair in zip(*columns, strict=True)))
    return ListT(None, TupleT(tuple(map(item_type, types))))


@typed(itertools.product)
def product_(fn: Fn, *iterables: Any) -> Type:
    """Give all tuples of elements."""
    return ListT(None, TupleT(tuple(item_type(lift(i)) for i in iterables)))


@typed(set, frozenset)
def set_(fn: Fn, *args: Any) -> Type:
    """Give a set: without a derivative, so only of what has none."""
    t = item_type(lift(args[0])) if args else NEVER
    if (
        isinstance(t, ArrayT)
        or isinstance(t, ScalarT)
        and t.kind in ("float", "complex")
    ):
        raise Unknown(f"a set of {show(t)}")
    return OpaqueT(fn if isinstance(fn, type) else object)


@typed(dict)
def dict_(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Copy a dict, or make one of keywords or of known pairs."""
    pairs: dict[Any, Type] = {}
    for arg in args:
        t = lift(arg)
        items = t.items if isinstance(t, DictT) else _pairs(t)
        pairs.update(items)
    pairs.update({k: lift(v) for k, v in kwargs.items()})
    return DictT(tuple(pairs.items()))


def _pairs(t: Type) -> list[tuple[Any, Type]]:
    items = items_of(t)
    if items is None:
        raise NeedsStatic("keys")
    pairs = [items_of(i) for i in items]
    return [(static(p[0], "key"), p[1]) for p in pairs if p is not None and len(p) == 2]
