"""Loop variables that no iteration inherits from the one before.

In: a function. Out: the same function, where a variable that has no value before a
loop, is assigned in every iteration before it is read, and is not read after the loop,
is not carried. Where an iteration ends early (`continue`), it would else hand on what
it was given: nothing.
"""

from __future__ import annotations

from chainrule.analysis.activity import paths
from chainrule.analysis.definedness import Definedness
from chainrule.ir.nodes import (
    UNDEF,
    Block,
    Function,
    If,
    Loop,
    Try,
    Undef,
    Value,
    With,
    blocks,
    operands,
)
from chainrule.ir.walk import statements, substitute

Context = tuple[tuple[Value, bool], ...]


def forget(function: Function) -> bool:
    """Carry no variable that every iteration makes anew, in place.

    Says whether there were any.
    """
    loops = [s for s in statements(function.body) if isinstance(s, Loop)]
    if not any(isinstance(op, Undef) for loop in loops for op in loop.init):
        return False
    changed = False
    known = Definedness(function.body)
    used = _used(function.body)
    for loop in loops:
        if loop.header is not None or loop.tape is not None:
            continue
        for k in range(len(loop.init) - 1, -1, -1):
            fresh = isinstance(loop.init[k], Undef) and loop.outs[k] not in used
            if fresh and Inherited(known, loop, k).never_read():
                _drop(loop, k)
                changed = True
    return changed


def _used(block: Block) -> set[Value]:
    """Return the values that are read somewhere."""
    found = {v for v in block.results if isinstance(v, Value)}
    for stmt in statements(block):
        found.update(v for v in operands(stmt) if isinstance(v, Value))
        for inner in blocks(stmt):
            found.update(v for v in inner.results if isinstance(v, Value))
    return found


def _drop(loop: Loop, k: int) -> None:
    body = loop.body
    substitute(body, {body.params[k]: UNDEF})
    body.params = (*body.params[:k], *body.params[k + 1 :])
    body.results = (*body.results[: k + 1], *body.results[k + 2 :])
    loop.init = (*loop.init[:k], *loop.init[k + 1 :])
    loop.outs = (*loop.outs[:k], *loop.outs[k + 1 :])


class Inherited:
    """Where the value of a variable at the start of an iteration can get to."""

    def __init__(self, known: Definedness, loop: Loop, k: int) -> None:
        self.known, self.loop, self.k = known, loop, k
        self.found: set[Value] = {loop.body.params[k]}

    def never_read(self) -> bool:
        """Say whether nothing but joins and the end of the iteration sees it."""
        body = self.loop.body
        if not self.block(body, ()):
            return False
        others = (*body.results[: self.k + 1], *body.results[self.k + 2 :])
        return not any(self.may_be(op, ()) for op in others)

    def block(self, block: Block, context: Context) -> bool:
        for stmt in block.stmts:
            if any(self.may_be(op, context) for op in operands(stmt)):
                return False
            if isinstance(stmt, If | Try | With):
                reached: set[Value] = set()
                for i, path in enumerate(paths(stmt)):
                    inner = context
                    if isinstance(stmt, If) and isinstance(stmt.test, Value):
                        inner = (*context, (stmt.test, i == 0))
                    if not self.block(path, inner):
                        return False
                    for out, op in zip(stmt.outs, path.results, strict=True):
                        if self.may_be(op, inner):
                            reached.add(out)
                self.found |= reached
                if isinstance(stmt, Try) and stmt.final is not None:
                    if not self.block(stmt.final, context):
                        return False
            else:
                for held in blocks(stmt):
                    if not self.block(held, context):
                        return False
                    if any(self.may_be(op, context) for op in held.results):
                        return False
        return True

    def may_be(self, op: object, context: Context) -> bool:
        """Say whether an operand can be the inherited value where these tests hold."""
        if not isinstance(op, Value) or op not in self.found:
            return False
        return not any(
            self.known.absent(op, test, flag, self.is_fresh) for test, flag in context
        )

    def is_fresh(self, op: object) -> bool:
        """Say whether an operand is certainly not the inherited value."""
        return op not in self.found
