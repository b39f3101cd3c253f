"""Arguments as the compiler wants them: integers as reals, tangents like their primals.

In: values as the user passes them. Out: the same values where nothing is to be changed;
copies of containers where something is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np


def is_integer(x: Any) -> bool:
    """Say whether a value is an integer, or an array of integers."""
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "iu"
    return type(x) is int or isinstance(x, np.integer)


def as_real(x: Any) -> Any:
    """Return an integer as a number of double precision; other values as they are."""
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "iu":
        return x.astype(np.float64)
    return float(x) if type(x) is int else x


def map_leaves(fn: Callable[[Any], Any], x: Any) -> Any:
    """Return a container with `fn` applied to its leaves; itself if none changes."""
    if isinstance(x, dict):
        values = [map_leaves(fn, v) for v in x.values()]
        if all(a is b for a, b in zip(values, x.values(), strict=True)):
            return x
        out = x.copy()
        out.update(zip(x, values, strict=True))
        return out
    if isinstance(x, list | tuple):
        items = [map_leaves(fn, v) for v in x]
        if all(a is b for a, b in zip(items, x, strict=True)):
            return x
        if hasattr(x, "_fields"):
            return type(x)(*items)
        return type(x)(items)
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        changed = {}
        for f in dataclasses.fields(x):
            value = map_leaves(fn, getattr(x, f.name))
            if f.init and value is not getattr(x, f.name):
                changed[f.name] = value
        return dataclasses.replace(x, **changed) if changed else x
    return fn(x)


def leaves(x: Any) -> list[Any]:
    """Return the leaves of a container in order; a leaf itself is the only one."""
    out: list[Any] = []

    def collect(leaf: Any) -> Any:
        out.append(leaf)
        return leaf

    map_leaves(collect, x)
    return out


def is_real_or_complex(x: Any) -> bool:
    """Say whether a leaf carries a derivative: a float or complex number or array."""
    if type(x) is float or type(x) is complex:
        return True
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"


def carries_derivative(x: Any) -> bool:
    """Say whether anything in a value is a float or complex number."""
    return is_real_or_complex(x) or any(map(is_real_or_complex, leaves(x)))


def require_number(x: Any, name: str, transform: str) -> None:
    """Raise `TypeError` for an argument that nothing can be differentiated by."""
    function = callable(x) and not carries_derivative(x)
    if isinstance(x, bool | np.bool_ | str | bytes) or x is None or function:
        raise TypeError(
            f"{transform} with respect to `{name}`, which is {_describe(x)}: it must"
            " be a number, an array, or a container of them; choose other argnums or"
            " argnames"
        )
    if isinstance(x, np.ndarray) and x.dtype.kind not in "iufc":
        raise TypeError(
            f"{transform} with respect to `{name}`, which is an array of dtype"
            f" {x.dtype}: it must hold numbers; choose other argnums or argnames"
        )


def _describe(x: Any) -> str:
    if x is None or isinstance(x, bool):
        return repr(x)
    return f"a {type(x).__name__}"


def conform(like: Any, x: Any, what: str) -> Any:
    """Return a tangent or cotangent with the structure, dtypes and classes of `like`.

    Raises `TypeError` for another structure, `ValueError` for another shape: NumPy
    would broadcast, and the result would be wrong without a word.
    """
    if isinstance(like, dict):
        if not isinstance(x, dict) or x.keys() != like.keys():
            raise TypeError(f"{what}: expected a dict with the keys {list(like)}")
        parts = {k: conform(v, x[k], f"{what}[{k!r}]") for k, v in like.items()}
        return _like_dict(like, parts)
    if isinstance(like, list | tuple):
        if not isinstance(x, list | tuple) or len(x) != len(like):
            kind = type(like).__name__
            raise TypeError(f"{what}: expected a {kind} of {len(like)} elements")
        items = [
            conform(v, part, f"{what}[{i}]")
            for i, (v, part) in enumerate(zip(like, x, strict=True))
        ]
        return type(like)(*items) if hasattr(like, "_fields") else type(like)(items)
    if is_real_or_complex(like):
        return _conform_leaf(like, x, what)
    return x


def _like_dict(like: dict[Any, Any], parts: dict[Any, Any]) -> dict[Any, Any]:
    if type(like) is dict:
        return parts
    out = like.copy()
    out.update(parts)
    return out


def _conform_leaf(like: Any, x: Any, what: str) -> Any:
    if type(x) is type(like) and not isinstance(like, np.ndarray):
        return x
    if isinstance(like, np.ndarray) and isinstance(x, np.ndarray):
        if x.dtype is like.dtype and x.shape == like.shape and type(x) is np.ndarray:
            return x
    value = np.asarray(x)
    if value.shape != np.shape(like):
        raise ValueError(f"{what}: shape {value.shape}, expected {np.shape(like)}")
    if value.dtype.kind not in "biufc":
        raise TypeError(f"{what}: {x!r} is not a number")
    dtype = np.asarray(like).dtype
    if value.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{what}: complex, but what it belongs to is real")
    if isinstance(like, np.ndarray):
        return value.astype(dtype)
    return type(like)(value[()])
