"""Types of elementwise functions: operators, ufuncs, `math`, `where`, `clip`, casts.

In: types or constants of the operands. Out: the type of the result. Shapes broadcast;
class and dtype come from calling the function on a sample of one element each, so that
promotion is that of the NumPy and the Python that run.
"""

from __future__ import annotations

import cmath
import math
import operator
import warnings
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np

from chainrule.cache.lock import user_code
from chainrule.types.dims import product, quotient, shift
from chainrule.types.freezing import freeze
from chainrule.types.infer import Unknown, WillRaise, known, lift, typed
from chainrule.types.lattice import (
    ArrayT,
    Dim,
    Dims,
    ListT,
    ScalarT,
    TupleT,
    Type,
    broadcast,
    kind_of,
)
from chainrule.types.observe import value_type
from chainrule.types.probe import probe

Fn = Callable[..., Any]
_SAMPLES: dict[Hashable, Any] = {}
# Tried in this order: no value is in the domain of every function.
_TRIES: tuple[dict[str, Any], ...] = (
    {"bool": True, "int": 1, "float": 1.0, "complex": 1.0 + 0.0j},
    {"bool": True, "int": 2, "float": 0.5, "complex": 0.5 + 0.5j},
    {"bool": False, "int": 0, "float": 2.0, "complex": 2.0 + 0.0j},
)


def elementwise(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Return the type of a function that works element by element."""
    if getattr(fn, "__module__", "") in _PYTHON_MODULES and not any(
        map(_is_numpy, args)
    ):
        if any(isinstance(a, TupleT | ListT) for a in args):
            raise WillRaise(f"TypeError: {fn.__name__} of a list or tuple")
    operands = [_operand(fn, a) for a in args]
    named = {k: _operand(fn, v) for k, v in kwargs.items()}
    leaves = [leaf for a in (*operands, *named.values()) for leaf in _leaves(a)]
    unknown_rank = any(isinstance(t, ArrayT) and t.dims is None for t in leaves)
    dims = None if unknown_rank else broadcast_dims([_dims(t) for t in leaves])
    exact = all(t.exact for t in leaves if isinstance(t, ScalarT))
    value = _sample_cached(fn, operands, named, 1)
    if unknown_rank and not _has_array(value):
        value = _sample_cached(fn, operands, named, 0)
    if isinstance(value, Exception):
        raise WillRaise(f"{type(value).__name__}: {value}")
    out = _result(value, dims, exact)
    if type(out) is ScalarT and out.kind == "int" and out.dtype is None:
        return ScalarT("int", None, exact, size_after(fn, args))
    return out


def _is_numpy(arg: Any) -> bool:
    t = lift(arg)
    return isinstance(t, ArrayT) or isinstance(t, ScalarT) and t.dtype is not None


def _operand(fn: Fn, arg: Any) -> Any:
    """Return an operand that is a number, or a list of them where these are taken."""
    if isinstance(arg, ScalarT | ArrayT) or not isinstance(arg, Type):
        return arg
    if isinstance(arg, TupleT | ListT):
        if fn in _TAKES_LISTS and getattr(arg, "items", None) is not None:
            return arg
        return probe(np.asarray, arg)
    raise Unknown(f"{fn.__name__} of {arg}")


def _leaves(arg: Any) -> Iterator[Type]:
    if isinstance(arg, TupleT | ListT):
        for item in arg.items or ():
            yield from _leaves(known(item))
    elif isinstance(arg, tuple | list):
        yield ArrayT(np.dtype(float), np.shape(arg))
    else:
        yield lift(arg)


def _dims(t: Type) -> Dims:
    return t.dims or () if isinstance(t, ArrayT) else ()


def broadcast_dims(shapes: list[Dims]) -> Dims:
    """Return the broadcast dimensions; known sizes that differ will raise."""
    for axis in range(1, 1 + max(map(len, shapes), default=0)):
        sizes = {s[-axis] for s in shapes if len(s) >= axis}
        if len({s for s in sizes if isinstance(s, int) and s != 1}) > 1:
            raise WillRaise("operands could not be broadcast together")
    return broadcast(*shapes)


def _has_array(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_has_array, value))
    return isinstance(value, np.ndarray)


def _result(value: Any, dims: Dims | None, exact: bool) -> Type:
    if isinstance(value, tuple):
        items = tuple(_result(v, dims, exact) for v in value)
        return TupleT(items, type(value))
    if isinstance(value, np.ndarray):
        if kind_of(value.dtype) is None:
            raise Unknown(f"an array of {value.dtype}")
        return ArrayT(value.dtype, dims)
    return value_type(value, not exact)


def _sample_cached(fn: Fn, args: list[Any], kwargs: dict[str, Any], rank: int) -> Any:
    shown = tuple(_key(a) for a in args), tuple((k, _key(v)) for k, v in kwargs.items())
    key = (fn, rank, *shown)
    if key not in _SAMPLES:
        _SAMPLES[key] = _sample(fn, args, kwargs, rank)
    return _SAMPLES[key]


def _key(arg: Any) -> Hashable:
    match arg:
        case ScalarT():
            return (ScalarT, arg.kind, arg.dtype)
        case ArrayT():
            return (ArrayT, arg.dtype, arg.ndim)
        case TupleT() | ListT():
            return (type(arg), *(_key(known(i)) for i in arg.items or ()))
    return freeze(arg)


def _sample(fn: Fn, args: list[Any], kwargs: dict[str, Any], rank: int) -> Any:
    """Return a value like the result, or the exception that is certain."""
    first: Exception | None = None
    for literal in (True, False):
        for numbers in _TRIES:
            values = [_value(a, numbers, rank, literal) for a in args]
            named = {k: _value(v, numbers, rank, literal) for k, v in kwargs.items()}
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"), user_code():
                    warnings.simplefilter("ignore")
                    return fn(*values, **named)
            except Exception as error:
                first = first or error
                if isinstance(error, TypeError):
                    return first
    return first


def _value(arg: Any, numbers: dict[str, Any], rank: int, literal: bool) -> Any:
    match arg:
        case ScalarT(kind=kind, dtype=None):
            return numbers[kind]
        case ScalarT(kind=kind, dtype=dtype) if dtype is not None:
            return dtype.type(numbers[kind])
        case ArrayT(dtype=dtype):
            shape = (1,) * (rank if arg.ndim is None else arg.ndim)
            return np.full(shape, numbers[str(kind_of(dtype))], dtype)
        case TupleT(items=items):
            return tuple(_value(known(i), numbers, rank, literal) for i in items)
        case ListT(items=items):
            return [_value(known(i), numbers, rank, literal) for i in items or ()]
        case int() | float() if not literal and type(arg) in (int, float):
            return numbers[type(arg).__name__]
        case list() | tuple() if len(arg) != 1:
            return type(arg)(arg[:1])
    return arg


def size_after(fn: Fn, args: tuple[Any, ...]) -> Dim | None:
    """Return the named size that an int computed from sizes holds."""
    sizes = [_size(a) for a in args]
    if not sizes or any(s is None for s in sizes):
        return None
    if all(isinstance(s, int) for s in sizes):
        try:
            value = fn(*sizes)
        except Exception:
            return None
        return value if type(value) is int else None
    match fn, sizes:
        case operator.add, [int() as n, dim] | [dim, int() as n]:
            return _shift(dim, n)
        case operator.sub, [dim, int() as n]:
            return _shift(dim, -n)
        case operator.mul, [a, b] if (
            a != 0 and b != 0 and a is not None and b is not None
        ):
            if all(not isinstance(s, int) or s > 0 for s in sizes):
                return product((a, b))
        case operator.floordiv, [dim, int() as n] if dim is not None:
            return quotient(dim, n)
        case ((operator.pos | operator.index), [dim]):
            return dim
    return None


def _shift(dim: Dim | None, by: int) -> Dim | None:
    if dim is None or isinstance(dim, int):
        return None
    return shift(dim, by)


def _size(arg: Any) -> Dim | None:
    if type(arg) is int:
        return arg
    if (
        isinstance(arg, ScalarT)
        and arg.kind == "int"
        and arg.dtype is None
        and arg.exact
    ):
        return arg.dim
    return None


@typed(operator.pow, pow)
def power(fn: Fn, x: Any, y: Any, mod: Any = None) -> Type:
    """Two Python ints give an int or, for a negative exponent, a float."""
    integral = all(
        isinstance(t, ScalarT) and t.kind in ("int", "bool") and t.dtype is None
        for t in (lift(x), lift(y))
    )
    if mod is not None:
        return elementwise(fn, x, y, mod)
    if integral and isinstance(y, Type):
        return ScalarT("float", exact=False)
    return elementwise(operator.pow, x, y)


_TAKES_LISTS = {np.select, np.choose}
_NUMPY = """
where clip real imag conj conjugate angle round around fix sinc i0 nan_to_num isclose
iscomplex isreal isposinf isneginf select float16 float32 float64 longdouble int8
int16 int32 int64 uint8 uint16 uint32 uint64 complex64 complex128 bool_ intp
""".split()
_OPERATORS = """
sub truediv floordiv neg pos abs invert and_ or_ xor lshift rshift lt le gt ge index inv
""".split()
_PYTHON_MODULES = ("_operator", "math", "cmath", "builtins")
_NOT_ELEMENTWISE = {"fsum", "prod", "dist", "sumprod"}

typed(np.ufunc)(elementwise)
typed(*(getattr(np, n) for n in _NUMPY if hasattr(np, n)))(elementwise)
typed(*(getattr(operator, n) for n in _OPERATORS), abs, divmod, round)(elementwise)
typed(*(f for n, f in vars(math).items() if callable(f) and n not in _NOT_ELEMENTWISE))(
    elementwise
)
typed(*(f for n, f in vars(cmath).items() if callable(f) and not n.startswith("_")))(
    elementwise
)


@typed(np.choose)
def choose(fn: Fn, a: Any, choices: Any, *args: Any, **kwargs: Any) -> Type:
    """Take elements of arrays in a list, or along the first axis of an array."""
    t = lift(choices)
    if isinstance(t, ArrayT) and t.dims:
        choices = ListT((ArrayT(t.dtype, t.dims[1:]),))
    return elementwise(fn, a, choices, *args, **kwargs)


@typed(np.where)
def where(fn: Fn, condition: Any, *choices: Any) -> Type:
    """With one argument the indices of what is true, else a choice by element."""
    if choices:
        return elementwise(fn, condition, *choices)
    return nonzero(fn, condition)


@typed(np.nonzero)
def nonzero(fn: Fn, a: Any) -> Type:
    """One index array for each axis, all as long as there are hits."""
    from chainrule.types.lattice import fresh_dim

    t = lift(a)
    if not isinstance(t, ArrayT):
        t = probe(np.asarray, a)
    if not isinstance(t, ArrayT) or t.dims is None:
        raise Unknown("nonzero of an array of unknown rank")
    hits = ArrayT(np.dtype(np.intp), (fresh_dim(),))
    return TupleT((hits,) * max(1, len(t.dims)))
