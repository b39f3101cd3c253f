"""Say what a store into an array overwrites, so that it is read before the store.

In: a function, a store, and the values that an expression reads. Out: whether one of
them shows the memory that is stored into. Read behind the store it would need a copy of
the whole array that it is a view of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

from chainrule.analysis.memory import STORES, Aliases, is_immutable
from chainrule.backend.program import Op
from chainrule.ir import nodes as ir
from chainrule.ir.nodes import Value
from chainrule.types.lattice import ArrayT


class Overwritten:
    """What the stores of one function overwrite."""

    def __init__(self, function: ir.Function, ours: Collection[Value]) -> None:
        self.function = function
        self.ours = ours  # arguments that are written in place

    @cached_property
    def aliases(self) -> Aliases:
        """What may share memory in the function."""
        return Aliases(self.function, self.ours)

    def buffer(self, op: Op) -> Value | None:
        """Return the array that an operation stores into, if it does."""
        if not isinstance(op, ir.Apply) or op.fn not in STORES:
            return None
        place = op.args[0]
        is_array = isinstance(place, Value) and isinstance(place.type, ArrayT)
        return place if is_array else None  # type: ignore[return-value]

    def any_of(self, values: Iterable[Value], buffer: Value) -> bool:
        """Say whether one of some values may show the memory of an array."""
        return any(
            not is_immutable(value) and self.aliases.may(value, buffer)
            for value in values
        )
