"""Write sums and products of cotangents with fewer operations.

In: a function and the values that the compiler computes itself. Out: the same function,
in which a sum of products that needs fewer operations otherwise is written so (see
`terms`), a factor that is the same all along is outside a reduction, `(a * b).sum()` of
vectors is `a @ b`, and `(1 / n) * x` is `x / n`.

Only rounding changes. Values that are read elsewhere are not taken apart.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

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
from chainrule.ir.walk import count_uses
from chainrule.optimise.terms import Sum
from chainrule.specialise.algebra import is_count, is_float, is_number
from chainrule.specialise.builder import Builder, type_of
from chainrule.types import lattice as lt

add, sub, mul = operator.add, operator.sub, operator.mul
div, neg = operator.truediv, operator.neg


def collect(function: Function, ours: set[Value]) -> bool:
    """Rewrite sums and products in place; say whether there were any."""
    return _block(function.body, count_uses(function.body), ours)


def _block(block: Block, uses: dict[Value, int], ours: set[Value]) -> bool:
    changed = False
    for stmt in block.stmts:
        for inner in blocks(stmt):
            changed |= _block(inner, uses, ours)
    made = {
        s.out: s
        for s in block.stmts
        if isinstance(s, Apply) and s.out in ours and not s.effect
        if not s.kwargs or s.fn is np.sum
    }
    inside = {
        a
        for s in made.values()
        if s.fn in (add, sub)
        for a in s.args
        if a in made and made[a].fn in (add, sub) and uses[a] == 1
    }
    out: list[Stmt] = []
    for stmt in block.stmts:
        if isinstance(stmt, Apply) and stmt.out in ours and stmt.out not in inside:
            before = _rewritten(made, uses, stmt)
            changed |= before is not None
            for new in before or ():
                ours.add(new.out)
                out.append(new)
        out.append(stmt)
    block.stmts = out
    return changed


def _rewritten(
    made: dict[Value, Apply], uses: dict[Value, int], stmt: Apply
) -> list[Apply] | None:
    """Rewrite a statement; return what comes before it, None if it stays."""
    if stmt.fn is np.sum:
        before = _out_of_sum(made, uses, stmt)
        last = before[0] if before else stmt
        return [] if _dot(made, uses, last) and before is None else before
    if stmt.out not in made:
        return None
    if stmt.fn is np.where:
        return _chosen(made, uses, stmt)
    if stmt.fn is add and (onto := _onto(made, uses, stmt)) is not None:
        return onto
    if stmt.fn in (add, sub):
        return Sum(made, uses, stmt).written()
    if stmt.fn is div:
        return _mean(made, uses, stmt)
    return _divided(made, uses, stmt) if stmt.fn is mul else None


def _mean(
    made: dict[Value, Apply], uses: dict[Value, int], stmt: Apply
) -> list[Apply] | None:
    """Write `x.mean(axis=0)` for `x.sum(axis=0) / x.shape[0]`: it is computed so."""
    total, count = _own(made, uses, stmt.args[0]), stmt.args[1]
    if total is None or total.fn is not np.sum or len(total.args) != 1:
        return None
    t, said = type_of(total.args[0]), dict(total.kwargs)
    axis = said.get("axis")
    if (
        not isinstance(t, lt.ArrayT)
        or t.dtype.kind != "f"
        or not isinstance(axis, Const)
    ):
        return None
    if set(said) > {"axis", "keepdims"} or type(axis.value) is not int or not t.dims:
        return None
    if _size_read(made, count) != t.dims[axis.value]:
        return None
    stmt.fn, stmt.args, stmt.kwargs = np.mean, total.args, total.kwargs
    stmt.form, stmt.text = "method", "mean"
    return []


def _size_read(made: dict[Value, Apply], op: Operand) -> lt.Dim | None:
    """Return the size that an operand reads as `x.shape[k]`."""
    item = made.get(op) if isinstance(op, Value) else None
    if item is None or item.fn is not operator.getitem:
        return None
    shape, k = made.get(item.args[0]), item.args[1]  # type: ignore[arg-type]
    if shape is None or shape.fn is not getattr or not isinstance(k, Const):
        return None
    base, name = shape.args
    dims = lt.dims_of(type_of(base))
    if not isinstance(name, Const) or name.value != "shape" or not dims:
        return None
    return dims[k.value] if type(k.value) is int else None


def _own(made: dict[Value, Apply], uses: dict[Value, int], op: Operand) -> Apply | None:
    """Return the operation behind an operand that nothing else reads."""
    return made.get(op) if isinstance(op, Value) and uses.get(op) == 1 else None


def _divided(
    made: dict[Value, Apply], uses: dict[Value, int], stmt: Apply
) -> list[Apply] | None:
    """Write `x / n` for `(1 / n) * x`, where nothing else reads `1 / n`."""
    for one, other in (stmt.args, stmt.args[::-1]):
        ratio = _own(made, uses, one)
        if ratio is None or ratio.fn is not div or not is_float(other):
            continue
        if is_number(ratio.args[0], 1):
            stmt.fn, stmt.args = div, (other, ratio.args[1])
            return []
        if is_number(ratio.args[0], -1):
            negated = Apply(Value(type_of(other)), neg, (other,), loc=stmt.loc)
            stmt.fn, stmt.args = div, (negated.out, ratio.args[1])
            return [negated]
    return None


def _onto(
    made: dict[Value, Apply], uses: dict[Value, int], stmt: Apply
) -> list[Apply] | None:
    """Add elements to the other summand, not to zeros that are then added to it."""
    for one, other in (stmt.args, stmt.args[::-1]):
        adds: list[Apply] = []
        base = _own(made, uses, one)
        while base is not None and base.fn is prims.index_add:
            adds.insert(0, base)
            base = _own(made, uses, base.args[0])
        if not adds or base is None or base.fn not in (np.zeros, np.zeros_like):
            continue
        summand = _own(made, uses, other)
        fresh = summand is not None and summand.fn in (add, sub, mul, div)
        if not fresh or not type_of(one) == type_of(other) == stmt.out.type:
            continue
        whole, before = other, []
        for old in adds[:-1]:
            new = Apply(
                Value(old.out.type), old.fn, (whole, *old.args[1:]), loc=old.loc
            )
            before.append(new)
            whole = new.out
        stmt.fn, stmt.args = prims.index_add, (whole, *adds[-1].args[1:])
        return before
    return None


def _chosen(
    made: dict[Value, Apply], uses: dict[Value, int], stmt: Apply
) -> list[Apply] | None:
    """Write `where(c, x, y) * w` for `where(c, w * x, w * y)`, `w` a mean's weight."""
    if len(stmt.args) != 3:
        return None
    test, *branches = stmt.args
    for w in _factors(made, uses, branches[0]):
        weight = made.get(w)  # type: ignore[arg-type]
        if weight is None or weight.fn is not div or not is_count(weight.args[1]):
            continue
        b = Builder(algebra=True)
        b.loc = stmt.loc
        rests = [_without(b, made, uses, op, w) for op in branches]
        if any(r is None or r is w for r in rests):
            continue
        choice = b.apply(np.where, test, *rests)  # type: ignore[arg-type]
        if b.infer(mul, (choice, w), ()) != stmt.out.type:
            continue
        stmt.fn, stmt.args = mul, (choice, w)
        uses[w] = uses.get(w, 2) - 1  # type: ignore[index,arg-type]
        return list(b.defs.values())
    return None


def _factors(
    made: dict[Value, Apply], uses: dict[Value, int], op: Operand
) -> list[Operand]:
    """Return the factors of a product that nothing else reads."""
    stmt = _own(made, uses, op)
    if stmt is None or stmt.fn is not mul:
        return [op]
    return [f for a in stmt.args for f in _factors(made, uses, a)]


def _without(
    b: Builder,
    made: dict[Value, Apply],
    uses: dict[Value, int],
    op: Operand,
    factor: Operand,
) -> Operand | None:
    """Write a product without one factor; None if it is not a factor."""
    if op is factor:
        return factor
    stmt = _own(made, uses, op)
    if stmt is None or stmt.fn is not mul:
        return None
    for k, (one, other) in enumerate((stmt.args, stmt.args[::-1])):
        rest = _without(b, made, uses, one, factor)
        if rest is factor:
            return other
        if rest is not None:
            return b.apply(mul, *((rest, other) if k == 0 else (other, rest)))
    return None


def _out_of_sum(
    made: dict[Value, Apply], uses: dict[Value, int], stmt: Apply
) -> list[Apply] | None:
    """Take what is the same all along out of a sum; return the sum without it."""
    [whole, *more] = stmt.args
    inner = _own(made, uses, whole)
    if inner is None or more or inner.fn not in (mul, div):
        return None
    x, other = inner.args
    if inner.fn is mul and same_along(x, whole, stmt.kwargs):
        x, other = other, x
    if not is_float(x) or not same_along(other, whole, stmt.kwargs):
        return None
    if lt.dims_of(type_of(x)) != lt.dims_of(type_of(whole)):
        return None
    b = Builder()
    b.loc = stmt.loc
    total = b.repeat(stmt, x)
    order = (other, total) if isinstance(other, Const) else (total, other)
    if b.infer(inner.fn, order, ()) != stmt.out.type:
        return None
    stmt.fn, stmt.args, stmt.kwargs = inner.fn, order, ()
    stmt.form, stmt.text = "call", None
    assert isinstance(total, Value)
    made[stmt.out], uses[total] = stmt, 1
    return [b.defs[total]]


def _dot(made: dict[Value, Apply], uses: dict[Value, int], stmt: Apply) -> bool:
    """Write `a @ b` for `(a * b).sum()` of vectors."""
    [whole, *more] = stmt.args
    inner = _own(made, uses, whole)
    if inner is None or inner.fn is not mul or more or stmt.kwargs:
        return False
    x, y = inner.args
    if not (is_float(x) and is_float(y) and lt.same_kind(type_of(x), type_of(y))):
        return False
    if len(lt.dims_of(type_of(x)) or ()) != 1:
        return False
    if Builder().infer(operator.matmul, (x, y), ()) != stmt.out.type:
        return False
    stmt.fn, stmt.args, stmt.form, stmt.text = operator.matmul, (x, y), "call", None
    return True


def same_along(
    op: Operand, whole: Operand, kwargs: Sequence[tuple[str, Operand]]
) -> bool:
    """Say whether an operand is the same along the axes that a sum runs over.

    Then it also fits the result of the sum of `whole`.
    """
    if isinstance(op, Const):
        return type(op.value) in (int, float)
    dims, of = lt.dims_of(type_of(op)), lt.dims_of(type_of(whole))
    said = dict(kwargs)
    axis, keep = said.pop("axis", None), said.pop("keepdims", None)
    if dims == () and isinstance(type_of(op), lt.ScalarT):
        return not said
    if said or not dims or not of or not isinstance(axis, Const) or len(dims) > len(of):
        return False
    axes = axis.value if isinstance(axis.value, tuple) else (axis.value,)
    if not all(type(a) is int for a in axes):
        return False
    gone = {a % len(of) for a in axes}
    mine = (1,) * (len(of) - len(dims)) + dims
    if any(mine[a] != 1 for a in gone):
        return False
    if isinstance(keep, Const) and keep.value is True:
        return True
    return gone == set(range(len(gone))) and len(dims) <= len(of) - len(gone)
