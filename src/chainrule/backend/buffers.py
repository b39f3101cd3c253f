"""Decide what is written in place.

In: a program and its variables. Out: `mode` of its `Let`s: `"in place"` for an update
of a buffer that nobody else can see, `"augment"` for `acc += g`; otherwise a copy is
written to, or `acc = acc + g` is printed. A buffer is ours when each value of its
variable was made in this function (zeros, arithmetic, an earlier update) and is not
kept elsewhere: on a tape, in a container, as a view, by a function that is called.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.backend import program as p
from chainrule.backend.live import Web
from chainrule.backend.nest import leaves
from chainrule.backend.program import Nodes, Op
from chainrule.backend.sizes import AUGMENTED, BINARY, COMPARE, UNARY
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Operand, Value
from chainrule.runtime import helpers
from chainrule.types.lattice import ArrayT, ListT, ScalarT

STORES = frozenset(
    {
        prims.index_add,
        prims.index_set,
        prims.fill,
        prims.view_set,
        prims.list_append,
        prims.list_init,
    }
)
FRESH: frozenset[Any] = frozenset(
    {
        *BINARY,
        *COMPARE,
        *UNARY,
        *STORES,
        prims.copy_value,
        prims.make_list,
        helpers.zeros_like,
        helpers.add,
        list,
        *(
            getattr(np, name)
            for name in (
                "zeros ones full empty zeros_like ones_like full_like empty_like copy "
                "array sum mean prod std var max min cumsum cumprod dot matmul inner "
                "outer tensordot kron cross where concatenate stack hstack vstack "
                "linspace arange eye identity repeat tile clip"
            ).split()
        ),
    }
)
ACCUMULATE = frozenset({operator.add, operator.sub})


def choose_modes(web: Web) -> None:
    """Set the mode of every `Let` that updates something."""
    _copies_to_lets(web, web.program.nodes)
    owned = _owned(web)
    for node in p.walk(web.program.nodes):
        if isinstance(node, p.Let) and isinstance(node.op, ir.Apply):
            if _is(node.op, STORES):
                _choose_store(web, node, node.op, owned)
            elif _is(node.op, ACCUMULATE) or _is(node.op, AUGMENTED):
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
    if isinstance(op, ir.Apply) and _is(op, ACCUMULATE) and isinstance(source, Value):
        first = _plain(web, op.args[0])
        if isinstance(first, Value) and first not in web.nested:
            fits = source.type == out.type or _immutable(source)
            if web.find(first) is web.find(out) and fits:
                return p.Let(out, op)
    return node


def _plain(web: Web, operand: Operand) -> Operand:
    """Return what a copy of a number prints as: the number."""
    op = web.nested.get(operand) if isinstance(operand, Value) else None
    if isinstance(op, ir.Apply) and op.fn is prims.copy_value:
        source = op.args[0]
        if isinstance(source, Value) and _immutable(source):
            return _plain(web, source)
    return operand


def _is(op: Op, fns: Any) -> bool:
    try:
        return isinstance(op, ir.Apply) and op.fn in fns
    except TypeError:
        return False


def is_fresh(op: Op) -> bool:
    """Say whether the result of an operation shares no memory with its operands."""
    if isinstance(op, ir.Apply):
        return _is(op, FRESH) or isinstance(op.fn, np.ufunc) or _is_list_slice(op)
    return False


def _is_list_slice(op: ir.Apply) -> bool:
    """Say whether an operation is `items[a:b]` of a list, which is a new list."""
    if op.fn is not operator.getitem or not isinstance(op.args[0], Value):
        return False
    index = op.args[1]
    is_slice = isinstance(index, ir.Const) and isinstance(index.value, slice)
    return is_slice and isinstance(op.args[0].type, ListT)


def _choose_store(web: Web, let: p.Let, op: ir.Apply, owned: set[Value]) -> None:
    source = op.args[0]
    if not isinstance(source, Value):
        return
    if source in web.nested:
        if is_fresh(web.nested[source]):
            let.mode = "fresh"
        return
    root = web.find(source)
    if root not in owned or not web.dies.get(id(let), False):
        return
    if web.find(let.out) is not root:
        if web.clash(let.out, source):
            return
        _unite(web, source, let.out, owned)
    let.mode = "in place"


def _choose_augment(web: Web, let: p.Let, op: ir.Apply, owned: set[Value]) -> None:
    first = _plain(web, op.args[0])
    if not isinstance(first, Value) or first in web.nested:
        return
    hint = web.hint(let.out) or ""
    mine = web.find(first) in owned
    if not (hint.endswith("_bar") or _is(op, AUGMENTED)):
        return
    if web.find(first) is not web.find(let.out):
        if web.hint(first) != hint or web.clash(first, let.out):
            return
        _unite(web, first, let.out, owned)
    old, new = first.type, let.out.type
    if isinstance(old, ScalarT) and isinstance(new, ScalarT):
        let.mode = "augment"
    elif isinstance(old, ArrayT) and isinstance(new, ArrayT):
        same = old.dtype == new.dtype and old.dims == new.dims
        if same and old.dims is not None and mine:
            let.mode = "augment"


def _unite(web: Web, source: Value, out: Value, owned: set[Value]) -> None:
    """Let an update keep its variable; the variable is ours if both were."""
    both = web.find(source) in owned and web.find(out) in owned
    web.union(source, out)
    if both:
        owned.add(web.find(out))
    else:
        owned.discard(web.find(out))


# Ownership


def _owned(web: Web) -> set[Value]:
    """Return the variables whose memory nobody else can reach."""
    made: set[Value] = set()
    foreign: set[Value] = {web.find(v) for v in web.program.function.params}
    moves: list[tuple[Value, Value]] = []
    for node in p.walk(web.program.nodes):
        match node:
            case p.Let(out=out, op=op):
                root = web.find(out)
                made.add(root)
                if not _immutable(out):
                    if _is(op, STORES) and isinstance(op, ir.Apply):
                        # The value stored in a list is kept by it.
                        if op.fn is prims.list_append:
                            foreign |= _aliases(web, op.args[1])
                    elif not is_fresh(op):
                        kept = _kept(web, op)
                        foreign |= kept
                        foreign.add(root)
            case p.Copies(pairs=pairs):
                for out, source in pairs:
                    _copy(web, node, out, source, foreign, moves)
            case p.Append(items=items):
                for item in items:
                    foreign |= _aliases(web, item)
            case p.Unpack() | p.For() | p.With() | p.Try():
                foreign |= {web.find(v) for v in p.defines(node)}
                for operand in p.reads(node):
                    foreign |= _aliases(web, operand)
    changed = True
    while changed:
        changed = False
        for out, source in moves:
            for a, b in ((out, source), (source, out)):
                if a in foreign and b not in foreign:
                    foreign.add(b)
                    changed = True
    return made - foreign


def _copy(
    web: Web,
    node: p.Copies,
    out: Value,
    source: Operand,
    foreign: set[Value],
    moves: list[tuple[Value, Value]],
) -> None:
    """Follow memory through one copy: a move if the source dies, else shared."""
    if not isinstance(source, Value):
        return
    if source in web.nested:
        op = web.nested[source]
        if not is_fresh(op) and not _immutable(source):
            foreign |= _kept(web, op)
            foreign.add(web.find(out))
        return
    a, b = web.find(out), web.find(source)
    if a is b or _immutable(source):
        return
    if (id(node), source) in web.moved:
        moves.append((a, b))
    else:
        foreign |= {a, b}


def _kept(web: Web, op: Op) -> set[Value]:
    return set().union(*(_aliases(web, o) for o in p.op_operands(op)))


def _aliases(web: Web, operand: Operand) -> set[Value]:
    """Return the variables whose memory the value of an operand may share."""
    if not isinstance(operand, Value) or _immutable(operand):
        return set()
    if operand in web.nested:
        op = web.nested[operand]
        if _is(op, {operator.getitem}) and isinstance(op, ir.Apply):
            base = op.args[0]
            if isinstance(base, Value) and isinstance(base.type, ListT):
                # An element is no part of the list that holds it.
                return set()
        return set() if is_fresh(op) else _kept(web, op)
    return {web.find(operand)}


def _immutable(value: Value) -> bool:
    return isinstance(value.type, ScalarT)
