"""Put values into variables so that as little as possible is copied.

In: a program after nesting. Out: its `Web`, with every copy made free where live ranges
allow. Where a loop variable is read after its new value exists, in this order: the tape
takes it before (`tape.append(y)` moves up), the new value is computed in the copy
itself (`a, b = b, a + b`), or the old value is kept under a name of its own (`y_in =
y`).
"""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.analysis.memory import STORES
from chainrule.backend import program as p
from chainrule.backend import sizes
from chainrule.backend.live import Nested, Web, analyse
from chainrule.backend.nest import MAX_OPS, node_leaves
from chainrule.backend.program import Nodes, Op, Program
from chainrule.ir import nodes as ir
from chainrule.ir.nodes import Operand, Value

Pair = tuple[Value, Operand]
Kept = dict[Value, Value]


def coalesce(program: Program, nested: Nested) -> Web:
    """Return the variables of a program; it is changed where that saves copies."""
    web = analyse(program, nested)
    keep_buffers(web)
    failed = merge(web)
    if failed:
        # Repairs ask which values are the loop variable itself, not what it took in.
        before = Web(program, nested)
        kept: Kept = {}
        done = [repair(before, kept, copies, pair) for copies, pair in failed]
        if any(done):
            web = analyse(program, nested)
            keep_buffers(web)
            merge(web)
    add_up_in_place(web)
    return web


def add_up_in_place(web: Web) -> None:
    """Let what a long sum of cotangents is so far be the variable that it ends in."""
    made: dict[Value, Op] = {}
    for node in p.walk(web.program.nodes):
        if isinstance(node, p.Let):
            made[node.out] = node.op
        elif isinstance(node, p.Copies):
            for out, source in node.pairs:
                if isinstance(source, Value) and source in web.nested:
                    made[out] = web.nested[source]
    for out, op in made.items():
        if not (web.hint(out) or "").endswith("_bar"):
            continue
        found: list[Value] = []
        partial = _first_summand(web, op)
        while partial in made and web.hint(partial) is None:
            found.append(partial)
            partial = _first_summand(web, made[partial])
        if found and partial is not None and web.find(partial) is web.find(out):
            for value in reversed(found):
                if not web.clash(out, value):
                    web.union(out, value)


def _first_summand(web: Web, op: Op) -> Value | None:
    """Return the variable that a sum begins with."""
    first = p.op_operands(op)[0] if sizes.is_sum(op) else None
    if not isinstance(first, Value):
        return None
    inner = web.nested.get(first)
    return first if inner is None else _first_summand(web, inner)


def keep_buffers(web: Web) -> None:
    """Let what is stored into stay the same variable."""
    for node in p.walk(web.program.nodes):
        if isinstance(node, p.Let) and isinstance(node.op, ir.Apply):
            source = node.op.args[0] if node.op.fn in STORES else None
            if isinstance(source, Value) and source not in web.nested:
                dies = web.dies.get(id(node), False)
                if dies and not web.clash(node.out, source):
                    web.union(source, node.out)


def merge(web: Web) -> list[tuple[p.Copies, Pair]]:
    """Make copies free; return those that must stay although the names agree."""
    failed: list[tuple[p.Copies, Pair]] = []
    params = {web.find(v) for v in web.program.function.params}
    for copies in _inner_first(web.program.nodes):
        for out, source in copies.pairs:
            if not isinstance(source, Value) or source in web.nested:
                continue
            a, b = web.find(out), web.find(source)
            if a is b or not _agree(web.hint(a), web.hint(b)):
                continue
            if web.clash(a, b) or (a in params and b in params):
                failed.append((copies, (out, source)))
                continue
            if b in params:
                a, b = b, a
            if web.hint(a) is None and a in params:
                continue
            known = a in params
            web.union(a, b)
            if known:
                params.add(web.find(a))
    return failed


def _agree(a: str | None, b: str | None) -> bool:
    return a is None or b is None or a == b


def _inner_first(nodes: Nodes) -> Iterator[p.Copies]:
    """Yield the copies inside a node before those beside it."""
    for node in nodes:
        for inner in p.parts(node):
            yield from _inner_first(inner)
    for node in nodes:
        if isinstance(node, p.Copies):
            yield node


def repair(web: Web, kept: Kept, copies: p.Copies, pair: Pair) -> bool:
    """Change the program so that one copy becomes free; say whether it did."""
    out, source = pair
    loop = _loop_of(web, web.program.nodes, out)
    if loop is None or not isinstance(source, Value):
        return False
    return (
        _append_earlier(web, loop, out, source)
        or _compute_in_copy(web, copies, pair)
        or _keep_old(web, kept, loop, out, source)
    )


def _loop_of(web: Web, nodes: Nodes, value: Value) -> p.For | p.While | None:
    """Return the loop that carries a variable."""
    root = web.find(value)
    for node in p.walk(nodes):
        if isinstance(node, p.For | p.While):
            if any(web.find(c) is root for c in node.carried):
                return node
    return None


# The tape takes the old value before it is lost


def _append_earlier(web: Web, loop: p.For | p.While, out: Value, source: Value) -> bool:
    body = loop.body
    start = _definition(web, body, out, source)
    appends = [i for i, n in enumerate(body) if isinstance(n, p.Append)]
    if start is None or len(appends) != 1 or appends[0] < start:
        return False
    append = body[appends[0]]
    passed = list(p.walk(body[start : appends[0]]))
    if any(isinstance(n, p.Append | p.Exit | p.Return) for n in passed):
        return False
    late = web.bits(v for n in passed for v in p.defines(n))
    old = web.bit(out)
    if web.node_reads(append) & (late & ~old):
        return False
    others = [n for n in p.walk(body[start:]) if n is not append]
    if any(_reads_old(web, n, out, source) for n in others[1:]):
        return False
    if web.find(source) in {web.find(v) for v in _read_values(web, append)}:
        return False
    del body[appends[0]]
    body.insert(start, append)
    return True


def _read_values(web: Web, node: p.Node) -> list[Value]:
    return node_leaves(node, web.nested)


def _reads_old(web: Web, node: p.Node, out: Value, source: Value) -> bool:
    """Say whether a node reads the old value."""
    root = web.find(out)
    return any(web.find(v) is root for v in _read_values(web, node))


def _definition(web: Web, nodes: Nodes, out: Value, source: Value) -> int | None:
    """Return the index of the node in or at which the new value is first made."""
    root, old = web.find(source), web.find(out)
    for i, node in enumerate(nodes):
        for inner in p.walk([node]):
            if isinstance(inner, p.Copies):
                for target, operand in inner.pairs:
                    plain = isinstance(operand, Value) and web.find(operand) is old
                    if web.find(target) is root and not plain:
                        return i
            elif any(web.find(v) is root for v in p.defines(inner)):
                return i
    return None


# The new value is computed in the copy


def _compute_in_copy(web: Web, copies: p.Copies, pair: Pair) -> bool:
    out, source = pair
    assert isinstance(source, Value)
    found = _list_of(web.program.nodes, copies)
    if found is None or _use_count(web, source) != 1:
        return False
    nodes, end = found
    for i in range(end - 1, -1, -1):
        node = nodes[i]
        if isinstance(node, p.Let) and node.out is source:
            op = node.op
            if sizes.is_statement(op) or sizes.has_effect(op):
                return False
            if _operations(web, source, op) > MAX_OPS:
                return False
            web.nested[source] = op
            del nodes[i]
            return True
        plain = isinstance(node, p.Let) and not sizes.is_statement(node.op)
        if not isinstance(node, p.Append) and not plain:
            return False
        if isinstance(node, p.Let) and sizes.has_effect(node.op):
            return False
    return False


def _list_of(nodes: Nodes, wanted: p.Node) -> tuple[Nodes, int] | None:
    for i, node in enumerate(nodes):
        if node is wanted:
            return nodes, i
        for inner in p.parts(node):
            found = _list_of(inner, wanted)
            if found is not None:
                return found
    return None


def _use_count(web: Web, value: Value) -> int:
    return sum(
        v is value for n in p.walk(web.program.nodes) for v in _read_values(web, n)
    )


def _operations(web: Web, value: Value, op: Op) -> int:
    inner = [o for o in p.op_operands(op) if isinstance(o, Value) and o in web.nested]
    return 1 + sum(_operations(web, o, web.nested[o]) for o in inner)


# The old value is kept


def _keep_old(
    web: Web, kept: Kept, loop: p.For | p.While, out: Value, source: Value
) -> bool:
    """Copy the variable at the start of the body; read the copy once it has changed."""
    body = loop.body
    start = _definition(web, body, out, source)
    if start is None:
        return False
    root = web.find(out)
    old = kept.get(root) or Value(out.type, f"{web.hint(out) or 'state'}_in", out.loc)
    changed = _Replace(web, root, old)
    if isinstance(body[start], p.For | p.While | p.Branch | p.Try | p.With):
        for part in p.parts(body[start]):
            p.rewrite(part, changed.operand)
    p.rewrite(body[start + 1 :], changed.operand)
    if not changed.count:
        return False
    if root not in kept:
        kept[root] = old
        first = body[0]
        if not (isinstance(first, p.Copies) and first.pairs[0][0] in kept.values()):
            body.insert(0, first := p.Copies([]))
        first.pairs.append((old, _parameter(web, loop, root)))
    return True


def _parameter(web: Web, loop: p.For | p.While, root: Value) -> Value:
    return next(v for v in loop.carried if web.find(v) is root)


class _Replace:
    """Read one value in place of a variable, in nodes and in what is nested in them."""

    def __init__(self, web: Web, root: Value, by: Value) -> None:
        self.web = web
        self.root = root
        self.by = by
        self.count = 0

    def operand(self, operand: Operand) -> Operand:
        if not isinstance(operand, Value):
            return operand
        nested = self.web.nested
        if operand in nested:
            nested[operand] = p.map_op(nested[operand], self.operand)
            return operand
        if self.web.find(operand) is not self.root:
            return operand
        self.count += 1
        return self.by
