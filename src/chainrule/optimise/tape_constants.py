"""Numbers that every iteration saves are written where they are read.

In: a function. Out: the same function, in which no tape is read for a constant; the
places on the tape are dead then. Attributes that no iteration changes leave such ones.
"""

from __future__ import annotations

from chainrule.ir.nodes import Const, Function, Operand, Value
from chainrule.ir.walk import substitute
from chainrule.optimise.plain import rows_of_tapes

NUMBERS = (int, float, bool, complex)


def write_constants(function: Function) -> bool:
    """Read no constant from a tape; say whether one was."""
    found: dict[Value, Operand] = {}
    for elem, saved in rows_of_tapes(function.body).items():
        same = {_key(op) for op in saved}
        if len(same) == 1 and None not in same:
            found[elem] = saved[0]
    if found:
        substitute(function.body, found)
    return bool(found)


def _key(op: Operand) -> tuple[type, str] | None:
    """Return what distinguishes a number from others, the sign of a zero too."""
    known = isinstance(op, Const) and type(op.value) in NUMBERS
    return (type(op.value), repr(op.value)) if known else None  # type: ignore[union-attr]
