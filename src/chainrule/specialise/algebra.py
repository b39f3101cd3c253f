"""Algebra that an expert does without thinking, on operations the compiler adds itself.

In: an operation about to be written. Out: a simpler operand that means the same, or
None. The user's own arithmetic is never touched. A rewrite looks only at operations
written by the same builder, and keeps the type of the result.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.specialise.idioms import sigmoid, type_of
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.specialise.builder import Builder

SPREADS = (operator.getitem, np.broadcast_to)
REDUCTIONS = {np.max, np.min, np.sum, np.mean}
METHODS = {u.reduce for u in (np.add, np.multiply, np.maximum, np.minimum)}
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
    if not kwargs or fn not in REDUCTIONS and fn not in METHODS:
        return tuple(kwargs)
    said = {"axis": None, "keepdims": False, "where": True, "dtype": None}
    if fn in METHODS:
        del said["axis"]  # it is 0 by default
    return tuple(
        (k, v)
        for k, v in kwargs
        if not (k in said and isinstance(v, Const) and v.value is said[k])
    )


def is_number(op: Operand, value: float) -> bool:
    """Say whether an operand is this constant (as an int or a float)."""
    return (
        isinstance(op, Const) and type(op.value) in (int, float) and op.value == value
    )


def is_float(op: Operand) -> bool:
    """Say whether an operand is a differentiable number,
    which 1 and 0 do not promote.
    """
    return (
        isinstance(op, Value)
        and isinstance(op.type, lt.NUMBERS)
        and lt.is_differentiable(op.type)
    )


def made(b: Builder, op: Operand, *fns: Any) -> Apply | None:
    """Return the operation that made an unnamed operand, if it is one of these.

    None of these means any.
    """
    stmt = b.defs.get(op)
    if stmt is None or stmt.out.hint is not None or stmt.kwargs:
        return None
    return stmt if not fns or stmt.fn in fns else None


def is_plain_number(op: Operand) -> bool:
    """Say whether an operand is a finite constant of Python's."""
    return (
        isinstance(op, Const)
        and type(op.value) in (int, float)
        and (math.isfinite(op.value))
    )


def is_count(op: Operand) -> bool:
    """Say whether an operand is a whole number of Python's, such as a size."""
    t = op.type if isinstance(op, Value) else None
    return isinstance(t, lt.ScalarT) and t.kind == "int" and t.dtype is None


def constant_factor(b: Builder, op: Operand) -> tuple[Operand, float] | None:
    """Return an operand without its constant factor, and the factor.

    A nameless product of the user's is read too: what is left of it is his.
    """
    stmt = b.definition(op) if isinstance(op, Value) and op.hint is None else None
    if stmt is None or stmt.fn is not mul or len(stmt.args) != 2:
        return None
    for x, c in (stmt.args, stmt.args[::-1]):
        if is_plain_number(c) and is_float(x):
            return x, c.value  # type: ignore[union-attr]
    return None


def without_broadcast(b: Builder, fn: Any, args: Sequence[Operand]) -> Operand | None:
    """Use a number as it is where it was spread out: it broadcasts by itself."""
    for k, op in enumerate(args):
        stmt = b.defs.get(op)
        if stmt is None or stmt.fn not in SPREADS:
            continue
        source, kept = op, True
        while inner := made(b, source, *SPREADS):
            source = inner.args[0]
            spread = inner.fn is np.broadcast_to and _is_real(source)
            leads = inner.fn is operator.getitem and _only_leads(inner.args[1])
            kept = kept and (leads or inner.fn is np.broadcast_to)
            if spread or (leads and kept):
                new = [source if j == k else a for j, a in enumerate(args)]
                if b.infer(fn, new, ()) == b.infer(fn, args, ()):
                    return b.apply(fn, *new)
    return None


def _only_leads(index: Operand) -> bool:
    """Say whether an index only puts axes of size 1 in front."""
    if not isinstance(index, Const):
        return False
    value = index.value
    return value is None or (
        isinstance(value, tuple) and set(map(type, value)) == {type(None)}
    )


def _is_real(op: Operand) -> bool:
    """Say whether an operand is a number that a cotangent may be."""
    if isinstance(op, Const):
        return type(op.value) is float
    return is_float(op) and isinstance(op.type, lt.ScalarT)  # type: ignore[union-attr]


def _mul(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    if (plain := without_broadcast(b, mul, args)) is not None:
        return plain
    left, right = made(b, x), made(b, y)
    if isinstance(x, Const) or isinstance(y, Const):
        if (scaled := _scaled(b, x, y)) is not None:
            return scaled
    elif left is not None and _is_reciprocal(left) and is_float(y):
        return b.apply(div, b.apply(mul, left.args[0], y), left.args[1])
    if (plain := unsigned(b, y)) is not None:
        return b.apply(neg, b.apply(mul, x, plain))
    if (plain := unsigned(b, x)) is not None:
        return b.apply(neg, b.apply(mul, plain, y))
    if left is not None and left.fn is div and left.args[1] is y:
        if b.infer(mul, (x, y), ()) == type_of(left.args[0]):
            return left.args[0]
    if (closed := sigmoid(b, x, y)) is not None:
        return closed
    if left is not None and left.fn is operator.getitem and _is_number_or_scalar(y):
        if _only_leads(left.args[1]):
            return b.getitem(b.apply(mul, left.args[0], y), left.args[1].value)  # type: ignore[union-attr]
    if right is None:
        return None
    if right.fn is operator.getitem and _is_number_or_scalar(x):
        if _only_leads(right.args[1]):
            return b.getitem(b.apply(mul, x, right.args[0]), right.args[1].value)  # type: ignore[union-attr]
    if right.fn in (div, mul):
        return b.apply(right.fn, b.apply(mul, x, right.args[0]), right.args[1])
    return None


def _scaled(b: Builder, x: Operand, y: Operand) -> Operand | None:
    """Return a simpler product of which a factor is a constant."""
    for one, other in ((x, y), (y, x)):
        if not is_plain_number(one):
            continue
        if is_number(one, 1) and (
            is_float(other) or (is_count(other) and _is_int(one))
        ):
            return other
        if is_number(one, -1) and is_float(other):
            return b.apply(neg, other)
        if (
            is_number(one, 0)
            and isinstance(other, Value)
            and isinstance(other.type, lt.ScalarT)
        ):
            return Const(0.0)
    if is_plain_number(x) and is_float(y):
        if found := constant_factor(b, y):
            return b.apply(mul, Const(found[1] * x.value), found[0])  # type: ignore[union-attr]
        inner = made(b, y, div)
        if inner is not None and is_plain_number(inner.args[0]):
            factor = Const(inner.args[0].value * x.value)  # type: ignore[union-attr]
            return b.apply(div, factor, inner.args[1])
    elif is_plain_number(y) and is_float(x):
        return b.apply(mul, y, x)
    return None


def _is_number_or_scalar(op: Operand) -> bool:
    """Say whether an operand is one number."""
    return is_plain_number(op) or isinstance(type_of(op), lt.ScalarT)


def _is_reciprocal(stmt: Apply) -> bool:
    """Say whether an operation is `1 / x` or `-1 / x`."""
    if stmt.fn is not div or not is_float(stmt.args[1]):
        return False
    return is_number(stmt.args[0], 1) or is_number(stmt.args[0], -1)


def _is_int(op: Operand) -> bool:
    return isinstance(op, Const) and type(op.value) is int


def _div(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    if (plain := without_broadcast(b, div, args)) is not None:
        return plain
    if isinstance(y, Const) and is_float(x):
        if is_number(y, 1):
            return x
        if is_number(y, -1):
            return b.apply(neg, x)
    if (plain := unsigned(b, x)) is not None:
        return b.apply(neg, b.apply(div, plain, y))
    inner = made(b, x, operator.getitem)
    if inner is not None and _is_number_or_scalar(y) and _only_leads(inner.args[1]):
        return b.getitem(b.apply(div, inner.args[0], y), inner.args[1].value)  # type: ignore[union-attr]
    return None


def _add(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    if (plain := without_broadcast(b, add, args)) is not None:
        return plain
    if isinstance(x, Const) or isinstance(y, Const):
        for zero, other in ((x, y), (y, x)):
            if is_number(zero, 0) and is_float(other):
                return other
    if x is y and is_float(x):
        return b.apply(mul, Const(2), x)
    if (chosen := _choice(b, x, y)) is not None:
        return chosen
    if (plain := unsigned(b, y)) is not None:
        return b.apply(sub, x, plain)
    if (plain := unsigned(b, x)) is not None:
        return b.apply(sub, y, plain)
    return None


def _choice(b: Builder, x: Operand, y: Operand) -> Operand | None:
    """Join `where(c, a, 0) + where(c, 0, b)` in one choice."""
    one, two = made(b, x, np.where), made(b, y, np.where)
    if one is None or two is None or one.args[0] is not two.args[0]:
        return None
    for first, second in ((one, two), (two, one)):
        if is_number(first.args[2], 0) and is_number(second.args[1], 0):
            parts = (first.args[0], first.args[1], second.args[2])
            if b.infer(np.where, parts, ()) == b.infer(add, (x, y), ()):
                return b.apply(np.where, *parts)
    return None


def _sub(b: Builder, args: Sequence[Operand]) -> Operand | None:
    x, y = args
    if (plain := without_broadcast(b, sub, args)) is not None:
        return plain
    if is_number(y, 0) and (is_float(x) or (is_count(x) and _is_int(y))):
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
        return _positive(b, x)
    return None


def _positive(b: Builder, op: Operand) -> Operand | None:
    """Write the negative of a product that begins with a negative number.

    A number over a count stays: it is the weight of a mean, which many terms share.
    """
    inner = made(b, op, mul, div)
    if inner is None:
        return None
    first: Operand | None = inner.args[0]
    if isinstance(first, Const):
        negative = inner.fn is mul and is_plain_number(first) and first.value < 0
        first = Const(-first.value) if negative else None
    else:
        first = _positive(b, inner.args[0])
    return None if first is None else b.apply(inner.fn, first, inner.args[1])


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
        return _transposed_product(b, args[0])
    return None


def _transposed_product(b: Builder, op: Operand) -> Operand | None:
    """Write `y.T @ x` for `(x.T @ y).T`."""
    product = made(b, op, operator.matmul)
    left = made(b, product.args[0], np.transpose) if product is not None else None
    if product is None or left is None or len(left.args) > 1:
        return None
    types = [getattr(a, "type", None) for a in (left.args[0], product.args[1])]
    if not all(isinstance(t, lt.ArrayT) and t.ndim == 2 for t in types):
        return None
    turned = b.apply(np.transpose, product.args[1], form="attribute", text="T")
    return b.apply(operator.matmul, turned, left.args[0])


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


def _attribute_of_array(
    b: Builder, args: Sequence[Operand], name: str
) -> Operand | None:
    [x] = args
    if (
        isinstance(x, Value)
        and isinstance(x.type, lt.ArrayT)
        and x.type.dims is not None
    ):
        return b.apply(getattr, x, Const(name))
    return None


def _expand_dims(b: Builder, args: Sequence[Operand]) -> Operand | None:
    """Write `x[:, None]`; a number broadcasts by itself."""
    x, axis = args
    if isinstance(x, Const):
        return x if isinstance(x.value, int | float) else None
    ndim = (
        x.type.ndim if isinstance(x, Value) and isinstance(x.type, lt.ArrayT) else None
    )
    if not ndim or not isinstance(axis, Const):
        return None
    axes = axis.value if isinstance(axis.value, tuple | list) else (axis.value,)
    rank = ndim + len(axes)
    if not all(type(k) is int and -rank <= k < rank for k in axes):
        return None
    new = {k % rank for k in axes}
    if not new:
        return x
    if len(new) < len(axes):
        return None
    index = tuple(None if k in new else slice(None) for k in range(max(new) + 1))
    return b.getitem(x, index if len(index) > 1 else index[0])


def _index_add(b: Builder, args: Sequence[Operand]) -> Operand | None:
    """Add a number as it is to each of the selected elements."""
    spread = made(b, args[2], np.broadcast_to)
    if spread is not None and _is_real(spread.args[0]):
        return b.apply(prims.index_add, args[0], args[1], spread.args[0])
    zeroed = made(b, args[0], prims.index_set)
    if zeroed is not None and is_number(zeroed.args[2], 0):
        if same_index(zeroed.args[1], args[1]):
            return b.apply(prims.index_set, zeroed.args[0], args[1], args[2])
    return None


def _getitem(b: Builder, args: Sequence[Operand]) -> Operand | None:
    """Read a whole array as what it is; take a sign out of what only gets new axes."""
    x, index = args
    if not isinstance(index, Const) or not is_float(x):
        return None
    if index.value is Ellipsis:
        return x
    inner = unsigned(b, x) if only_adds_axes(index.value) else None
    if inner is not None and isinstance(type_of(x), lt.ArrayT):
        return b.apply(neg, b.getitem(inner, index.value))
    return None


def unsigned(b: Builder, op: Operand) -> Operand | None:
    """Return what an operand is the negative of, be it a named cotangent.

    A nameless negative of the user's is read too: what it is of is his.
    """
    stmt = b.definition(op)
    if stmt is None or stmt.fn is not neg:
        return None
    if stmt.out not in b.defs:
        named = stmt.out.hint is not None
        return stmt.args[0] if is_float(stmt.args[0]) and not named else None
    ours = stmt.out.hint is None or stmt.out.hint.endswith("_bar")
    return stmt.args[0] if ours else None


def only_adds_axes(index: object) -> bool:
    """Say whether an index is all of an array, with new axes."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or part == slice(None) for part in parts)


def _matmul(b: Builder, args: Sequence[Operand]) -> Operand | None:
    """Take a sign out of a product: a sum then becomes a difference."""
    x, y = args
    if (plain := unsigned(b, x)) is not None:
        return b.apply(neg, b.apply(operator.matmul, plain, y))
    if (plain := unsigned(b, y)) is not None:
        return b.apply(neg, b.apply(operator.matmul, x, plain))
    return None


def same_index(one: Operand, two: Operand) -> bool:
    """Say whether two indices name the same elements, each once."""
    if isinstance(one, Const) and isinstance(two, Const):
        plain = (int, slice, tuple, type(...))
        return isinstance(one.value, plain) and repr(one.value) == repr(two.value)
    if one is not two or not isinstance(one, Value):
        return False
    t = one.type
    parts = t.items if isinstance(t, lt.TupleT) else (t,)
    return all(isinstance(p, lt.ScalarT | lt.SliceT | lt.OpaqueT) for p in parts)


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
    prims.index_add: _index_add,
    operator.getitem: _getitem,
    operator.matmul: _matmul,
}
