"""Objects that hold each other: nodes and their neighbours, children and their parent.

In: what an object is about to hold. Out: the same, in which whatever leads back to the
object is a `Back`, a constant that stands for it. So contents never contain themselves;
who reads a `Back` gets what its object holds by then. An interpretation begins without:
`Cyclic` says that it must begin again and look out for them.
"""

from __future__ import annotations

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Operand, Value
from chainrule.specialise.builder import CYCLE, Builder
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.specialise.memory import MAKERS


def cut(b: Builder, home: Value, content: Operand) -> Operand:
    """Return what an object is to hold, with a `Back` for each part that holds it."""
    layout = layout_of(content)
    stmt = b.definition(content)
    if not b.memory.cyclic or layout is None or stmt is None or stmt.fn not in MAKERS:
        return content
    parts = read_parts(b, content)
    new = [b.memory.back(p) if leads_to(b, p, home) else p for p in parts]
    if all(x is y for x, y in zip(parts, new, strict=True)):
        return content
    return make(b, layout, new)


def leads_to(b: Builder, op: Operand, home: Value) -> bool:
    """Say whether an operand is an object, or holds it at any depth."""
    seen: set[Value] = set()
    todo = [op]
    while todo:
        each = todo.pop()
        if not isinstance(each, Value) or b.memory.object(each) in seen:
            continue
        seen.add(b.memory.object(each))
        if b.memory.object(each) is home:
            return True
        stmt = b.definition(b.memory.content(each))
        if stmt is not None and stmt.fn in MAKERS:
            todo += stmt.args
    return False


def refuse(b: Builder, op: Operand) -> Operand:
    """Return an operand that holds no `Back`, for what has no place for the objects."""
    if b.memory.cyclic and b.memory.leads_back(op):
        raise not_differentiable(
            CYCLE.code, b.loc, f"this {CYCLE.reason}", help=CYCLE.help
        )
    return op
