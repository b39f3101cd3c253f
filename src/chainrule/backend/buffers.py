"""Decide what is written in place.

In: a program and its variables. Out: `mode` of its `Let`s: `"in place"` for an update
of a buffer that nobody else sees from there on, `"augment"` for `acc += g`; otherwise a
copy is written to, or `acc = acc + g` is printed. A buffer is ours when its memory was
made in this function (zeros, arithmetic, an earlier update), or is an argument that the
user's function writes into, and no variable that shares it is read behind the update.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

from chainrule.analysis.memory import STORES, Aliases, is_fresh, is_immutable
from chainrule.backend import program as p
from chainrule.backend.live import Web
from chainrule.backend.nest import leaves
from chainrule.backend.program import Nodes
from chainrule.backend.sizes import AUGMENTED, SUMS
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Operand, Value
from chainrule.types.lattice import ArrayT, ListT, ScalarT


def choose_modes(web: Web, ours: Collection[Value] = ()) -> None:
    """Set the mode of every `Let` that updates something.

    The parameters that are `ours` may be written into: the caller expects it.
    """
    _copies_to_lets(web, web.program.nodes)
    owned = cache(lambda: Owned(web, ours))
    for node in p.walk(web.program.nodes):
        if isinstance(node, p.Let) and isinstance(node.op, ir.Apply):
            if node.op.fn in STORES:
                _choose_store(web, node, node.op, owned)
            elif node.op.fn in SUMS or node.op.fn in AUGMENTED:
                _choose_augment(web, node, node.op, owned)


def _copies_to_lets(web: Web, nodes: Nodes) -> None:
    """Write a copy of `acc + g` to `acc` as the operation that it is."""
    out: Nodes = []
    for node in nodes:
        for inner in p.parts(node):
            _copies_to_lets(web, inner)
        made: Nodes = [node]
        if isinstance(node, p.Copies):
            singles = _apart(web, node)
            lets: Nodes = [_copy_to_let(web, single) for single in singles]
            live = web.live_after.get(id(node), 0)
            for let, single in zip(reversed(lets), reversed(singles), strict=True):
                web.live_after[id(let)] = live
                web.dies[id(let)] = isinstance(let, p.Let)  # it is assigned anew
                live |= web.reads(single.pairs[0][1])  # behind those before it
            if any(isinstance(let, p.Let) for let in lets):
                made = lets
                _order(web, singles)
        out += made
    nodes[:] = out


def _apart(web: Web, node: p.Copies) -> list[p.Copies]:
    """Return one node for each copy, if it makes no difference."""
    written = 0
    for out, source in node.pairs:
        if web.reads(source) & written:
            return [node]
        written |= web.members_of(out)
    singles = []
    for pair in node.pairs:
        single = p.Copies([pair], node.loc)
        if isinstance(pair[1], Value) and (id(node), pair[1]) in web.moved:
            web.moved.add((id(single), pair[1]))
        singles.append(single)
    return singles


def _order(web: Web, singles: list[p.Copies]) -> None:
    """Keep what is assigned first apart in name from what is read later."""
    for i, first in enumerate(singles):
        for later in singles[i + 1 :]:
            for out, _ in first.pairs:
                for value in leaves(later.pairs[0][1], web.nested):
                    if web.find(value) is not web.find(out):
                        web.conflict(out, web.members_of(value))
                        web.conflict(value, web.members_of(out))


def _copy_to_let(web: Web, node: p.Copies) -> p.Copies | p.Let:
    if len(node.pairs) != 1:
        return node
    [(out, source)] = node.pairs
    op = web.nested.get(source) if isinstance(source, Value) else None
    if isinstance(op, ir.Apply) and op.fn in SUMS and isinstance(source, Value):
        first = _plain(web, op.args[0])
        if isinstance(first, Value) and first not in web.nested:
            fits = source.type == out.type or is_immutable(source)
            if web.find(first) is web.find(out) and fits:
                return p.Let(out, op)
    return node


def _plain(web: Web, operand: Operand) -> Operand:
    """Return what a copy of a number prints as: the number."""
    op = web.nested.get(operand) if isinstance(operand, Value) else None
    if isinstance(op, ir.Apply) and op.fn is prims.copy_value:
        source = op.args[0]
        if isinstance(source, Value) and is_immutable(source):
            return _plain(web, source)
    return operand


def _choose_store(
    web: Web, let: p.Let, op: ir.Apply, owned: Callable[[], Owned]
) -> None:
    source = op.args[0]
    if not isinstance(source, Value):
        return
    if source in web.nested:
        if is_fresh(web.nested[source]):
            let.mode = "fresh"
        return
    if not web.dies.get(id(let), False) or not owned().here(source, let):
        return
    if web.find(let.out) is not web.find(source):
        if web.clash(let.out, source):
            return
        web.union(source, let.out)
    let.mode = "in place"


def _choose_augment(
    web: Web, let: p.Let, op: ir.Apply, owned: Callable[[], Owned]
) -> None:
    first = _plain(web, op.args[0])
    if not isinstance(first, Value) or first in web.nested:
        return
    hint = web.hint(let.out) or ""
    if not (hint.endswith("_bar") or op.fn in AUGMENTED):
        return
    old, new = first.type, let.out.type
    fits = isinstance(old, ScalarT) and isinstance(new, ScalarT)
    if isinstance(old, ArrayT) and isinstance(new, ArrayT):
        same = old.dtype == new.dtype and old.dims == new.dims
        ours = same and old.dims is not None and web.dies.get(id(let), False)
        fits = ours and owned().here(first, let)
    if web.find(first) is not web.find(let.out):
        if web.hint(first) != hint or web.clash(first, let.out):
            return
        web.union(first, let.out)
    if fits:
        let.mode = "augment"


class Owned:
    """Whether the memory of a variable may be written at a certain place."""

    def __init__(self, web: Web, ours: Collection[Value]) -> None:
        self.web = web
        self.aliases = Aliases(web.program.function, ours)
        for node in p.walk(web.program.nodes):
            for out, source in node.pairs if isinstance(node, p.Copies) else ():
                if out not in self.aliases.inside and isinstance(source, Value):
                    self.aliases.base[out] = source  # kept under a name of our own
        self.values = {1 << web.index[v]: vs for v, vs in groups(web).items()}
        self.bits = {v: bit for bit, vs in self.values.items() for v in vs}
        self.classes: dict[Value, int] = {}
        self.unsure = 0
        for bit, values in self.values.items():
            for value in values:
                self.classify(value, bit)

    def classify(self, value: Value, bit: int) -> None:
        """Note whose memory a variable may show, or that only `may` knows."""
        aliases = self.aliases
        root = aliases.root(value)
        known_by_may = aliases.choices, aliases.loop_of, aliases.taped
        if any(root in table for table in known_by_may):
            self.unsure |= bit
        elif not is_immutable(value):
            known = aliases.held(root)
            self.classes[known] = self.classes.get(known, 0) | bit

    def candidates(self, value: Value) -> int:
        """Return the variables that may show the memory of a value."""
        root = self.aliases.root(value)
        if root in self.aliases.choices or root in self.aliases.loop_of:
            return -1
        return self.unsure | self.classes.get(self.aliases.held(root), 0)

    def here(self, value: Value, let: p.Let) -> bool:
        """Say whether nobody needs what a variable that dies in its update holds."""
        aliases, web = self.aliases, self.web
        if aliases.is_foreign(value):
            return False
        a_list = isinstance(value.type, ListT)
        own = self.bits.get(let.out) or web.bit(let.out)
        live = web.live_after.get(id(let), 0) & ~own & self.candidates(value)
        while live:
            low = live & -live
            live ^= low
            for other in self.values.get(low, ()):
                # An update of a list changes the list, not the arrays that it holds.
                if a_list and isinstance(other.type, ArrayT):
                    continue
                if not is_immutable(other) and aliases.may(other, value):
                    return False
        return True


def groups(web: Web) -> dict[Value, list[Value]]:
    """Return the values that were one variable when liveness was computed."""
    first: dict[Value, Value] = {}

    def find(value: Value) -> Value:
        while value in first:
            value = first[value]
        return value

    for a, b in web.program.same:
        one, two = find(a), find(b)
        if one is not two:
            first[two] = one
    found = {value: [value] for value in web.index}
    together: dict[Value, list[list[Value]]] = {}
    for root, values in found.items():
        together.setdefault(find(root), []).append(values)
    for a, b in web.program.same:
        for value in (a, b):
            for values in together.get(find(value), ()):
                if value not in values:
                    values.append(value)
    return found
