"""What the forward half hands to the backward half: no more than that reads.

In: the two functions of a `vjp`, optimised each by itself. Out: the same with a
residual of what is read; what was computed for the rest only is dead now.
"""

from __future__ import annotations

import operator

from chainrule.ir.nodes import Apply, Const, Function, Operand, Value
from chainrule.ir.walk import count_uses, statements
from chainrule.specialise.builder import type_of
from chainrule.types import lattice as lt


def drop_unread(fwd: Function, bwd: Function) -> None:
    """Leave out of the residual what the backward half does not read."""
    made = {s.out: s for s in fwd.body.stmts if isinstance(s, Apply)}
    pair = _definition(made, fwd.body.results[0])
    residual = _definition(made, pair.args[1]) if pair and len(pair.args) == 2 else None
    reads = _reads(bwd)
    if pair is None or residual is None or reads is None:
        return
    kept = sorted({_place(stmt) for stmt in reads})
    if len(kept) == len(residual.args):
        return
    residual.args = tuple(residual.args[k] for k in kept)
    kinds = lt.TupleT(tuple(map(type_of, residual.args)))
    residual.out.type = bwd.params[0].type = kinds
    pair.out.type = lt.TupleT((type_of(pair.args[0]), kinds))
    for stmt in reads:
        stmt.args = (stmt.args[0], Const(kept.index(_place(stmt))))


def _definition(made: dict[Value, Apply], op: Operand) -> Apply | None:
    return made.get(op) if isinstance(op, Value) else None


def _reads(bwd: Function) -> list[Apply] | None:
    """Return what reads an entry of the residual; None if something reads it whole."""
    holder = bwd.params[0]
    found = [
        stmt
        for stmt in statements(bwd.body)
        if isinstance(stmt, Apply)
        and stmt.fn is operator.getitem
        and stmt.args[0] is holder
        and isinstance(stmt.args[1], Const)
    ]
    return found if count_uses(bwd.body).get(holder, 0) == len(found) else None


def _place(stmt: Apply) -> int:
    place = stmt.args[1]
    assert isinstance(place, Const)
    return int(place.value)
