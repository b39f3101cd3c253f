"""Return from the branches of the last `if`, not behind it.

In: the nodes of a program. Out: the same, in which a value that is chosen by the last
branch, and only returned, is returned on each path. A branch that will be printed as a
conditional expression stays.
"""

from __future__ import annotations

from collections import Counter

from chainrule.backend import program as p
from chainrule.backend.nest import is_short
from chainrule.backend.program import Nodes, Program
from chainrule.ir.nodes import Operand, Value


def sink_return(program: Program) -> None:
    """Rewrite the nodes of a program in place."""
    if program.kept or len(program.nodes) < 2:
        return
    if isinstance(program.nodes[-1], p.Return) and isinstance(
        program.nodes[-2], p.Branch
    ):
        reads = Counter(op for node in p.walk(program.nodes) for op in p.reads(node))
        _sink(program.nodes, reads)


def _sink(nodes: Nodes, reads: Counter[Operand]) -> None:
    """Move the return at the end of some nodes into the branch before it."""
    match nodes:
        case [*_, p.Branch() as branch, p.Return(value=Value() as value) as last]:
            pass
        case _:
            return
    paths = (branch.then, branch.orelse)
    if branch.word or reads[value] > 1 or is_short(branch):
        return
    if not all(_gives(path, value) for path in paths):
        return
    for path in paths:
        if not p.ends(path):
            copies = path[-1]
            assert isinstance(copies, p.Copies)
            path[-1] = p.Return(dict(copies.pairs)[value], last.loc)
            _sink(path, reads)
    nodes.pop()


def _gives(nodes: Nodes, value: Value) -> bool:
    """Say whether a path ends with what a value is on it, or does not come past it."""
    if p.ends(nodes):
        return True
    copies = nodes[-1] if nodes else None
    return isinstance(copies, p.Copies) and any(out is value for out, _ in copies.pairs)
