"""Closed forms that an expert sees in products.

In: operands of a product about to be written. Out: what an expert writes for
it, or None. As in `algebra`, only rounding changes, and nothing becomes infinite or NaN
that was not.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.specialise.builder import Builder

add, sub, mul, div = operator.add, operator.sub, operator.mul, operator.truediv


def type_of(op: Operand) -> lt.Type:
    """Return the type of a value; of what is none, nothing."""
    return op.type if isinstance(op, Value) else lt.NEVER


def sigmoid(b: Builder, x: Operand, e: Operand) -> Operand | None:
    """Write `g * p * (1 - p)` for `g * p / q * e`, where `q = 1 + e` and `p = 1 / q`.

    It is finite where `e` is not.
    """
    quotient = b.defs.get(x)
    if quotient is None or quotient.fn is not div:
        return None
    product, q = quotient.args
    one_more = b.definition(q)
    if one_more is None or one_more.fn is not add or not _has_one(one_more, e):
        return None
    for p in _factors(b, product):
        made = b.definition(p)
        if made is not None and made.fn is div and made.args[1] is q:
            if _is_one(made.args[0]):
                out = b.apply(mul, product, b.apply(sub, Const(1), p))
                return out if type_of(out) == b.infer(mul, (x, e), ()) else None
    return None


def _has_one(stmt: Apply, other: Operand) -> bool:
    x, y = stmt.args
    return (_is_one(x) and y is other) or (_is_one(y) and x is other)


def _is_one(op: Operand) -> bool:
    return isinstance(op, Const) and type(op.value) in (int, float) and op.value == 1


def _factors(b: Builder, op: Operand) -> list[Operand]:
    """Return the factors of a product that we wrote."""
    stmt = b.defs.get(op) if isinstance(op, Value) else None
    if stmt is None or stmt.fn is not mul:
        return [op]
    return [op, *(f for a in stmt.args for f in _factors(b, a))]
