"""Write again where it is used what is as short as its name.

In: a function that nothing is shared in any more. Out: the same function, in which an
element of an array (`u[0]`), a short formula of numbers (`0.5 * h`), a range or a place
in an array that has no name of the user's is computed at each of its uses, as the user
wrote it, not once under a name of ours.

The formulas have at most two operations, so it costs hardly more than the name. An
element is read again only if nothing stores into its array.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace

from chainrule.analysis.memory import STORES, Aliases
from chainrule.backend.arguments import committed
from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    Loop,
    Operand,
    Stmt,
    Value,
    blocks,
    operands,
)
from chainrule.ir.walk import count_uses, replace_operands, statements
from chainrule.types import lattice as lt

ARITHMETIC = {operator.add, operator.sub, operator.mul, operator.truediv, operator.pow}
PLACES = {range, slice, prims.make_tuple}
WRITES = STORES | {prims.commit}
LONGEST = 14
LONGEST_PLACE = 20
# How often what takes so many operations may be written.
TIMES = {0: 4, 1: 3, 2: 2}
POSITIONS = 9


@dataclass(slots=True)
class Short:
    """A formula that may be written again: how long it is."""

    operations: int
    width: int


def repeat(function: Function, ours: set[Value]) -> None:
    """Write short formulas at each of their uses, in place."""
    uses = count_uses(function.body)
    repeating = _Repeating(function, uses, ours)
    repeating.block(function.body)


class _Repeating:
    """One walk over a function, which notes what is short and spreads it."""

    def __init__(
        self, function: Function, uses: dict[Value, int], ours: set[Value]
    ) -> None:
        self.function, self.uses, self.ours = function, uses, ours
        self.short: dict[Value, Short] = {}
        self.made: set[Value] = set()
        self.stored: list[Value] | None = None
        self.aliases: Aliases | None = None

    def block(self, block: Block, loop: Loop | None = None) -> None:
        """Note the short formulas of a block, then write each at its uses."""
        mine: list[Apply] = []
        for stmt in block.stmts:
            for inner in blocks(stmt):
                self.block(inner, stmt if isinstance(stmt, Loop) else None)
            if isinstance(stmt, Apply):
                self.made.add(stmt.out)
                self.square(stmt)
                found = self.measured(stmt)
                longest = LONGEST_PLACE if stmt.fn in PLACES else LONGEST
                if found is not None and found.width <= longest:
                    self.short[stmt.out] = found
                    mine.append(stmt)
        for stmt in reversed(mine):
            times = TIMES.get(self.short[stmt.out].operations, 0)
            if stmt.fn in PLACES or (times and _is_position(stmt.out)):
                times = POSITIONS
            if 1 < self.uses.get(stmt.out, 0) <= times:
                self.spread(block, stmt, loop)

    def square(self, stmt: Apply) -> None:
        """Write `x**2` for an array `x * x` that is read nowhere else.

        NumPy multiplies for both; for a number of Python's, `x**2` may overflow.
        """
        if stmt.fn is not operator.mul or stmt.args[0] is not stmt.args[1]:
            return
        x = stmt.args[0]
        if isinstance(x, Value) and isinstance(x.type, lt.ArrayT) and x in self.made:
            if x.hint is None and self.uses[x] == 2 and x.type.dtype.kind == "f":
                stmt.fn, stmt.args = operator.pow, (x, Const(2))
                self.uses[x] = 1

    def measured(self, stmt: Apply) -> Short | None:
        """Return how long a formula is, or None if it is none."""
        out, fn = stmt.out, stmt.fn
        if out.hint is not None or stmt.effect or stmt.kwargs:
            return None
        if not isinstance(out.type, lt.ScalarT) and fn not in PLACES:
            return None
        if fn is operator.getitem:
            base, index = stmt.args
            if not self.is_element(base, index):
                return None
            return Short(0, _width(base) + _width(index) + 2)
        if fn not in ARITHMETIC and fn not in PLACES:
            return None
        if fn is prims.make_tuple and not all(map(_is_place, stmt.args)):
            return None
        parts = [self.part(a) for a in stmt.args]
        found = [part for part in parts if part is not None]
        several = sum(isinstance(a, Value) for a in stmt.args) > 1
        if len(found) < len(parts) or (several and any(map(self.is_bar, stmt.args))):
            return None
        operations = 1 + sum(part.operations for part in found)
        return Short(operations, 3 + sum(part.width for part in found))

    def part(self, op: Operand) -> Short | None:
        """Return the length of an operand of a formula."""
        if isinstance(op, Value) and op in self.short:
            return self.short[op]
        return Short(0, _width(op)) if self.is_variable(op) else None

    def is_bar(self, op: Operand) -> bool:
        """Say whether an operand is made of cotangents."""
        if not isinstance(op, Value) or op in self.short:
            return False
        return op in self.ours or (op.hint or "").endswith(("_bar", "_dot"))

    def is_variable(self, op: Operand) -> bool:
        """Say whether an operand has a name in any case, or needs none."""
        if not isinstance(op, Value) or op.hint is not None or op not in self.made:
            return True
        return self.uses.get(op, 0) > 1

    def is_element(self, base: Operand, index: Operand) -> bool:
        """Say whether an index reads an element that nothing overwrites."""
        if not isinstance(base, Value) or not isinstance(base.type, lt.ArrayT):
            return False
        if not isinstance(index, Const) or type(index.value) is not int:
            return False
        if not self.is_variable(base):
            return False
        if self.stored is None:
            self.stored = [
                s.args[0]
                for s in statements(self.function.body)
                if isinstance(s, Apply) and s.fn in WRITES
                if isinstance(s.args[0], Value)
            ]
        if self.stored and self.aliases is None:
            self.aliases = Aliases(self.function, committed(self.function))
        return self.aliases is None or not any(
            self.aliases.may(place, base) for place in self.stored
        )

    def spread(self, block: Block, stmt: Apply, loop: Loop | None) -> None:
        """Write a formula before each statement of its block that reads it."""
        out = stmt.out
        readers = [s for s in block.stmts if out in operands(s)]
        saved = self.is_saved(stmt, block, loop)
        times = len(readers)
        if stmt.fn is slice:  # the same part along two axes
            times = sum(operands(s).count(out) for s in readers)
        if times + saved < self.uses[out]:
            return  # it is read elsewhere too, or times itself
        if not all(isinstance(s, Apply) or stmt.fn is range for s in readers):
            return
        kept: list[Stmt] = []
        spare = [out]

        def next_one(op: Operand) -> Operand:
            if op is not out or spare:
                return op if op is not out else spare.pop()
            kept.append(again := _again(stmt))
            return again.out

        for each in block.stmts:
            if each in readers:
                replace_operands(each, next_one)
            kept.append(each)
        if saved:
            kept.append(again := _again(stmt))
            block.results = tuple(
                again.out if op is out else op for op in block.results
            )
        block.stmts = kept
        for op in stmt.args:
            if isinstance(op, Value):
                self.uses[op] += times - 1 + saved

    def is_saved(self, stmt: Apply, block: Block, loop: Loop | None) -> bool:
        """Say whether an element is read for the tape, once."""
        if loop is None or block is not loop.body or loop.tape is None:
            return False
        first = 1 + len(loop.outs)
        mine = [k for k, op in enumerate(block.results) if op is stmt.out]
        is_element = stmt.fn is operator.getitem
        return is_element and len(mine) == 1 and mine[0] >= first


def _again(stmt: Apply) -> Apply:
    """Return an operation once more, with a result of its own."""
    return replace(stmt, out=Value(stmt.out.type, None, stmt.out.loc))


def _is_place(op: Operand) -> bool:
    """Say whether an operand picks elements along one axis."""
    return _is_position(op) or isinstance(getattr(op, "type", None), lt.SliceT)


def _is_position(op: Operand) -> bool:
    """Say whether an operand is a whole number, such as an index."""
    t = op.type if isinstance(op, Value) else None
    if isinstance(t, lt.ScalarT):
        return t.kind == "int"
    return isinstance(op, Const) and type(op.value) is int


def _width(op: Operand) -> int:
    if isinstance(op, Value):
        return len(op.hint or "longer")
    if isinstance(op, Const):
        return 0 if op.value is None else len(repr(op.value))
    return 4
