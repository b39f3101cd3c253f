"""Move reads of parts of containers out of loops and branches.

In: a function. Out: the same function with `params["w"]` read where `params` is
defined, once, so that its cotangent is that of a number or an array, not of the whole
container.
"""

from __future__ import annotations

import builtins
import operator
from typing import Any

from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    Operand,
    Value,
    blocks,
)
from chainrule.ir.walk import substitute
from chainrule.types import lattice as lt


def hoist(function: Function) -> None:
    """Move structural reads of parameters to the start of a function, in place."""
    moved: dict[Any, Apply] = {}
    table: dict[Value, Operand] = {}
    known: set[Value] = set(function.params)
    inside = False
    for stmt in function.body.stmts:
        for inner in blocks(stmt):
            _collect(inner, known, moved, table)
            inside = True
    if not inside or not moved:
        return
    for stmt in list(function.body.stmts):
        if isinstance(stmt, Apply):
            key = _key(stmt, known, table)
            if key in moved:
                table[stmt.out] = moved[key].out
                function.body.stmts.remove(stmt)
    function.body.stmts[:0] = list(moved.values())
    substitute(function.body, _resolved(table))


def _collect(
    block: Block,
    known: set[Value],
    moved: dict[Any, Apply],
    table: dict[Value, Operand],
) -> None:
    kept = []
    for stmt in block.stmts:
        key = _key(stmt, known, table) if isinstance(stmt, Apply) else None
        if key is None:
            kept.append(stmt)
            for inner in blocks(stmt):
                _collect(inner, known, moved, table)
            continue
        assert isinstance(stmt, Apply)
        if key in moved:
            table[stmt.out] = moved[key].out
        else:
            stmt.args = tuple(
                table.get(a, a) if isinstance(a, Value) else a for a in stmt.args
            )
            moved[key] = stmt
            known.add(stmt.out)
    block.stmts = kept


def _key(stmt: Apply, known: set[Value], table: dict[Value, Operand]) -> Any:
    """Return what is read, if it is a part of a container that exists at the start."""
    if stmt.fn not in (operator.getitem, builtins.getattr) or len(stmt.args) != 2:
        return None
    base, index = stmt.args
    if isinstance(base, Value):
        found = table.get(base, base)
        base = found if isinstance(found, Value) else base
    if base not in known or not isinstance(index, Const):
        return None
    if isinstance(stmt.out.type, lt.NeverT):
        return None  # raises where it stands
    t = base.type
    if isinstance(t, lt.ListT) and t.items is None:
        return None
    if not isinstance(t, lt.TupleT | lt.DictT | lt.ObjT | lt.ListT):
        return None
    try:
        hash(index.value)
    except TypeError:
        return None
    return (stmt.fn, base, index.value)


def _resolved(table: dict[Value, Operand]) -> dict[Value, Operand]:
    out = {}
    for old, new in table.items():
        while isinstance(new, Value) and new in table:
            new = table[new]
        out[old] = new
    return out
