"""The type of a primitive's result from the types of its arguments.

In: a callable, and for each argument either a `Type` or, when it is known at compile
time, the plain constant itself (an int, None, a slice, a dtype ...). Out: the result's
`Type`.

Type rules are functions `rule(fn, *args, **kwargs) -> Type` entered with `@typed(...)`,
one module a theme. Everything elementwise needs no entry: shapes are broadcast and the
dtype is found by calling the function itself on a sample of one element, so that it is
NumPy's own.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.types.dims import dims_in, is_fresh
from chainrule.types.freezing import freeze
from chainrule.types.lattice import (
    ArrayT,
    DictT,
    ListT,
    OpaqueT,
    RangeT,
    ScalarT,
    SliceT,
    Sym,
    TupleT,
    Type,
    consumed,
    kind_of,
    maybe_one,
    relied,
)

TypeRule = Callable[..., Type]
TYPE_RULES: dict[Callable[..., Any], TypeRule] = {}
# By public module and name, so that SciPy need not be imported.
SCIPY_RULES: dict[str, dict[str, TypeRule]] = {}


class NeedsStatic(Exception):
    """The argument of this name must be known at compile time (an axis, say)."""


class WillRaise(Exception):
    """The primitive raises for these types: the user's program is wrong, not ours."""


class Unknown(Exception):
    """No type rule: the callable is outside the closed world."""


def typed(*fns: Callable[..., Any]) -> Callable[[TypeRule], TypeRule]:
    """Enter a type rule for several primitives."""

    def register(rule: TypeRule) -> TypeRule:
        TYPE_RULES.update(dict.fromkeys(fns, rule))
        return rule

    return register


_MODULES = (
    "elementwise",
    "containers",
    "attributes",
    "iterables",
    "python",
    "reductions",
    "shaping",
    "indexing",
    "gathering",
    "joining",
    "products",
    "linalg",
    "creation",
    "selection",
    "questions",
    "random",
    "spectral",
    "ours",
    "helpers",
)
_lock = threading.RLock()
_loaded = False


def load_rules() -> None:
    """Import the modules that enter the type rules, once."""
    global _loaded
    with _lock:
        for name in () if _loaded else _MODULES:
            importlib.import_module(f"chainrule.types.{name}")
        _loaded = True


def rule_for(fn: Any) -> TypeRule | None:
    """Return the type rule of a callable, or None if it is outside the closed world."""
    if not _loaded:
        load_rules()
    try:
        rule = TYPE_RULES.get(fn)
    except TypeError:  # not hashable
        return None
    if rule is not None:
        return rule
    if isinstance(fn, np.ufunc):
        return TYPE_RULES[np.ufunc]
    if str(getattr(fn, "__module__", "")).startswith("scipy."):
        module = ".".join(fn.__module__.split(".")[:2])
        return SCIPY_RULES.get(module, {}).get(fn.__name__)
    if isinstance(getattr(fn, "__self__", None), np.ufunc):
        return TYPE_RULES.get(getattr(np.ufunc, fn.__name__))
    return None


def infer(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Type:
    """Return the type of `fn(*args, **kwargs)`.

    Each argument is a type, or the constant itself. Raises `NeedsStatic`, `WillRaise`
    or `Unknown` instead of a guess.
    """
    key: tuple[Hashable, ...]
    key = (fn, *[a if isinstance(a, Type) else freeze(a) for a in args])
    if kwargs:
        key += tuple((k, _key(v)) for k, v in kwargs.items())
    try:
        found = _memo.get(key)
    except TypeError:  # not hashable
        return _infer(fn, args, kwargs)
    if found is None:
        with consumed() as keys:
            out = _infer(fn, args, kwargs)
        if not any(map(is_fresh, dims_in(out))):
            if len(_memo) > 20_000:
                _memo.clear()
            _memo[key] = out, tuple(map(relied, keys))
        return out
    # What was relied on is relied on again, if it holds for the arguments at hand.
    if found[1] and any(map(maybe_one, found[1])):
        return _infer(fn, args, kwargs)
    return found[0]


_memo: dict[Hashable, tuple[Type, tuple[Sym, ...]]] = {}


def _key(arg: Any) -> Hashable:
    return arg if isinstance(arg, Type) else freeze(arg)


def _infer(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Type:
    rule = rule_for(fn)
    name = getattr(fn, "__name__", repr(fn))
    if rule is None:
        raise Unknown(name)
    named = {k: known(v) for k, v in kwargs.items()}
    if named.pop("out", None) is not None:
        raise Unknown(f"{name} with out=")
    try:
        return rule(fn, *map(known, args), **named)
    except TypeError as error:
        # Arguments that no rule foresees; or types that cannot be joined.
        raise Unknown(f"{name}: {error}") from error


def known(arg: Any) -> Any:
    """Return the constant that a type stands for, or the argument as it is."""
    match arg:
        case OpaqueT(cls=cls) if cls in _SINGLETONS:
            return _SINGLETONS[cls]
        case ScalarT(kind="int", dtype=None, dim=int() as value):
            return value
        case TupleT(items=items, cls=cls) if cls is tuple:
            values = tuple(map(known, items))
            return arg if any(isinstance(v, Type) for v in values) else values
    return arg


_SINGLETONS: dict[type, Any] = {
    type(None): None,
    type(...): ...,
    type(NotImplemented): NotImplemented,
}


def static(arg: Any, name: str) -> Any:
    """Return an argument that must be a constant, or ask for it."""
    arg = known(arg)
    if isinstance(arg, Type):
        raise NeedsStatic(name)
    return arg


def lift(arg: Any) -> Type:
    """Return the type of an argument, also when it is a constant."""
    match arg:
        case Type():
            return arg
        case bool():
            return ScalarT("bool")
        case int():
            return ScalarT("int", dim=arg)
        case float() | complex() if type(arg) in (float, complex):
            return ScalarT(type(arg).__name__)
        case np.generic() if kind_of(arg.dtype) is not None:
            return ScalarT(str(kind_of(arg.dtype)), arg.dtype)
        case np.ndarray() if kind_of(arg.dtype) is not None:
            return ArrayT(arg.dtype, arg.shape)
        case tuple():
            return TupleT(tuple(map(lift, arg)), type(arg))
        case list():
            return ListT(tuple(map(lift, arg)))
        case dict():
            return DictT(tuple((k, lift(v)) for k, v in arg.items()), type(arg))
        case range():
            counts = arg.start == 0 and arg.step == 1
            return RangeT(len(arg) if counts else None)
        case slice():
            return SliceT((arg.start, arg.stop, arg.step))
    return OpaqueT(type(arg))
