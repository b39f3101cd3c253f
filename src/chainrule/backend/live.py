"""Which variables hold their values at the same time.

In: the nodes of a program after nesting. Out: `Web`: values put together into
variables, and for each variable the set of those that it may not share a name with.
Sets of variables are bits of an int, so the backward walk over the structured nodes
costs little more than looking at each node once.
"""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.backend import program as p
from chainrule.backend import sizes
from chainrule.backend.nest import leaves, node_leaves
from chainrule.backend.program import Nodes, Op, Program
from chainrule.ir.nodes import Operand, Value
from chainrule.types.lattice import ArrayT, ListT

Nested = dict[Value, Op]
KEPT = {p.Let, p.Unpack, p.Return}


class Web:
    """Variables (sets of values), and which of them conflict."""

    def __init__(self, program: Program, nested: Nested) -> None:
        self.program = program
        self.nested = nested
        self.parent: dict[Value, Value] = {}
        self.index: dict[Value, int] = {}
        self.conflicts: dict[Value, int] = {}
        self.members: dict[Value, int] = {}
        self.hints: dict[Value, str | None] = {}
        self.dies: dict[int, bool] = {}
        self.live_after: dict[int, int] = {}
        self.moved: set[tuple[int, Value]] = set()
        self.leaves: dict[p.Node, list[Value]] = {}
        for a, b in program.same:
            self.union(a, b)

    def find(self, value: Value) -> Value:
        """Return the representative of a value's variable."""
        parent = self.parent
        while value in parent:
            above = parent[value]
            if above in parent:
                parent[value] = parent[above]
            value = above
        return value

    def hint(self, value: Value) -> str | None:
        """Return the name that the user gave a variable."""
        root = self.find(value)
        return self.hints.get(root, root.hint)

    def bit(self, value: Value) -> int:
        """Return the set of this one variable."""
        root = self.find(value)
        if root not in self.index:
            self.index[root] = len(self.index)
            self.members[root] = 1 << self.index[root]
            self.conflicts[root] = 0
        return 1 << self.index[root]

    def members_of(self, value: Value) -> int:
        """Return the bits of all variables that were put together with this one."""
        root = self.find(value)
        return self.bit(root) | self.members[root]

    def bits(self, values: Iterable[Value]) -> int:
        out = 0
        for value in values:
            out |= self.bit(value)
        return out

    def reads(self, operand: Operand) -> int:
        """Return the variables that printing an operand reads."""
        return self.bits(leaves(operand, self.nested))

    def read(self, node: p.Node) -> list[Value]:
        """Return the values that printing a node reads; it does not change any more."""
        found = self.leaves.get(node)
        if found is None:
            found = self.leaves[node] = node_leaves(node, self.nested)
        return found

    def node_reads(self, node: p.Node) -> int:
        return self.bits(self.read(node))

    def conflict(self, value: Value, others: int) -> None:
        """Forbid a variable to share its name with others.

        It is noted at one of two; `clash` looks at both.
        """
        root = self.find(value)
        own = self.bit(root)
        self.conflicts[root] |= others & ~own

    def clash(self, a: Value, b: Value) -> bool:
        """Say whether two variables are needed at the same time."""
        a, b = self.find(a), self.find(b)
        self.bit(a), self.bit(b)
        one, two = self.conflicts[a], self.conflicts[b]
        return bool(one & self.members[b] or two & self.members[a])

    def union(self, a: Value, b: Value) -> None:
        """Make two variables one."""
        a, b = self.find(a), self.find(b)
        if a is b:
            return
        hint = self.hints.get(a, a.hint) or self.hints.get(b, b.hint)
        self.parent[b] = a
        self.hints[a] = hint
        if b in self.index or a in self.index:
            self.bit(a)
            mine = self.members.get(b, 0)
            self.members[a] |= mine
            theirs = self.conflicts.pop(b, 0)
            self.conflicts[a] |= theirs


def analyse(program: Program, nested: Nested) -> Web:
    """Find the variables of a program and their conflicts."""
    web = Web(program, nested)
    drop_dead(web)
    walker = _Walker(web)
    live = walker.block(program.nodes, 0)
    params = program.function.params
    for value in params:
        web.conflict(value, live | web.bits(params))
    return web


def drop_dead(web: Web) -> None:
    """Drop copies and tapes that nobody reads."""
    nodes = p.walk(web.program.nodes)
    if KEPT.issuperset(map(type, nodes)):
        return
    needed: set[Value] = set()
    sources: dict[Value, list[Operand]] = {}
    pending: list[Value] = []

    def need(found: list[Value]) -> None:
        for root in map(web.find, found):
            if root not in needed:
                needed.add(root)
                pending.append(root)

    for node in nodes:
        if isinstance(node, p.Copies):
            for out, source in node.pairs:
                sources.setdefault(web.find(out), []).append(source)
        elif isinstance(node, p.Append):
            sources.setdefault(web.find(node.tape), []).extend(node.items)
        else:
            need(web.read(node))
    while pending:
        for source in sources.get(pending.pop(), ()):
            need(leaves(source, web.nested))
    _sweep(web, web.program.nodes, needed)


def _sweep(web: Web, nodes: Nodes, needed: set[Value]) -> None:
    kept: Nodes = []
    for node in nodes:
        if isinstance(node, p.Let):
            kept.append(node)
            continue
        for inner in p.parts(node):
            _sweep(web, inner, needed)
        if isinstance(node, p.Copies):
            node.pairs = [
                (out, source)
                for out, source in node.pairs
                if web.find(out) in needed
                and not (
                    isinstance(source, Value) and web.find(source) is web.find(out)
                )
            ]
            if not node.pairs:
                continue
        elif isinstance(node, p.Append | p.NewTape):
            if web.find(node.tape) not in needed:
                continue
        elif isinstance(node, p.Branch) and not node.then and not node.orelse:
            continue
        kept.append(node)
    nodes[:] = kept


class _Walker:
    """The backward walk: from what is live behind nodes to what is live before."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.on_break = 0
        self.on_continue = 0
        self.always = 0

    def block(self, nodes: Nodes, live: int) -> int:
        for node in reversed(nodes):
            live = self.node(node, live | self.always)
        return live | self.always

    def define(self, values: Iterable[Value], live: int) -> int:
        for value in values:
            self.web.conflict(value, live)
        return live & ~self.web.bits(values)

    def node(self, node: p.Node, live: int) -> int:
        web = self.web
        match node:
            case p.Let(out=out, op=op):
                beside = live
                if sizes.is_in_place(op):
                    self.note_death(node, live)
                    beside |= self.read_by_store(node)
                web.conflict(out, beside)
                return live & ~web.bit(out) | web.node_reads(node)
            case p.Unpack() | p.NewTape():
                outs = p.defines(node)
                return self.define(outs, live | web.bits(outs)) | web.node_reads(node)
            case p.Copies():
                return self.copies(node, live)
            case p.Append():
                return live | web.node_reads(node)
            case p.Exit(word=word):
                return self.on_break if word == "break" else self.on_continue
            case p.Return(value=value):
                return web.reads(value) | web.bits(web.program.kept)
            case p.Branch(then=then, orelse=orelse):
                either = self.block(then, live) | self.block(orelse, live)
                return either | web.node_reads(node)
            case p.For(body=body, orelse=orelse):
                after = self.block(orelse, live)
                outer = after | _outside(web, node) | _iterated(web, node)
                inner = self.loop(body, outer, live)
                inner = self.define(p.defines(node), inner | web.bits(p.defines(node)))
                return inner | outer | web.node_reads(node)
            case p.While(header=header, test=test, body=body, orelse=orelse):
                after = self.block(orelse, live)
                outer = after | _outside(web, node)
                inner = self.loop(body, outer, live)
                return self.block(header, inner | after | web.reads(test)) | outer
            case p.With(context=context, body=body):
                inner = self.define(p.defines(node), self.block(body, live))
                return inner | web.reads(context)
            case p.Try():
                return self.try_(node, live)

    def read_by_store(self, node: p.Let) -> int:
        """Return what a store still reads once its buffer has been made."""
        if not sizes.is_statement(node.op):
            return 0
        first, *rest = p.op_operands(node.op)
        read = self.web.bits(
            leaf for operand in rest for leaf in leaves(operand, self.web.nested)
        )
        # What is stored may be computed from the buffer itself: that comes first.
        is_buffer = isinstance(first, Value) and first not in self.web.nested
        return read & ~self.web.bit(first) if is_buffer else read  # type: ignore[arg-type]

    def note_death(self, let: p.Let, live: int) -> None:
        """Note whether the first operand is not needed behind its use."""
        self.web.live_after[id(let)] = self.web.live_after.get(id(let), 0) | live
        first = next(iter(p.op_operands(let.op)), None)
        if isinstance(first, Value) and first not in self.web.nested:
            store = sizes.is_statement(let.op)
            others = (
                [] if store else [o for o in p.op_operands(let.op) if o is not first]
            )
            read = 0
            for operand in others:
                read |= self.web.reads(operand)
            bit = self.web.bit(first)
            self.web.dies[id(let)] = not (live | read) & bit

    def copies(self, node: p.Copies, live: int) -> int:
        web = self.web
        pairs = node.pairs
        web.live_after[id(node)] = web.live_after.get(id(node), 0) | live
        outs = web.bits(out for out, _ in pairs)
        sources = [s for _, s in pairs if isinstance(s, Value)]
        for value in sources:
            once = sources.count(value) == 1 and value not in web.nested
            if once and not web.bit(value) & (live & ~outs):
                web.moved.add((id(node), value))
        for out, source in pairs:
            others = live | outs
            if isinstance(source, Value) and source not in web.nested:
                others &= ~web.bit(source) | outs
            web.conflict(out, others)
        live &= ~outs
        for _, source in pairs:
            live |= web.reads(source)
        return live

    def loop(self, body: Nodes, end: int, after: int) -> int:
        outer = self.on_break, self.on_continue
        self.on_break, self.on_continue = after, end
        live = self.block(body, end)
        self.on_break, self.on_continue = outer
        return live

    def try_(self, node: p.Try, live: int) -> int:
        outer = self.always
        after = self.block(node.final, live)
        # What `finally` reads is needed wherever the body or a handler fails.
        self.always |= self.block(node.final, 0)
        handlers = 0
        for handler in node.handlers:
            inner = self.block(handler.body, after)
            if handler.name is not None:
                # Python deletes the name at the end of the handler.
                inner = self.define((handler.name,), inner | after)
            handlers |= inner
        handlers |= self.web.node_reads(node)
        self.always |= handlers
        before = self.block(node.body, after)
        self.always = outer
        return before | handlers


def _iterated(web: Web, loop: p.For) -> int:
    """Return the lists and arrays that a loop runs over: they must last as they are."""
    sources = [it.source for it in loop.iters if isinstance(it.source, Value)]
    return web.bits(
        leaf
        for source in sources
        if isinstance(source.type, ListT | ArrayT)
        for leaf in leaves(source, web.nested)
        if isinstance(leaf.type, ListT | ArrayT)
    )


def _outside(web: Web, loop: p.For | p.While) -> int:
    """Return what a loop reads that was there before the iteration."""
    made, read = 0, 0
    lists = [loop.body] if isinstance(loop, p.For) else [loop.header, loop.body]
    if isinstance(loop, p.While):
        read |= web.reads(loop.test)
    else:
        made |= web.bits(p.defines(loop))
    for nodes in lists:
        for node in p.walk(nodes):
            made |= web.bits(p.defines(node))
            read |= web.node_reads(node)
    carried = web.bits(loop.carried)
    return read & (~made | carried)
