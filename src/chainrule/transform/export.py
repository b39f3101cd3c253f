"""Hand values out of branches and loops to where the reverse sweep reads them.

In: a statement, one of its blocks, and a block of the reverse sweep that reads values
defined inside. Out: new results and outs (for branches), entries of the tape (for
loops), and the reverse block rewritten to read those.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.analysis.definedness import Definedness
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    If,
    Iter,
    Loop,
    Operand,
    Try,
    Value,
    With,
    outputs,
)
from chainrule.ir.walk import (
    defined,
    free_values,
    replace_operands,
    statements,
    substitute,
)
from chainrule.optimise.dead import remove_dead_in
from chainrule.types import lattice as lt


def from_path(
    stmt: If | Try | With, k: int, path: Block, block: Block, maybe: Collection[Value]
) -> None:
    """Make values of one path results of the statement.

    `maybe` are values that have none on some way through the program.
    """
    inside = defined(path)
    needed = [v for v in free_values(block) if v in inside]
    again = formulas(path, needed, inside)
    block.stmts[:0] = again.values()
    table: dict[Value, Operand] = {v: s.out for v, s in again.items()}
    for value in needed:
        if value in again:
            continue
        known = shared(stmt, path, value, maybe)
        if known is not None:
            table[value] = known
            continue
        out = Value(value.type, value.hint, value.loc)
        for j, other in enumerate(paths(stmt)):
            other.results += (value if j == k else UNDEF,)
        stmt.outs += (out,)
        table[value] = out
    substitute(block, table)


def formulas(
    path: Block, needed: list[Value], inside: set[Value]
) -> dict[Value, Apply]:
    """Return how to compute nameless numbers again, from what is needed anyway."""
    made = {s.out: s for s in path.stmts if isinstance(s, Apply)}
    out: dict[Value, Apply] = {}

    def visit(value: Value, steps: int) -> bool:
        stmt = made.get(value)
        if value in out or value not in inside:
            return True
        if stmt is None or steps > STEPS or not _is_formula(value):
            return False
        if not _is_real_arithmetic(stmt) or not _cheap(stmt):
            return False
        if not all(
            visit(a, steps + 1) or (a in needed and not _is_formula(a))
            for a in stmt.args
            if isinstance(a, Value)
        ):
            return False
        out[value] = replace(stmt, out=Value(value.type, value.hint, value.loc))
        return True

    for value in needed:
        before = dict(out)
        if not visit(value, 1):
            out = before
    table = {v: s.out for v, s in out.items()}
    for stmt in out.values():
        replace_operands(stmt, lambda op: table.get(op, op))
    return out


def shared(
    stmt: If | Try | With, path: Block, value: Value, maybe: Collection[Value]
) -> Value | None:
    """Return an out that is this value on its path, and can be had on all others."""
    rows = zip(*(p.results for p in paths(stmt)), strict=False)
    for out, result, row in zip(stmt.outs, path.results, rows, strict=False):
        if result is value and not any(op is not value and op in maybe for op in row):
            return out
    return None


def to_tape(stmt: Loop, needed: Iterable[Value]) -> tuple[Value, dict[Value, Value]]:
    """Save values of every iteration; return the tape and its elements by value."""
    values = tuple(needed)
    fill(stmt.body, values)
    stmt.body.results += values
    items = tuple(v.type for v in values)
    stmt.tape = Value(lt.TapeT(items), "tape", stmt.loc)
    return stmt.tape, {v: Value(v.type, v.hint, v.loc) for v in values}


def fill(block: Block, values: Iterable[Value]) -> None:
    """Give values that are saved on every path something to hold where
    they have none.
    """
    known = Definedness(block)
    for value in values:
        known.fill(value)


def own_values(stmt: Loop) -> set[Value]:
    """Return the values that the body of a loop defines, elements included."""
    found = defined(stmt.body)
    for it in stmt.iters:
        found.update(it.elems)
    return found


def tape_iter(tape: Value, elements: dict[Value, Value]) -> Iter:
    """Return the iteration over a reversed tape; `tape` is already reversed."""
    return Iter(tape, tuple(elements.values()), unpack=True)


def read_again(stmt: Loop, body: Block) -> None:
    """Read values that are saved anyway where the reversed body computes them again."""
    needed = set(free_values(body))
    known = {
        (s.fn, s.args): s.out
        for s in stmt.body.stmts
        if isinstance(s, Apply) and s.out in needed and not s.kwargs and not s.effect
    }
    table: dict[Value, Operand] = {}
    for made in statements(body):
        if (
            isinstance(made, Apply)
            and not made.kwargs
            and (made.fn, made.args) in known
        ):
            table[made.out] = known[made.fn, made.args]
    if table:
        substitute(body, table)
        remove_dead_in(body)


ARITHMETIC = {operator.add, operator.sub, operator.mul, operator.truediv, operator.neg}
PLACES = {slice, prims.make_tuple}
READS = {operator.getitem, builtins.getattr, builtins.len, np.transpose}
CHEAP = {*READS, *PLACES, *ARITHMETIC}
STEPS = 2


def recomputable(
    stmt: Loop, needed: list[Value], free: set[Value], final: Mapping[Value, Apply]
) -> tuple[list[Apply], list[Value]]:
    """Split needed values in those recomputed from elements and those to be saved.

    Only indexing by position, sizes, integer arithmetic, and a step or two of
    arithmetic on numbers that are there anyway (or one with a constant on an array) are
    recomputed: they cost hardly more than reading a saved value. What the user gave a
    name is not a step on the way to something else. A place in an array is saved as the
    one number that it is made of here. `free` are values that the reverse body has
    anyway, `final` how elements are read again.
    """
    definitions = {
        v: s for s in stmt.body.stmts if isinstance(s, Apply) for v in outputs(s)
    }
    definitions |= final
    order: dict[Value, Apply] = {}
    inside = own_values(stmt)
    wanted = set(needed)
    kept: set[Value] = set()

    def there(value: Value) -> bool:
        return value in order or value in free or value in kept or value not in inside

    def visit(value: Value, depth: int, steps: int) -> bool:
        if there(value):
            return True
        made = definitions.get(value)
        if made is None or made.kwargs or depth > 4 or made.effect or not _cheap(made):
            return False
        read = [a for a in made.args if isinstance(a, Value)]
        if made.fn in PLACES and value in wanted:
            numbers = {v for v in _numbers_of(value, definitions) if not there(v)}
            if len(numbers) == 1 and all(map(_is_int, numbers)):
                kept.update(numbers)
        if _is_power(made) and not _is_formula(value):
            return False
        for op in read:
            if there(op):
                continue
            others = [a for a in read if a is not op and not there(a)]
            if op not in wanted and value in wanted and _is_swap(made, op):
                if wanted.issuperset(others):
                    kept.add(op)
                    continue
            more = 1
            if op not in wanted and _is_real_arithmetic(definitions.get(op)):
                more = steps + 1
                if more > STEPS or not _is_formula(op):
                    return False
            if not visit(op, depth + 1, more):
                if op not in wanted:
                    return False
                kept.add(op)
        order[value] = made
        return True

    saved = []
    for value in needed:
        mark, before = dict(order), set(kept)
        if value in free:
            continue
        if value in kept or not visit(value, 0, 1 if _is_formula(value) else STEPS):
            order, kept = mark, {*before, value}
            saved.append(value)
    elements = (e for it in stmt.iters for e in it.elems)
    given = (*definitions, *elements, *stmt.body.params)
    saved += [v for v in given if v in kept and v not in wanted]
    return list(order.values()), saved


def _numbers_of(value: Value, definitions: Mapping[Value, Apply]) -> set[Value]:
    """Return what a place in an array is computed from, by arithmetic of integers."""
    made = definitions.get(value)
    if made is None or not (made.fn in PLACES or _is_int(value)) or not _cheap(made):
        return {value}
    parts = [a for a in made.args if isinstance(a, Value)]
    return {v for part in parts for v in _numbers_of(part, definitions)}


def _cheap(made: Apply) -> bool:
    """Say whether an operation is no more work than reading its result from a tape."""
    if _is_power(made):
        return True
    if made.fn not in CHEAP:
        return False
    if made.fn in ARITHMETIC:
        if isinstance(made.out.type, lt.ArrayT):
            return sum(isinstance(a, Value) for a in made.args) == 1
        return isinstance(made.out.type, lt.ScalarT) and made.out.type.kind in (
            "int",
            "float",
        )
    if made.fn is operator.getitem:
        index = made.args[1]
        if isinstance(index, Value) and not _is_basic(index.type):
            return False
    return True


def _is_power(made: Apply) -> bool:
    """Say whether an operation is a small power of a number, such as `x**2`."""
    if made.fn is not operator.pow or not isinstance(made.out.type, lt.ScalarT):
        return False
    exponent = made.args[1]
    return isinstance(exponent, Const) and exponent.value in (2, 3)


def _is_formula(op: Value) -> bool:
    """Say whether a value is a number without a name of the user's."""
    return op.hint is None and isinstance(op.type, lt.ScalarT)


def _is_swap(made: Apply, op: Value) -> bool:
    """Say whether a number of the user's may be saved instead of one made of it."""
    named = op.hint is not None and isinstance(op.type, lt.ScalarT)
    return named and made.fn in ARITHMETIC and _is_formula(made.out)


def _is_int(op: Value) -> bool:
    return isinstance(op.type, lt.ScalarT) and op.type.kind == "int"


def _is_basic(t: lt.Type) -> bool:
    """Say whether an index makes a view, not a copy."""
    if isinstance(t, lt.TupleT):
        return all(map(_is_basic, t.items))
    return not isinstance(t, lt.ArrayT | lt.ListT)


def _is_real_arithmetic(made: Apply | None) -> bool:
    """Say whether an operation is arithmetic that is not done for an index."""
    if made is None or not (made.fn in ARITHMETIC or _is_power(made)):
        return False
    return not _is_int(made.out)
