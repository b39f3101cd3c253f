"""Reversed branches: `if`, `try` and `with`, path by path.

In: a statement some of whose results have cotangents. Out: the reversed statement, with
one result for each cotangent that a path changes; values that a reversed path reads are
handed out of the path it mirrors.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    If,
    Operand,
    Stmt,
    Try,
    Value,
    With,
)
from chainrule.ir.walk import defined
from chainrule.specialise.builder import type_of
from chainrule.transform import export
from chainrule.transform.cotangents import Bar, Masked, Wide, is_zero
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.transform.reverse import Reverse


def reverse_branches(rev: Reverse, stmt: If | Try) -> None:
    """Reverse each path; the cotangents after it are joined."""
    outs = [(k, v) for k, v in enumerate(stmt.outs) if v in rev.cot.bars]
    inner = paths(stmt)
    if not outs:
        return
    bars = {k: rev.take(v) for k, v in outs}
    before = dict(rev.cot.bars)
    written: list[tuple[Block, dict[Value, Bar]]] = []
    for path in inner:
        block = Block()
        rev.cot.bars = dict(before)
        with rev.b.into(block):
            for k, bar in bars.items():
                if not is_zero(bar) and bar is not None:
                    rev.cot.add(path.results[k], bar)
            rev.block(path)
        written.append((block, rev.cot.bars))
    rev.cot.bars = before
    join(rev, stmt, inner, written)


def join(
    rev: Reverse,
    stmt: If | Try,
    inner: list[Block],
    written: list[tuple[Block, dict[Value, Bar]]],
) -> None:
    """Write the reversed branches, with one out for each cotangent they change."""
    before = rev.cot.bars
    mine = {v for path in inner for v in defined(path)}
    changed = [
        v
        for v in dict.fromkeys(v for _, bars in written for v in bars)
        if v not in mine
        and any(bars.get(v) is not before.get(v) for _, bars in written)
    ]
    test = stmt.test if isinstance(stmt, If) else path_of(rev, stmt)
    blocks = [block for block, _ in written]
    columns: list[list[Operand]] = []
    for value in changed:
        column = []
        for k, (block, bars) in enumerate(written):
            with rev.b.into(block):
                absent = isinstance(stmt, If) and has_no_value(
                    rev, value, stmt.test, k == 0
                )
                if not absent and not isinstance(value.type, lt.ScalarT) and rev.known:
                    rev.known.fill(value)
                bar = UNDEF if absent else rev.leaf(bars.get(value), value)
                column.append(_as_tuple(rev, bar, value))
        columns.append(column)
    outs = []
    for value, column in zip(changed, columns, strict=True):
        t = _joined(column)
        hint = f"{value.hint}_bar" if value.hint else None
        outs.append(Value(t, hint, stmt.loc))
    for block, *results in zip(blocks, *columns, strict=True):
        block.results = tuple(results)
    chain(rev, stmt, test, blocks, outs)
    for value, out in zip(changed, outs, strict=True):
        rev.cot.bars[value] = out
    for k, (path, block) in enumerate(zip(inner, blocks, strict=True)):
        hand_out(rev, stmt, k, path, block)


def hand_out(
    rev: Reverse, stmt: If | Try | With, k: int, path: Block, block: Block
) -> None:
    """Hand values that the reversed path reads out of the path."""
    rev.finish(path, block)
    export.from_path(stmt, k, path, block, rev.known.maybe if rev.known else ())


def has_no_value(rev: Reverse, value: Value, test: Operand, flag: bool) -> bool:
    """Say whether an array has no value where a test has this outcome."""
    if isinstance(value.type, lt.ScalarT) or rev.known is None:
        return False
    return rev.known.absent(value, test, flag)


def chain(
    rev: Reverse, stmt: Stmt, test: Operand, blocks: list[Block], outs: list[Value]
) -> None:
    """Write `if` / `elif` on which path ran."""
    if isinstance(stmt, If):
        reversed_if = If(test, blocks[0], blocks[1], tuple(outs), stmt.loc)
        rev.b.add(reversed_if)
        return
    current, targets = rev.b.block, tuple(outs)
    for k, block in enumerate(blocks[:-1]):
        with rev.b.into(current):
            ran = rev.b.apply(operator.eq, test, Const(k))
            last = k == len(blocks) - 2
            rest = blocks[-1] if last else Block()
            rev.b.add(If(ran, block, rest, targets, stmt.loc))
        if not last:
            inner_outs = tuple(Value(o.type, o.hint, o.loc) for o in outs)
            rest.results = inner_outs
            current, targets = rest, inner_outs


def path_of(rev: Reverse, stmt: Try) -> Value:
    """Add a result that says which path of a `try` ran."""
    out = Value(lt.INT, None, stmt.loc)
    for k, path in enumerate(paths(stmt)):
        path.results += (Const(k),)
    stmt.outs += (out,)
    return out


def reverse_with(rev: Reverse, stmt: With | Try) -> None:
    """Reverse the body; `np.errstate` is entered again."""
    for k, out in enumerate(stmt.outs):
        if out in rev.cot.bars:
            bar = rev.take(out)
            if bar is not None:
                rev.cot.add(stmt.body.results[k], bar)
    block = Block()
    made = rev.definition(stmt.context) if isinstance(stmt, With) else None
    if isinstance(stmt, Try) or made is None or made.fn is not np.errstate:
        rev.block(stmt.body)
        hand_out(rev, stmt, 0, stmt.body, rev.b.block)
        return
    with rev.b.into(block):
        rev.block(stmt.body)
    enter_again(rev, stmt, made, block)


def enter_again(rev: Reverse, stmt: With, made: Apply, block: Block) -> None:
    """Write reversed statements inside a fresh `np.errstate`."""
    context = rev.b.apply(
        np.errstate,
        *made.args,
        kwargs=made.kwargs,
        text=made.text,
        effect=True,
        type_=type_of(made.out),
    )
    again = With(context, None, block, (), stmt.loc)
    inside = defined(block)
    for value, bar in list(rev.cot.bars.items()):
        if isinstance(bar, Masked | Wide):
            with rev.b.into(block):
                bar = rev.cot.bars[value] = rev.cot.settle(bar)
                inside = defined(block)
        if isinstance(bar, Value) and bar in inside:
            out = Value(bar.type, bar.hint, bar.loc)
            block.results += (bar,)
            again.outs += (out,)
            rev.cot.bars[value] = out
        elif isinstance(bar, dict):
            with rev.b.into(block):
                whole = rev.cot.complete(bar, value)
            if isinstance(whole, Value):
                out = Value(whole.type, None, stmt.loc)
                block.results += (whole,)
                again.outs += (out,)
                rev.cot.bars[value] = out
    rev.b.add(again)
    hand_out(rev, stmt, 0, stmt.body, block)


def _as_tuple(rev: Reverse, bar: Operand, value: Value) -> Operand:
    """Return the cotangent of a tuple as one, where a loop has filled a list."""
    if isinstance(value.type, lt.TupleT) and isinstance(type_of(bar), lt.ListT):
        items = rev.b.elements(bar)
        if items is not None:
            return rev.b.apply(prims.make_tuple, *items)
    return bar


def _joined(column: Iterable[Operand]) -> lt.Type:
    t: lt.Type = lt.NEVER
    for op in column:
        if not (isinstance(op, Const) and op.value is None):
            t = lt.join(t, type_of(op))
    return t
