"""A cache that starts empty, and is as it was before when one is done with it.

In: nothing, or one function. Out: a context in which no derivative (none of that
function) is compiled yet, also those that were made before; it tells what was compiled.

What the compiler writes may depend on what it has already written: the fifth set of
argument types gets code for all sizes. Tests that compare text must not depend on the
tests before them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.cache.specialisations import DISPATCHERS, Dispatcher


@dataclass(frozen=True)
class Compiled:
    """One derivative that the cache holds, for one set of argument types."""

    function: str
    transform: str
    wrt: tuple[str, ...]
    source: str


class Isolated:
    """The derivatives compiled since the cache was isolated, by iteration; `clear()`.

    `len(cache)` counts one for each set of argument types of each derivative.
    """

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        self._function = function

    def __iter__(self) -> Iterator[Compiled]:
        for made in _dispatchers(self._function):
            request = made.request
            name = getattr(made.base, "__name__", "function")
            for spec in made.held()[1]:
                text = spec.built.source
                yield Compiled(name, request.transform, request.wrt, text)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Forget what was compiled."""
        for made in _dispatchers(self._function):
            made.forget()


@contextlib.contextmanager
def isolated(function: Callable[..., Any] | None = None) -> Iterator[Isolated]:
    """Empty the cache of derivatives, and fill it again at the end."""
    cache = Isolated(function)
    before = [(made, made.held()) for made in _dispatchers(function)]
    cache.clear()
    try:
        yield cache
    finally:
        cache.clear()
        for made, held in before:
            made.hold(held)


def _dispatchers(function: Callable[..., Any] | None) -> list[Dispatcher]:
    """Return those that hold anything, of one function or of all."""
    every = [made for made in DISPATCHERS if made.held()[1]]
    return [made for made in every if function is None or made.base is function]
