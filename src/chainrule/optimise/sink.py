"""Put containers together only where they are read, if their parts may have no value.

In: IR as the interpreter leaves it: behind an `if` a container is made of parts that
one branch alone has given values. Out: the same, with the container made inside the
branches that read it; elsewhere Python would read a variable that was never assigned.
"""

from __future__ import annotations

from dataclasses import replace

from chainrule.analysis.activity import paths
from chainrule.analysis.memory import MAKERS
from chainrule.ir.nodes import (
    Apply,
    Block,
    If,
    Loop,
    Operand,
    Try,
    Undef,
    Value,
    With,
    blocks,
    operands,
)
from chainrule.ir.walk import free_values, substitute


def sink(block: Block) -> None:
    """Move what is made of parts without a value to where it is read, in place."""
    unsure: set[Value] = set()
    _note(block, unsure)
    if unsure:
        _sink(block, unsure)


def _note(block: Block, unsure: set[Value]) -> None:
    """Collect the values that some path does not give, and what is made of them."""

    def may_lack(op: Operand) -> bool:
        return isinstance(op, Undef) or op in unsure

    for stmt in block.stmts:
        match stmt:
            case Apply(fn=fn, args=args, out=out):
                if fn in MAKERS and any(map(may_lack, args)):
                    unsure.add(out)
                continue
            case Loop(init=init, outs=outs, body=body):
                lacking = [k for k, op in enumerate(init) if may_lack(op)]
                unsure.update(body.params[k] for k in lacking)
                unsure.update(outs[k] for k in lacking)
        for inner in blocks(stmt):
            _note(inner, unsure)
        if isinstance(stmt, If | Try | With):
            for k, out in enumerate(stmt.outs):
                if any(may_lack(path.results[k]) for path in paths(stmt)):
                    unsure.add(out)


def _sink(block: Block, unsure: set[Value]) -> None:
    for k in range(len(block.stmts) - 1, -1, -1):
        stmt = block.stmts[k]
        if isinstance(stmt, Apply) and stmt.out in unsure:
            _move(block, k, stmt, unsure)
    for stmt in block.stmts:
        for inner in blocks(stmt):
            _sink(inner, unsure)


def _move(block: Block, k: int, made: Apply, unsure: set[Value]) -> None:
    """Move one container into the blocks behind it that read it."""
    later = block.stmts[k + 1 :]
    read_here = any(made.out in operands(stmt) for stmt in later)
    if read_here or made.out in block.results or made.effect:
        return
    for stmt in later:
        for inner in blocks(stmt):
            if made.out not in free_values(inner):
                continue
            out = Value(made.out.type, made.out.hint, made.out.loc)
            unsure.add(out)
            substitute(inner, {made.out: out})
            inner.stmts.insert(0, replace(made, out=out))
    del block.stmts[k]
