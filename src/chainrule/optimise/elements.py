"""Add to each element of a small array once; write out an array that is made so.

In: a function and the values that the compiler computes itself. Out: the same function,
in which additions to one element of a buffer, at places that are known, are one
addition of their sum, and a short buffer of zeros all of whose elements are added to is
written as what it holds: `np.array([a, b])`.

Only rounding changes: the terms of an element are added up before they are added to it.
Nobody sees the buffer between the additions.
"""

from __future__ import annotations

import operator

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
from chainrule.ir.walk import count_uses, statements
from chainrule.specialise.builder import Builder, type_of
from chainrule.types import lattice as lt

LONGEST = 4
Terms = dict[object, list[Apply]]


def gather_elements(function: Function, ours: set[Value]) -> bool:
    """Rewrite chains of additions to elements in place; what is made is ours too.

    Says whether there were any.
    """
    if not any(
        isinstance(s, Apply) and s.fn is prims.index_add
        for s in statements(function.body)
    ):
        return False
    return _block(function.body, count_uses(function.body), ours)


def _block(block: Block, uses: dict[Value, int], ours: set[Value]) -> bool:
    changed = False
    for stmt in block.stmts:
        for inner in blocks(stmt):
            changed |= _block(inner, uses, ours)
    adds = {
        s.out: s
        for s in block.stmts
        if isinstance(s, Apply) and s.fn is prims.index_add and s.out in ours
    }
    if not adds:
        return changed
    made = {s.out: s for s in block.stmts if isinstance(s, Apply)}
    inside = {s.args[0] for s in adds.values() if uses.get(s.args[0]) == 1}  # type: ignore[arg-type]
    written: dict[Value, list[Apply]] = {}
    gone: set[Value] = set()
    for out in adds:
        if out in inside:
            continue
        chain = _chain(out, adds, uses)
        new = _written(chain, made, uses)
        if new is not None:
            written[out] = new
            gone.update(s.out for s in chain)
            ours.update(s.out for s in new)
    if not written:
        return changed
    kept: list[Stmt] = []
    for stmt in block.stmts:
        if isinstance(stmt, Apply) and stmt.out in gone:
            kept += written.get(stmt.out, [])
        else:
            kept.append(stmt)
    block.stmts = kept
    return True


def _chain(out: Value, adds: dict[Value, Apply], uses: dict[Value, int]) -> list[Apply]:
    """Return the additions that lead to a value, of which only the next sees each."""
    chain = [adds[out]]
    while True:
        base = chain[0].args[0]
        if not isinstance(base, Value) or base not in adds or uses.get(base) != 1:
            return chain
        chain.insert(0, adds[base])


def _written(
    chain: list[Apply], made: dict[Value, Apply], uses: dict[Value, int]
) -> list[Apply] | None:
    """Write a chain with one addition for each element; None if that is no shorter."""
    terms: Terms = {}
    for stmt in chain:
        index = stmt.args[1]
        plain = isinstance(index, Const) and type(index.value) is int
        number = isinstance(type_of(stmt.args[2]), lt.ScalarT)
        if not plain or not number or index.value < 0 or stmt.kwargs:  # type: ignore[union-attr]
            return None
        terms.setdefault(index.value, []).append(stmt)  # type: ignore[union-attr]
    base, out = chain[0].args[0], chain[-1].out
    whole = _is_whole(terms, made.get(base), out, uses)  # type: ignore[arg-type]
    if len(terms) == len(chain) and not whole:
        return None
    b = Builder(algebra=True)
    b.loc = chain[-1].loc
    sums = {k: _sum(b, [s.args[2] for s in stmts]) for k, stmts in terms.items()}
    if whole:
        items = b.apply(prims.make_list, *(sums[k] for k in range(len(sums))))
        if b.infer(np.array, (items,), ()) == out.type:
            b.add(Apply(out, np.array, (items,), loc=b.loc))
            return [s for s in b.block.stmts if isinstance(s, Apply)]
        if len(terms) == len(chain):
            return None
        del b.block.stmts[-1]
    current: Operand = base
    for position, value in sums.items():
        last = terms[position][-1]
        to = out if position == [*sums][-1] else Value(out.type)
        args = (current, last.args[1], value)
        b.add(Apply(to, prims.index_add, args, loc=last.loc, text=last.text))
        current = to
    return [s for s in b.block.stmts if isinstance(s, Apply)]


def _is_whole(
    terms: Terms, base: Apply | None, out: Value, uses: dict[Value, int]
) -> bool:
    """Say whether the additions give a short array of zeros all of its elements."""
    zeros = base is not None and base.fn in (np.zeros, np.zeros_like)
    if base is None or not zeros or uses.get(base.out) != 1:
        return False
    dims = lt.dims_of(out.type)
    if dims is None or len(dims) != 1 or not isinstance(dims[0], int):
        return False
    return dims[0] <= LONGEST and set(terms) == set(range(dims[0]))


def _sum(b: Builder, values: list[Operand]) -> Operand:
    """Add up the terms of one element."""
    total = values[0]
    for value in values[1:]:
        total = b.apply(operator.add, total, value)
    return total
