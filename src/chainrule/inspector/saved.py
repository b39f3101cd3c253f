"""What the forward sweep saves for the reverse sweep.

In: `Facts`. Out: `Kept` values, each with the place of the user's that computes it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.backend import program as p
from chainrule.backend.nest import leaves
from chainrule.backend.spell import Speller
from chainrule.inspector.facts import FORWARD, REVERSE, Facts, Statement
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Loc, Operand, Value
from chainrule.types.lattice import ResidualT, TapeT, show

Read = Callable[[dict[str, Any], Any], Any]


@dataclass(eq=False)
class Kept:
    """One value that is kept: how it is spelled, where it comes from, how it is read.

    `how` is `variable`, `tape` or `residual`; an entry of a tape can be read from the
    frame after its `statement`, a variable when the reverse sweep begins. `entries` and
    `bytes` are None until the derivative has run.
    """

    name: str
    how: str
    type: str
    loc: Loc | None
    value: Value
    statement: Statement
    read: Read
    entries: int | None = None
    bytes: int | None = None


def find(facts: Facts) -> list[Kept]:
    """Return what is kept, in the order in which it is computed."""
    out: list[Kept] = []
    read = _read_backwards(facts)
    variables: dict[Value, Kept] = {}
    for stmt in facts.statements:
        if stmt.sweep == REVERSE or stmt.node is None:
            continue
        speller = facts.spellers[stmt.function]
        if isinstance(stmt.node, p.Append):
            out += _on_tape(stmt, stmt.node, speller)
        elif isinstance(stmt.node, p.Return):
            out += _in_residual(stmt, speller)
        elif stmt.sweep == FORWARD:
            for value in p.defines(stmt.node):
                root = speller.web.find(value)
                if root in read and _counts(value):
                    variables[root] = _variable(stmt, value, speller)
    return [*variables.values(), *out]


def _read_backwards(facts: Facts) -> set[Value]:
    """Return the variables of the forward sweep that the reverse sweep reads."""
    out = set()
    for stmt in facts.statements:
        if stmt.node is None:
            continue
        speller = facts.spellers[stmt.function]
        web = speller.web
        if stmt.sweep == REVERSE:
            operands = list(p.reads(stmt.node))
        elif isinstance(stmt.node, p.Return) and not stmt.sweep:
            operands = [_gradient(facts, speller, stmt.node.value)]
        else:
            continue
        for operand in operands:
            for value in leaves(operand, web.nested):
                if value in facts.forward:
                    out.add(web.find(value))
    return out


def _gradient(facts: Facts, speller: Speller, returned: Operand) -> Operand:
    """Return the part of a result whose expression is the end of the reverse sweep."""
    request = facts.compiled.request
    parts = _made(speller, returned)
    if request.transform == "value_and_grad":
        return parts[1] if parts else returned
    if request.transform == "grad":
        return parts[0] if parts and request.has_aux else returned
    return ir.UNDEF


def _counts(value: Value) -> bool:
    """Say whether a value is one by itself, not a tape or what a callee has kept."""
    return not isinstance(value.type, TapeT | ResidualT)


def _variable(stmt: Statement, value: Value, speller: Speller) -> Kept:
    name = speller.variable(value)
    loc = _loc(value, stmt)
    kind = show(value.type)
    return Kept(name, "variable", kind, loc, value, stmt, lambda f, _: f.get(name))


def _loc(value: Value, stmt: Statement) -> Loc | None:
    places = [value.loc, *stmt.places, getattr(stmt.node, "loc", None)]
    return next((loc for loc in places if loc is not None), stmt.function.loc)


def _on_tape(stmt: Statement, node: p.Append, speller: Speller) -> Iterator[Kept]:
    """Yield the entries of the tuple that a loop appends."""
    tape = speller.variable(node.tape)
    [call] = [n for n in ast.walk(stmt.tree) if isinstance(n, ast.Call)][:1]
    several = len(node.items) > 1
    for k, item in enumerate(node.items):
        if not isinstance(item, Value) or not _counts(item):
            continue
        tree: Any = call.args[0].elts[k] if several else call.args[0]  # type: ignore[attr-defined]

        def read(frame: dict[str, Any], _: Any, k: int = k) -> Any:
            row = frame[tape][-1]
            return row[k] if several else row

        text, kind = ast.unparse(tree), show(item.type)
        yield Kept(text, "tape", kind, _loc(item, stmt), item, stmt, read)


def _in_residual(stmt: Statement, speller: Speller) -> Iterator[Kept]:
    """Yield what a forward half hands to its backward half."""
    if not stmt.function.name.endswith("_fwd"):
        return
    items = _residual(speller, stmt.node.value)
    for k, item in enumerate(items):
        if not isinstance(item, Value) or not _counts(item):
            continue
        if item in stmt.function.params:
            continue
        name = _spelled(speller, item, k)

        def read(_: dict[str, Any], result: Any, k: int = k) -> Any:
            return result[1][k]

        kind = show(item.type)
        yield Kept(name, "residual", kind, _loc(item, stmt), item, stmt, read)


def _residual(speller: Speller, returned: Operand) -> tuple[Operand, ...]:
    """Return the entries of the residual in `(value, residual)`."""
    pair = _made(speller, returned)
    if pair is None or len(pair) != 2:
        return ()
    return _made(speller, pair[1]) or ()


def _made(speller: Speller, op: Operand) -> tuple[Operand, ...] | None:
    made = speller.ops.get(op) if isinstance(op, Value) else None
    if isinstance(made, ir.Apply) and made.fn is prims.make_tuple:
        return made.args
    return None


def _spelled(speller: Speller, item: Value, position: int) -> str:
    if item in speller.nested:
        return item.hint or f"residual[{position}]"
    return speller.variable(item)
