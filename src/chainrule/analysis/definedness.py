"""Which values have no value on some paths.

In: the block of a function. Out: `Definedness`, which answers two questions that early
exits raise. A variable that only some branches assign is `undef` at the end of the
others; the exit flag that came out of the same branches says on which of them control
is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from chainrule.analysis.activity import paths
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    If,
    Loop,
    Operand,
    Try,
    Undef,
    Value,
    With,
)
from chainrule.ir.walk import statements


def _is_undef(op: Operand) -> bool:
    return isinstance(op, Undef)


def is_nothing(op: Operand) -> bool:
    """Say whether an operand is no value, or what `Definedness.fill` puts there."""
    return _is_undef(op) or (isinstance(op, Const) and op.value is None)


Home = tuple[If | Try | With, int]


class Definedness:
    """What is known of one function; its statements may grow more results."""

    def __init__(
        self, block: Block, missing: Callable[[Operand], bool] = _is_undef
    ) -> None:
        self.missing = missing
        self.homes: dict[Value, Home] = {}
        self.negated: dict[Value, Operand] = {}
        self.maybe: set[Value] = set()
        self.carried: dict[Value, tuple[Loop, int]] = {}
        self.filled: set[Value] = set()
        loops = []
        for stmt in statements(block):
            if isinstance(stmt, Apply):
                if stmt.fn is operator.not_:
                    self.negated[stmt.out] = stmt.args[0]
            elif isinstance(stmt, Loop):
                loops.append(stmt)
            elif isinstance(stmt, If | Try | With):
                self.homes.update((out, (stmt, k)) for k, out in enumerate(stmt.outs))
        for loop in loops:
            for k, pair in enumerate(zip(loop.body.params, loop.outs, strict=True)):
                self.carried.update((value, (loop, k)) for value in pair)
        self._spread(loops)

    def _spread(self, loops: list[Loop]) -> None:
        """Find what may have no value: loop variables assigned nothing, and so on."""
        size = -1
        while size != len(self.maybe):
            size = len(self.maybe)
            for loop in loops:
                for param, out, init in zip(
                    loop.body.params, loop.outs, loop.init, strict=True
                ):
                    if self.missing(init) or init in self.maybe:
                        self.maybe.update((param, out))
            for out, (stmt, k) in self.homes.items():
                row = [path.results[k] for path in paths(stmt)]
                if any(self.missing(op) or op in self.maybe for op in row):
                    self.maybe.add(out)

    def absent(
        self,
        value: Operand,
        test: Operand,
        flag: bool,
        holds: Callable[[Operand], bool] = _is_undef,
    ) -> bool:
        """Say whether a value has none wherever `test` is `flag`.

        With another `holds`: whether what comes out of every path then `holds`.
        """
        if holds(value):
            return True
        home = self.homes.get(value) if isinstance(value, Value) else None
        if home is None:
            return False
        while isinstance(test, Value) and test in self.negated:
            test, flag = self.negated[test], not flag
        stmt, k = home
        other = self.homes.get(test) if isinstance(test, Value) else None
        j = other[1] if other is not None and other[0] is stmt else None
        for i, path in enumerate(paths(stmt)):
            known = test if j is None else path.results[j]
            turned, wanted = known, flag
            while isinstance(turned, Value) and turned in self.negated:
                turned, wanted = self.negated[turned], not wanted
            if isinstance(turned, Const) and bool(turned.value) != wanted:
                continue
            if isinstance(stmt, If) and stmt.test is turned and (i == 0) != wanted:
                continue
            if not self.absent(path.results[k], turned, wanted, holds):
                return False
        return True

    def fill(self, op: Operand) -> None:
        """Give a value that is read on paths where it has none something to hold."""
        if not isinstance(op, Value) or op in self.filled or op not in self.maybe:
            return
        self.filled.add(op)
        if op in self.carried:
            loop, k = self.carried[op]
            loop.init = self._filled(loop.init, k)
            loop.body.results = self._filled(loop.body.results, 1 + k)
        else:
            stmt, k = self.homes[op]
            for path in paths(stmt):
                path.results = self._filled(path.results, k)

    def _filled(self, ops: tuple[Operand, ...], k: int) -> tuple[Operand, ...]:
        self.fill(ops[k])
        if not isinstance(ops[k], Undef):
            return ops
        return (*ops[:k], Const(None), *ops[k + 1 :])


def fill_joined(block: Block) -> None:
    """Fill what a `try` or `with` in a loop hands to the next iteration.

    Control joins behind these statements before the loop is left: all paths copy.
    """
    stmts = statements(block)
    kinds = set(map(type, stmts))
    if Loop not in kinds or kinds.isdisjoint((Try, With)):
        return
    known = Definedness(block)
    for stmt in stmts:
        if isinstance(stmt, Loop):
            for op in stmt.body.results[1 : 1 + len(stmt.init)]:
                home = known.homes.get(op) if isinstance(op, Value) else None
                if home is not None and isinstance(home[0], Try | With):
                    known.fill(op)
