"""Walk over IR and rewrite its operands.

In: blocks. Out: statements in order, the values a block reads from outside, and
replacement of operands in place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from chainrule.ir.nodes import (
    Apply,
    Block,
    Call,
    Handler,
    If,
    Iter,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
    blocks,
    inner_values,
    operands,
    outputs,
)


def statements(block: Block) -> list[Stmt]:
    """Return all statements, those of inner blocks after the one that holds them."""
    found: list[Stmt] = []
    _statements(block, found)
    return found


def _statements(block: Block, found: list[Stmt]) -> None:
    for stmt in block.stmts:
        found.append(stmt)
        if not isinstance(stmt, Apply):
            for inner in blocks(stmt):
                _statements(inner, found)


def inner_blocks(block: Block) -> list[Block]:
    """Return a block and all blocks in it, outer before inner ones."""
    found = [block]
    for stmt in block.stmts:
        if not isinstance(stmt, Apply):
            for inner in blocks(stmt):
                found += inner_blocks(inner)
    return found


def free_values(block: Block, bound: Iterable[Value] = ()) -> list[Value]:
    """Return the values that a block reads and does not define, in order of reading."""
    free: dict[Value, None] = {}
    _free(block, set(bound), free)
    return list(free)


def _free(block: Block, bound: set[Value], free: dict[Value, None]) -> None:
    bound.update(block.params)

    def read(op: Operand) -> None:
        if isinstance(op, Value) and op not in bound:
            free[op] = None

    for stmt in block.stmts:
        for op in operands(stmt):
            read(op)
        bound.update(inner_values(stmt))
        for inner in blocks(stmt):
            _free(inner, bound, free)
        bound.update(outputs(stmt))
    for op in block.results:
        read(op)


def count_uses(block: Block) -> dict[Value, int]:
    """Return how often each value is read in a block and its inner blocks."""
    read: list[Any] = []
    for inner in inner_blocks(block):
        for stmt in inner.stmts:
            read += operands(stmt)
        read += inner.results
    return Counter(read)  # constants are counted too, but not asked for


def defined(block: Block) -> set[Value]:
    """Return all values defined in a block and its inner blocks."""
    found: set[Value] = set(block.params)
    for stmt in block.stmts:
        found.update(outputs(stmt))
        found.update(inner_values(stmt))
        for inner in blocks(stmt):
            found |= defined(inner)
    return found


def substitute(block: Block, table: Mapping[Value, Operand]) -> None:
    """Replace operands everywhere in a block, in place."""
    if not table:
        return

    def new(op: Operand) -> Operand:
        return table.get(op, op) if isinstance(op, Value) else op

    for inner in inner_blocks(block):
        for stmt in inner.stmts:
            replace_operands(stmt, new)
        inner.results = tuple(map(new, inner.results))


def replace_operands(stmt: Stmt, new: object) -> None:
    """Apply `new` to the operands that a statement reads itself."""
    assert callable(new)
    match stmt:
        case Apply():
            stmt.args = tuple(map(new, stmt.args))
            if stmt.kwargs:
                stmt.kwargs = tuple((k, new(v)) for k, v in stmt.kwargs)
        case If():
            stmt.test = new(stmt.test)
        case Loop():
            stmt.iters = tuple(
                Iter(new(i.source), i.elems, i.unpack) for i in stmt.iters
            )
            stmt.init = tuple(map(new, stmt.init))
        case Call():
            stmt.args = tuple(map(new, stmt.args))
        case With():
            stmt.context = new(stmt.context)
        case Try():
            stmt.handlers = tuple(
                Handler(None if h.classes is None else new(h.classes), h.name, h.block)
                for h in stmt.handlers
            )
