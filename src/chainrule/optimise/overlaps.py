"""Copies of what a derivative stores into the array that it was read from.

In: a function. Out: the same, with `y_dot[1] = y_dot[:, 2].copy()` where NumPy would
copy a row into a column that crosses it element by element, and so read what it has
written. The user's own stores stay as they are.
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any

from chainrule.analysis.memory import STORES, VIEWS
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Function, Operand, Value
from chainrule.ir.walk import inner_blocks, statements
from chainrule.optimise.copies import copy_of
from chainrule.types.lattice import ArrayT, ScalarT

SETS = {prims.index_set: 2, prims.view_set: 3, prims.fill: 1}  # where the value stands
Makers = dict[Operand, Apply]


def copy_overlaps(function: Function, ours: Collection[Value]) -> None:
    """Copy what our stores read from their own array, unless NumPy does."""
    makers: Makers = {}
    for block in inner_blocks(function.body):
        for stmt in list(block.stmts):
            if isinstance(stmt, Apply) and stmt.fn in SETS and stmt.out in ours:
                makers = makers or _makers(function)
                k = SETS[stmt.fn]
                value = stmt.args[k]
                if isinstance(value, Value) and _crosses(stmt, value, makers):
                    copied = Value(value.type, None, stmt.loc)
                    block.stmts.insert(block.stmts.index(stmt), copy_of(value, copied))
                    stmt.args = (*stmt.args[:k], copied, *stmt.args[k + 1 :])


def _makers(function: Function) -> Makers:
    return {s.out: s for s in statements(function.body) if isinstance(s, Apply)}


def _crosses(store: Apply, value: Value, makers: Makers) -> bool:
    """Say whether a store may read elements that it has written."""
    if not isinstance(value.type, ArrayT) or len(value.type.dims or (1,)) != 1:
        return False
    views: list[Apply] = []
    root: Operand = value
    while root in makers and makers[root].fn in VIEWS:
        views.append(makers[root])
        root = makers[root].args[0]
    buffer = store.args[0]
    while buffer is not root and buffer in makers and makers[buffer].fn in STORES:
        buffer = makers[buffer].args[0]
    if not views or buffer is not root:
        return False
    if store.fn is not prims.index_set or [v.fn for v in views] != [operator.getitem]:
        return True
    steps = [_steps(op, buffer, makers) for op in (store.args[1], views[0].args[1])]
    return steps[0] is None or steps[0] != steps[1]


def _steps(index: Operand, array: Operand, makers: Makers) -> list[Any] | None:
    """Return how far apart the elements are that an index names, axis by axis."""
    dims = getattr(getattr(array, "type", None), "dims", None)
    if isinstance(index, Const):
        whole = index.value if isinstance(index.value, tuple) else (index.value,)
        parts: list[Operand] = list(map(Const, whole))
    else:
        made = makers.get(index)
        known = made is not None and made.fn is prims.make_tuple
        parts = list(made.args) if made is not None and known else [index]
    steps = [_step(part, makers) for part in parts]
    if dims is None or None in steps:
        return None
    return steps + [1] * (len(dims) - len(steps))


def _step(part: Operand, makers: Makers) -> int | None:
    """Return the step of a slice, 0 for a position, None for any other index."""
    made = makers.get(part)
    if made is not None and made.fn is slice:
        step = made.args[2] if len(made.args) > 2 else Const(None)
        return (step.value or 1) if isinstance(step, Const) else None
    value = part.value if isinstance(part, Const) else None
    if isinstance(value, slice):
        return value.step or 1
    is_position = isinstance(getattr(part, "type", None), ScalarT)
    return 0 if is_position or isinstance(value, int) else None
