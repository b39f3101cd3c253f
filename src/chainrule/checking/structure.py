"""Arguments of any structure as vectors of real numbers, and back.

In: a number, an array, or a container of them (dict, list, tuple, named tuple,
dataclass, object with attributes). Out: its real coordinates (a complex number has
two), the same structure with other numbers in it, and the vector of a gradient that has
this structure.
"""

from __future__ import annotations

import copy
import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


class StructureMismatch(Exception):
    """A gradient has not the structure, shape or dtype of its argument."""


def is_number(x: Any) -> bool:
    """Say whether `x` is a scalar or an array of integers, reals or complex numbers."""
    if isinstance(x, bool | np.bool_):
        return False
    if isinstance(x, int | float | complex | np.number):
        return True
    return isinstance(x, np.ndarray) and x.dtype.kind in "iufc"


def children(x: Any) -> list[tuple[Any, Any]] | None:
    """Return the parts of a container as `(key, part)`, or None if it is none."""
    if isinstance(x, dict):
        return list(x.items())
    if isinstance(x, list | tuple):
        return list(enumerate(x))
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return [(f.name, getattr(x, f.name)) for f in dataclasses.fields(x)]
    opaque = type | types.ModuleType | np.ndarray | np.generic | BaseException
    opaque |= types.FunctionType | types.BuiltinFunctionType | types.MethodType
    if isinstance(x, opaque) or not hasattr(x, "__dict__"):
        return None
    return list(vars(x).items())


def rebuild(x: Any, parts: list[Any]) -> Any:
    """Return a container like `x` with other parts."""
    pairs = children(x) or []
    if isinstance(x, tuple):
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    if isinstance(x, list):
        return parts
    out = copy.copy(x)
    for (key, _), part in zip(pairs, parts, strict=True):
        if isinstance(x, dict):
            out[key] = part
        else:
            object.__setattr__(out, key, part)
    return out


def map_numbers(fn: Callable[[Any], Any], x: Any) -> Any:
    """Return the structure with `fn` applied to every number and array in it."""
    if is_number(x):
        return fn(x)
    pairs = children(x)
    if not pairs:
        return x
    return rebuild(x, [map_numbers(fn, part) for _, part in pairs])


def fresh(x: Any) -> Any:
    """Return the structure with copies of its arrays, for a function that may write."""
    return map_numbers(lambda v: v.copy() if isinstance(v, np.ndarray) else v, x)


def numbers(x: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number and array with its path (`["w"][0].scale`)."""
    if is_number(x):
        yield path, x
        return
    for key, part in children(x) or ():
        indexed = isinstance(x, dict | list | tuple)
        yield from numbers(part, path + (f"[{key!r}]" if indexed else f".{key}"))


def promote(x: Any) -> Any:
    """Return the structure in double precision; integers stay what they are."""

    def widen(leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray | np.number) and leaf.dtype.kind in "fc":
            wide = np.complex128 if leaf.dtype.kind == "c" else np.float64
            return leaf.astype(wide, copy=False)
        return leaf

    return map_numbers(widen, x)


def coordinates(leaf: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the real coordinates of one number or array."""
    flat = np.asarray(leaf).ravel()
    if flat.dtype.kind == "c":
        flat = flat.astype(np.complex128).view(np.float64)
    return flat.astype(np.float64)


def to_vector(x: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return all real coordinates of a structure."""
    return np.concatenate([np.zeros(0), *(coordinates(leaf) for _, leaf in numbers(x))])


def names(x: Any) -> list[str]:
    """Return a name for every real coordinate (`["w"][1, 0]`)."""
    out = []
    for path, leaf in numbers(x):
        parts = (".real", ".imag") if np.iscomplexobj(leaf) else ("",)
        for index in np.ndindex(np.shape(leaf)):
            where = f"{list(index)}" if index else ""
            out += [path + where + part for part in parts]
    return out


def from_vector(x: Any, vector: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """Return the structure with these coordinates; integers that change become real."""
    position = 0

    def take(leaf: Any) -> Any:
        nonlocal position
        old = coordinates(leaf)
        new = vector[position : position + old.size]
        position += old.size
        if np.asarray(leaf).dtype.kind in "iu" and np.array_equal(old, new):
            return leaf
        return from_coordinates(leaf, new)

    return map_numbers(take, x)


def tangent(x: Any, vector: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """Return a tangent or a gradient of `x` with these coordinates."""
    position = 0

    def take(leaf: Any) -> Any:
        nonlocal position
        size = coordinates(leaf).size
        position += size
        return from_coordinates(leaf, vector[position - size : position])

    return map_numbers(take, x)


def from_coordinates(leaf: Any, vector: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """Return one number or array like `leaf`, in double precision."""
    flat = np.array(vector, dtype=np.float64)
    if np.iscomplexobj(leaf):
        flat = flat.view(np.complex128)
    if isinstance(leaf, np.ndarray):
        return flat.reshape(leaf.shape)
    number = flat[0]
    return number if isinstance(leaf, np.generic) else number.item()


def gradient_vector(x: Any, gradient: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the coordinates of a gradient, or raise if it is not built like `x`."""
    return np.concatenate([np.zeros(0), *_gradient_parts(x, gradient, "")])


def _gradient_parts(
    x: Any, gradient: Any, path: str
) -> Iterator[np.ndarray[Any, np.dtype[np.float64]]]:
    if is_number(x):
        yield _leaf_gradient(x, gradient, path)
        return
    pairs = children(x)
    if not pairs or gradient is None and not list(numbers(x)):
        return
    found = children(gradient)
    if type(gradient) is not type(x) or found is None:
        wanted = type(x).__name__
        raise StructureMismatch(f"{path or 'gradient'}: {gradient!r} is not a {wanted}")
    if [k for k, _ in found] != [k for k, _ in pairs]:
        raise StructureMismatch(f"{path or 'gradient'}: other keys than the argument")
    for (key, part), (_, part_bar) in zip(pairs, found, strict=True):
        yield from _gradient_parts(part, part_bar, f"{path}[{key!r}]")


def _leaf_gradient(
    leaf: Any, gradient: Any, path: str
) -> np.ndarray[Any, np.dtype[np.float64]]:
    where = path or "gradient"
    integer = np.asarray(leaf).dtype.kind in "iu"
    if gradient is None and integer and path:
        return np.zeros(np.size(leaf))
    if not is_number(gradient):
        raise StructureMismatch(f"{where}: {gradient!r} is not a number")
    if np.shape(gradient) != np.shape(leaf):
        shapes = f"{np.shape(gradient)}, the argument has {np.shape(leaf)}"
        raise StructureMismatch(f"{where}: shape {shapes}")
    wanted: Any = np.dtype(np.float64) if integer else np.asarray(leaf).dtype
    if np.asarray(gradient).dtype != wanted:
        found = np.asarray(gradient).dtype
        raise StructureMismatch(f"{where}: dtype {found}, expected {wanted}")
    if isinstance(leaf, np.ndarray) != isinstance(gradient, np.ndarray):
        kinds = f"{type(gradient).__name__}, the argument is a {type(leaf).__name__}"
        raise StructureMismatch(f"{where}: is a {kinds}")
    python = isinstance(leaf, int | float | complex) and not isinstance(
        leaf, np.generic
    )
    if python and isinstance(gradient, np.generic):
        raise StructureMismatch(f"{where}: NumPy scalar for a Python number")
    return coordinates(gradient)
