"""Tests that a value is still the constant that inference took it for.

In: the constant and the name of the variable to test. Out: expressions. Functions,
classes and modules must be the same object; numbers, strings and containers of them
equal, of the same class (`1 == 1.0 == True`) and sign (`0.0 == -0.0`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

# Nobody rebinds `numpy.sin`: what these packages hold is not tested again.
TRUSTED = {"numpy", "scipy", "math", "cmath", "operator", "builtins", "functools"}
Namer = Callable[[Any], str]


def is_trusted(module: str | None) -> bool:
    """Say whether a module is of a package whose attributes stay what they are."""
    return (module or "").partition(".")[0] in TRUSTED


def tests(value: Any, v: str, parent: Any, name: Namer) -> list[str]:
    """Return the conjuncts that say that `v` is `value`, an attribute of `parent`."""
    cls = type(value)
    of_class = f"type({v}) is {name(cls)}"
    if value is None or value is True or value is False or value is Ellipsis:
        return [f"{v} is {value!r}"]
    if cls in (int, str, bytes):
        return [of_class, f"{v} == {value!r}"]
    if cls is float:
        return [of_class, *_float(value, v, name)]
    if cls is complex or cls is range:
        return [of_class, f"repr({v}) == {repr(value)!r}"]
    if isinstance(value, np.ndarray | np.generic):
        out = [
            of_class,
            f"{v}.dtype == {name(value.dtype)}",
            f"{v}.shape == {value.shape}",
        ]
        return [*out, f"{v}.tobytes() == {value.tobytes()!r}"]
    if isinstance(value, tuple) and len(value) <= 8:
        out = [of_class, f"len({v}) == {len(value)}"]
        return out + _parts(((f"{v}[{i}]", x) for i, x in enumerate(value)), name)
    if isinstance(value, tuple | list | dict | set):
        return [of_class, f"{name(same)}({v}, {name(snapshot(value))})"]
    if cls is slice:
        pairs = [(f"{v}.{part}", getattr(value, part)) for part in _SLICE]
        return [of_class, *_parts(pairs, name)]
    if isinstance(value, np.dtype | frozenset):
        return [of_class, f"{v} == {name(value)}"]
    if isinstance(value, MethodType):
        return [of_class, *_method(value, v, parent, name)]
    if isinstance(value, BuiltinFunctionType) and not _is_free(value):
        if value.__self__ is parent:
            return [of_class, f"{v}.__name__ == {value.__name__!r}"]
        return [of_class, f"{v} == {name(value)}"]
    if isinstance(value, FunctionType) and not is_trusted(value.__module__):
        # Tools that reload modules put other code into the same function.
        out = [f"{v} is {name(value)}", f"{v}.__code__ is {name(value.__code__)}"]
        if value.__defaults__:
            out.append(f"{v}.__defaults__ is {name(value.__defaults__)}")
        if value.__kwdefaults__:
            old = name(snapshot(value.__kwdefaults__))
            out.append(f"{name(same)}({v}.__kwdefaults__, {old})")
        return out
    if isinstance(value, property) and isinstance(value.fget, FunctionType):
        return [f"{v} is {name(value)}", *tests(value.fget, f"{v}.fget", None, name)]
    return [f"{v} is {name(value)}"]


def snapshot(value: Any, depth: int = 8) -> Any:
    """Return a copy that later writes into the containers do not reach."""
    if depth and type(value) in (list, tuple, set):
        return type(value)(snapshot(x, depth - 1) for x in value)
    if depth and isinstance(value, dict):
        return {k: snapshot(x, depth - 1) for k, x in value.items()}
    return value


def same(value: Any, old: Any) -> bool:
    """Say whether a value is still as its snapshot was."""
    if isinstance(old, dict) and isinstance(value, dict):
        return [*value] == [*old] and all(map(same, value.values(), old.values()))
    if type(value) is not type(old):
        return False
    if isinstance(old, list | tuple):
        return len(value) == len(old) and all(map(same, value, old))
    if isinstance(old, float | complex):
        return repr(value) == repr(old)
    return value is old or (type(old) in (int, str, bytes, set) and value == old)


_SLICE = ("start", "stop", "step")


def _is_free(value: BuiltinFunctionType) -> bool:
    return value.__self__ is None or isinstance(value.__self__, ModuleType)


def _float(value: float, v: str, name: Namer) -> list[str]:
    if math.isnan(value):
        return [f"{v} != {v}"]
    out = [f"{v} == {name(value)}"]
    if value == 0.0:
        sign = math.copysign(1.0, value)
        out.append(f"{name(math.copysign)}(1.0, {v}) == {sign}")
    return out


def _method(value: MethodType, v: str, parent: Any, name: Namer) -> list[str]:
    """Return tests of a bound method; the parent is tested apart."""
    out = [f"{v}.__func__ is {name(value.__func__)}"]
    if isinstance(value.__func__, FunctionType):
        out = tests(value.__func__, f"{v}.__func__", None, name)
    if value.__self__ is not parent:
        out.append(f"{v}.__self__ is {name(value.__self__)}")
    return out


def _parts(pairs: Any, name: Namer) -> list[str]:
    out: list[str] = []
    for expr, value in pairs:
        out += tests(value, expr, None, name)
    return out
