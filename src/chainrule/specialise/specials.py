"""Functions that are interpreted instead of called: a table that the themes fill.

In: a function from outside the program. Out: its treatment, which takes the context,
the frame and the operands, and returns an operand or `NotImplemented`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.ir.nodes import Operand
from chainrule.specialise.frames import Context, Frame

Args = list[Operand]


Kwargs = list[tuple[str, Operand]]


Special = Callable[[Context, Frame, Args, Kwargs], Any]


SPECIAL: dict[Any, Special] = {}


def special(*fns: Any) -> Callable[[Special], Special]:
    """Enter the treatment of a built-in."""

    def register(handler: Special) -> Special:
        SPECIAL.update(dict.fromkeys(fns, handler))
        return handler

    return register
