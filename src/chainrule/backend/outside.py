"""Print the writes to what is outside of the function.

In: operations of `prims.OUTSIDE`. Out: statements, `COUNT += 1` where that is what they
do, and the `global` and `nonlocal` statements that such a function begins with.
"""

from __future__ import annotations

import operator

import gast

from chainrule.backend.sizes import BINARY
from chainrule.backend.spell import STORE, Node, Speller
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value

READS = (prims.now, getattr, operator.getitem)


def write(speller: Speller, op: ir.Apply) -> Node:
    """Print a write."""
    place, key, *rest = op.args
    if op.fn is prims.let_name:
        where = speller.outside_name(op, STORE)
    elif op.fn is prims.let_attribute:
        assert isinstance(key, Const)
        where = gast.Attribute(speller.operand(place), key.value, STORE)
    else:
        index = speller.subscript(key)
        where = gast.Subscript(speller.operand(place), index, STORE)
    if not rest:
        where.ctx = gast.Del()
        return gast.Delete([where])
    made = _nested(speller, rest[0])
    if made is not None and made.fn in BINARY and not made.kwargs:
        if _is_read(speller, made.args[0], op):
            sign = getattr(gast, BINARY[made.fn])()
            return gast.AugAssign(where, sign, speller.operand(made.args[1]))
    return gast.Assign([where], speller.operand(rest[0]), None)


def _nested(speller: Speller, operand: Operand) -> ir.Apply | None:
    made = speller.nested.get(operand) if isinstance(operand, Value) else None
    return made if isinstance(made, ir.Apply) else None


def _is_read(speller: Speller, operand: Operand, op: ir.Apply) -> bool:
    """Say whether an operand reads what an operation writes."""
    made = _nested(speller, operand)
    while made is not None and made.fn is prims.read_back:
        made = _nested(speller, made.args[0])
    if made is None or made.fn not in READS:
        return False
    return all(_same(speller, a, b) for a, b in zip(made.args, op.args, strict=False))


def _same(speller: Speller, one: Operand, two: Operand) -> bool:
    """Say whether two operands are one object, or are reached in one way."""
    if isinstance(one, Const) and isinstance(two, Const):
        plain = type(one.value) in (int, str) and type(one.value) is type(two.value)
        return one.value is two.value or (plain and one.value == two.value)
    mine, its = _nested(speller, one), _nested(speller, two)
    if mine is None or its is None:
        return one is two
    if mine.fn is not its.fn or mine.fn not in READS:
        return False
    return all(_same(speller, a, b) for a, b in zip(mine.args, its.args, strict=True))


def declarations(speller: Speller) -> list[Node]:
    """Return the statements that say whose the names are that a function assigns."""
    cells = speller.scope.cells
    free = [n for n in speller.assigned if n in cells]
    others = [n for n in speller.assigned if n not in cells]
    kinds = ((gast.Global, others), (gast.Nonlocal, free))
    return [kind(names) for kind, names in kinds if names]
