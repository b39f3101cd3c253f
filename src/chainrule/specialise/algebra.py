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

REDUCTIONS = {np.max, np.min, np.sum, np.mean}
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
    if fn is np.sum:
        return _sum(b, args, kwargs)
    rewrite = REWRITES.get(fn)
    if rewrite is None or kwargs:
        return None
    return rewrite(b, args)


def without_defaults(
    fn: Callable[..., Any], kwargs: Sequence[tuple[str, Operand]]
) -> tuple[tuple[str, Operand], ...]:
    """Drop `axis=None` and `keepdims=False`, which say nothing."""
    said = {"axis": None, "keepdims": False, "where": True, "dtype": None}
    return tuple(
        (k, v)
        for k, v in kwargs
        if not (k in said and isinstance(v, Const) and v.value is said[k])
        or fn not in REDUCTIONS
    )


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


def constant_factor(b: Builder, op: Operand) -> tuple[Operand, float] | None:
    """Return an operand without its constant factor, and the factor."""
    stmt = made(b, op, mul)
    if stmt is None:
        return None
    for x, c in (stmt.args, stmt.args[::-1]):
        if isinstance(c, Const) and type(c.value) in (int, float) and isinstance(x, Value):
            return x, c.value
    return None


def _mul(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    for one, other in ((x, y), (y, x)):
        if is_number(one, 1) and is_float(other):
            return other
        if is_number(one, -1) and is_float(other):
            return b.apply(neg, other)
        if is_number(one, 0) and isinstance(other, Value) and isinstance(other.type, lt.ScalarT):
            return Const(0.0)
    if isinstance(y, Const) and type(y.value) in (int, float):
        if found := constant_factor(b, x):
            return b.apply(mul, found[0], Const(found[1] * y.value))
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


def _getitem(b: Builder, args: Sequence[Operand]) -> Operand | None:
    if inner := made(b, args[0], neg):
        return b.apply(neg, b.apply(operator.getitem, inner.args[0], args[1]))
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


def _sum(
    b: Builder, args: Sequence[Operand], kwargs: Sequence[tuple[str, Operand]]
) -> Operand | None:
    """Take a sign out of a sum."""
    inner = made(b, args[0], neg)
    if inner is None or len(args) != 1:
        return None
    total = b.apply(np.sum, inner.args[0], kwargs=kwargs, form="method", text="sum")
    return b.apply(neg, total)


def _size(b: Builder, args: Sequence[Operand]) -> Operand | None:
    return _attribute_of_array(b, args, "size")


def _shape(b: Builder, args: Sequence[Operand]) -> Operand | None:
    return _attribute_of_array(b, args, "shape")


def _attribute_of_array(b: Builder, args: Sequence[Operand], name: str) -> Operand | None:
    [x] = args
    if isinstance(x, Value) and isinstance(x.type, lt.ArrayT) and x.type.dims is not None:
        return b.apply(getattr, x, Const(name))
    return None


def _expand_dims(b: Builder, args: Sequence[Operand]) -> Operand | None:
    # A number broadcasts by itself.
    x = args[0]
    return x if isinstance(x, Const) and isinstance(x.value, int | float) else None


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
    np.expand_dims: _expand_dims,
    np.size: _size,
    np.shape: _shape,
}
