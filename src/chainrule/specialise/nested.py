"""Derivatives that are called inside a program that is differentiated itself.

In: a callable that is a derivative (`grad(g)`, `f.grad`) or makes one, and operands. Out: its
result: the derivative's IR is made as usual, then written in place of the call.
"""

from __future__ import annotations

from typing import Any

from chainrule.ir.nodes import Operand
from chainrule.specialise.frames import Context, Frame


def call(
    ctx: Context, frame: Frame, fn: Any, args: list[Operand], kwargs: Any
) -> Operand | None:
    """Return the result of a derivative's call, or None if `fn` is none."""
    return None
