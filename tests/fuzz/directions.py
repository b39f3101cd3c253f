"""A random direction for the arguments of a program, also where they share memory.

In: a function that makes fresh arguments. Out: their tangents, the arguments moved
along the direction, and the product of a gradient with it. Arrays that share memory are
moved together: there is one direction for each piece of memory, of which every array
has its part; the gradients of all of them add up to the derivative along it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Directions:
    """One direction for the arguments at some positions."""

    def __init__(
        self,
        make: Callable[[], tuple[Any, ...]],
        wrt: tuple[int, ...],
        rng: np.random.Generator,
    ) -> None:
        self.make = make
        self.wrt = wrt
        self.parts = [
            rng.normal(size=np.shape(x)) + 0.1 for x in self._independent(make())
        ]

    def _independent(self, args: tuple[Any, ...]) -> list[Any]:
        """Return what can be varied: numbers, and the memory behind the arrays."""
        seen: dict[int, Any] = {}
        for i in self.wrt:
            for leaf in _leaves(args[i]):
                root = _root(leaf) if isinstance(leaf, np.ndarray) else leaf
                key = id(root) if isinstance(leaf, np.ndarray) else -len(seen) - 1
                seen.setdefault(key, root)
        return list(seen.values())

    def _each(self, args: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
        """Yield each number and array with its direction."""
        known: dict[int, Any] = {}
        rest = iter(self.parts)
        for i in self.wrt:
            for leaf in _leaves(args[i]):
                if not isinstance(leaf, np.ndarray):
                    yield leaf, float(next(rest))
                    continue
                root = _root(leaf)
                if id(root) not in known:
                    known[id(root)] = next(rest)
                yield leaf, _same_part(leaf, root, known[id(root)])

    def tangents(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the direction in the structure of the arguments, None for the rest."""
        flat = iter([np.array(d) if np.ndim(x) else d for x, d in self._each(args)])
        return tuple(
            _rebuilt(x, flat) if i in self.wrt else None for i, x in enumerate(args)
        )

    def along(self, gradient: Any) -> tuple[float, float]:
        """Return the product of a gradient and the direction, and its size."""
        args = self.make()
        flat = [d for _, d in self._each(args)]
        leaves = [x for part in gradient for x in _leaves(part)]
        terms = [np.sum(g * d) for g, d in zip(leaves, flat, strict=True)]
        sizes = [np.sum(np.abs(g * d)) for g, d in zip(leaves, flat, strict=True)]
        return float(sum(terms)), max(float(sum(sizes)), 1e-3)

    def moved(self, t: float) -> tuple[Any, ...]:
        """Return fresh arguments, `t` times the direction away."""
        args = self.make()
        flat = iter([x if np.ndim(x) else x + t * d for x, d in self._each(args)])
        for root, d in zip(self._independent(args), self.parts, strict=True):
            if isinstance(root, np.ndarray):
                root += t * d
        return tuple(
            _rebuilt(x, flat) if i in self.wrt else x for i, x in enumerate(args)
        )


def _leaves(x: Any) -> list[Any]:
    if isinstance(x, list | tuple):
        return [leaf for part in x for leaf in _leaves(part)]
    if isinstance(x, dict):
        return [leaf for part in x.values() for leaf in _leaves(part)]
    return [x] if has_reals(x) else []


def _rebuilt(x: Any, flat: Iterator[Any]) -> Any:
    if isinstance(x, list | tuple):
        return type(x)(_rebuilt(part, flat) for part in x)
    if isinstance(x, dict):
        return {key: _rebuilt(part, flat) for key, part in x.items()}
    return next(flat) if has_reals(x) else x


def has_reals(x: Any) -> bool:
    """Say whether something is, or holds, numbers to differentiate by."""
    if isinstance(x, list | tuple):
        return any(map(has_reals, x))
    if isinstance(x, dict):
        return any(map(has_reals, x.values()))
    if isinstance(x, np.ndarray):
        return x.dtype.kind == "f"
    return isinstance(x, float)


def _root(x: Array) -> Array:
    return x if x.base is None else x.base


def _same_part(x: Array, root: Array, other: Array) -> Array:
    """Return the view of `other` that `x` is of `root`."""
    start = x.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return np.ndarray(x.shape, x.dtype, np.ascontiguousarray(other), start, x.strides)
