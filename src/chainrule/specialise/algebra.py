"""Algebra that an expert does without thinking, on operations the compiler adds itself.

In: an operation about to be written. Out: a simpler operand that means the same, or None. The
user's own arithmetic is never touched. A rewrite looks only at operations written by
the same builder, and keeps the type of the result.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.specialise.builder import Builder

Rewrite = Callable[["Builder", Sequence[Operand]], "Operand | None"]
add, sub, mul, div = operator.add, operator.sub, operator.mul, operator.truediv
neg, power = operator.neg, operator.pow


def simplify(
    b: Builder,
    fn: Callable[..., Any],
    args: Sequence[Operand],
    kwargs: Sequence[tuple[str, Operand]],
) -> Operand | None:
    """Return a simpler operand for `fn(*args, **kwargs)`, if there is one."""
    rewrite = REWRITES.get(fn)
    if rewrite is None or kwargs:
        return None
    return rewrite(b, args)


def is_number(op: Operand, value: float) -> bool:
    """Say whether an operand is this constant (as an int or a float)."""
    return (
        isinstance(op, Const)
        and type(op.value) in (int, float)
        and op.value == value
    )


def is_float(op: Operand) -> bool:
    """Say whether an operand is a differentiable number, which 1 and 0 do not promote."""
    return isinstance(op, Value) and isinstance(op.type, lt.ScalarT | lt.ArrayT) and (
        lt.is_differentiable(op.type)
    )


def made(b: Builder, op: Operand, *fns: Any) -> Apply | None:
    """Return the operation that made an unnamed operand, if it is one of these."""
    if not isinstance(op, Value) or op.hint is not None:
        return None
    stmt = b.defs.get(op)
    return stmt if stmt is not None and stmt.fn in fns and not stmt.kwargs else None


def _mul(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    for one, other in ((x, y), (y, x)):
        if is_number(one, 1) and is_float(other):
            return other
        if is_number(one, -1) and is_float(other):
            return b.apply(neg, other)
        if is_number(one, 0) and isinstance(other, Value) and isinstance(other.type, lt.ScalarT):
            return Const(0.0)
    if inner := made(b, y, neg):
        return b.apply(neg, b.apply(mul, x, inner.args[0]))
    if inner := made(b, x, neg):
        return b.apply(neg, b.apply(mul, inner.args[0], y))
    if inner := made(b, y, div):
        return b.apply(div, b.apply(mul, x, inner.args[0]), inner.args[1])
    if inner := made(b, y, mul):
        return b.apply(mul, b.apply(mul, x, inner.args[0]), inner.args[1])
    return None


def _div(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    if is_number(y, 1) and is_float(x):
        return x
    if is_number(y, -1) and is_float(x):
        return b.apply(neg, x)
    if inner := made(b, x, neg):
        return b.apply(neg, b.apply(div, inner.args[0], y))
    return None


def _add(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    for zero, other in ((x, y), (y, x)):
        if is_number(zero, 0) and is_float(other):
            return other
    if x is y and is_float(x):
        return b.apply(mul, Const(2), x)
    if inner := made(b, y, neg):
        return b.apply(sub, x, inner.args[0])
    if inner := made(b, x, neg):
        return b.apply(sub, y, inner.args[0])
    return None


def _sub(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    if is_number(y, 0) and is_float(x):
        return x
    if is_number(x, 0) and is_float(y):
        return b.apply(neg, y)
    if inner := made(b, y, neg):
        return b.apply(add, x, inner.args[0])
    return None


def _neg(b: Builder, args: Sequence[Operand]) -> Operand | None:
    [x] = args
    if inner := made(b, x, neg):
        return inner.args[0]
    if inner := made(b, x, sub):
        return b.apply(sub, inner.args[1], inner.args[0])
    if inner := made(b, x, mul, div):
        first = inner.args[0]
        if isinstance(first, Const) and isinstance(first.value, int | float):
            return b.apply(inner.fn, Const(-first.value), inner.args[1])
    return None


def _power(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    if is_number(y, 1) and is_float(x):
        return x
    if is_number(y, 0) and is_float(x):
        return Const(1.0)
    return None


def _transpose(b: Builder, args: Sequence[Operand]) -> Operand | None:
    if len(args) == 1:
        stmt = b.definition(args[0])
        if stmt is not None and stmt.fn is np.transpose and not stmt.kwargs:
            if len(stmt.args) == 1:
                return stmt.args[0]
        if isinstance(args[0], Value) and isinstance(args[0].type, lt.ArrayT):
            if args[0].type.ndim in (0, 1):
                return args[0]
    return None


REWRITES: dict[Any, Rewrite] = {
    mul: _mul,
    np.multiply: _mul,
    div: _div,
    np.divide: _div,
    add: _add,
    np.add: _add,
    sub: _sub,
    np.subtract: _sub,
    neg: _neg,
    np.negative: _neg,
    power: _power,
    np.transpose: _transpose,
}
