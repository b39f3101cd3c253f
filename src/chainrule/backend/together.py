"""Assign at once what the user assigned at once: `x, y = y, x + y`.

In: nodes after nesting. Out: the same, in which the parts of an assignment to a tuple
are one `Copies`, where a later part reads a variable that an earlier one assigns: one
after the other they would need the old value under another name.

The values are those of before: no part reads what another makes, and all are computed
in the order of the text before the first is assigned.
"""

from __future__ import annotations

from chainrule.backend import program as p
from chainrule.backend import sizes
from chainrule.backend.program import Nodes, Op
from chainrule.backend.slots import Slots
from chainrule.ir.nodes import Value

MAX_WIDTH = 76


def put_together(nodes: Nodes, nested: dict[Value, Op], slots: Slots) -> None:
    """Rewrite lists of nodes in place."""
    out: Nodes = []
    run: list[p.Let] = []
    for node in [*nodes, None]:
        if run and not (isinstance(node, p.Let) and _belongs(node, run, nested)):
            out += _joined(run, nested, slots)
            run = []
        if node is None:
            break
        for inner in p.parts(node):
            put_together(inner, nested, slots)
        if isinstance(node, p.Let) and _is_part(node):
            run.append(node)
        else:
            out.append(node)
    nodes[:] = out


def _is_part(let: p.Let) -> bool:
    """Say whether a `Let` may be part of an assignment of the user's to a tuple."""
    plain = not sizes.is_statement(let.op) and not sizes.has_effect(let.op)
    return plain and bool(let.out.hint) and let.op.loc is not None


def _belongs(let: p.Let, run: list[p.Let], nested: dict[Value, Op]) -> bool:
    """Say whether a `Let` stands on the line of the others, and reads none of them."""
    one, two = run[-1].op.loc, let.op.loc
    if not _is_part(let) or one is None or two is None:
        return False
    if (one.file, one.line) != (two.file, two.line):
        return False
    made = {node.out for node in run}
    return made.isdisjoint(_read(let.op, nested))


def _read(op: Op, nested: dict[Value, Op]) -> set[Value]:
    """Return what printing an operation reads."""
    found: set[Value] = set()
    for operand in p.op_operands(op):
        if isinstance(operand, Value):
            inner = nested.get(operand)
            found |= {operand} if inner is None else _read(inner, nested)
    return found


def _joined(run: list[p.Let], nested: dict[Value, Op], slots: Slots) -> Nodes:
    """Return the nodes of a run, as one if that saves a name."""
    if len(run) == 1:
        return [*run]
    assigned = [slots.slot(let.out) for let in run]
    reads_old = any(
        slots.slot(value) in assigned[:k]
        for k, let in enumerate(run)
        for value in _read(let.op, nested)
    )
    width = sum(_width(let.op, nested) + len(let.out.hint or "") + 4 for let in run)
    if not reads_old or len(set(assigned)) < len(run) or width > MAX_WIDTH:
        return list(run)
    pairs = []
    for let in run:
        source = Value(let.out.type, None, let.out.loc)
        nested[source] = let.op
        pairs.append((let.out, source))
    return [p.Copies(list(pairs), run[0].op.loc)]


def _width(op: Op, nested: dict[Value, Op]) -> int:
    """Return how wide an operation prints, with what is nested in it."""
    widths = [
        _width(nested[operand], nested)
        if isinstance(operand, Value) and operand in nested
        else sizes.operand_width(operand)
        for operand in p.op_operands(op)
    ]
    return sizes.width(op, widths)
