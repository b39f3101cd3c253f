"""Context managers of the standard library, as Python would write them.

In: what `contextlib.ExitStack` and `contextlib.closing` are given. Out: objects whose
`__enter__` and `__exit__` are interpreted like those of the program.
"""

from __future__ import annotations

import contextlib
from typing import Any


class Closing:
    """A `contextlib.closing`."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __enter__(self) -> Any:
        """Hand out the object."""
        return self.thing

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Close the object."""
        self.thing.close()


class ExitStack:
    """A `contextlib.ExitStack`: what is to be done at the end, last of all first."""

    def __init__(self) -> None:
        self.exits: list[Any] = []

    def __enter__(self) -> Any:
        """Hand out the stack itself."""
        return self

    def enter_context(self, manager: Any) -> Any:
        """Enter a context, which is left with the stack."""
        value = manager.__enter__()
        self.exits.append(manager.__exit__)
        return value

    def push(self, leave: Any) -> Any:
        """Call a function like an `__exit__` at the end."""
        self.exits.append(leave)
        return leave

    def callback(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function at the end."""

        def leave(kind: Any, error: Any, trace: Any) -> bool:
            function(*args, **kwargs)
            return False

        self.exits.append(leave)
        return function

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        """Do all that is to be done; say whether the exception is dealt with."""
        swallowed = False
        for leave in self.exits[::-1]:
            if leave(kind, error, trace):
                kind = error = trace = None
                swallowed = True
        self.exits.clear()
        return swallowed

    def close(self) -> None:
        """Do it now."""
        self.__exit__(None, None, None)


MODELS = {contextlib.closing: Closing, contextlib.ExitStack: ExitStack}
