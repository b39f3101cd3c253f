"""Forward and backward halves of functions: `f_fwd -> (value, residual)`,
`f_bwd -> cotangents`.

In: an IR function and which of its parameters are active. Out: two IR functions. The
residual holds what the backward half reads of the forward one. A pair is entered before
its bodies are written, so that recursive functions find themselves.
"""

from __future__ import annotations

from itertools import takewhile

from chainrule.analysis.activity import active_values
from chainrule.ir import prims
from chainrule.ir.copying import copy_function
from chainrule.ir.nodes import (
    Apply,
    Block,
    Call,
    Function,
    If,
    Operand,
    Stmt,
    Value,
    blocks,
    operands,
)
from chainrule.ir.walk import defined, free_values, statements, substitute
from chainrule.optimise.dead import remove_dead_in
from chainrule.specialise.builder import Builder, type_of
from chainrule.transform.export import fill
from chainrule.types import lattice as lt

Pair = tuple[Function, Function]
Path = tuple[Block, ...]


class Pairs:
    """All pairs that one derivative needs."""

    def __init__(self) -> None:
        self.made: dict[tuple[int, tuple[int, ...]], Pair] = {}
        self.kept: list[Function] = []

    def of(self, function: Function, wanted: tuple[int, ...]) -> Pair:
        """Return the pair of a function for these active parameters."""
        key = (id(function), wanted)
        if key not in self.made:
            self.kept.append(function)
            fwd = Function(f"{function.name}_fwd", (), Block(), function.loc)
            bwd = Function(f"{function.name}_bwd", (), Block(), function.loc)
            self.made[key] = (fwd, bwd)
            self.build(function, wanted, fwd, bwd)
        return self.made[key]

    def build(
        self, function: Function, wanted: tuple[int, ...], fwd: Function, bwd: Function
    ) -> None:
        """Write both halves."""
        copy, _ = copy_function(function)
        active = [copy.params[k] for k in wanted]
        split(copy, active, fwd, bwd, self)


def split(
    function: Function, wrt: list[Value], fwd: Function, bwd: Function, pairs: Pairs
) -> None:
    """Write the halves of a function whose body may be consumed."""
    from chainrule.transform.reverse import Reverse

    active = active_values(function, wrt)
    b = Builder(algebra=True)
    b.outer_defs = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    rev = Reverse(b, active, pairs)
    [result] = function.body.results
    value_bar = Value(type_of(result), "value_bar", function.loc)
    back = Block()
    with b.into(back):
        if isinstance(result, Value) and result in active:
            rev.cot.add(result, value_bar)
        rev.block(function.body)
        b.loc = function.loc
        bars = [rev.cot.complete(rev.take(v), v) for v in wrt]
        back.results = (b.apply(prims.make_tuple, *bars),)
    rev.finish(function.body, back)
    close(function, fwd, bwd, back, value_bar)


def close(
    function: Function, fwd: Function, bwd: Function, back: Block, value_bar: Value
) -> None:
    """Connect the halves by a residual."""
    remove_dead_in(back)
    inside = defined(function.body) | set(function.params)
    needed = [v for v in free_values(back, {value_bar}) if v in inside]
    fill(function.body, needed)
    b = Builder()
    with b.into(function.body):
        [result] = function.body.results
        residual = b.apply(prims.make_tuple, *needed)
        pair = b.apply(prims.make_tuple, result, residual)
    fwd.params, fwd.body = function.params, function.body
    fwd.body.results = (pair,)
    fwd.signature, fwd.namespace, fwd.cells = (
        function.signature,
        function.namespace,
        function.cells,
    )
    fwd.captured = function.captured
    holder = Value(lt.TupleT(tuple(v.type for v in needed)), "residual", function.loc)
    start = Block()
    table: dict[Value, Operand] = {}
    with b.into(start):
        for k, value in enumerate(needed):
            part = b.getitem(holder, k)
            if isinstance(part, Value):
                part.hint = value.hint
            table[value] = part
    substitute(back, table)
    place(back, start.stmts)
    bwd.params, bwd.body = (holder, value_bar), back
    bwd.namespace, bwd.cells = function.namespace, function.cells
    bwd.result = type_of(back.results[0])


def place(back: Block, reads: list[Stmt]) -> None:
    """Read entries of the residual where they are needed, inside the branch that needs
    them: what the other path left undefined is None.
    """
    entries = {stmt.out for stmt in reads if isinstance(stmt, Apply)}
    where: dict[Value, Path] = {}
    _find(back, (), entries, where)
    for stmt in reversed(reads):
        path = where.get(stmt.out, ()) if isinstance(stmt, Apply) else ()
        (path[-1] if path else back).stmts.insert(0, stmt)


def _find(
    block: Block, path: Path, entries: set[Value], where: dict[Value, Path]
) -> None:
    """Note the innermost branch in which all uses of each entry are."""

    def use(op: Operand) -> None:
        if isinstance(op, Value) and op in entries:
            both = zip(where.get(op, path), path, strict=False)
            common = takewhile(lambda pair: pair[0] is pair[1], both)
            where[op] = tuple(one for one, _ in common)

    for stmt in block.stmts:
        for op in operands(stmt):
            use(op)
        for inner in blocks(stmt):
            deeper = (*path, inner) if isinstance(stmt, If) else path
            _find(inner, deeper, entries, where)
    for op in block.results:
        use(op)


def callees(function: Function) -> list[Function]:
    """Return the functions that a function calls, each once, callees first."""
    found: dict[int, Function] = {}

    def visit(current: Function, stack: tuple[int, ...]) -> None:
        for stmt in statements(current.body):
            if isinstance(stmt, Call) and id(stmt.callee) not in (*stack, *found):
                visit(stmt.callee, (*stack, id(stmt.callee)))
                found[id(stmt.callee)] = stmt.callee

    visit(function, (id(function),))
    return list(found.values())
