"""Run the reverse of an iteration right after the iteration, where the order is free.

In: a function with forward loops, their tapes and their reverses. Out: the same
function, in which a reversed loop that hands nothing from one iteration to the next,
but only adds up, is part of its forward loop: no tape, and one loop instead of two.

The reverse of `total = total + term(x)` reads no cotangent of a later iteration. What
it adds to may be added in any order (this changes rounding), so its statements can
stand at the end of the forward body, if what they read from outside is known before the
loop. A loop that may be left early keeps its tape. A reversed loop that reads no tape
runs over its elements from the first on.
"""

from __future__ import annotations

import builtins
import operator

import numpy as np

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
    operands,
    outputs,
)
from chainrule.ir.walk import count_uses, free_values, statements, substitute
from chainrule.optimise.dead import has_effect
from chainrule.types import lattice as lt

# What may be computed earlier: nobody observes it, and only a division can fail, by a
# number that the primal divides by too.
EARLY = {
    *(operator.add, operator.sub, operator.mul, operator.neg, operator.truediv),
    *(builtins.getattr, builtins.len, operator.getitem),
    *(np.zeros_like, np.zeros, prims.make_tuple, prims.make_list),
}


def one_sweep(function: Function, ours: set[Value]) -> bool:
    """Merge reversed loops into their forward loops; say whether there were any."""
    loops = [s for s in statements(function.body) if isinstance(s, Loop)]
    if not loops:
        return False
    uses = count_uses(function.body)
    turned = {
        s.out: s.args[0]
        for s in statements(function.body)
        if isinstance(s, Apply) and s.fn is builtins.reversed and s.out in ours
        if not isinstance(s.out.type, lt.TapeT) and uses.get(s.out) == 1
    }
    straight = [_straighten(loop, turned, uses) for loop in loops if turned]
    changed = any(straight)
    if not any(loop.tape for loop in loops):
        return changed
    return _block(function.body, uses, ours) or changed


def _straighten(
    loop: Loop, turned: dict[Value, Operand], uses: dict[Value, int]
) -> bool:
    """Run over the elements from the first on, if the order is free."""
    if len(loop.iters) != 1 or loop.header or loop.tape or loop.stopped:
        return False
    [it] = loop.iters
    source = turned.get(it.source)  # type: ignore[arg-type]
    if source is None or has_effect(loop.body) or not _only_adds(loop, uses):
        return False
    loop.iters = (Iter(source, it.elems, it.unpack),)
    return True


def _block(block: Block, uses: dict[Value, int], ours: set[Value]) -> bool:
    merged = False
    k = 0
    while k < len(block.stmts):
        forward = block.stmts[k]
        found = _reverse_of(block, k, uses) if isinstance(forward, Loop) else None
        if found is not None:
            assert isinstance(forward, Loop)
            early = _early(block, k, found, ours)
            if early is not None:
                back = block.stmts[found]
                assert isinstance(back, Loop)
                _merge(forward, back)
                gone = {id(back), *(id(s) for s in early)}
                rest = [s for s in block.stmts[k + 1 :] if id(s) not in gone]
                block.stmts[k:] = [*early, forward, *rest]
                k += len(early)
                merged = True
        for inner in blocks(block.stmts[k]):
            merged |= _block(inner, uses, ours)
        k += 1
    return merged


def _reverse_of(block: Block, k: int, uses: dict[Value, int]) -> int | None:
    """Return the position of the one reader of a loop's tape, if it only adds up."""
    forward = block.stmts[k]
    assert isinstance(forward, Loop)
    tape, stop = forward.tape, forward.body.results[0]
    if tape is None or uses.get(tape) != 1 or has_effect(forward.body):
        return None
    if not isinstance(stop, Const) or stop.value:
        return None
    source = None
    for j in range(k + 1, len(block.stmts)):
        stmt = block.stmts[j]
        if isinstance(stmt, Apply):
            if stmt.effect:
                return None
            if stmt.fn is builtins.reversed and stmt.args == (tape,):
                source = stmt.out
        elif isinstance(stmt, Loop) and _reads_only(stmt, source):
            mine = uses.get(source) == 1 and not has_effect(stmt.body)  # type: ignore[arg-type]
            return j if mine and _only_adds(stmt, uses) else None
        elif any(map(has_effect, blocks(stmt))):
            return None
    return None


def _reads_only(stmt: Loop, source: Value | None) -> bool:
    """Say whether a loop runs over the reversed tape and nothing else."""
    return (
        source is not None
        and len(stmt.iters) == 1
        and stmt.iters[0].source is source
        and stmt.header is None
        and stmt.tape is None
        and stmt.stopped is None
    )


# ------------------------------------------------------------------ accumulators


def _only_adds(stmt: Loop, uses: dict[Value, int]) -> bool:
    """Say whether all that a loop carries are sums that it adds to."""
    stop = stmt.body.results[0]
    if not isinstance(stop, Const) or stop.value:
        return False
    return all(
        _adds(stmt.body, param, result, uses)
        for param, result in zip(stmt.body.params, stmt.body.results[1:], strict=True)
    )


def _adds(block: Block, start: Value, end: Operand, uses: dict[Value, int]) -> bool:
    """Say whether a block hands on a value to which it only adds."""
    value = start
    made: set[Value] = set()
    for stmt in block.stmts:
        read = list(operands(stmt)).count(value)
        inside = any(value in free_values(b) for b in blocks(stmt))
        if not read and not inside:
            continue
        after = _after(stmt, value, uses)
        if after is None:
            return False
        made.add(value)
        value = after
    return end is value and uses.get(value, 0) == 1


def _after(stmt: Stmt, value: Value, uses: dict[Value, int]) -> Value | None:
    """Return the sum after a statement that adds to it, or None if it does more."""
    match stmt:
        case Apply(fn=fn, args=args, out=out):
            first = fn in (operator.add, operator.sub, prims.index_add)
            turned = fn is operator.add and args[1] is value
            if uses.get(value) == 1 and ((first and args[0] is value) or turned):
                return out if not stmt.kwargs else None
        case If(then=then, orelse=orelse, outs=outs):
            for k, out in enumerate(outs):
                ends = [b.results[k] for b in (then, orelse)]
                if all(
                    _adds_on_path(b, value, end, uses)
                    for b, end in zip((then, orelse), ends, strict=True)
                ):
                    paths = sum(_reads(b, value) for b in (then, orelse))
                    return out if uses.get(value) == paths == 2 else None
        case Loop(init=init, outs=outs, body=body, header=None):
            if value in init and uses.get(value) == 1:
                k = init.index(value)
                if _adds(body, body.params[k], body.results[1 + k], uses):
                    return outs[k]
    return None


def _adds_on_path(
    block: Block, start: Value, end: Operand, uses: dict[Value, int]
) -> bool:
    """Say whether one way through a branch only adds to a value, or leaves it."""
    if end is start:
        return _reads(block, start) == 1
    mine = {**uses, start: _reads(block, start)}
    return _adds(block, start, end, mine)


def _reads(block: Block, value: Value) -> int:
    """Count how often a block reads a value."""
    return count_uses(block).get(value, 0)


# ------------------------------------------------------------------ merging


def _early(block: Block, k: int, j: int, ours: set[Value]) -> list[Stmt] | None:
    """Return what must be computed before the forward loop, or None if it cannot be.

    A sum of numbers whose start is not known then starts at zero.
    """
    back = block.stmts[j]
    assert isinstance(back, Loop)
    late = {v: s for s in block.stmts[k : j + 1] for v in outputs(s)}
    wanted = [v for v in free_values(back.body) if v in late]
    source = back.iters[0].source
    early: dict[Value, Stmt] = {}
    if not all(_pull(v, late, early, ours) for v in wanted if v is not source):
        return None
    for op in back.init:
        if not isinstance(op, Value) or op not in late:
            continue
        trial = dict(early)
        if _pull(op, late, trial, ours):
            early = trial
        elif not isinstance(op.type, lt.ScalarT):
            return None
    ours.update(_start_at_zero(block, j, late, early))
    return list(early.values())


def _pull(
    value: Value, late: dict[Value, Stmt], early: dict[Value, Stmt], ours: set[Value]
) -> bool:
    """Collect what a value is computed from, if all of it may be computed earlier."""
    if value not in late or value in early:
        return True
    stmt = late[value]
    if not isinstance(stmt, Apply) or stmt.fn not in EARLY:
        return False
    if value not in ours and not isinstance(value.type, lt.ScalarT):
        return False
    if not all(
        _pull(op, late, early, ours) for op in operands(stmt) if isinstance(op, Value)
    ):
        return False
    early[value] = stmt
    return True


def _start_at_zero(
    block: Block, j: int, late: dict[Value, Stmt], early: dict[Value, Stmt]
) -> list[Value]:
    """Let sums start at zero whose start comes later; return what adds that."""
    back = block.stmts[j]
    assert isinstance(back, Loop)
    init, outs = list(back.init), list(back.outs)
    added = []
    for k, op in enumerate(init):
        if isinstance(op, Value) and op in late and op not in early:
            init[k] = Const(0.0)
            sum_ = Value(outs[k].type, outs[k].hint, outs[k].loc)
            total = Apply(outs[k], operator.add, (op, sum_), loc=back.loc)
            added.append(outs[k])
            outs[k] = sum_
            block.stmts.insert(j + 1, total)
    back.init, back.outs = tuple(init), tuple(outs)
    return added


def _merge(forward: Loop, back: Loop) -> None:
    """Append the reversed body to the forward body."""
    n = len(forward.outs)
    results = forward.body.results
    [it] = back.iters
    substitute(back.body, dict(zip(it.elems, results[1 + n :], strict=True)))
    forward.body.stmts += back.body.stmts
    forward.body.params += back.body.params
    forward.body.results = (*results[: 1 + n], *back.body.results[1:])
    if forward.header is not None:
        mirror = tuple(Value(p.type, p.hint, p.loc) for p in back.body.params)
        forward.header.params += mirror
        forward.header.results += mirror
    forward.init += back.init
    forward.outs += back.outs
    forward.tape = None
