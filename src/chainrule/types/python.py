"""Types of Python's builtins and of the functions of `math` that take iterables.

In: types or constants. Out: the type of the result.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

from chainrule.types.containers import is_number, one_of
from chainrule.types.dims import refresh
from chainrule.types.indexing import row
from chainrule.types.infer import (
    TYPE_RULES,
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
    NONE,
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
    join,
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


@typed(len, operator.length_hint)
def len_(fn: Fn, x: Any) -> Type:
    """Return an int that carries the size."""
    return ScalarT("int", dim=length(lift(x)))


@typed(float, int, complex, bool)
def cast(fn: Fn, x: Any = 0, *rest: Any) -> Type:
    """Convert to a Python number."""
    t = lift(x)
    kind = fn.__name__
    if fn is bool or isinstance(t, OpaqueT) and t.cls in (str, bytes):
        return ScalarT(kind)
    if fn is int and isinstance(t, ScalarT) and t.kind == "int":
        return ScalarT("int", dim=t.dim)
    if not is_number(t):
        raise Unknown(f"{kind} of {show(t)}")
    if isinstance(t, ArrayT) and t.dims is not None:
        if any(isinstance(d, int) and d != 1 for d in t.dims):
            raise WillRaise("only arrays of one element can be converted to numbers")
    is_complex = isinstance(t, ScalarT) and t.kind == "complex" and t.dtype is None
    if fn is not complex and is_complex:
        raise WillRaise(f"TypeError: {kind} of a complex number")
    return ScalarT(kind)


def fold(fn: Fn, start: Any, t: Type, maybe_empty: bool) -> Type:
    """Return the type of `start + a + b + ...`: a number that keeps its type from then
    on.
    """
    items = items_of(t)
    if items is not None:
        out = start
        for item in items:
            out = TYPE_RULES[fn](fn, out, item)
        return lift(out)
    elem = item_type(t)
    if elem == NEVER:
        return lift(start)
    first = TYPE_RULES[fn](fn, start, elem)
    out = TYPE_RULES[fn](fn, first, elem)
    for _ in range(3):
        out = join(out, TYPE_RULES[fn](fn, out, elem))
    out = join(out, first)
    if maybe_empty and isinstance(out, ScalarT):
        return join(out, _forget(lift(start))) if is_number(lift(start)) else out
    return out


def _forget(t: Type) -> Type:
    return ScalarT(t.kind, t.dtype, t.exact) if isinstance(t, ScalarT) else t


@typed(sum)
def sum_(fn: Fn, iterable: Any, start: Any = 0) -> Type:
    """Add the elements of any iterable."""
    t = lift(iterable)
    return fold(operator.add, start, t, maybe_empty=True)


@typed(math.prod)
def prod_(fn: Fn, iterable: Any, start: Any = 1) -> Type:
    """Multiply the elements of any iterable."""
    return fold(operator.mul, start, lift(iterable), maybe_empty=True)


@typed(math.fsum, math.dist, *([math.sumprod] if hasattr(math, "sumprod") else []))
def to_float(fn: Fn, *args: Any) -> Type:
    """Give a Python float (`sumprod` of ints may be an int)."""
    return ScalarT("float", exact=fn.__name__ != "sumprod")


@typed(max, min)
def extremum(fn: Fn, *args: Any, key: Any = None, default: Any = NEVER) -> Type:
    """Give one of the arguments, or of the elements of the only one."""
    types = [lift(a) for a in args]
    if len(args) == 1:
        items = items_of(types[0])
        types = [item_type(types[0])] if items is None else list(items)
    if not types:
        raise WillRaise(f"ValueError: {fn.__name__}() of an empty iterable")
    if (
        any(isinstance(t, ArrayT) and t.dims not in ((), None) for t in types)
        and not key
    ):
        if not all(isinstance(t, ArrayT) and t.dims == (1,) for t in types):
            raise WillRaise("ValueError: the truth value of an array is ambiguous")
    return one_of([*types, lift(default)])


@typed(sorted)
def sorted_(fn: Fn, iterable: Any, *, key: Any = None, reverse: Any = False) -> Type:
    """Give a list of elements whose places are not known."""
    t = lift(iterable)
    items, elem = items_of(t), item_type(t)
    if items is not None and len(items) <= 16:
        return ListT((elem,) * len(items))
    return ListT(None, elem)


@typed(all, any)
def quantifier(fn: Fn, iterable: Any) -> Type:
    """Give a Python bool."""
    return BOOL


@typed(range)
def range_(fn: Fn, *args: Any) -> Type:
    """Give a range, with its length where it counts from 0 in steps of 1."""
    if all(not isinstance(a, Type) for a in args):
        return RangeT(len(range(*args)))
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


@typed(str, repr, format, ascii, chr, bin, hex, oct)
def text(fn: Fn, *args: Any) -> Type:
    """Give a string."""
    return STR


@typed(print)
def print_(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Give None."""
    return NONE


@typed(
    isinstance,
    issubclass,
    hasattr,
    callable,
)
def predicate(fn: Fn, *args: Any) -> Type:
    """Give a Python bool; `constant` knows which, where it is certain."""
    return BOOL


@typed(id, hash, ord)
def number(fn: Fn, x: Any) -> Type:
    """Give an int."""
    return INT


@typed(type)
def type_(fn: Fn, x: Any) -> Type:
    """Give a class."""
    return OpaqueT(type)


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
