"""Answers that are known before anything runs: ranks, static shapes, classes of values.

In: a callable and its arguments as `infer` takes them. Out: the constant that the call
gives, or `NOT_CONSTANT`. Only what is certain: a class is not certain for a value whose
type is inexact, or that may be a 0-d array or a scalar.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from chainrule.types.infer import Unknown, infer, known, lift
from chainrule.types.iterables import length
from chainrule.types.lattice import (
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
    kind_of,
    result_dtype,
)
from chainrule.types.probe import probe


class _NotConstant:
    """The answer that there is no constant."""

    def __repr__(self) -> str:
        return "NOT_CONSTANT"


NOT_CONSTANT: Final = _NotConstant()
_SIZES = (np.ndim, np.shape, np.size, len)
_DTYPES = {np.issubdtype, np.dtype, np.finfo, np.iinfo, np.promote_types, np.can_cast}
# What there may be an answer to.
ANSWERED = {
    *(*_SIZES, *_DTYPES, np.iscomplexobj, np.isrealobj, np.isscalar, np.iterable),
    *(getattr, hasattr, isinstance, issubclass, type, tuple, callable),
    *(operator.is_, operator.is_not, np.result_type),
}
_PYTHON = {"bool": bool, "int": int, "float": float, "complex": complex}


def constant(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Return what `fn(*args, **kwargs)` gives if it is certain, else `NOT_CONSTANT`."""
    if fn not in ANSWERED or (kwargs and fn is not np.size):
        return NOT_CONSTANT
    args = [known(a) for a in args]
    try:
        return _constant(fn, args, kwargs)
    except Exception:  # no answer is no constant; `infer` says what is wrong
        return NOT_CONSTANT


def _constant(
    fn: Callable[..., Any], args: list[Any], kwargs: Mapping[str, Any]
) -> Any:
    first = args[0] if args else None
    if fn is getattr and len(args) >= 2:
        return _attribute(lift(first), args[1])
    if fn in _SIZES:
        if fn is len:
            found = length(lift(first))
            return found if isinstance(found, int) else NOT_CONSTANT
        return _value(infer(fn, args, kwargs))
    if fn in (isinstance, issubclass):
        return _is_instance(fn, first, args[1])
    if fn is type and len(args) == 1:
        classes = classes_of(lift(first))
        return classes[0] if len(classes) == 1 else NOT_CONSTANT
    if fn is tuple and isinstance(first, tuple | range):
        return tuple(first)
    if fn is callable:
        return _callable(first)
    if fn is hasattr:
        return _has(lift(first), args[1])
    if fn in (operator.is_, operator.is_not) and len(args) == 2:
        same = _identical(first, args[1])
        return same if same is NOT_CONSTANT or fn is operator.is_ else not same
    if fn in (np.iscomplexobj, np.isrealobj):
        return _numeric_kind(lift(first), fn)
    if fn in (np.isscalar, np.iterable):
        return _shape_question(lift(first), fn)
    if fn is np.result_type:
        return np.result_type(*map(_dtype_operand, args))
    if fn in _DTYPES and not any(isinstance(a, Type) for a in args):
        return fn(*args)
    return NOT_CONSTANT


def _value(t: Type) -> Any:
    """Return the constant that a type stands for."""
    found = known(t)
    return NOT_CONSTANT if isinstance(found, Type) else found


def _attribute(t: Type, name: Any) -> Any:
    if isinstance(t, SliceT) and t.parts and name in ("start", "stop", "step"):
        return _value(lift(t.parts[("start", "stop", "step").index(name)]))
    if not isinstance(t, ArrayT | ScalarT):
        return NOT_CONSTANT
    if isinstance(t, ScalarT) and (t.dtype is None or not t.exact):
        return NOT_CONSTANT
    if name == "dtype":
        return result_dtype(t)
    if name in ("ndim", "shape", "size", "itemsize"):
        if name == "itemsize":
            return result_dtype(t).itemsize
        return _value(infer(getattr, (t, name), {}))
    return NOT_CONSTANT


def classes_of(t: Type) -> tuple[type, ...]:
    """Return the classes that a value of this type can have; empty if anything goes."""
    match t:
        case ScalarT(exact=False):
            return ()
        case ScalarT(kind=kind, dtype=None):
            return (_PYTHON[kind],)
        case ScalarT(dtype=dtype) if dtype is not None:
            return (dtype.type,)
        case ArrayT(dtype=dtype, dims=None | ()):
            return (np.ndarray, dtype.type, _PYTHON[str(kind_of(dtype))])
        case ArrayT():
            return (np.ndarray,)
        case TupleT(cls=cls) | DictT(cls=cls) | ObjT(cls=cls):
            return (cls,)
        case ListT():
            return (list,)
        case RangeT():
            return (range,)
        case SliceT():
            return (slice,)
        case OpaqueT(cls=cls) if cls is not object and not issubclass(
            cls, BaseException
        ):
            return (cls,)  # what `except` catches may be of a subclass
    return ()


def _is_instance(fn: Callable[..., Any], value: Any, classes: Any) -> Any:
    if isinstance(classes, Type):
        return NOT_CONSTANT
    if not isinstance(value, Type):
        return fn(value, classes)
    if fn is issubclass:
        return NOT_CONSTANT
    if isinstance(value, ScalarT) and not value.exact:
        return _agree([_instance_of(c, classes) for c in _inexact_classes(value)])
    return _agree([_instance_of(c, classes) for c in classes_of(value)])


def _inexact_classes(t: ScalarT) -> list[type]:
    """Return every class of number up to the kind of an inexact scalar."""
    names = list(_PYTHON)[: list(_PYTHON).index(t.kind) + 1]
    numpy = [
        np.bool_,
        np.int64,
        np.int8,
        np.uint8,
        np.float64,
        np.float32,
        np.complex128,
    ]
    return [_PYTHON[n] for n in names] + [
        c for c in numpy if kind_of(np.dtype(c)) in names
    ]


def _instance_of(cls: type, classes: Any) -> bool:
    # `isinstance` of a value whose class is `cls`, abstract base classes included.
    wanted = classes if isinstance(classes, tuple) else (classes,)
    return any(
        _instance_of(cls, w) if isinstance(w, tuple) else issubclass(cls, w)
        for w in wanted
    )


def _agree(answers: list[bool]) -> Any:
    return answers[0] if answers and len(set(answers)) == 1 else NOT_CONSTANT


def _callable(value: Any) -> Any:
    if not isinstance(value, Type):
        return callable(value)
    return _agree(["__call__" in dir(c) for c in classes_of(value)])


def _has(t: Type, name: Any) -> Any:
    if isinstance(name, Type):
        return NOT_CONSTANT
    if isinstance(t, ObjT):
        return True if name in dict(t.attrs) or hasattr(t.cls, name) else NOT_CONSTANT
    if isinstance(t, OpaqueT):
        return True if t.cls is not object and hasattr(t.cls, name) else NOT_CONSTANT
    return _agree([hasattr(c, name) for c in classes_of(t)])


def _identical(a: Any, b: Any) -> Any:
    if not isinstance(a, Type) and not isinstance(b, Type):
        singleton = a is None or b is None or isinstance(a, bool) or isinstance(b, bool)
        return a is b if singleton or callable(a) else NOT_CONSTANT
    if isinstance(a, Type) and isinstance(b, Type):
        return NOT_CONSTANT
    value, t = (b, a) if isinstance(a, Type) else (a, b)
    classes = classes_of(t)
    if value is None and isinstance(t, ScalarT | ArrayT):
        return False
    # A value of another class is another object.
    return False if classes and type(value) not in classes else NOT_CONSTANT


def _numeric_kind(t: Type, fn: Callable[..., Any]) -> Any:
    if isinstance(t, TupleT | ListT):
        t = probe(np.asarray, t)
    is_complex = result_dtype(t).kind == "c"
    return is_complex if fn is np.iscomplexobj else not is_complex


def _shape_question(t: Type, fn: Callable[..., Any]) -> Any:
    if isinstance(t, ScalarT):
        return fn is np.isscalar
    if isinstance(t, ArrayT) and t.dims:
        return fn is np.iterable
    if isinstance(t, TupleT | ListT | DictT | RangeT):
        return fn is np.iterable
    return NOT_CONSTANT


def _dtype_operand(arg: Any) -> Any:
    if not isinstance(arg, Type):
        return arg
    if isinstance(arg, ArrayT):
        return arg.dtype
    if isinstance(arg, ScalarT) and arg.exact:
        return _PYTHON[arg.kind](1) if arg.dtype is None else arg.dtype
    raise Unknown("a dtype")
