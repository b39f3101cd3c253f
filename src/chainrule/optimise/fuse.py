"""Fuse neighbouring branches on the same test.

In: a function. Out: the same function in which an `If` that directly follows an `If` on
the same test is part of it, as the forward and the reverse half of one branch often
are.
"""

from __future__ import annotations

from chainrule.ir.nodes import Apply, Block, Function, If, Stmt, Value, blocks, operands
from chainrule.ir.walk import free_values, substitute


def fuse(function: Function) -> bool:
    """Fuse branches everywhere in a function, in place; say whether there were any."""
    return _block(function.body)


def _block(block: Block) -> bool:
    k = 0
    done = False
    while k < len(block.stmts):
        stmt = block.stmts[k]
        if isinstance(stmt, If) and isinstance(stmt.test, Value):
            j = _partner(block, k)
            if j is not None:
                _merge(block, k, j)
                done = True
                continue
        for inner in blocks(stmt):
            done |= _block(inner)
        k += 1
    return done


def _partner(block: Block, k: int) -> int | None:
    """Return the position of a later `If` on the same test that can move up to `k`."""
    first = block.stmts[k]
    assert isinstance(first, If)
    for j in range(k + 1, len(block.stmts)):
        stmt = block.stmts[j]
        if isinstance(stmt, If):
            return (
                j
                if stmt.test is first.test and not _reads(stmt, block.stmts[k + 1 : j])
                else None
            )
        if not isinstance(stmt, Apply) or stmt.effect:
            return None
    return None


def _reads(stmt: If, between: list[Stmt]) -> bool:
    made = {s.out for s in between if isinstance(s, Apply)}
    used = {*free_values(stmt.then), *free_values(stmt.orelse), *operands(stmt)}
    return bool(made & used)


def _merge(block: Block, k: int, j: int) -> None:
    first, second = block.stmts[k], block.stmts.pop(j)
    assert isinstance(first, If) and isinstance(second, If)
    for mine, other in ((first.then, second.then), (first.orelse, second.orelse)):
        substitute(other, dict(zip(first.outs, mine.results, strict=True)))
        mine.stmts += other.stmts
        mine.results += other.results
    first.outs += second.outs
