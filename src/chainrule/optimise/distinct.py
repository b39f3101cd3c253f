"""Mark additions to elements of which none is picked twice.

In: a function. Out: the same function, in which an `index_add` by `arange(n), columns`
(one element of each row) says so: it is printed as `x_bar[rows, columns] += g`, not as
`np.add.at`.
"""

from __future__ import annotations

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Function, Operand, Value
from chainrule.ir.walk import statements
from chainrule.types import lattice as lt


def mark_distinct(function: Function) -> None:
    """Set `text` of such additions, in place."""
    adds = [
        s
        for s in statements(function.body)
        if isinstance(s, Apply) and s.fn is prims.index_add
    ]
    if not adds:
        return
    made = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    for stmt in adds:
        if _distinct(stmt.args[1], made):
            stmt.text = prims.DISTINCT


def _distinct(index: Operand, made: dict[Value, Apply]) -> bool:
    """Say whether an index picks no element twice."""
    stmt = made.get(index)  # type: ignore[arg-type]
    parts = (index,) if stmt is None or stmt.fn is not prims.make_tuple else stmt.args
    arrays = [
        p for p in parts if isinstance(p, Value) and not isinstance(p.type, lt.ScalarT)
    ]
    if any(isinstance(p, Const) and isinstance(p.value, list) for p in parts):
        return False
    return all(isinstance(a.type, lt.ArrayT) for a in arrays) and any(
        _counts(a, made) and all(_as_long(b, a) for b in arrays) for a in arrays
    )


def _counts(op: Value, made: dict[Value, Apply]) -> bool:
    """Say whether an array is `arange(n)`."""
    stmt = made.get(op)
    return (
        stmt is not None
        and stmt.fn is np.arange
        and len(stmt.args) == 1
        and not stmt.kwargs
    )


def _as_long(one: Value, rows: Value) -> bool:
    """Say whether an index goes along with the rows, and repeats none of them."""
    mine, dims = lt.dims_of(one.type), lt.dims_of(rows.type)
    if mine is None or dims is None or one.type.dtype.kind not in "iu":  # type: ignore[attr-defined]
        return False
    return mine == dims or (len(mine) == 1 and not lt.maybe_one(dims[0]))
