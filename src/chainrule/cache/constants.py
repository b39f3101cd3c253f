"""Tests that a value is still the constant that inference took it for.

In: the constant and the name of the variable to test. Out: expressions. Functions,
classes and modules must be the same object; numbers, strings and containers of them
equal, of the same class (`1 == 1.0 == True`) and sign (`0.0 == -0.0`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import BuiltinFunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

Namer = Callable[[Any], str]


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
    if isinstance(value, tuple | list):
        out = [of_class, f"len({v}) == {len(value)}"]
        return out + _parts(((f"{v}[{i}]", x) for i, x in enumerate(value)), name)
    if isinstance(value, dict):
        keys = list(value)
        out = [of_class, f"[*{v}] == {name(keys)}"]
        if set(map(type, keys)) - {str}:
            out.append(f"[*map(type, {v})] == {name([*map(type, keys)])}")
        return out + _parts(((f"{v}[{name(k)}]", x) for k, x in value.items()), name)
    if cls is slice:
        pairs = [(f"{v}.{part}", getattr(value, part)) for part in _SLICE]
        return [of_class, *_parts(pairs, name)]
    if isinstance(value, set | frozenset):
        return [of_class, f"{v} == {name(frozenset(value))}"]
    if isinstance(value, np.dtype):
        return [of_class, f"{v} == {name(value)}"]
    if isinstance(value, MethodType):
        return [of_class, *_method(value, v, parent, name)]
    if isinstance(value, BuiltinFunctionType) and not _is_free(value):
        if value.__self__ is parent:
            return [of_class, f"{v}.__name__ == {value.__name__!r}"]
        return [of_class, f"{v} == {name(value)}"]
    return [f"{v} is {name(value)}"]


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
    if value.__self__ is not parent:
        out.append(f"{v}.__self__ is {name(value.__self__)}")
    return out


def _parts(pairs: Any, name: Namer) -> list[str]:
    out: list[str] = []
    for expr, value in pairs:
        out += tests(value, expr, None, name)
    return out
