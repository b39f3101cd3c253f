"""Types of Python's builtins and of the functions of `math` that take iterables.

In: types or constants. Out: the type of the result.
"""

from __future__ import annotations

import logging
import math
import operator
import statistics
import warnings
from collections.abc import Callable
from typing import Any

from chainrule.types.containers import is_number, one_of
from chainrule.types.infer import (
    TYPE_RULES,
    Unknown,
    WillRaise,
    lift,
    typed,
)
from chainrule.types.iterables import item_type, items_of, length
from chainrule.types.lattice import (
    BOOL,
    FLOAT,
    INT,
    NEVER,
    NONE,
    STR,
    ArrayT,
    OpaqueT,
    ScalarT,
    Type,
    join,
    show,
)

Fn = Callable[..., Any]

# What tells people something, and gives None.
REPORTING = (
    *(
        warnings.warn,
        warnings.simplefilter,
        warnings.filterwarnings,
        warnings.resetwarnings,
    ),
    *(logging.debug, logging.info, logging.warning, logging.error, logging.critical),
    *(getattr(logging.Logger, name) for name in "debug info warning error".split()),
    *(logging.Logger.critical, logging.Logger.exception, logging.Logger.log),
)


@typed(len, operator.length_hint)
def len_(fn: Fn, x: Any) -> Type:
    """Return an int that carries the size."""
    return ScalarT("int", dim=length(lift(x)))


@typed(float, int, complex, bool)
def cast(fn: Fn, x: Any = 0, *rest: Any) -> Type:
    """Convert to a Python number."""
    t = lift(x)
    kind = fn.__name__
    if fn is bool or isinstance(t, OpaqueT) and issubclass(t.cls, str | bytes | int):
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


@typed(statistics.fmean)
def mean_of_floats(fn: Fn, data: Any) -> Type:
    """Give a Python float."""
    return FLOAT


@typed(
    *(statistics.mean, statistics.variance, statistics.pvariance),
    *(statistics.stdev, statistics.pstdev),
)
def of_elements(fn: Fn, data: Any) -> Type:
    """Give a float of the class that all elements have."""
    t = lift(data)
    items = items_of(t)
    out = one_of([item_type(t)] if items is None else list(items))
    if not isinstance(out, ScalarT) or out.kind != "float" or not out.exact:
        raise Unknown(fn)
    roots = fn in (statistics.stdev, statistics.pstdev)
    return FLOAT if roots else ScalarT("float", out.dtype)


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


@typed(all, any)
def quantifier(fn: Fn, iterable: Any) -> Type:
    """Give a Python bool."""
    return BOOL


@typed(str, repr, format, ascii, chr, bin, hex, oct)
def text(fn: Fn, *args: Any) -> Type:
    """Give a string."""
    return STR


@typed(print, *REPORTING)
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
