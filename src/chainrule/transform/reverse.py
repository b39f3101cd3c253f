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

from chainrule.analysis.definedness import Definedness
from chainrule.errors import not_differentiable
from chainrule.ir.nodes import (
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
from chainrule.ir.walk import substitute
from chainrule.rules.registry import RULES
from chainrule.specialise.builder import Builder, function_name, type_of
from chainrule.transform import adjoints, branches, loops, pairs, splice
from chainrule.transform.containers import STRUCTURAL
from chainrule.transform.cotangents import Bar, Cotangents, is_zero
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
        self.loops = 0  # around the statement that is reversed
        # What the forward sweep has to do just before the present statement.
        self.before: list[Stmt] = []

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
                branches.reverse_with(self, stmt)
            case If() | Try():
                branches.reverse_branches(self, stmt)
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
            before, self.before = self.before, []
            return [*before, stmt] if before else None
        rule = RULES.reverse.get(fn)
        if rule is None and fn in RULES.forward:
            raise not_differentiable(
                "CR306",
                stmt.loc,
                f"{function_name(fn)} has no rule for reverse mode",
                help="add rules.reverse for it, or use jvp",
            )
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

    def leaf(self, bar: Bar | None, value: Value) -> Operand:
        """Return a cotangent as one operand, of the value's full shape."""
        return self.cot.complete(bar, value)

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
