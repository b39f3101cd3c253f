"""Leave out of the reverse sweep what only adds zeros: the iteration that left a loop.

In: a function with reversed loops. Out: the same function, in which

* a reversed iteration that hands every cotangent on as it is where some test holds
  (`break` before anything was changed, `continue`) has all its work on the other path;
* where that test is what stopped the forward loop, its last row is not on the tape, and
  the test is not either.

What multiplies a zero contributes nothing, also where it is infinite or NaN: the branch
was not taken for those cotangents.
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
    Loop,
    Operand,
    Stmt,
    Value,
)
from chainrule.ir.walk import count_uses, statements, substitute
from chainrule.types import lattice as lt

ZERO = Const(0.0)
LINEAR = {
    *(operator.neg, operator.getitem, np.sum, np.transpose, np.reshape),
    *(np.broadcast_to, np.conj, float),
}
ZEROS = {np.zeros, np.zeros_like}
Known = dict[Value, Operand]


def leave_out_last_rows(function: Function) -> bool:
    """Rewrite reversed loops in place; say whether there were any."""
    loops = [s for s in statements(function.body) if isinstance(s, Loop)]
    rows = {s.tape: s for s in loops if s.tape is not None}
    if not rows:
        return False
    turned = {
        s.out: s.args[0]
        for s in statements(function.body)
        if isinstance(s, Apply) and s.fn is builtins.reversed
    }
    uses = count_uses(function.body)
    found = False
    for loop in loops:
        source = loop.iters[0].source if len(loop.iters) == 1 else None
        tape = turned.get(source)  # type: ignore[arg-type]
        if not isinstance(tape, Value) or tape not in rows or loop.tape is not None:
            continue
        test = _sink(loop)
        found |= test is not None
        if test is not None and uses.get(tape) == 1 == uses.get(source):  # type: ignore[arg-type]
            _forget_last(rows[tape], loop, test)
    return found


def _sink(loop: Loop) -> Value | None:
    """Move what follows an `If` into it, if nothing is left to do on the other path.

    Returns the test, or None if nothing has changed.
    """
    body = loop.body
    k = next((i for i, s in enumerate(body.stmts) if isinstance(s, If)), None)
    if k is None or loop.header is not None:
        return None
    chosen, after = body.stmts[k], body.stmts[k + 1 :]
    assert isinstance(chosen, If)
    plain = all(
        isinstance(s, Apply) and not s.effect for s in [*body.stmts[:k], *after]
    )
    if not plain or not isinstance(chosen.test, Value):
        return None
    for idle, busy in ((chosen.then, chosen.orelse), (chosen.orelse, chosen.then)):
        done = not after and not idle.stmts and idle.results == body.params
        if done or not _hands_on(loop, chosen, idle, after):
            continue
        substitute(
            Block(stmts=after, results=()),
            table := dict(zip(chosen.outs, busy.results, strict=True)),
        )
        results = body.results[1:]
        idle.stmts, idle.results = [], tuple(body.params)
        busy.stmts += after
        busy.results = tuple(table.get(r, r) for r in results)  # type: ignore[arg-type]
        chosen.outs = tuple(Value(p.type, p.hint, chosen.loc) for p in body.params)
        chosen.guard = False
        body.stmts = body.stmts[: k + 1]
        body.results = (body.results[0], *chosen.outs)
        return chosen.test
    return None


def _hands_on(loop: Loop, chosen: If, idle: Block, after: list[Stmt]) -> bool:
    """Say whether an iteration that takes a path hands on all that it was given."""
    body = loop.body
    if not all(isinstance(s, Apply) and not s.effect for s in idle.stmts):
        return False
    known: Known = {}
    for stmt in idle.stmts:
        _follow(stmt, known)
    for out, result in zip(chosen.outs, idle.results, strict=True):
        known[out] = _value(result, known)
    for stmt in after:
        _follow(stmt, known)
    ends = body.results[1:]
    if len(ends) != len(body.params):
        return False
    return all(
        _value(end, known) is param
        for end, param in zip(ends, body.params, strict=True)
    )


def _value(op: Operand, known: Known) -> Operand:
    """Return what an operand is: a zero, another value, or itself."""
    if isinstance(op, Const):
        zero = type(op.value) in (int, float) and op.value == 0
        return ZERO if zero else op
    return known.get(op, op) if isinstance(op, Value) else op


def _follow(stmt: Stmt, known: Known) -> None:
    """Note what the result of an operation is, if zeros decide it."""
    if not isinstance(stmt, Apply):
        return
    args = [_value(a, known) for a in stmt.args]
    fn = stmt.fn
    result: Operand | None = None
    if fn in ZEROS:
        result = ZERO
    elif fn in (operator.mul, operator.matmul):
        result = ZERO if ZERO in args else None
    elif fn is operator.truediv or fn in LINEAR:
        result = ZERO if args and args[0] is ZERO else None
    elif fn is np.where and len(args) == 3:
        result = ZERO if args[1] is ZERO and args[2] is ZERO else None
    elif fn in (operator.add, operator.sub):
        result = args[0] if args[1] is ZERO else None
        if fn is operator.add and args[0] is ZERO:
            result = args[1]
    elif fn is prims.index_add:
        result = args[0] if args[2] is ZERO else None
    if result is ZERO or (isinstance(result, Value) and _alike(result, stmt.out)):
        known[stmt.out] = result


def _alike(one: Value, two: Value) -> bool:
    """Say whether a sum with zeros has the shape of the other summand."""
    dims = lt.dims_of(one.type)
    return dims is not None and dims == lt.dims_of(two.type)


def _forget_last(forward: Loop, back: Loop, test: Value) -> None:
    """Keep the row of the last iteration off the tape, if the test says it stopped."""
    [it] = back.iters
    saved = forward.body.results[1 + len(forward.outs) :]
    stop, chosen = forward.body.results[0], back.body.stmts[-1]
    assert isinstance(chosen, If)
    idle = not chosen.then.stmts and chosen.then.results == back.body.params
    if not idle or len(saved) != len(it.elems) or not isinstance(stop, Value):
        return
    if any(e is test and s is stop for e, s in zip(it.elems, saved, strict=True)):
        forward.last_row = False
        back.body.stmts[-1:] = chosen.orelse.stmts
        back.body.results = (back.body.results[0], *chosen.orelse.results)
