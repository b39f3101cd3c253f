"""Whether arrays that a function writes into share memory with other arguments.

In: the arguments, and the places of those that are written. Out: a truth value, or the
names of two that overlap.
"""

from __future__ import annotations

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
