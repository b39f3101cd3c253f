"""Whether arrays that a function writes into share memory with other arguments.

In: the arguments, and the places of those that are written. Out: a truth value, or the
names of two that overlap.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.runtime.objects import attributes

Place = tuple[Any, ...]
EFFORT = 10_000  # steps spent on the question whether strided views interleave


def apart(arguments: Mapping[str, Any], written: Iterable[Place]) -> bool:
    """Say whether no written array shares memory with another argument."""
    return overlapping(arguments, written) is None


def overlapping(
    arguments: Mapping[str, Any], written: Iterable[Place]
) -> tuple[Place, Place] | None:
    """Return the places of two arrays that share memory, the written one first."""
    found = [leaf for name, x in arguments.items() for leaf in _leaves((name,), x)]
    wanted = {tuple(map(str, place)) for place in written}
    for place, x in found:
        if tuple(map(str, place)) in wanted:
            for other, y in found:
                if other != place and _share(x, y):
                    return place, other
    return None


def sharing(arguments: Mapping[str, Any]) -> list[tuple[Place, Place]]:
    """Return the places of all arrays that share memory, pair by pair."""
    found = [leaf for name, x in arguments.items() for leaf in _leaves((name,), x)]
    pairs = itertools.combinations(found, 2)
    return [(one, two) for (one, x), (two, y) in pairs if _share(x, y)]


def pattern(arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return how arguments share memory: which of them, how far apart, how they lie."""
    found = dict(leaf for name, x in arguments.items() for leaf in _leaves((name,), x))
    return tuple(
        (one, two, start(y) - start(x), x.strides, y.strides)
        for one, two in sharing(arguments)
        for x, y in [(found[one], found[two])]
    )


def start(x: np.ndarray[Any, Any]) -> int:
    """Return the address of the first element."""
    return int(x.__array_interface__["data"][0])


def _share(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> bool:
    if not np.may_share_memory(x, y):
        return False
    share: Any = np.shares_memory  # whose stub knows two efforts only
    try:
        return bool(share(x, y, max_work=EFFORT))
    except np.exceptions.TooHardError:
        return True


def _leaves(place: Place, x: Any) -> Iterator[tuple[Place, np.ndarray[Any, Any]]]:
    if isinstance(x, np.ndarray):
        yield place, x
    elif isinstance(x, dict):
        for key, value in x.items():
            yield from _leaves((*place, key), value)
    elif isinstance(x, list | tuple):
        for k, value in enumerate(x):
            yield from _leaves((*place, k), value)
    else:
        for name in attributes(x) or ():
            yield from _leaves((*place, name), getattr(x, name))
