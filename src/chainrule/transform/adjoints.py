"""Adjoints of operations: what the rules of reverse mode say, written out.

In: an operation, its rule, and the cotangent of its result. Out: contributions to the
cotangents of its arguments; for a rule with a pullback, what replaces the operation.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    Operand,
    Stmt,
    Value,
)
from chainrule.specialise.builder import type_of
from chainrule.transform import foreign, splice
from chainrule.transform.cotangents import Bar, Masked, Wide, is_zero
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.transform.reverse import Reverse


def elementwise(rev: Reverse, stmt: Apply, rule: Any, bar: Bar) -> None:
    """Multiply the cotangent by each partial derivative."""
    assert not isinstance(bar, dict)
    g = bar.op if isinstance(bar, Masked | Wide) else bar
    mask = bar if isinstance(bar, Masked) else None
    bound = splice.bind(stmt, rule)
    splice.refuse_others(stmt, rule, bound, rev.active.__contains__)
    args, kwargs = splice.arguments(rule, bound, {"out": stmt.out})
    result = splice.usable(rev.splicer.traced(rule.template, args, kwargs), stmt.loc)
    for operand, partial in splice.paired(rev.b, stmt, rule, bound, result):
        if operand not in rev.active or _is_none(partial):
            continue
        if is_zero(partial):
            continue
        if _is_complex(type_of(partial)):
            partial = rev.b.apply(np.conj, partial)
        term: Any = rev.b.apply(operator.mul, g, partial)
        if isinstance(bar, Wide):
            pass  # it is as large as the result already
        elif mask is None:
            term = spread_out(rev, term, operand, stmt.out)
        else:
            term = Masked(term, mask.tests)
            if reduces(rev, operand, stmt.out):
                term = spread_out(rev, rev.cot.settle(term), operand, stmt.out)
        rev.cot.add(operand, term)


def reduces(rev: Reverse, operand: Operand, out: Value) -> bool:
    """Say whether the operand was broadcast to the result's shape."""
    have, want = lt.dims_of(type_of(operand)), lt.dims_of(out.type)
    if have is None or want is None:
        return True
    if have == want:
        return False
    return len(have) != len(want) or any(
        h != w and lt.maybe_one(h) for h, w in zip(have, want, strict=True)
    )


def spread_out(rev: Reverse, g: Operand, operand: Operand, out: Value) -> Operand:
    """Repeat a small cotangent to the result's shape before it is summed over."""
    if not reduces(rev, operand, out):
        return g
    have, want = lt.dims_of(type_of(g)), lt.dims_of(out.type)
    if want == () or (have is None and want is None):
        return g
    if have == () and lt.dims_of(type_of(operand)) == ():
        size = rev.b.apply(getattr, out, Const("size"))
        return rev.b.apply(operator.mul, g, size)
    return rev.cot.complete(g, out)


def linear(rev: Reverse, stmt: Apply, rule: Any, bar: Bar) -> None:
    """Apply the transpose."""
    if stmt.fn is np.where and len(stmt.args) == 3 and not isinstance(bar, dict):
        where(rev, stmt, bar)
        return
    out_bar = rev.cot.complete(bar, stmt.out)
    bound = splice.bind(stmt, rule)
    splice.refuse_others(stmt, rule, bound, rev.active.__contains__)
    args, kwargs = splice.arguments(rule, bound, {"out_bar": out_bar, "out": stmt.out})
    result = splice.usable(rev.splicer.traced(rule.template, args, kwargs), stmt.loc)
    contribute(rev, stmt, rule, bound, result)


def where(rev: Reverse, stmt: Apply, bar: Bar) -> None:
    """Hand the cotangent to both branches, each masked by the condition."""
    test, x, y = stmt.args
    whole = lt.dims_of(stmt.out.type)
    outer = bar.tests if isinstance(bar, Masked) else ()
    g = bar.op if isinstance(bar, Masked) else rev.cot.settle(bar)
    for operand, when in ((x, True), (y, False)):
        if operand not in rev.active:
            continue
        masked = Masked(g, ((test, when), *outer))
        if isinstance(type_of(operand), lt.ArrayT) and not reduces(
            rev, operand, stmt.out
        ):
            rev.cot.add(operand, masked)
            continue
        settled = rev.cot.settle(masked)
        if whole is None or lt.dims_of(type_of(settled)) != whole:
            settled = rev.cot.complete(settled, stmt.out)
        rev.cot.add(operand, settled)


def contribute(
    rev: Reverse, stmt: Apply, rule: Any, bound: dict[str, Any], result: Operand
) -> None:
    """Add what a rule returned to the cotangents of its arguments."""
    strict = foreign.is_foreign(rule)
    results: Sequence[Operand]
    if strict:
        count = len(rule.wrt)
        results = foreign.one_each(rev.b, stmt, rule, count, result, bare=count == 1)
    elif len(rule.wrt) == 1:
        results = [result]
    else:
        results = rev.b.elements(result) or []
    for name, bars in zip(rule.wrt, results, strict=False):
        if name not in bound or _is_none(bars):
            continue
        operands: Sequence[Operand] = [bound[name]]
        parts: Sequence[Operand] = [bars]
        if isinstance(bound[name], tuple):
            operands = bound[name]
            parts = rev.b.elements(bars) or []
            if strict:
                parts = foreign.one_each(rev.b, stmt, rule, len(operands), bars)
        for operand, g in zip(operands, parts, strict=False):
            if strict and operand in rev.active:
                g = foreign.cotangent(rev.b, stmt, rule, g, operand)
            rev.cot.add(operand, g)


def pullback(rev: Reverse, stmt: Apply, rule: Any, bar: Bar) -> list[Stmt]:
    """Replace the operation by the rule's own value, and call its pullback."""
    bound = splice.bind(stmt, rule)
    splice.refuse_others(stmt, rule, bound, rev.active.__contains__)
    args, kwargs = splice.arguments(rule, bound, {})
    block = Block()
    with rev.b.into(block):
        pair = splice.usable(rev.splicer.run(rule.template, args, kwargs), stmt.loc)
        value, function = rev.b.elements(pair) or [UNDEF, UNDEF]
    rev.rename(stmt.out, value, block)
    out_bar = rev.cot.complete(bar, stmt.out)
    result = splice.usable(rev.splicer.call(function, [out_bar]), stmt.loc)
    contribute(rev, stmt, rule, bound, result)
    return block.stmts


def _is_none(op: Operand) -> bool:
    return isinstance(op, Const) and op.value is None


def _is_complex(t: lt.Type) -> bool:
    return isinstance(t, lt.NUMBERS) and lt.result_dtype(t).kind == "c"
