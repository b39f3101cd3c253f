"""Which values are needed behind a statement.

In: a function and some of its statements. Out: `Liveness`, which says for each of these
what is read later, also in the next iteration of a loop around it.
"""

from __future__ import annotations

from chainrule.analysis.memory import is_immutable
from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Function,
    If,
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


class Liveness:
    """The values that are needed behind each of some statements."""

    def __init__(
        self, function: Function, stores: list[Apply], finals: list[Operand]
    ) -> None:
        self.known: dict[Operand, int] = {}
        self.values: list[Value] = []
        self.masks: dict[int, int] = {id(s): 0 for s in stores}
        self.block(function.body, self.bits(finals))

    def after(self, stmt: Apply) -> list[Value]:
        """Return what is needed behind a statement."""
        mask, found = self.masks[id(stmt)], []
        while mask:
            low = mask & -mask
            found.append(self.values[low.bit_length() - 1])
            mask ^= low
        return found

    def bit(self, op: Operand) -> int:
        """Return the set of this one value; of what nobody changes, the empty one."""
        known = self.known.get(op)
        if known is None:
            known = 0
            if isinstance(op, Value) and not is_immutable(op):
                known = 1 << len(self.values)
                self.values.append(op)
            self.known[op] = known
        return known

    def bits(self, ops: object) -> int:
        out = 0
        for op in ops:  # type: ignore[attr-defined]
            out |= self.bit(op)
        return out

    def block(self, block: Block, live: int) -> int:
        """Walk backwards; return what is needed before the block."""
        live |= self.bits(block.results)
        for stmt in reversed(block.stmts):
            live = self.stmt(stmt, live)
        return live & ~self.bits(block.params)

    def stmt(self, stmt: Stmt, live: int) -> int:
        if id(stmt) in self.masks:
            self.masks[id(stmt)] |= live
        if isinstance(stmt, Apply):
            read = operands(stmt)
            if stmt.fn is prims.commit:
                read = read[1:]  # the place is written, whatever it holds
            return live & ~self.bit(stmt.out) | self.bits(read)
        live &= ~self.bits(outputs(stmt))
        if isinstance(stmt, If | Try | With):
            inner = 0
            outside = live
            if isinstance(stmt, Try):
                # A handler may run behind any statement of the body.
                for handler in stmt.handlers:
                    outside |= self.block(handler.block, live)
            for block in blocks(stmt):
                inner |= self.block(block, outside)
            live |= inner
        elif isinstance(stmt, Loop):
            live |= self.loop(stmt, live)
        live &= ~self.bits(inner_values(stmt))
        return live | self.bits(operands(stmt))

    def loop(self, stmt: Loop, live: int) -> int:
        around = live | (self.bit(stmt.tape) if stmt.tape is not None else 0)
        around |= self.bits(it.source for it in stmt.iters)
        for _ in range(2):
            inner = 0
            for block in blocks(stmt):
                inner |= self.block(block, around)
            around |= inner & ~self.bits(inner_values(stmt))
        return around
