"""Save nothing twice on one tape.

In: a function whose equal operations are shared already. Out: the same function, in
which entries of a tape that are always the same value are read as one; the others then
have no reader.
"""

from __future__ import annotations

from chainrule.ir.nodes import Function, Loop, Operand, Value
from chainrule.ir.walk import statements, substitute
from chainrule.optimise.dead import Tapes
from chainrule.types import lattice as lt


def read_once(function: Function) -> bool:
    """Read the first of the entries of a tape that are the same, in place.

    Says whether there were any.
    """
    tapes = Tapes(function.body)
    if not tapes.present:
        return False
    changed = False
    tapes.connect()
    rows: dict[Value, list[tuple[Operand, ...]]] = {}
    for root, found in tapes.entries.items():
        rows.setdefault(tapes.find(root), []).extend(found)
    for stmt in statements(function.body):
        if not isinstance(stmt, Loop):
            continue
        for it in stmt.iters:
            source = it.source
            if isinstance(source, Value) and isinstance(source.type, lt.TapeT):
                first = _first(rows.get(tapes.find(source), []), len(it.elems))
                table = {it.elems[j]: it.elems[i] for j, i in first.items()}
                if table:
                    substitute(stmt.body, table)
                    changed = True
    return changed


def _first(rows: list[tuple[Operand, ...]], count: int) -> dict[int, int]:
    """Return for each entry that repeats another the position of that other."""
    out: dict[int, int] = {}
    if not rows or any(len(row) != count for row in rows):
        return out
    for j in range(count):
        for i in range(j):
            if all(isinstance(row[i], Value) and row[i] is row[j] for row in rows):
                out[j] = i
                break
    return out
