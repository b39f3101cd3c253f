"""Which state outside of the function is written, and what was read of it.

In: places, as `outside_state` comes to them. Out: `Places`, which the context of one
interpretation holds; `Written`, which says that it begins again.
"""

from __future__ import annotations

import collections
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from chainrule.ir.nodes import Apply, Loc, Operand, Value
from chainrule.types import lattice as lt

CONTAINERS = (list, dict, set, collections.deque)
CELL = "cell_contents"
WHOLE = "$whole"  # the place of a write that may reach every item
Place = tuple[int, Hashable]  # an owner, and the name or key under which it holds


class Written(Exception):
    """The function writes here: begin again, knowing that it does."""

    def __init__(self, place: Place, owner: Any) -> None:
        super().__init__("written")
        self.place, self.owner = place, owner


@dataclass(frozen=True, slots=True)
class Sample:
    """A container as it is now, from where it is reached, and by which places."""

    value: Any
    root: tuple[str, str, Any]
    path: tuple[Any, ...]
    places: tuple[Place, ...]


@dataclass(slots=True)
class Read:
    """A read of a place, and what its value was taken for."""

    place: Place
    type: lt.Type
    back: Apply | None
    through: tuple[Place, ...]
    loc: Loc | None


@dataclass(slots=True)
class Write:
    """A write to a place, of one operand, and the operation that does it."""

    place: Place
    value: Operand
    by: Apply | None = None


@dataclass(slots=True)
class Places:
    """What is outside and written; `written` is known from the start.

    Objects that are `unseen` change these attributes, or any, in ways not followed.
    `seen` are the containers that were read, by identity; `samples` those that are
    written, as values of the program.
    """

    written: dict[Place, Any] = field(default_factory=dict)
    unseen: dict[int, frozenset[str] | None] = field(default_factory=dict)
    seen: dict[int, Any] = field(default_factory=dict)
    samples: dict[Value, Sample] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)

    def see(self, value: Any, depth: int = 4) -> None:
        """Note a container that is read, and those that it holds."""
        if depth and isinstance(value, CONTAINERS):
            self.seen[id(value)] = value
            for part in value.values() if isinstance(value, dict) else value:
                self.see(part, depth - 1)

    def holds(self, value: Any, depth: int = 4) -> bool:
        """Say whether a container is written, or one that it holds."""
        if not self.written or not isinstance(value, CONTAINERS):
            return False
        if (id(value), WHOLE) in self.written:
            return True
        parts = value.values() if isinstance(value, dict) else value
        return depth > 0 and any(self.holds(v, depth - 1) for v in parts)
