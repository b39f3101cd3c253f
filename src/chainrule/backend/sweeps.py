"""Say in comments where the forward and the reverse sweep begin.

In: the nodes of a program. Out: the same with two comments, if the function fills a
tape in a loop and then reads it backwards; a shorter derivative needs no comments.
"""

from __future__ import annotations

from chainrule.backend import program as p
from chainrule.backend.live import Web
from chainrule.backend.nest import leaves
from chainrule.backend.program import Nodes
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Value
from chainrule.types.lattice import NONE


def mark_sweeps(web: Web) -> None:
    """Add the comments to a program, in place."""
    nodes = web.program.nodes
    start = _reverse_start(web, nodes)
    if start is None or any(map(_is_remark, p.walk(nodes))):
        return
    nodes.insert(start, _remark("reverse sweep"))
    nodes.insert(0, _remark("forward sweep"))


def _remark(text: str) -> p.Let:
    out = Value(NONE)
    return p.Let(out, ir.Apply(out, prims.remark, (Const(text),), effect=True))


def _is_remark(node: p.Node) -> bool:
    op = node.op if isinstance(node, p.Let) else None
    return isinstance(op, ir.Apply) and op.fn is prims.remark


def _reverse_start(web: Web, nodes: Nodes) -> int | None:
    """Return the index of the first statement of the reverse sweep."""
    tapes = {web.find(n.tape) for n in nodes if isinstance(n, p.NewTape)}
    if not tapes:
        return None
    filling = [i for i, n in enumerate(nodes) if _appends(web, n, tapes)]
    reading = [i for i, n in enumerate(nodes) if _reads(web, n, tapes)]
    if not filling or not reading or reading[0] < filling[-1]:
        return None
    for i in range(filling[-1] + 1, reading[0]):
        names = [web.hint(v) or "" for n in p.walk([nodes[i]]) for v in p.defines(n)]
        if any(name.endswith("_bar") for name in names):
            return i
    return reading[0]


def _appends(web: Web, node: p.Node, tapes: set[Value]) -> bool:
    if isinstance(node, p.Let):
        return False
    found = (n for n in p.walk([node]) if isinstance(n, p.Append))
    return any(web.find(n.tape) in tapes for n in found)


def _reads(web: Web, node: p.Node, tapes: set[Value]) -> bool:
    if not isinstance(node, p.For):
        return False
    sources = [v for it in node.iters for v in leaves(it.source, web.nested)]
    return any(web.find(v) in tapes for v in sources)
