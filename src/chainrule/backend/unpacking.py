"""Take results apart where they are made: `w, v = np.linalg.eigh(a)`.

In: the nodes of a program. Out: the same, with an `Unpack` in place of each operation
whose result is a tuple that is only read part by part.
"""

from __future__ import annotations

import operator
from collections import Counter

from chainrule.backend import program as p
from chainrule.backend.program import Nodes, Op, Program
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.types.lattice import ListT, TupleT

Parts = dict[Value, list[p.Let]]


def unpack_parts(program: Program) -> None:
    """Rewrite the nodes of a program in place."""
    wanted: Parts = {}
    ops: dict[Value, Op] = {}
    for node in p.walk(program.nodes):
        if isinstance(node, p.Let):
            ops[node.out] = node.op
            part = _part(node.op)
            if part is not None:
                wanted.setdefault(part[0], []).append(node)
    if not wanted:
        return
    fields = any(map(_fields, wanted))
    for node in p.walk(program.nodes):
        for operand in p.reads(node):
            if isinstance(operand, Value) and operand in wanted:
                if not (isinstance(node, p.Let) and node in wanted[operand]):
                    del wanted[operand]
    chosen = {
        value: lets
        for value, lets in wanted.items()
        if value in ops and _worth(ops[value], value, lets)
    }
    same: dict[Value, Value] = {}
    if chosen:
        _rewrite(program.nodes, chosen, same)
    if same:
        _rename(program.nodes, same)
    if fields:
        reads = (op for node in p.walk(program.nodes) for op in p.reads(node))
        name_fields(program.nodes, Counter(op for op in reads if isinstance(op, Value)))
    unpack_runs(program.nodes)


def name_fields(nodes: Nodes, uses: Counter[Value]) -> None:
    """Name the fields of named tuples that are read several times, if all are."""
    run: list[p.Let] = []
    for node in [*nodes, None]:
        part = _part(node.op) if isinstance(node, p.Let) else None
        first = _part(run[0].op) if run else None
        if run and (part is None or first is None or part[0] is not first[0]):
            fields = _fields(first[0]) if first is not None else ()
            if len(fields) == len(run) and all(uses[let.out] > 1 for let in run):
                for let in run:
                    let.out.hint = let.out.hint or fields[_index(let)]
            run = []
        if part is not None and isinstance(node, p.Let):
            run.append(node)


def unpack_runs(nodes: Nodes) -> None:
    """Write `a, b = pair` for `a = pair[0]` and `b = pair[1]` in a row."""
    out: Nodes = []
    for node in nodes:
        for inner in p.parts(node):
            unpack_runs(inner)
        out.append(node)
        count = _run(out)
        if count:
            lets = [n for n in out[-count:] if isinstance(n, p.Let)]
            part = _part(lets[0].op)
            assert part is not None
            outs: list[Value | None] = [None] * count
            for let in lets:
                outs[_index(let)] = let.out
            loc = lets[0].op.loc
            args = (part[0], Const(count))
            op = ir.Apply(Value(part[0].type), prims.unpack, args, loc=loc)
            out[-count:] = [p.Unpack(tuple(outs), op)]
    nodes[:] = out


def _run(nodes: Nodes) -> int:
    """Return how many of the last nodes name all parts of one value."""
    last = nodes[-1]
    part = _part(last.op) if isinstance(last, p.Let) else None
    count = _count(part[0]) if part is not None else None
    if part is None or count is None or not 1 < count <= len(nodes):
        return 0
    indices = set()
    for node in nodes[-count:]:
        if not isinstance(node, p.Let) or node.out.hint is None:
            return 0
        other = _part(node.op)
        if other is None or other[0] is not part[0]:
            return 0
        indices.add(other[1])
    return count if len(indices) == count else 0


def _part(op: Op) -> tuple[Value, int] | None:
    """Return whose part an operation reads, and its position."""
    if isinstance(op, ir.Apply) and op.fn is getattr and len(op.args) == 2:
        base, name = op.args
        fields = _fields(base)
        if isinstance(base, Value) and isinstance(name, Const) and name.value in fields:
            return base, fields.index(name.value)
    if isinstance(op, ir.Apply) and op.fn is operator.getitem:
        base, index = op.args
        if isinstance(base, Value) and isinstance(index, Const):
            if type(index.value) is int and index.value >= 0:
                return base, index.value
    return None


def _fields(base: Operand) -> tuple[str, ...]:
    """Return the fields of a named tuple that is run over as every tuple is."""
    cls = base.type.cls if isinstance(getattr(base, "type", None), TupleT) else tuple  # type: ignore[union-attr]
    plain = cls.__iter__ is tuple.__iter__
    return getattr(cls, "_fields", ()) if plain else ()


def _is_unpack(op: Op) -> bool:
    return isinstance(op, ir.Apply) and op.fn is prims.unpack


def length(op: Op, value: Value) -> int | None:
    """Return how many parts a result has, if that is known."""
    if isinstance(op, ir.Apply) and op.fn is prims.unpack:
        count = op.args[1]
        return int(count.value) if isinstance(count, Const) else None
    return _count(value)


def _count(value: Value) -> int | None:
    """Return the length of a tuple, or of a list that has a known one."""
    items = value.type.items if isinstance(value.type, TupleT | ListT) else None
    return None if items is None else len(items)


def _worth(op: Op, value: Value, lets: list[p.Let]) -> bool:
    """Say whether unpacking reads better than subscripts."""
    count = length(op, value)
    indices = {_index(let) for let in lets}
    if count is None or max(indices) >= count or value.hint is not None:
        return _is_unpack(op) and count is not None and max(indices) < count
    if _is_unpack(op):
        return True
    if isinstance(op, ir.Call) or (isinstance(op, ir.Apply) and op.form != "attribute"):
        made = isinstance(op, ir.Apply) and op.fn in (
            getattr,
            operator.getitem,
            prims.make_tuple,
        )
        return not made and (len(indices) > 1 or lets[0].out.hint is not None)
    return False


def _index(let: p.Let) -> int:
    part = _part(let.op)
    assert part is not None
    return part[1]


def _rewrite(nodes: Nodes, chosen: Parts, same: dict[Value, Value]) -> None:
    out: Nodes = []
    dropped = {id(let) for lets in chosen.values() for let in lets}
    for node in nodes:
        for inner in p.parts(node):
            _rewrite(inner, chosen, same)
        if isinstance(node, p.Let) and node.out in chosen:
            out.append(_unpack(node, chosen[node.out], same))
        elif not (isinstance(node, p.Let) and id(node) in dropped):
            out.append(node)
    nodes[:] = out


def _unpack(let: p.Let, parts: list[p.Let], same: dict[Value, Value]) -> p.Unpack:
    count = length(let.op, let.out)
    assert count is not None
    outs: list[Value | None] = [None] * count
    for part in parts:
        index = _index(part)
        first = outs[index]
        if first is None:
            outs[index] = part.out
        else:
            same[part.out] = first
    return p.Unpack(tuple(outs), let.op)


def _rename(nodes: Nodes, same: dict[Value, Value]) -> None:
    """Read the first of several values that are the same part."""

    def operand(item: Operand) -> Operand:
        return same.get(item, item) if isinstance(item, Value) else item

    p.rewrite(nodes, operand)
