"""Turn the tapes of a derivative into ordinary lists,
before it is differentiated again.

In: statements of a derivative. Out: the same statements, in which a loop that saves
carries a list and appends to it, and a loop that reads runs over that list. Lists have
derivatives; a tape is only a list that nobody has differentiated yet.
"""

from __future__ import annotations

import builtins
import operator

from chainrule.analysis.activity import paths
from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    If,
    Iter,
    Loop,
    Operand,
    Stmt,
    Value,
    blocks,
)
from chainrule.ir.walk import statements
from chainrule.specialise.builder import Builder, type_of
from chainrule.types import lattice as lt


def lower_tapes(block: Block) -> None:
    """Rewrite all tapes in a block, in place."""
    out: list[Stmt] = []
    for stmt in block.stmts:
        for inner in blocks(stmt):
            lower_tapes(inner)
        if isinstance(stmt, Loop):
            stmt.iters = tuple(map(_reader, stmt.iters))
            lower_tapes(stmt.body)
            if stmt.tape is not None:
                out.append(_writer(stmt, stmt.tape))
        elif isinstance(stmt, Apply) and stmt.fn is builtins.reversed:
            stmt.out.type = type_of(stmt.args[0])
        else:
            for k, value in enumerate(getattr(stmt, "outs", ())):
                _retype(value, [path.results[k] for path in paths(stmt)])
        out.append(stmt)
    block.stmts = out


def _retype(value: Value, results: list[Operand]) -> None:
    """Give what a branch hands out the type of the list that its tape has become."""
    if isinstance(value.type, lt.TapeT):
        lists = [type_of(r) for r in results if isinstance(type_of(r), lt.ListT)]
        if lists:
            value.type = lists[0]


def _writer(stmt: Loop, tape: Value) -> Stmt:
    """Let a loop carry the list that its tape has become; return the empty list."""
    b = Builder()
    b.loc = stmt.loc
    n = len(stmt.outs)
    results = stmt.body.results
    saved = results[1 + n :]
    row: Operand = Const(0)
    with b.into(stmt.body):
        if len(saved) == 1:
            [row] = saved
        elif saved:
            row = b.apply(prims.make_tuple, *saved)
        kind = lt.ListT(None, type_of(row))
        param = Value(kind, tape.hint, stmt.loc)
        if stmt.last_row:
            grown = b.apply(prims.list_append, param, row, type_=kind)
        else:
            grown = _unless_stopped(b, results[0], param, row)
    stmt.body.params += (param,)
    stmt.body.results = (*results[: 1 + n], grown)
    if stmt.header is not None:
        mirror = Value(kind, tape.hint, stmt.loc)
        stmt.header.params += (mirror,)
        stmt.header.results += (mirror,)
    tape.type = kind
    stmt.outs += (tape,)
    stmt.tape = None
    start = Block()
    with b.into(start):
        stmt.init += (b.apply(prims.make_list, type_=kind),)
    return start.stmts[0]


def _unless_stopped(b: Builder, stop: Operand, tape: Value, row: Operand) -> Value:
    """Append the row of an iteration that is not the last."""
    kept = Block()
    with b.into(kept):
        kept.results = (b.apply(prims.list_append, tape, row, type_=tape.type),)
    out = Value(tape.type, tape.hint, b.loc)
    b.add(If(stop, Block(results=(tape,)), kept, (out,), b.loc))
    return out


def _reader(it: Iter) -> Iter:
    """Run over a list of tuples, or of single values."""
    t = type_of(it.source)
    mine = (
        isinstance(t, lt.ListT) and t.items is None and t.elem is not None and it.unpack
    )
    if not mine:
        return it
    assert isinstance(t, lt.ListT) and t.elem is not None
    if not it.elems:
        return Iter(it.source, (Value(t.elem),))
    if len(it.elems) == 1:
        it.elems[0].type = t.elem
        return Iter(it.source, it.elems)
    if isinstance(t.elem, lt.TupleT):
        for elem, kind in zip(it.elems, t.elem.items, strict=True):
            if isinstance(elem.type, lt.TapeT):
                elem.type = kind
    return it


def lower_pair(fwd: Function, bwd: Function) -> None:
    """Rewrite the tapes that the forward half of a function hands to
    the backward half.
    """
    lower_tapes(fwd.body)
    [pair] = fwd.body.results
    made = {s.out: s for s in fwd.body.stmts if isinstance(s, Apply)}
    whole = made.get(pair)  # type: ignore[arg-type]
    residual = made.get(whole.args[1]) if whole else None  # type: ignore[arg-type]
    if residual is None:
        return lower_tapes(bwd.body)
    kinds = lt.TupleT(tuple(map(type_of, residual.args)))
    holder = bwd.params[0]
    residual.out.type = holder.type = kinds
    for stmt in statements(bwd.body):
        if isinstance(stmt, Apply) and stmt.fn is operator.getitem:
            if stmt.args[0] is holder and isinstance(stmt.args[1], Const):
                stmt.out.type = kinds.items[stmt.args[1].value]
    lower_tapes(bwd.body)
