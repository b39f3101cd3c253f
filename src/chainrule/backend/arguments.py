"""Arguments that the user's function writes into.

In: a function with `commit` effects, which say what the caller's arrays hold at the
end. Out: the parameters that can be written in place from the first store to the last:
for them the `commit` prints as nothing. Whether that works out is known only when modes
are chosen; if it does not, the function is laid out again, and the `commit` prints as
`x[...] = value`.
"""

from __future__ import annotations

from chainrule.analysis.activity import paths
from chainrule.analysis.memory import STORES
from chainrule.backend import program as p
from chainrule.backend.live import Web
from chainrule.backend.program import Program
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.ir.walk import statements
from chainrule.types.lattice import ArrayT

Versions = dict[Value, set[Value]]


def committed(function: ir.Function) -> Versions:
    """Return the parameters that are written, each with its versions."""
    stmts = statements(function.body)
    commits = [s for s in stmts if isinstance(s, ir.Apply) and s.fn is prims.commit]
    if not commits:
        return {}
    made: dict[Value, list[Operand]] = {}
    for stmt in stmts:
        match stmt:
            case ir.Apply(fn=fn) if fn in STORES:
                made[stmt.out] = [stmt.args[0]]
            case ir.If() | ir.Try() | ir.With():
                for k, out in enumerate(stmt.outs):
                    made[out] = [path.results[k] for path in paths(stmt)]
            case ir.Loop():
                for k, out in enumerate(stmt.outs):
                    flow = [stmt.init[k], stmt.body.results[1 + k]]
                    made[out] = [stmt.body.params[k], stmt.init[k]]
                    made[stmt.body.params[k]] = flow
                    if stmt.header is not None:
                        made[stmt.header.params[k]] = flow
    found: Versions = {}
    for stmt in commits:
        place, final = stmt.args
        if place in function.params and isinstance(place, Value):
            versions = _versions(place, final, made)
            if versions is not None and isinstance(place.type, ArrayT):
                found[place] = versions
    return found


def _versions(
    place: Value, final: Operand, made: dict[Value, list[Operand]]
) -> set[Value] | None:
    """Return all versions from the parameter to the last; None if others mix in."""
    found: set[Value] = set()
    todo: list[Operand] = [final]
    while todo:
        op = todo.pop()
        if isinstance(op, ir.Undef) or op is place:
            continue
        if not isinstance(op, Value) or op not in made:
            return None
        if op not in found:
            found.add(op)
            todo += made[op]
    return found


def expect_in_place(program: Program, ours: Versions) -> None:
    """Let the parameters that are ours die where they are written."""
    if not ours:
        return
    for node in p.walk(program.nodes):
        if isinstance(node, p.Let) and isinstance(node.op, ir.Apply):
            op = node.op
            if op.fn is prims.commit and op.args[0] in ours:
                if isinstance(op.args[1], Value):
                    program.kept.append(op.args[1])
                node.op = ir.Apply(
                    op.out, op.fn, (Const(None), op.args[1]), effect=True, loc=op.loc
                )


def not_in_place(web: Web, ours: Versions) -> set[Value]:
    """Return the parameters of which some version is not written in place."""
    failed: set[Value] = set()
    for param, versions in ours.items():
        mine = web.find(param)
        if any(web.find(v) is not mine for v in versions if _is_there(web, v)):
            failed.add(param)
    for node in p.walk(web.program.nodes) if ours else ():
        if isinstance(node, p.Let) and isinstance(node.op, ir.Apply):
            if node.op.fn in STORES and node.mode != "in place":
                failed |= {k for k, versions in ours.items() if node.out in versions}
    return failed


def _is_there(web: Web, value: Value) -> bool:
    return web.find(value) in web.index
