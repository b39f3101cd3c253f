"""Members of enumerations of integers, as the integers that they are.

In: a type. Out: whether the run computes with values of it as with integers: it carries
them as the members that they are, and takes the integer where one is asked for.
"""

from __future__ import annotations

import enum

from chainrule.types import lattice as lt


def is_named_integer(t: lt.Type) -> bool:
    """Say whether a type is that of the members of an `IntEnum`, or the like."""
    named = isinstance(t, lt.OpaqueT) and issubclass(t.cls, enum.Enum)
    return named and issubclass(t.cls, int)  # type: ignore[attr-defined]
