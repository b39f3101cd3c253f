"""Remove what nobody needs: statements, results of branches,
carried values, tape entries.

In: a function. Out: the same function without what its result and its effects do not
depend on.

A tape may have several names: the value the loop defines, the one a branch hands out,
the element of an outer tape. They form one class, and an entry stays when one reader of
the class reads it.
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable

from chainrule.analysis.activity import paths
from chainrule.ir.nodes import (
    Apply,
    Block,
    Call,
    Function,
    If,
    Iter,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
    blocks,
    operands,
    outputs,
)
from chainrule.ir.walk import statements
from chainrule.types import lattice as lt


def remove_dead(function: Function) -> None:
    """Remove dead code from a function, in place."""
    tapes = Tapes(function.body)
    live = Liveness(tapes)
    live.mark(function.body.results)
    live.settle(function.body)
    Sweep(live.found, tapes).block(function.body)


def remove_dead_in(block: Block) -> None:
    """Remove dead code from a block of which only the results are needed.

    Tapes keep all their entries: their other readers and their writer are elsewhere.
    """
    tapes = Tapes(block)
    tapes.fixed = True
    live = Liveness(tapes)
    live.mark(block.results)
    live.settle(block)
    Sweep(live.found, tapes).block(block)


class Tapes:
    """Classes of tape values, and the entries that are read of each class."""

    def __init__(self, body: Block) -> None:
        self.parent: dict[Value, Value] = {}
        self.needed: dict[Value, set[int]] = {}
        self.whole: set[Value] = set()
        self.reversed: dict[Value, Value] = {}
        self.recorded: set[Value] = set()
        self.entries: dict[Value, list[tuple[Operand, ...]]] = {}
        self.readers: list[tuple[Value, tuple[Value, ...]]] = []
        self.foreign: list[Value] = []
        self.present = self.fixed = self.loops = False
        self.followed = self.late = False
        self.unread: set[Value] = set()
        for stmt in statements(body):
            if not isinstance(stmt, Apply):
                self.enter(stmt)
            elif stmt.fn is builtins.reversed:
                [arg] = stmt.args
                if isinstance(arg, Value) and isinstance(arg.type, lt.TapeT):
                    self.reversed[stmt.out] = arg
                    self.union(stmt.out, arg)
            elif isinstance(stmt.out.type, lt.TapeT):
                self.foreign.append(stmt.out)  # written by the other half of a pair

    def enter(self, stmt: Stmt) -> None:
        """Note which tape values are the same tape."""
        for path in paths(stmt):
            for out, result in zip(stmt.outs, path.results, strict=True):  # type: ignore[union-attr]
                self.union(out, result)
        if isinstance(stmt, Loop):
            self.loops = True
            if stmt.tape is not None:
                self.recorded.add(stmt.tape)
            n = len(stmt.outs)
            groups = zip(
                stmt.outs,
                stmt.init,
                stmt.body.params,
                stmt.body.results[1:],
                strict=False,
            )
            for out, *others in groups:
                for other in others:
                    self.union(out, other)
            if stmt.tape is not None:
                self.present = True
                saved = stmt.body.results[1 + n :]
                self.entries.setdefault(self.find(stmt.tape), []).append(saved)
            for it in stmt.iters:
                if isinstance(it.source, Value) and isinstance(
                    it.source.type, lt.TapeT
                ):
                    self.readers.append((it.source, it.elems))
        self.followed = bool(self.entries or self.readers)

    def find(self, value: Value) -> Value:
        while value in self.parent:
            value = self.parent[value]
        return value

    def union(self, a: Operand, b: Operand) -> None:
        if (
            isinstance(a, Value)
            and isinstance(b, Value)
            and isinstance(a.type, lt.TapeT)
        ):
            one, two = self.find(a), self.find(b)
            if one is not two:
                self.parent[one] = two

    def connect(self) -> None:
        """Join elements of outer tapes with the inner tapes that were saved there."""
        merged: dict[Value, list[tuple[Operand, ...]]] = {}
        for root, rows in self.entries.items():
            merged.setdefault(self.find(root), []).extend(rows)
        for source, elems in self.readers:
            for row in merged.get(self.find(source), ()):
                for elem, saved in zip(elems, row, strict=False):
                    self.union(elem, saved)

    def read(self, tape: Value, positions: Collection[int]) -> None:
        root = self.find(tape)
        known = self.needed.setdefault(root, set())
        if root in self.unread and not known.issuperset(positions):
            self.late = True
        known.update(positions)

    def read_all(self, tape: Value) -> None:
        """Keep a tape that somebody elsewhere reads or wrote, and the tapes in it."""
        root = self.find(tape)
        if root in self.whole:
            return
        self.whole.add(root)
        self.late |= root in self.unread
        rows = [
            r
            for key, rows in self.entries.items()
            if self.find(key) is root
            for r in rows
        ]
        rows += [elems for source, elems in self.readers if self.find(source) is root]
        for op in (op for row in rows for op in row):
            if isinstance(op, Value) and isinstance(op.type, lt.TapeT):
                self.read_all(op)

    def keeps(self, tape: Value, position: int) -> bool:
        if self.fixed:
            return True
        root = self.find(tape)
        kept = root in self.whole or position in self.needed.get(root, ())
        if not kept:
            self.unread.add(root)  # so far
        return kept


class Liveness:
    """Marks the values that are needed, until nothing is added."""

    def __init__(self, tapes: Tapes) -> None:
        self.found: set[Operand] = set()
        self.tapes = tapes
        self.late = False
        if tapes.present:
            tapes.connect()
        for tape in tapes.foreign:
            tapes.read_all(tape)

    def settle(self, block: Block) -> None:
        """Walk from the end, which sees the use of a value before what makes it.

        Again only where a loop or a tape turned out to be read behind its writer's
        back: by the next iteration.
        """
        self.late = True
        while self.late or self.tapes.late:
            self.late = self.tapes.late = False
            self.block(block)

    def mark(self, ops: Iterable[Operand]) -> None:
        self.found.update(ops)

    def block(self, block: Block) -> None:
        for stmt in reversed(block.stmts):
            if not isinstance(stmt, Apply):
                self.stmt(stmt)
            elif stmt.effect or stmt.out in self.found:
                self.mark(operands(stmt))
                if self.tapes.followed:
                    self.read_tapes(stmt)

    def stmt(self, stmt: Stmt) -> None:
        match stmt:
            case Call(args=args):
                self.mark(args)
                self.whole_tapes(args)
            case Loop():
                self.loop(stmt)
            case If() | Try() | With():
                for path in paths(stmt):
                    self.mark(
                        r
                        for o, r in zip(stmt.outs, path.results, strict=True)
                        if o in self.found
                    )
                for inner in reversed(blocks(stmt)):
                    self.block(inner)
                if isinstance(stmt, If):
                    if needed(stmt, self.found):
                        self.mark([stmt.test])
                elif isinstance(stmt, With):
                    self.mark([stmt.context])
                else:
                    self.mark(h.classes for h in stmt.handlers if h.classes is not None)

    def whole_tapes(self, ops: Iterable[Operand]) -> None:
        for op in ops:
            if isinstance(op, Value) and isinstance(op.type, lt.TapeT):
                self.tapes.read_all(op)

    def read_tapes(self, stmt: Apply) -> None:
        """Keep the tapes that an operation reads whole."""
        if stmt.out not in self.tapes.reversed and stmt.fn is not len:
            self.whole_tapes(stmt.args)

    def loop(self, stmt: Loop) -> None:
        n = len(stmt.outs)
        body = stmt.body
        if not needed(stmt, self.found):
            return
        results = body.results
        self.mark(results[:1])
        idle = [k for k in range(n) if not self.carries(stmt, k)]
        for k in range(n):
            if k not in idle:
                self.mark([results[1 + k], stmt.init[k]])
                if stmt.header is not None:
                    self.mark([stmt.header.results[1 + k]])
        if stmt.tape is not None:
            for p, saved in enumerate(results[1 + n :]):
                if self.tapes.keeps(stmt.tape, p):
                    self.mark([saved])
        self.block(body)
        if stmt.header is not None:
            self.mark(stmt.header.results[:1])
            self.block(stmt.header)
        for it in stmt.iters:
            self.mark([it.source])
            if isinstance(it.source, Value) and isinstance(it.source.type, lt.TapeT):
                live = [p for p, e in enumerate(it.elems) if e in self.found]
                self.tapes.read(it.source, live)
        self.late |= any(self.carries(stmt, k) for k in idle)

    def carries(self, stmt: Loop, k: int) -> bool:
        """Say whether somebody needs a carried value."""
        header = stmt.header
        return (
            stmt.outs[k] in self.found
            or stmt.body.params[k] in self.found
            or (header is not None and header.params[k] in self.found)
        )


def needed(stmt: Stmt, live: set[Operand]) -> bool:
    """Say whether a structured statement has a live result or an effect."""
    if any(v in live for v in outputs(stmt)):
        return True
    return any(has_effect(block) for block in blocks(stmt))


def has_effect(block: Block) -> bool:
    """Say whether running a block can be observed."""
    for stmt in block.stmts:
        if isinstance(stmt, Apply):
            if stmt.effect:
                return True
        elif isinstance(stmt, Call | With | Try):
            return True
        elif any(map(has_effect, blocks(stmt))):
            return True
    return False


class Sweep:
    """Removes what was not marked."""

    def __init__(self, live: set[Operand], tapes: Tapes) -> None:
        self.live = live
        self.tapes = tapes

    def block(self, block: Block) -> None:
        live = self.live
        block.stmts = [
            s
            for s in block.stmts
            if (s.effect or s.out in live if isinstance(s, Apply) else self.keep(s))
        ]

    def keep(self, stmt: Stmt) -> bool:
        """Say whether a structured statement or a call stays, and sweep it."""
        match stmt:
            case Call():
                return True
            case Loop():
                return self.loop(stmt)
        assert isinstance(stmt, If | Try | With)
        kept = [k for k, o in enumerate(stmt.outs) if o in self.live]
        if isinstance(stmt, If) and not kept and not needed(stmt, self.live):
            return False
        for path in paths(stmt):
            path.results = tuple(path.results[k] for k in kept)
        stmt.outs = tuple(stmt.outs[k] for k in kept)
        for inner in blocks(stmt):
            self.block(inner)
        if isinstance(stmt, If):
            return bool(stmt.outs or stmt.then.stmts or stmt.orelse.stmts)
        return True

    def loop(self, stmt: Loop) -> bool:
        if not needed(stmt, self.live):
            return False
        n = len(stmt.outs)
        body, header = stmt.body, stmt.header
        kept = [
            k
            for k in range(n)
            if stmt.outs[k] in self.live
            or body.params[k] in self.live
            or (header is not None and header.params[k] in self.live)
        ]
        saved = body.results[1 + n :]
        if stmt.tape is not None:
            positions = [p for p in range(len(saved)) if self.tapes.keeps(stmt.tape, p)]
            if stmt.tape not in self.live:
                positions, stmt.tape = [], None
            else:
                tape = stmt.tape.type
                assert isinstance(tape, lt.TapeT)
                stmt.tape.type = lt.TapeT(tuple(tape.items[p] for p in positions))
            saved = tuple(saved[p] for p in positions)
        results = body.results[1:]
        body.results = (body.results[0], *(results[k] for k in kept), *saved)
        body.params = tuple(body.params[k] for k in kept)
        if header is not None:
            carried = header.results[1:]
            header.results = (header.results[0], *(carried[k] for k in kept))
            header.params = tuple(header.params[k] for k in kept)
            self.block(header)
        stmt.init = tuple(stmt.init[k] for k in kept)
        stmt.outs = tuple(stmt.outs[k] for k in kept)
        if stmt.stopped is not None and stmt.stopped not in self.live:
            stmt.stopped = None
        stmt.iters = tuple(map(self.iter, stmt.iters))
        self.block(body)
        if stmt.tape is not None and isinstance(stmt.tape.type, lt.TapeT):
            pairs = zip(saved, stmt.tape.type.items, strict=True)
            stmt.tape.type = lt.TapeT(tuple(_shorter(op, t) for op, t in pairs))
        return True

    def iter(self, it: Iter) -> Iter:
        source = it.source
        if not (isinstance(source, Value) and isinstance(source.type, lt.TapeT)):
            return it
        kept = [p for p in range(len(it.elems)) if self.tapes.keeps(source, p)]
        source.type = lt.TapeT(tuple(it.elems[p].type for p in kept))
        forwards = self.tapes.reversed.get(source)
        if isinstance(forwards, Value) and forwards not in self.tapes.recorded:
            forwards.type = source.type  # an entry of another tape
        return Iter(source, tuple(it.elems[p] for p in kept), it.unpack)


def _shorter(op: Operand, t: lt.Type) -> lt.Type:
    """Return the type of what a tape saves: of a tape inside it, as it is by now."""
    now = op.type if isinstance(op, Value) else t
    return now if isinstance(now, lt.TapeT) else t
