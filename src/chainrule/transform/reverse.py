"""Reverse mode: the statements of a block backwards, each with its adjoint.

In: an IR function and its active values. Out: a block that computes cotangents, which
reads values of the forward block. Values needed from inside a branch or a loop are
handed out of it: as results of the branch, as entries of the loop's tape.

There are two structured statements to reverse, because the IR has no jumps: the reverse
of `If` is `If` on the same test, the reverse of `Loop` is a loop over its tape from the
end.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.analysis.definedness import Definedness
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Call,
    Const,
    If,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
)
from chainrule.ir.walk import defined, substitute
from chainrule.rules.registry import RULES
from chainrule.specialise.builder import Builder, type_of
from chainrule.transform import adjoints, export, loops, pairs, splice
from chainrule.transform.containers import STRUCTURAL
from chainrule.transform.cotangents import Bar, Cotangents, Masked, is_zero
from chainrule.types import lattice as lt


class Reverse:
    """Writes the reverse sweep of one function."""

    def __init__(
        self, builder: Builder, active: set[Value], pairs_: pairs.Pairs
    ) -> None:
        self.b = builder
        self.active = active
        self.cot = Cotangents(builder, active)
        self.splicer = splice.Splicer(builder)
        self.pairs = pairs_
        self.renamed: dict[Value, Operand] = {}
        self.known: Definedness | None = None

    # ------------------------------------------------------------- blocks

    def block(self, forward: Block) -> None:
        """Write the adjoints of a block's statements into the current block."""
        if self.known is None:
            self.known = Definedness(forward)
        for k in range(len(forward.stmts) - 1, -1, -1):
            stmt = forward.stmts[k]
            self.b.loc = stmt.loc
            replacement = self.stmt(stmt)
            if replacement is not None:
                forward.stmts[k : k + 1] = replacement

    def stmt(self, stmt: Stmt) -> list[Stmt] | None:
        """Write the adjoint of one statement; return what replaces it, if anything."""
        match stmt:
            case Apply():
                return self.apply(stmt)
            case With() | Try(handlers=()):
                self.with_(stmt)
            case If() | Try():
                self.branches(stmt)
            case Loop():
                loops.reverse_loop(self, stmt)
            case Call():
                return self.call(stmt)
        return None

    def take(self, value: Value) -> Bar | None:
        """Return the complete cotangent of a value that is being left behind, named."""
        bar = self.cot.bars.pop(value, None)
        if (
            isinstance(bar, Value)
            and bar.hint is None
            and value.hint
            and bar in self.b.defs
        ):
            bar.hint = self.bar_name(value)
        return bar

    def bar_name(self, value: Value) -> str | None:
        """Return a name for a cotangent, after the user's variable,
        key or attribute.
        """
        name = value.hint or part_name(self.definition(value))
        return f"{name}_bar" if name else None

    # ------------------------------------------------------------- operations

    def apply(self, stmt: Apply) -> list[Stmt] | None:
        """Write the adjoint of one operation."""
        if stmt.out not in self.cot.bars:
            return None
        bar = self.take(stmt.out)
        if is_zero(bar) or bar is None:
            return None
        fn = stmt.fn
        structural = STRUCTURAL.get(fn)
        if structural is not None and structural(self, stmt, bar):
            return None
        rule = RULES.reverse.get(fn)
        if rule is None:
            raise splice.no_rule(stmt)
        if (
            isinstance(stmt.out.type, lt.TupleT | lt.ListT | lt.DictT)
            and rule.kind == "elementwise"
        ):
            raise splice.no_rule(stmt)
        if rule.kind == "elementwise":
            adjoints.elementwise(self, stmt, rule, bar)
            return None
        if rule.kind == "linear":
            adjoints.linear(self, stmt, rule, bar)
            return None
        return adjoints.pullback(self, stmt, rule, bar)

    def rename(self, old: Value, new: Operand, block: Block) -> None:
        """Let an operand stand for a value whose statement is replaced."""
        if isinstance(new, Value):
            if new.hint is None:
                new.hint = old.hint
            if new.type != old.type and isinstance(old.type, lt.ArrayT | lt.ScalarT):
                new.type = old.type
        self.renamed[old] = new

    # ------------------------------------------------------------- structure

    def branches(self, stmt: If | Try) -> None:
        """Reverse each path; the cotangents after it are joined."""
        outs = [(k, v) for k, v in enumerate(stmt.outs) if v in self.cot.bars]
        inner = paths(stmt)
        if not outs:
            return
        bars = {k: self.take(v) for k, v in outs}
        before = dict(self.cot.bars)
        written: list[tuple[Block, dict[Value, Bar]]] = []
        for path in inner:
            block = Block()
            self.cot.bars = dict(before)
            with self.b.into(block):
                for k, bar in bars.items():
                    if not is_zero(bar) and bar is not None:
                        self.cot.add(path.results[k], bar)
                self.block(path)
            written.append((block, self.cot.bars))
        self.cot.bars = before
        self.join(stmt, inner, written)

    def join(
        self,
        stmt: If | Try,
        inner: list[Block],
        written: list[tuple[Block, dict[Value, Bar]]],
    ) -> None:
        """Write the reversed branches, with one out for each cotangent they change."""
        before = self.cot.bars
        mine = {v for path in inner for v in defined(path)}
        changed = [
            v
            for v in dict.fromkeys(v for _, bars in written for v in bars)
            if v not in mine
            and any(bars.get(v) is not before.get(v) for _, bars in written)
        ]
        test = stmt.test if isinstance(stmt, If) else self.path_of(stmt)
        blocks = [block for block, _ in written]
        columns: list[list[Operand]] = []
        for value in changed:
            column = []
            for k, (block, bars) in enumerate(written):
                with self.b.into(block):
                    absent = isinstance(stmt, If) and self.absent(
                        value, stmt.test, k == 0
                    )
                    if (
                        not absent
                        and not isinstance(value.type, lt.ScalarT)
                        and self.known
                    ):
                        self.known.fill(value)
                    column.append(
                        UNDEF if absent else self.leaf(bars.get(value), value)
                    )
            columns.append(column)
        outs = []
        for value, column in zip(changed, columns, strict=True):
            t = _joined(column)
            hint = f"{value.hint}_bar" if value.hint else None
            outs.append(Value(t, hint, stmt.loc))
        for block, *results in zip(blocks, *columns, strict=True):
            block.results = tuple(results)
        self.chain(stmt, test, blocks, outs)
        for value, out in zip(changed, outs, strict=True):
            self.cot.bars[value] = out
        for k, (path, block) in enumerate(zip(inner, blocks, strict=True)):
            self.export(stmt, k, path, block)

    def export(self, stmt: If | Try | With, k: int, path: Block, block: Block) -> None:
        """Hand values that the reversed path reads out of the path."""
        self.finish(path, block)
        export.from_path(stmt, k, path, block, self.known.maybe if self.known else ())

    def absent(self, value: Value, test: Operand, flag: bool) -> bool:
        """Say whether an array has no value where a test has this outcome."""
        if isinstance(value.type, lt.ScalarT) or self.known is None:
            return False
        return self.known.absent(value, test, flag)

    def leaf(self, bar: Bar | None, value: Value) -> Operand:
        """Return a cotangent as one operand, of the value's full shape."""
        return self.cot.complete(bar, value)

    def chain(
        self, stmt: Stmt, test: Operand, blocks: list[Block], outs: list[Value]
    ) -> None:
        """Write `if` / `elif` on which path ran."""
        if isinstance(stmt, If):
            reversed_if = If(test, blocks[0], blocks[1], tuple(outs), stmt.loc)
            self.b.add(reversed_if)
            return
        current, targets = self.b.block, tuple(outs)
        for k, block in enumerate(blocks[:-1]):
            with self.b.into(current):
                ran = self.b.apply(operator.eq, test, Const(k))
                last = k == len(blocks) - 2
                rest = blocks[-1] if last else Block()
                self.b.add(If(ran, block, rest, targets, stmt.loc))
            if not last:
                inner_outs = tuple(Value(o.type, o.hint, o.loc) for o in outs)
                rest.results = inner_outs
                current, targets = rest, inner_outs

    def path_of(self, stmt: Try) -> Value:
        """Add a result that says which path of a `try` ran."""
        out = Value(lt.INT, None, stmt.loc)
        for k, path in enumerate(paths(stmt)):
            path.results += (Const(k),)
        stmt.outs += (out,)
        return out

    def with_(self, stmt: With | Try) -> None:
        """Reverse the body; `np.errstate` is entered again."""
        for k, out in enumerate(stmt.outs):
            if out in self.cot.bars:
                bar = self.take(out)
                if bar is not None:
                    self.cot.add(stmt.body.results[k], bar)
        block = Block()
        made = self.definition(stmt.context) if isinstance(stmt, With) else None
        if isinstance(stmt, Try) or made is None or made.fn is not np.errstate:
            self.block(stmt.body)
            self.export(stmt, 0, stmt.body, self.b.block)
            return
        with self.b.into(block):
            self.block(stmt.body)
        self.enter_again(stmt, made, block)

    def enter_again(self, stmt: With, made: Apply, block: Block) -> None:
        """Write reversed statements inside a fresh `np.errstate`."""
        context = self.b.apply(
            np.errstate,
            *made.args,
            kwargs=made.kwargs,
            text=made.text,
            effect=True,
            type_=type_of(made.out),
        )
        again = With(context, None, block, (), stmt.loc)
        inside = defined(block)
        for value, bar in list(self.cot.bars.items()):
            if isinstance(bar, Masked):
                with self.b.into(block):
                    bar = self.cot.bars[value] = self.cot.settle(bar)
                    inside = defined(block)
            if isinstance(bar, Value) and bar in inside:
                out = Value(bar.type, bar.hint, bar.loc)
                block.results += (bar,)
                again.outs += (out,)
                self.cot.bars[value] = out
            elif isinstance(bar, dict):
                with self.b.into(block):
                    whole = self.cot.complete(bar, value)
                if isinstance(whole, Value):
                    out = Value(whole.type, None, stmt.loc)
                    block.results += (whole,)
                    again.outs += (out,)
                    self.cot.bars[value] = out
        self.b.add(again)
        self.export(stmt, 0, stmt.body, block)

    def definition(self, op: Operand) -> Apply | None:
        """Return the forward operation that defines an operand."""
        return self.b.definition(op)

    # ------------------------------------------------------------- calls

    def call(self, stmt: Call) -> list[Stmt] | None:
        """Replace a call by its forward half, and call the backward half."""
        if stmt.out not in self.cot.bars:
            return None
        bar = self.take(stmt.out)
        if bar is None or is_zero(bar):
            return None
        wanted = tuple(k for k, a in enumerate(stmt.args) if a in self.active)
        fwd, bwd = self.pairs.of(stmt.callee, wanted)
        pair_type = lt.TupleT((stmt.out.type, lt.ResidualT(bwd)))
        pair = Value(pair_type, None, stmt.loc)
        block = Block()
        with self.b.into(block):
            self.b.add(Call(pair, fwd, stmt.args, stmt.loc))
            value = self.b.getitem(pair, 0)
            residual = self.b.getitem(pair, 1)
        if isinstance(residual, Value):
            residual.type = lt.ResidualT(bwd)
            residual.hint = f"{stmt.callee.name}_residual"
        self.rename(stmt.out, value, block)
        out_bar = self.cot.complete(bar, stmt.out)
        types = tuple(loosely(type_of(stmt.args[k])) for k in wanted)
        bars = Value(lt.TupleT(types), None, stmt.loc)
        self.b.add(Call(bars, bwd, (residual, out_bar), stmt.loc))
        for position, k in enumerate(wanted):
            self.cot.add(stmt.args[k], self.b.getitem(bars, position))
        return block.stmts

    def finish(self, *blocks: Block) -> None:
        """Replace values whose statements were replaced, everywhere."""
        if not self.renamed:
            return
        table = {old: self.resolve(new) for old, new in self.renamed.items()}
        for block in blocks:
            substitute(block, table)

    def resolve(self, op: Operand) -> Operand:
        """Follow renamings to the end."""
        while isinstance(op, Value) and op in self.renamed:
            op = self.renamed[op]
        return op


def part_name(made: Apply | None) -> str | None:
    """Return the attribute, the key or the field that an operation reads."""
    if (
        made is None
        or made.fn not in (getattr, operator.getitem)
        or len(made.args) != 2
    ):
        return None
    base, key = made.args
    name = key.value if isinstance(key, Const) else None
    fields = getattr(getattr(type_of(base), "cls", None), "_fields", ())
    if type(name) is int and 0 <= name < len(fields):
        name = fields[name]
    return name if isinstance(name, str) and name.isidentifier() else None


def loosely(t: lt.Type) -> lt.Type:
    """Return the type of a number's cotangent that comes out of a call:
    of any class.
    """
    if isinstance(t, lt.ScalarT):
        kind = "complex" if t.kind == "complex" else "float"
        return lt.ScalarT(kind, None, exact=False)
    return t


def _is_none(op: Operand) -> bool:
    return isinstance(op, Const) and op.value is None


def _is_complex(t: lt.Type) -> bool:
    return isinstance(t, lt.ScalarT | lt.ArrayT) and lt.result_dtype(t).kind == "c"


def _joined(column: Iterable[Operand]) -> lt.Type:
    t: lt.Type = lt.NEVER
    for op in column:
        if not (isinstance(op, Const) and op.value is None):
            t = lt.join(t, type_of(op))
    return t
