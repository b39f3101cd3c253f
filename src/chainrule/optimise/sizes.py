"""Read sizes from arguments, where a value is only needed for its size.

In: a function and the values the compiler computes itself. Out: the same function, in
which `size` and `shape` of a computed array are those of an argument of the same
dimensions: the array need not be computed, or kept, for them.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Collection

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    Operand,
    Stmt,
    Value,
    blocks,
)
from chainrule.ir.walk import statements
from chainrule.specialise.builder import Builder
from chainrule.types import lattice as lt

ELEMENTWISE = {
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.neg,
}


def sizes_of_arguments(function: Function, ours: Collection[Value]) -> None:
    """Replace our reads of sizes of computed arrays, in place."""
    params = {p.hint: p for p in function.params if isinstance(p.type, lt.ArrayT)}
    made = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    for stmt in made.values():
        if stmt.fn is builtins.getattr and stmt.out in ours:
            stmt.args = (_operand(stmt.args[0], made), *stmt.args[1:])
    if params:
        _block(function.body, params, set(ours))


def _operand(base: Operand, made: dict[Value, Apply]) -> Operand:
    """Return an operand of the same dimensions that an array is computed from."""
    while isinstance(base, Value) and base.hint is None:
        stmt, dims = made.get(base), _dims(base)
        if stmt is None or not is_elementwise(stmt) or dims is None:
            break
        like = [a for a in stmt.args if isinstance(a, Value) and _dims(a) == dims]
        if not like:
            break
        base = like[0]
    return base


def is_elementwise(stmt: Apply) -> bool:
    """Say whether each element of a result comes from those at its place."""
    return stmt.fn in ELEMENTWISE or isinstance(stmt.fn, np.ufunc)


def _dims(value: Value) -> lt.Dims | None:
    return value.type.dims if isinstance(value.type, lt.ArrayT) else None


def _block(block: Block, params: dict[str | None, Value], ours: set[Value]) -> None:
    out: list[Stmt] = []
    for stmt in block.stmts:
        for inner in blocks(stmt):
            _block(inner, params, ours)
        if isinstance(stmt, Apply) and stmt.fn is builtins.getattr and stmt.out in ours:
            out.extend(_read(stmt, params))
        else:
            out.append(stmt)
    block.stmts = out


def _read(stmt: Apply, params: dict[str | None, Value]) -> list[Stmt]:
    """Return the statements that read a size from arguments, if they can."""
    base, name = stmt.args[0], stmt.args[1]
    if not isinstance(name, Const) or name.value not in ("size", "shape"):
        return [stmt]
    t = base.type if isinstance(base, Value) else lt.NEVER
    if base in params.values() or not isinstance(t, lt.ArrayT) or not t.dims:
        return [stmt]
    for param in params.values():
        if isinstance(param.type, lt.ArrayT) and param.type.dims == t.dims:
            stmt.args = (param, name)
            return [stmt]
    if name.value == "size" and len(t.dims) > 1:
        return [stmt]
    b = Builder()
    b.loc = stmt.loc
    found = [_axis(b, dim, params) for dim in t.dims]
    if any(op is None for op in found):
        return [stmt]
    made = b.block.stmts
    if name.value == "size":
        last = made[-1]
        assert isinstance(last, Apply)
        last.out = stmt.out
    else:
        made.append(Apply(stmt.out, prims.make_tuple, tuple(found), loc=stmt.loc))  # type: ignore[arg-type]
    return made


def _axis(b: Builder, dim: lt.Dim, params: dict[str | None, Value]) -> Operand | None:
    """Write `x.shape[k]` for the argument that a size is named after."""
    if not isinstance(dim, lt.Sym) or dim.offset or not isinstance(dim.key, tuple):
        return None
    match dim.key:
        case ((str() as name,), int() as axis) if name in params:
            return b.getitem(b.apply(getattr, params[name], Const("shape")), axis)
    return None
