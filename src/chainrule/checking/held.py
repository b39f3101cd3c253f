"""What a derivative leaves out on purpose, while differences are taken.

In: calls of `stop_gradient` and `on_cotangent` in a function that is run many times.
Out: `stop_gradient` returns what it returned the first time, so that differences take
it for a constant as the derivative does; and whether the cotangent was changed.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Held:
    """The values that `stop_gradient` returned in the first run, in order."""

    values: list[Any] = field(default_factory=list)
    recording: bool = True
    position: int = 0
    altered: bool = False

    def constant(self, x: Any) -> Any:
        """Return the value of the first run."""
        if self.recording:
            self.values.append(copy.deepcopy(x))
            return x
        self.position += 1
        if self.position > len(self.values):
            self.altered = True  # another path than in the first run
            return x
        return copy.deepcopy(self.values[self.position - 1])

    def again(self) -> None:
        """Begin another run."""
        self.recording = False
        self.position = 0


held: ContextVar[Held | None] = ContextVar("held", default=None)


@contextlib.contextmanager
def holding(state: Held) -> Iterator[None]:
    """Run a function once more, with what it stopped in its first run."""
    token = held.set(state)
    try:
        yield
    finally:
        held.reset(token)
        state.again()
