"""The type of a value at run time: what specialisation starts from.

In: a value, and the path that leads to it (what names its sizes). Out: its type, or the
value itself where only the value says what it is: None, strings, functions, classes,
modules, dtypes, slices, enumerations. The caller decides whether such a constant is
guarded.

Refused with a `ValueError`: subclasses of `ndarray`, and arrays and scalars that hold
no numbers.
"""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Hashable
from typing import Any

import numpy as np

from chainrule.types.lattice import (
    ArrayT,
    DictT,
    Dim,
    ListT,
    ObjT,
    OpaqueT,
    RangeT,
    ScalarT,
    Sym,
    TupleT,
    Type,
    WordT,
    argument_dim,
    counts_known,
    join,
    kind_of,
)

Path = tuple[Hashable, ...]
_CONSTANTS = (
    str,
    bytes,
    slice,
    type,
    type(None),
    type(...),
    np.dtype,
    np.ufunc,
    enum.Enum,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
    types.MethodDescriptorType,
)
SHORT_LIST = 4


def type_of(value: Any, path: Path = (), *, _seen: frozenset[int] = frozenset()) -> Any:
    """Return the type of a value, or the value itself if that is a constant.

    `path` is a tuple that starts with the name of the parameter or global; keys,
    positions and names of attributes follow. An array of shape `(n, 1)` at `path` has
    the dimensions `Sym((path, 0), never_one=True)` and 1; an int that is not negative
    has the size `Sym((path,))`.
    """
    match value:
        case bool():
            return ScalarT("bool")
        case np.generic():
            return _numpy_scalar(value)
        case enum.Enum():
            return value
        case int() if type(value) is int:
            return ScalarT("int", dim=_count(value, path))
        case float() | complex() if type(value) in (float, complex):
            return ScalarT(type(value).__name__)
        case np.ndarray():
            return _array(value, path)
    if isinstance(value, _CONSTANTS):
        return value
    if id(value) in _seen:
        return OpaqueT(type(value))
    seen = _seen | {id(value)}
    match value:
        case tuple():
            items = [_item(v, (*path, i), seen) for i, v in enumerate(value)]
            return TupleT(tuple(items), type(value))
        case list() if type(value) is list:
            return _list(value, path, seen)
        case dict():
            pairs = ((k, _item(v, (*path, k), seen)) for k, v in value.items())
            return DictT(tuple(pairs), type(value))
        case range():
            counts = value.start == 0 and value.step == 1
            return RangeT(Sym((path,)) if counts else None)
    return _object(value, path, seen)


def _count(value: int, path: Path) -> Dim | None:
    if counts_known():
        return value
    return Sym((path,)) if value >= 0 else None


def _item(value: Any, path: Path, seen: frozenset[int]) -> Type:
    t = type_of(value, path, _seen=seen)
    if type(value) is str and counts_known():
        return WordT(str, value)
    return t if isinstance(t, Type) else OpaqueT(type(value))


def _numpy_scalar(value: np.generic) -> Type:
    kind = kind_of(value.dtype)
    if kind is None:
        raise ValueError(f"a NumPy scalar of dtype {value.dtype} is not a number")
    return ScalarT(kind, value.dtype)


def _array(value: np.ndarray[Any, Any], path: Path) -> Type:
    if type(value) is not np.ndarray:
        raise ValueError(
            f"{type(value).__name__} is a subclass of ndarray with rules of its own;"
            " pass np.asarray(x)"
        )
    if kind_of(value.dtype) is None:
        raise ValueError(f"an array of dtype {value.dtype} does not hold numbers")
    dtype = value.dtype
    dims: list[Dim] = []
    for axis, size in enumerate(value.shape):
        dims.append(argument_dim((path, axis), size))
    return ArrayT(dtype, tuple(dims))


def _list(value: list[Any], path: Path, seen: frozenset[int]) -> Type:
    """Short lists, and lists of unlike elements, keep a type for each element."""
    items = [_item(v, (*path, i), seen) for i, v in enumerate(value)]
    if len(items) <= SHORT_LIST or counts_known():
        return ListT(tuple(items))
    try:
        elem = items[0]
        for item in items[1:]:
            elem = join(elem, item)
    except TypeError:
        return ListT(tuple(items))
    if _ranks(items):
        return ListT(None, elem)
    return ListT(tuple(items))


def _ranks(items: list[Type]) -> bool:
    """Say whether all elements have one class, dtype and rank, so that a join loses
    little.
    """
    kinds: set[Hashable] = set()
    for item in items:
        match item:
            case ArrayT():
                ones = tuple(d == 1 for d in item.dims or ())
                kinds.add((ArrayT, item.dtype, ones))
            case ScalarT():
                kinds.add((ScalarT, item.dtype, item.kind))
            case TupleT() | ListT(items=tuple()):
                kinds.add((type(item), len(item.items or ()), None))
            case _:
                kinds.add((type(item), None, None))
    return len(kinds) == 1


def _object(value: Any, path: Path, seen: frozenset[int]) -> Type:
    cls = type(value)
    if _is_foreign(cls):
        return OpaqueT(cls)
    names = _attributes(value)
    attrs = []
    for name in names:
        try:
            attrs.append((name, _item(getattr(value, name), (*path, name), seen)))
        except ValueError:
            attrs.append((name, OpaqueT(type(getattr(value, name)))))
    return ObjT(cls, tuple(attrs))


def _is_foreign(cls: type) -> bool:
    """Say whether a class is of Python or NumPy: its insides are not the user's
    program.
    """
    root = cls.__module__.partition(".")[0]
    return root in (
        "builtins",
        "numpy",
        "collections",
        "functools",
        "itertools",
        "re",
        "io",
    )


def _attributes(value: Any) -> list[str]:
    """Return the names of the data attributes that the object has now."""
    if dataclasses.is_dataclass(value):
        fields = [f.name for f in dataclasses.fields(value)]
    else:
        fields = []
    slots = [
        name
        for cls in type(value).__mro__
        for name in _slot_names(cls.__dict__.get("__slots__", ()))
    ]
    names = dict.fromkeys([*fields, *slots, *getattr(value, "__dict__", ())])
    return [n for n in names if not n.startswith("__") and hasattr(value, n)]


def _slot_names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)
