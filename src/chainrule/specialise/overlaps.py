"""Stores of a row into a column that crosses it, which NumPy copies as it goes.

In: a store whose value is a view of the array that it writes into. Out: an error, if
NumPy reads elements that the store has already written (it makes a copy of the value
first only where the view written to has several axes or runs the other way).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context
from chainrule.types import lattice as lt

SOME = range(2, 13)  # stand for a length known only at run time


def check(ctx: Context, op: Value, index: Operand, value: Operand) -> None:
    """Refuse `op[index] = value` if it reads what it has just written."""
    from chainrule.specialise.arrays import path

    memory = ctx.builder.memory
    if not isinstance(value, Value) or len(lt.dims_of(type_of(value)) or ()) != 1:
        return
    root = memory.root(op)
    if memory.root(value) is not root or not isinstance(root.type, lt.ArrayT):
        return
    try:
        views = path(ctx, op), path(ctx, value)
    except NotDifferentiable:
        return  # a view that nobody could write through
    known = all(
        isinstance(a, Const) for steps in views for s in steps for a in _rest(s)
    )
    if known and isinstance(index, Const) and root.type.dims is not None:
        dims = root.type.dims
        some = [[d if isinstance(d, int) else n for d in dims] for n in SOME]
        if any(_reads_what_it_wrote(n, *views, index.value) for n in some):
            raise not_differentiable(
                "CR413",
                ctx.builder.loc,
                "this store reads elements that it has already written",
                label="NumPy copies the elements one by one here",
                help="store a copy: A[1] = A[:, 2].copy()",
            )


def _rest(step: Apply) -> Sequence[Operand]:
    return (*step.args[1:], *(op for _, op in step.kwargs))


def _reads_what_it_wrote(
    lengths: list[int], target: list[Apply], source: list[Apply], index: Any
) -> bool:
    """Try the store on the positions of an array of such lengths."""
    before = np.arange(np.prod(lengths, dtype=int)).reshape(lengths)
    after, right = before.copy(), before.copy()
    try:
        _shown(after, target)[index] = _shown(after, source)
        _shown(right, target)[index] = _shown(before, source)
    except (IndexError, ValueError):
        return False  # such lengths do not fit
    return not np.array_equal(after, right)


def _shown(array: np.ndarray, steps: list[Apply]) -> Any:
    for step in steps:
        args = [op.value for op in step.args[1:] if isinstance(op, Const)]
        named = {k: op.value for k, op in step.kwargs if isinstance(op, Const)}
        array = step.fn(array, *args, **named)
    return array
