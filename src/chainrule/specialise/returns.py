"""Values that a loop hands on when the function returns inside it.

In: what a variable, and the function's result, are at the end of each path of the body.
Out: whether one carried value can stand for both, and the body with that one alone.
"""

from __future__ import annotations

from typing import Any

from chainrule.analysis.activity import paths
from chainrule.ir.nodes import UNDEF, Loop, Operand, Undef, Value
from chainrule.ir.walk import substitute
from chainrule.specialise.builder import Builder


def returned_as(
    b: Builder, before: Value, result: Operand, op: Operand, name: str
) -> bool:
    """Say whether, wherever a path returns, it returns the variable `name`."""
    if result is before or result is op or isinstance(result, Undef):
        return True
    where = b.branches.get(result) if isinstance(result, Value) else None
    if where is None:
        named = isinstance(result, Value) and result.hint == name
        return named and isinstance(op, Undef)
    stmt, k = where
    return all(
        returned_as(b, before, path.results[k], part, name)
        for path, part in zip(paths(stmt), parts_at(b, stmt, op), strict=True)
    )


def drop_param(stmt: Loop, param: Value) -> None:
    """Carry a value no longer through a loop."""
    k = stmt.body.params.index(param)
    for block in (stmt.body, stmt.header):
        if block is not None:
            block.params = (*block.params[:k], *block.params[k + 1 :])
            substitute(block, {param: UNDEF})
    if stmt.header is not None:
        results = stmt.header.results
        stmt.header.results = (*results[: k + 1], *results[k + 2 :])


def share(b: Builder, before: Value, result: Operand, op: Operand) -> None:
    """Hand the result on in place of the variable, on the paths that return."""
    if result not in b.branches or op not in b.branches:
        return
    stmt, k = b.branches[result]
    _, j = b.branches[op]
    for path in paths(stmt):
        one, two = path.results[k], path.results[j]
        if one is before or isinstance(one, Undef):
            continue
        if isinstance(two, Undef):
            path.results = (*path.results[:j], one, *path.results[j + 1 :])
        else:
            share(b, before, one, two)


def parts_at(b: Builder, stmt: Any, op: Operand) -> list[Operand]:
    """Return what an operand is at the end of each path of a statement."""
    where = b.branches.get(op) if isinstance(op, Value) else None
    if where is not None and where[0] is stmt:
        return [path.results[where[1]] for path in paths(stmt)]
    return [op for _ in paths(stmt)]
