"""The type lattice of specialisation: what is known of a value before it exists.

In: nothing. Out: the types that every IR value carries. A type says dtype, rank, which
dimensions are 1, the layout of containers; never an exact size. Types are immutable
and compared by value.

A dimension is an `int` when its size is known from the program text (or is 1), a `Sym`
when it has a name, and two equal `Sym` mean two equal sizes:

* an argument of shape `(n, 3)` gets `Sym(("x", 0))` and `Sym(("x", 1))`; a size-1
  dimension gets the int 1; being 1 or not is checked by the guard;
* `x[1:]` has `Sym(("x", 0), -1)`: the offset is added to the size;
* a size nobody can name is `fresh_dim()`, equal only to itself.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
from collections.abc import Hashable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_counter = itertools.count()
_consumed: ContextVar[set[Hashable] | None] = ContextVar("_consumed", default=None)
# What is noted while a derivative for all sizes is made: nothing.
GENERAL: dict[Hashable, int] = {}
_sizes: ContextVar[dict[Hashable, int] | None] = ContextVar("_sizes", default=None)
# How much is taken as it is in the arguments at hand; see `taking`.
TYPES, COUNTS, TURNS = range(3)
_taken: ContextVar[int] = ContextVar("_taken", default=TYPES)
_listed: ContextVar[bool] = ContextVar("_listed", default=False)


@dataclass(frozen=True, slots=True)
class Sym:
    """A named size plus an offset; `never_one` when a guard says the size is not 1."""

    key: Hashable
    offset: int = 0
    never_one: bool = field(default=False, compare=False)


Dim = int | Sym
Dims = tuple[Dim, ...]


def fresh_dim() -> Sym:
    """Return a size that is equal to no other."""
    return Sym(next(_counter))


def maybe_one(dim: Dim) -> bool:
    """Say whether a dimension can turn out to be 1.

    Who is told that a named size is not 1 relies on the guard: see `consumed`.
    """
    if isinstance(dim, int):
        return dim == 1
    keys = _consumed.get()
    if dim.never_one and dim.offset == 0:
        if keys is not None:
            keys.add(dim.key)
        return False
    if keys is None or size_at_hand(dim) in (None, 1):
        return True
    keys.add(dim)
    return False


def size_at_hand(dim: Dim) -> int | None:
    """Return a size for the arguments at hand, if a guard can compute it from them."""
    sizes = _sizes.get()
    if isinstance(dim, int) or not sizes:
        return None
    match dim.key:
        case ("//", Sym(never_one=True) as whole, int() as by):
            size = size_at_hand(whole)
            return None if size is None else size // by + dim.offset
    size = sizes.get(dim.key) if dim.never_one else None
    return None if size is None else max(0, size + dim.offset)


def at_least(dim: Dim, count: int) -> bool:
    """Say whether a size is no less than a number; who is told so relies on it."""
    if isinstance(dim, int):
        return dim >= count
    size, keys = size_at_hand(dim), _consumed.get()
    if size is None or size < count or keys is None:
        return False
    keys.add(Sym(("least", dim.key), count - dim.offset))
    return True


@contextlib.contextmanager
def sizes_of_arguments(general: bool = False) -> Iterator[None]:
    """Collect the sizes of the arguments at hand, by key.

    They decide which assumptions are worth a guard, as that `x[1:]` is not of size 1;
    nothing else may be read from them. A general derivative assumes nothing of sizes.
    """
    token = _sizes.set(GENERAL if general else {})
    try:
        yield
    finally:
        _sizes.reset(token)


@contextlib.contextmanager
def taking(level: int) -> Iterator[None]:
    """Say what a derivative is made for.

    `TYPES`: for the types of the arguments. `COUNTS`: for their integers, sizes and
    lengths too, as the guard tests; a loop whose count is then known is unrolled where
    it has to be. `TURNS`: and every such loop is.
    """
    token = _taken.set(level)
    try:
        yield
    finally:
        _taken.reset(token)


def counts_known() -> bool:
    """Say whether integers and sizes are taken as they are in the arguments."""
    return _taken.get() >= COUNTS


def length_at_hand(t: Type) -> int | None:
    """Return the length of an array, if the derivative is made for it."""
    if counts_known() and isinstance(t, ArrayT) and t.dims:
        return t.dims[0] if isinstance(t.dims[0], int) else None
    return None


def all_turns() -> bool:
    """Say whether every loop is unrolled of which the count is known."""
    return _taken.get() >= TURNS


@contextlib.contextmanager
def listing_keys() -> Iterator[None]:
    """Let sets and the keys of dicts be what only the run knows: lists, searched."""
    token = _listed.set(True)
    try:
        yield
    finally:
        _listed.reset(token)


def keys_listed() -> bool:
    """Say whether sets, and keys of dicts, may be what only the run knows."""
    return _listed.get()


def argument_dim(key: Hashable, size: int) -> Dim:
    """Return the dimension of an axis of an argument."""
    if counts_known():
        return size
    sizes = _sizes.get()
    if sizes is GENERAL:
        return Sym(("any", key))  # unlike the key of a size that is guarded
    if sizes is not None:
        sizes[key] = size
    return 1 if size == 1 else Sym(key, never_one=True)


@contextlib.contextmanager
def consumed(apart: bool = False) -> Iterator[set[Hashable]]:
    """Collect the keys of the sizes of which somebody used that they are not 1.

    `apart`: who collects around this does not hear of them.
    """
    outer = None if apart else _consumed.get()
    keys: set[Hashable] = set()
    token = _consumed.set(keys)
    try:
        yield keys
    finally:
        _consumed.reset(token)
        if outer is not None:
            outer |= keys


def relied(key: Hashable) -> Sym:
    """Return the size that `maybe_one` is asked for to rely again on what was."""
    return key if isinstance(key, Sym) else Sym(key, never_one=True)


class Type:
    """Base of all types."""

    __slots__ = ()


KINDS = ("bool", "int", "float", "complex")


def same_dtype(a: np.dtype[Any] | None, b: np.dtype[Any] | None) -> bool:
    """Say whether both are one dtype, or none (Python's own numbers)."""
    return a is b or (a is not None and b is not None and a == b)


@dataclass(frozen=True, slots=True)
class ScalarT(Type):
    """A number without axes: Python's own (`dtype is None`) or a NumPy scalar.

    `exact` is False when only the kind is certain, not whether it is Python's or
    NumPy's, nor whether a float may still be an int; nothing may be folded on such a
    type's class. `dim` names the size that an int holds, when it is one (`n` of
    `np.zeros(n)`).
    """

    kind: str
    dtype: np.dtype[Any] | None = None
    exact: bool = True
    dim: Dim | None = None

    def __eq__(self, other: object) -> bool:
        # Not by the tuples of the fields: to NumPy, `None == np.dtype(float)`.
        return self is other or (
            isinstance(other, ScalarT)
            and self.kind == other.kind
            and same_dtype(self.dtype, other.dtype)
            and self.exact == other.exact
            and self.dim == other.dim
        )


@dataclass(frozen=True, slots=True)
class ArrayT(Type):
    """An `ndarray` of known dtype; `dims is None` when even the rank is unknown.

    With `dims is None` the value may also be a scalar (a loop that starts with
    `h = 0.0`).
    """

    dtype: np.dtype[Any]
    dims: Dims | None

    @property
    def ndim(self) -> int | None:
        return None if self.dims is None else len(self.dims)


@dataclass(frozen=True, slots=True)
class OptionalT(Type):
    """A number or array that is None on some paths; arithmetic takes it as `elem`."""

    elem: Type


@dataclass(frozen=True, slots=True)
class TupleT(Type):
    """A tuple of known length; `cls` is the class of a named tuple."""

    items: tuple[Type, ...]
    cls: type = tuple


@dataclass(frozen=True, slots=True)
class ListT(Type):
    """A list: of known length (`items`), or of any length with like
    elements (`elem`).
    """

    items: tuple[Type, ...] | None
    elem: Type | None = None


@dataclass(frozen=True, slots=True)
class DictT(Type):
    """A dict whose keys are known, in insertion order."""

    items: tuple[tuple[Hashable, Type], ...]
    cls: type = dict


@dataclass(frozen=True, slots=True)
class ObjT(Type):
    """An instance of a user's class with the types of the attributes that were read."""

    cls: type
    attrs: tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True)
class RangeT(Type):
    """A `range`; `dim` is the size it counts up to, when it has a name."""

    dim: Dim | None = None


@dataclass(frozen=True, slots=True)
class SliceT(Type):
    """A slice; `parts` are start, stop and step,
    each a type or a constant, if known.
    """

    parts: tuple[Any, Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class TapeT(Type):
    """What a loop saved: a list of tuples, one an iteration."""

    items: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class ResidualT(Type):
    """What `g_fwd` saved for `g_bwd`; the callee owns the layout."""

    owner: Any


@dataclass(frozen=True, slots=True)
class OpaqueT(Type):
    """An object with no derivative (a string, a generator, a file); `cls` if known."""

    cls: type = object


@dataclass(frozen=True, slots=True)
class WordT(OpaqueT):
    """A string that is known; it became part of a type because a choice hangs on it."""

    cls: type = str
    value: str = ""


@dataclass(frozen=True, slots=True)
class NeverT(Type):
    """The type of what is not reached: after `raise`, or a call that must fail."""


NUMBERS = (ScalarT, ArrayT)
NONE = OpaqueT(type(None))
STR = OpaqueT(str)
NEVER = NeverT()
BOOL = ScalarT("bool")
INT = ScalarT("int")
FLOAT = ScalarT("float")
COMPLEX = ScalarT("complex")
FLOAT64 = ScalarT("float", np.dtype(np.float64))


def kind_of(dtype: np.dtype[Any]) -> str | None:
    """Return the kind of a dtype, or None for one that holds no numbers."""
    return {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}.get(
        dtype.kind
    )


def is_word(t: Type) -> bool:
    """Say whether a type is of strings, or of the members of an enumeration."""
    if not isinstance(t, OpaqueT):
        return False
    return t == STR or issubclass(t.cls, enum.Enum) and not issubclass(t.cls, str)


def is_differentiable(t: Type) -> bool:
    """Say whether a value of this type can carry a derivative."""
    if isinstance(t, ArrayT):
        return t.dtype.kind in "fc"
    match t:
        case ScalarT(kind=kind):
            return kind in ("float", "complex")
        case OptionalT(elem=elem):
            return is_differentiable(elem)
        case TupleT(items=items):
            return any(map(is_differentiable, items))
        case ListT(items=None, elem=elem):
            return elem is not None and is_differentiable(elem)
        case ListT(items=items) if items is not None:
            return any(map(is_differentiable, items))
        case DictT(items=pairs) | ObjT(attrs=pairs):
            return any(is_differentiable(v) for _, v in pairs)
        case TapeT(items=items):
            return any(map(is_differentiable, items))
        case ResidualT():
            return True
    return False


def result_dtype(t: Type) -> np.dtype[Any]:
    """Return the dtype in which a number of this type is computed."""
    if isinstance(t, ArrayT):
        return t.dtype
    if isinstance(t, ScalarT):
        return t.dtype if t.dtype is not None else np.dtype(t.kind)
    raise TypeError(f"{t} is not a number")


def same_kind(one: Type, two: Type) -> bool:
    """Say whether two types have one dtype and, whatever it is called, one shape."""
    if type(one) is not type(two) or not isinstance(one, ScalarT | ArrayT):
        return False
    dims, others = dims_of(one), dims_of(two)
    if dims is None or others is None or len(dims) != len(others):
        return False
    return result_dtype(one) == result_dtype(two) and all(
        d == o or not (maybe_one(d) or maybe_one(o))
        for d, o in zip(dims, others, strict=True)
    )


def dims_of(t: Type) -> Dims | None:
    """Return the dimensions of a number: `()` for scalars, None when unknown."""
    return t.dims if isinstance(t, ArrayT) else ()


def broadcast(*shapes: Dims) -> Dims:
    """Return the dimensions of operands that are broadcast together.

    Two dimensions of which neither is 1 are equal, or NumPy raises: the sizes need not
    be known. Only where both may be 1 and differ in name is the result a new name.
    """
    rank = max(map(len, shapes), default=0)
    out: list[Dim] = []
    for axis in range(-rank, 0):
        dim: Dim = 1
        for shape in shapes:
            if len(shape) >= -axis:
                dim = _broadcast_dim(dim, shape[axis])
        out.append(dim)
    return tuple(out)


def _broadcast_dim(a: Dim, b: Dim) -> Dim:
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    if not maybe_one(a):
        return a
    if not maybe_one(b):
        return b
    return fresh_dim()


def join(a: Type, b: Type) -> Type:
    """Return the least type of both values, as at the end of an `if` or round a loop.

    Raises `TypeError` where no one type fits (a number and a dict, say).
    """
    if a == b:
        return a
    match a, b:
        case NeverT(), _:
            return b
        case _, NeverT():
            return a
        case ScalarT(), ScalarT():
            return _join_scalars(a, b)
        case ArrayT(), ArrayT():
            dtype = np.promote_types(a.dtype, b.dtype)
            return ArrayT(dtype, _join_dims(a.dims, b.dims))
        case (ScalarT(), ArrayT()) | (ArrayT(), ScalarT()):
            dtype = np.promote_types(result_dtype(a), result_dtype(b))
            dims = () if dims_of(a) == () and dims_of(b) == () else None
            return ArrayT(dtype, dims)
        case TupleT(), TupleT() if a.cls is b.cls and len(a.items) == len(b.items):
            return TupleT(tuple(map(join, a.items, b.items)), a.cls)
        case ListT(), ListT():
            if a.items is not None and b.items is not None:
                if len(a.items) == len(b.items):
                    return ListT(tuple(map(join, a.items, b.items)))
            return ListT(None, _join_optional(element_type(a), element_type(b)))
        case DictT(), DictT() if [k for k, _ in a.items] == [k for k, _ in b.items]:
            pairs = zip(a.items, b.items, strict=True)
            return DictT(tuple((k, join(u, v)) for (k, u), (_, v) in pairs), a.cls)
        case ObjT(), ObjT() if a.cls is b.cls:
            return ObjT(a.cls, _join_attrs(dict(a.attrs), dict(b.attrs)))
        case RangeT(), RangeT():
            return RangeT()
        case (OptionalT(), _) | (_, OptionalT()) if _is_optional(a) and _is_optional(b):
            return OptionalT(join(_present(a), _present(b)))
        case (OpaqueT(), ScalarT() | ArrayT()) | (ScalarT() | ArrayT(), OpaqueT()):
            if NONE in (a, b):
                return OptionalT(a if b == NONE else b)
        case OpaqueT(), OpaqueT():
            return OpaqueT(a.cls if a.cls is b.cls else object)
    raise TypeError(f"{show(a)} on one path and {show(b)} on another")


def _is_optional(t: Type) -> bool:
    return isinstance(t, OptionalT | ScalarT | ArrayT) or t == NONE


def _present(t: Type) -> Type:
    """Return the type of a value that may be None when it is not."""
    if isinstance(t, OptionalT):
        return t.elem
    return NEVER if t == NONE else t


def _join_scalars(a: ScalarT, b: ScalarT) -> ScalarT:
    dim = a.dim if a.dim == b.dim else None
    if a.kind == b.kind and same_dtype(a.dtype, b.dtype):
        return ScalarT(a.kind, a.dtype, a.exact and b.exact, dim)
    kind = max(a.kind, b.kind, key=KINDS.index)
    dtype = None
    if a.dtype is not None or b.dtype is not None:
        dtype = np.promote_types(result_dtype(a), result_dtype(b))
    return ScalarT(kind, dtype, False, dim)


def _join_dims(a: Dims | None, b: Dims | None) -> Dims | None:
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else fresh_dim() for m, n in zip(a, b, strict=True))


def _join_optional(a: Type | None, b: Type | None) -> Type | None:
    if a is None or b is None:
        return b if a is None else a
    return join(a, b)


def _join_attrs(a: dict[str, Type], b: dict[str, Type]) -> tuple[tuple[str, Type], ...]:
    names = list(a) + [n for n in b if n not in a]
    return tuple((n, join(a.get(n, NEVER), b.get(n, NEVER))) for n in names)


def renamed(t: Type) -> Type:
    """Return a type with new names for the sizes that nobody knows.

    Of two elements of a list, or of what a loop carries, such sizes may differ.
    """
    match t:
        case ArrayT(dtype=dtype, dims=dims) if dims is not None:
            own = (isinstance(d, Sym) and isinstance(d.key, int) for d in dims)
            pairs = zip(dims, own, strict=True)
            return ArrayT(dtype, tuple(fresh_dim() if new else d for d, new in pairs))
        case TupleT(items=items, cls=cls):
            return TupleT(tuple(map(renamed, items)), cls)
    return t


def element_type(t: Type) -> Type | None:
    """Return the type that all elements of a list or tuple share (None when empty)."""
    if isinstance(t, ListT) and t.items is None:
        return None if t.elem is None else renamed(t.elem)
    items = t.items if isinstance(t, ListT | TupleT) else None
    out: Type | None = None
    for item in items or ():
        out = _join_optional(out, item)
    return out


def show(t: Type) -> str:
    """Return a short name of a type for messages."""
    match t:
        case ScalarT(kind=kind, dtype=None):
            return kind
        case ScalarT(dtype=dtype):
            return f"np.{dtype}"
        case ArrayT(dtype=dtype, dims=None):
            return f"{dtype} array of any rank"
        case ArrayT(dtype=dtype, dims=dims) if dims is not None:
            return f"{dtype} array of rank {len(dims)}"
        case TupleT(items=items, cls=cls):
            return f"{cls.__name__}({', '.join(map(show, items))})"
        case ListT(items=None, elem=elem):
            return f"list of {show(elem) if elem else 'nothing'}"
        case ListT(items=items) if items is not None:
            return f"[{', '.join(map(show, items))}]"
        case DictT(items=pairs):
            return "{" + ", ".join(f"{k!r}: {show(v)}" for k, v in pairs) + "}"
        case OptionalT(elem=elem):
            return f"{show(elem)} or None"
        case ObjT(cls=cls) | OpaqueT(cls=cls):
            return "None" if cls is type(None) else cls.__name__
    return type(t).__name__.removesuffix("T").lower()
