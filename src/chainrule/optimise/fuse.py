"""Fuse branches on the same test.

In: a function and the values that the compiler computes itself. Out: the same function
in which an `If` that follows an `If` on the same test is part of it, as the forward and
the reverse half of one branch often are. What little stands between them, and only the
second reads, is done on each path: one of them runs.
"""

from __future__ import annotations

from dataclasses import replace

from chainrule.ir.nodes import (
    Apply,
    Block,
    Function,
    If,
    Operand,
    Stmt,
    Value,
    blocks,
    operands,
)
from chainrule.ir.walk import count_uses, free_values, statements, substitute

BETWEEN = 3


def fuse(function: Function, ours: set[Value]) -> bool:
    """Fuse branches everywhere in a function, in place; say whether there were any."""
    if not any(isinstance(s, If) for s in statements(function.body)):
        return False
    return _block(function.body, count_uses(function.body), ours)


def _block(block: Block, uses: dict[Value, int], ours: set[Value]) -> bool:
    k = 0
    done = False
    while k < len(block.stmts):
        stmt = block.stmts[k]
        if isinstance(stmt, If) and isinstance(stmt.test, Value):
            j = _partner(block, k, uses, ours)
            if j is not None:
                _merge(block, k, j, ours)
                done = True
                uses = count_uses(block)
                continue
        for inner in blocks(stmt):
            done |= _block(inner, uses, ours)
        k += 1
    return done


def _partner(
    block: Block, k: int, uses: dict[Value, int], ours: set[Value]
) -> int | None:
    """Return the position of a later `If` on the same test that can move up to `k`."""
    first = block.stmts[k]
    assert isinstance(first, If)
    for j in range(k + 1, len(block.stmts)):
        stmt = block.stmts[j]
        if isinstance(stmt, If):
            if stmt.test is not first.test:
                return None
            needed = _needed(stmt, block.stmts[k + 1 : j])
            return j if _may_move(stmt, needed, uses, ours) else None
        if not isinstance(stmt, Apply) or stmt.effect:
            return None
    return None


def _needed(second: If, between: list[Stmt]) -> list[Apply]:
    """Return the statements between two branches that the second reads."""
    wanted = {*free_values(second.then), *free_values(second.orelse)}
    found: list[Apply] = []
    for stmt in reversed(between):
        if isinstance(stmt, Apply) and stmt.out in wanted:
            found.insert(0, stmt)
            wanted.update(op for op in operands(stmt) if isinstance(op, Value))
    return found


def _may_move(
    second: If, needed: list[Apply], uses: dict[Value, int], ours: set[Value]
) -> bool:
    """Say whether statements may be done on both paths of the branch that reads them.

    They are few, ours, and nothing else reads them.
    """
    if len(needed) > BETWEEN or not all(s.out in ours for s in needed):
        return False
    mine = count_uses(Block(stmts=[*needed, second]))
    return all(mine[s.out] == uses.get(s.out) for s in needed)


def _merge(block: Block, k: int, j: int, ours: set[Value]) -> None:
    first, second = block.stmts[k], block.stmts[j]
    assert isinstance(first, If) and isinstance(second, If)
    needed = _needed(second, block.stmts[k + 1 : j])
    gone = {id(second), *map(id, needed)}
    block.stmts = [s for s in block.stmts if id(s) not in gone]
    for mine, other in ((first.then, second.then), (first.orelse, second.orelse)):
        table: dict[Value, Operand] = {}
        copies: list[Stmt] = []
        for stmt in needed:
            out = table[stmt.out] = Value(stmt.out.type, None, stmt.out.loc)
            ours.add(out)
            copies.append(replace(stmt, out=out))
        other.stmts[:0] = copies
        table.update(zip(first.outs, mine.results, strict=True))
        substitute(other, table)
        mine.stmts += other.stmts
        mine.results += other.results
    first.outs += second.outs
