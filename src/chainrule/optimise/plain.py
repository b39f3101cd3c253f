"""Find numbers that are certainly Python's own, and drop casts that do nothing.

In: a function. Out: the same function without `float(x)` where `x` is a Python float
already. Types alone do not tell for what a loop carries; here it is assumed and then
checked.
"""

from __future__ import annotations

import math
import operator

from chainrule.analysis.activity import paths
from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    Loop,
    Operand,
    Stmt,
    Undef,
    Value,
    blocks,
)
from chainrule.ir.walk import statements, substitute
from chainrule.optimise.dead import Tapes
from chainrule.types import lattice as lt

ARITHMETIC = {
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.neg,
    operator.pos,
    operator.pow,
    abs,
    *(getattr(math, n) for n in dir(math) if callable(getattr(math, n))),
}


def drop_casts(function: Function) -> None:
    """Remove casts of Python floats to float, and marks that a value is not None."""
    marks = [
        s
        for s in statements(function.body)
        if isinstance(s, Apply) and s.fn is prims.some
    ]
    if marks:
        _remove(function.body, {s.out for s in marks})
    for stmt in marks:
        substitute(function.body, {stmt.out: stmt.args[0]})
    casts = [
        s for s in statements(function.body) if isinstance(s, Apply) and s.fn is float
    ]
    if not casts:
        return
    mixed = Mixed(function.body)
    table: dict[Value, Operand] = {}
    for stmt in casts:
        [arg] = stmt.args
        if (
            isinstance(arg, Value)
            and mixed.plain(arg)
            and lt.is_differentiable(arg.type)
        ):
            table[stmt.out] = arg
    if table:
        _remove(function.body, set(table))
        substitute(function.body, table)


def _remove(block: Block, outs: set[Value]) -> None:
    block.stmts = [
        s for s in block.stmts if not (isinstance(s, Apply) and s.out in outs)
    ]
    for stmt in block.stmts:
        for inner in blocks(stmt):
            _remove(inner, outs)


def rows_of_tapes(body: Block) -> dict[Value, list[Operand]]:
    """Return what is saved for each element that is read from a tape."""
    tapes = Tapes(body)
    tapes.connect()
    rows: dict[Value, list[tuple[Operand, ...]]] = {}
    for root, found in tapes.entries.items():
        rows.setdefault(tapes.find(root), []).extend(found)
    out: dict[Value, list[Operand]] = {}
    for source, elems in tapes.readers:
        mine = rows.get(tapes.find(source), [])
        if mine and all(len(row) == len(elems) for row in mine):
            out.update({elem: [row[k] for row in mine] for k, elem in enumerate(elems)})
    return out


class Mixed:
    """Values that may be NumPy's; all others are Python's."""

    def __init__(self, body: Block) -> None:
        self.found: set[Value] = set()
        self.sure: set[Value] = set()
        self.rows = rows_of_tapes(body)
        # What is looked at below is Python's until something says otherwise.
        self.sure.update(self.rows)
        for stmt in statements(body):
            self.enter(stmt)
        size = -1
        while size != len(self.found):
            size = len(self.found)
            self.block(body)

    def enter(self, stmt: Stmt) -> None:
        """Note the values whose origin is followed."""
        if isinstance(stmt, Apply):
            if stmt.fn in ARITHMETIC:
                self.sure.add(stmt.out)
        elif isinstance(stmt, Loop):
            self.sure.update(stmt.body.params, stmt.outs)
        else:
            self.sure.update(getattr(stmt, "outs", ()))

    def plain(self, op: Operand) -> bool:
        if isinstance(op, Const):
            return type(op.value) in (int, float, bool)
        if isinstance(op, Undef):
            return True
        t = op.type
        if not isinstance(t, lt.ScalarT) or t.dtype is not None:
            return False
        return t.exact or (op in self.sure and op not in self.found)

    def join(self, value: Value, ops: list[Operand]) -> None:
        if not all(map(self.plain, ops)):
            self.found.add(value)

    def read(self, elem: Value, saved: list[Operand]) -> None:
        """Note what an element of a tape may be; where it has no value,
        it is not read.
        """
        self.join(
            elem,
            [op for op in saved if not (isinstance(op, Const) and op.value is None)],
        )

    def block(self, block: Block) -> None:
        for stmt in block.stmts:
            if isinstance(stmt, Apply):
                if stmt.fn in ARITHMETIC:
                    self.join(stmt.out, [*stmt.args])
            elif isinstance(stmt, Loop):
                groups = zip(
                    stmt.body.params,
                    stmt.outs,
                    stmt.init,
                    stmt.body.results[1:],
                    strict=False,
                )
                for param, out, init, result in groups:
                    if not (self.plain(init) and self.plain(result)):
                        self.found.update((param, out))
                for elem in (
                    e for it in stmt.iters for e in it.elems if e in self.rows
                ):
                    self.read(elem, self.rows[elem])
                self.block(stmt.body)
            else:
                for inner in blocks(stmt):
                    self.block(inner)
                for k, path_out in enumerate(getattr(stmt, "outs", ())):
                    self.join(path_out, [p.results[k] for p in paths(stmt)])
