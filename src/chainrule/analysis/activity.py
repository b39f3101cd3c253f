"""Activity: which values need a cotangent or a tangent.

In: a function and the values it is differentiated with respect to. Out: the set of
active values: those that depend on them through differentiable types (varied) and on
which the result depends (useful). Everything else gets no derivative code at all.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterable

from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Call,
    Const,
    Function,
    If,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
    blocks,
)
from chainrule.ir.walk import statements
from chainrule.rules.registry import RULES
from chainrule.types.lattice import is_differentiable

STRUCTURAL = {
    prims.make_tuple,
    prims.make_list,
    prims.make_dict,
    prims.make_object,
    prims.unpack,
    prims.some,
    prims.same,
    operator.getitem,
    builtins.getattr,
    builtins.reversed,
}


def active_values(
    function: Function, wrt: Iterable[Value], constant: frozenset[Value] = frozenset()
) -> set[Value]:
    """Return the values that are varied and useful; `constant` ones are not varied."""
    varied = Varied(set(wrt), constant)
    varied.run(function.body)
    useful = Useful(varied.found)
    useful.mark(function.body.results)
    useful.block(function.body)
    return varied.found & useful.found


def carriers(stmt: Apply) -> tuple[Operand, ...]:
    """Return the operands that derivatives go through.

    What code for the reverse sweep reads is none of them.
    """
    if stmt.fn is prims.on_cotangent:
        return stmt.args[:1]
    return (*stmt.args, *(v for _, v in stmt.kwargs))


def written_by(read: Apply) -> list[Apply]:
    """Return the operations that write what is read back."""
    writes = read.args[1] if len(read.args) > 1 else None
    return writes.value if isinstance(writes, Const) else []


def paths(stmt: Stmt) -> list[Block]:
    """Return the blocks whose results become the outs of a statement."""
    match stmt:
        case If(then=then, orelse=orelse):
            return [then, orelse]
        case Try(body=body, handlers=handlers):
            return [body, *(h.block for h in handlers)]
        case With(body=body):
            return [body]
    return []


def source_element(stmt: Loop) -> Iterable[tuple[Operand, Value]]:
    """Yield each iterable of a loop with each of its element values."""
    for it in stmt.iters:
        for elem in it.elems:
            yield it.source, elem


class Varied:
    """Forward: what depends on the chosen inputs."""

    def __init__(
        self, found: set[Value], constant: frozenset[Value] = frozenset()
    ) -> None:
        self.found = found
        self.constant = constant
        self.own: set[int] = set()
        self.comes_back = False  # something is read that the function writes outside

    def run(self, body: Block) -> None:
        """Find what is varied; what comes back from outside may be written later."""
        self.own = set(map(id, statements(body)))
        known = -1
        while known < len(self.found):
            known = len(self.found)
            self.block(body)
            if not self.comes_back:
                return

    def is_written(self, write: Apply) -> bool:
        """Say whether an operation, perhaps of another function, writes what varies."""
        return id(write) not in self.own or any(map(self.has, carriers(write)))

    def has(self, op: Operand) -> bool:
        return op in self.found

    def add(self, value: Value) -> bool:
        """Mark a value, if its type carries derivatives; say whether this is news."""
        if value in self.found or value in self.constant:
            return False
        if not is_differentiable(value.type):
            return False
        self.found.add(value)
        return True

    def block(self, block: Block) -> None:
        for stmt in block.stmts:
            self.stmt(stmt)

    def stmt(self, stmt: Stmt) -> None:
        match stmt:
            case Apply(out=out, fn=prims.read_back):
                self.comes_back = True
                if any(map(self.is_written, written_by(stmt))):
                    self.add(out)
            case Apply(out=out, fn=fn):
                if fn not in RULES.inactive or fn in STRUCTURAL:
                    if any(map(self.has, carriers(stmt))):
                        self.add(out)
            case Call(out=out, args=args):
                if any(map(self.has, args)):
                    self.add(out)
            case Loop():
                self.loop(stmt)
            case _:
                for inner in blocks(stmt):
                    self.block(inner)
                for k, out in enumerate(stmt.outs):
                    if any(self.has(path.results[k]) for path in paths(stmt)):
                        self.add(out)

    def loop(self, stmt: Loop) -> None:
        for source, elem in source_element(stmt):
            if self.has(source):
                self.add(elem)
        body = stmt.body
        results = body.results[1:]
        changed = True
        while changed:
            changed = False
            for k, param in enumerate(body.params):
                if self.has(stmt.init[k]) or self.has(results[k]):
                    changed |= self.add(param)
            self.block(body)
            for k, param in enumerate(body.params):
                if self.has(results[k]):
                    changed |= self.add(param)
        if stmt.header is not None:
            for mine, param in zip(stmt.header.params, body.params, strict=True):
                if self.has(param):
                    self.add(mine)
            self.block(stmt.header)
        for k, out in enumerate(stmt.outs):
            if (
                self.has(body.params[k])
                or self.has(results[k])
                or self.has(stmt.init[k])
            ):
                self.add(out)
        if stmt.tape is not None and any(map(self.has, results[len(stmt.outs) :])):
            self.add(stmt.tape)


class Useful:
    """Backward: what the result depends on, among the varied values."""

    def __init__(self, varied: set[Value]) -> None:
        self.varied = varied
        self.found: set[Value] = set()

    def mark(self, ops: Iterable[Operand]) -> bool:
        news = False
        for op in ops:
            if isinstance(op, Value) and op in self.varied and op not in self.found:
                self.found.add(op)
                news = True
        return news

    def block(self, block: Block) -> None:
        for stmt in reversed(block.stmts):
            self.stmt(stmt)

    def stmt(self, stmt: Stmt) -> None:
        match stmt:
            case Apply(out=out):
                if out in self.found:
                    self.mark(carriers(stmt))
            case Call(out=out, args=args):
                if out in self.found:
                    self.mark(args)
            case Loop():
                self.loop(stmt)
            case _:
                for k, out in enumerate(stmt.outs):
                    if out in self.found:
                        self.mark(path.results[k] for path in paths(stmt))
                for inner in reversed(blocks(stmt)):
                    self.block(inner)

    def loop(self, stmt: Loop) -> None:
        body = stmt.body
        results = body.results[1:]
        for k, out in enumerate(stmt.outs):
            if out in self.found:
                self.mark([results[k], stmt.init[k], body.params[k]])
        if stmt.tape in self.found:
            self.mark(results[len(stmt.outs) :])
        changed = True
        while changed:
            self.block(body)
            changed = False
            for k, param in enumerate(body.params):
                if param in self.found:
                    changed |= self.mark([results[k], stmt.init[k]])
        for source, elem in source_element(stmt):
            if elem in self.found:
                self.mark([source])
