"""Put temporaries back into the expressions that use them.

In: the nodes of a program. Out: the same list without the `Let`s that are printed where
they are used, and the operations of those. A temporary is a value without a name of the
user's that is used once. It never moves into a loop, across an effect, across an
assignment to a variable that it reads, or across a store into what it shows; an
expression that gets too long stays a statement.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from chainrule.analysis.definedness import Definedness
from chainrule.backend import program as p
from chainrule.backend import sizes
from chainrule.backend.absorb import LONGEST, absorbed
from chainrule.backend.overwritten import Overwritten
from chainrule.backend.program import Nodes, Op, Program
from chainrule.backend.slots import Slot
from chainrule.backend.survey import Survey
from chainrule.backend.together import put_together
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Operand, Value

MAX_WIDTH = 70
MAX_OPS = 10
RETURN_WIDTH = 40
RETURN_OPS = 3
RETURN_BAR = 100
CHEAP_WIDTH = 24
BAR_WIDTH = 36
BAR_OPS = 3
NAMED_WIDTH = 42
SHORT = 8


class _Measure(NamedTuple):
    """What it takes to print something: operations, width, variables that it reads."""

    ops: int
    width: int
    slots: set[Slot]


@dataclass(eq=False, slots=True)
class _Pending:
    """A temporary that may still be nested: where it was made."""

    scope: int
    op: Op
    measure: _Measure
    named: bool = False


def nest(program: Program, ours: Collection[Value] = ()) -> dict[Value, Op]:
    """Drop the `Let`s that are nested; return their operations.

    The parameters that are `ours` are written in place.
    """
    nesting = _Nesting(program, ours)
    program.nodes[:] = nesting.block(program.nodes)
    put_together(program.nodes, nesting.nested, nesting.slots)
    return nesting.nested


class _Nesting(Survey):
    def __init__(self, program: Program, ours: Collection[Value]) -> None:
        super().__init__(program)
        self.nested: dict[Value, Op] = {}
        self.function = program.function
        self.params = set(program.function.params)
        self.overwritten = Overwritten(program.function, ours)
        self.pending: dict[Value, _Pending] = {}
        self.readers: dict[Slot, list[Value]] = {}
        self.measures: dict[Value, _Measure] = {}
        self.scope = 0
        self.fresh = 0
        self.choosing = False
        self.absorbed = absorbed(program.nodes, self.uses)

    @cached_property
    def maybe(self) -> set[Value]:
        """The values that may be missing."""
        return Definedness(self.function.body).maybe

    # Walking

    def block(self, nodes: Nodes) -> Nodes:
        """Nest within one list; return what is left of it."""
        out: Nodes = []
        for node in nodes:
            for replaced in self.node(node, out[-1] if out else None):
                out.append(replaced)
                if isinstance(replaced, p.Let):
                    self.offer(replaced)
        return [n for n in out if not (isinstance(n, p.Let) and n.out in self.nested)]

    def node(self, node: p.Node, previous: p.Node | None) -> Nodes:
        match node:
            case p.Let(out=out, op=op):
                self.consume(node)
                self.kill((out,))
                self.kill_overwritten(op)
            case p.Return(value=value):
                if isinstance(previous, p.Let) and previous.out is value:
                    self.offer_return(previous)
                self.consume(node)
            case p.Branch():
                self.consume(node)
                outer, self.choosing = self.choosing, is_short(node)
                node.then = self.block(node.then)
                node.orelse = self.block(node.orelse)
                self.choosing = outer
                return self.choice(node)
            case p.For():
                self.consume(node)
                self.kill(p.defines(node))
                node.body = self.inside(node.body)
                node.orelse = self.block(node.orelse)
            case p.While():
                self.loop(node)
            case p.Try(body=body, handlers=handlers, final=final):
                node.body = self.inside(body)
                for handler in handlers:
                    handler.body = self.inside(handler.body)
                node.final = self.inside(final)
                self.pending.clear()
            case p.With(body=body):
                self.consume(node)
                self.pending.clear()
                node.body = self.inside(body)
                self.pending.clear()
            case p.Copies(pairs=pairs):
                self.consume(node)
                for out, source in pairs:
                    self.kill_loop_variable(out)
                    # A copy within one variable changes nothing for its readers.
                    same = isinstance(source, Value) and (
                        self.slots.slot(source) == self.slots.slot(out)
                    )
                    if not same:
                        self.kill((out,))
            case _:
                self.consume(node)
                self.kill(p.defines(node))
        return [node]

    def loop(self, node: p.While) -> None:
        """Nest in a `while`: the test takes in its header, but nothing from before."""
        outer = self.scope
        self.fresh += 1
        self.scope = self.fresh
        node.header = self.block(node.header)
        self.consume(node)
        node.header = [
            n
            for n in node.header
            if not (isinstance(n, p.Let) and n.out in self.nested)
        ]
        self.scope = outer
        node.body = self.inside(node.body)
        node.orelse = self.block(node.orelse)

    def inside(self, nodes: Nodes) -> Nodes:
        """Nest within a list into which nothing from outside moves."""
        outer = self.scope
        self.fresh += 1
        self.scope = self.fresh
        out = self.block(nodes)
        self.scope = outer
        return out

    # Offering and consuming

    def offer(self, let: p.Let) -> None:
        """Keep a `Let` as a candidate."""
        op, out = let.op, let.out
        effect = sizes.has_effect(op)
        if effect:
            self.pending.clear()
        if sizes.is_statement(op) or self.definitions.get(out, 0) > 1:
            return
        longest = self.absorbed.get(out, 0)
        if longest and (longest > LONGEST or self.defined[self.slots.slot(out)] == 1):
            self.add(out, op, (longest, NAMED_WIDTH))
            return
        if out.hint is not None:
            self.offer_cotangent(out, op)
            return
        uses = self.uses.get(out, 0)
        if uses == 1 and self.is_argument_field(op):
            self.offer_cheap(out, op, anywhere=True)
        elif uses == 1:
            self.add(out, op)
        elif uses > 1 and sizes.is_cheap(op) and not self.reads_changed(op):
            # A place, as in `a[i, k]`, costs no more in an inner loop than its name.
            place = isinstance(op, ir.Apply) and op.fn is prims.make_tuple
            self.offer_cheap(out, op, anywhere=place)

    def reads_changed(self, op: Op) -> bool:
        """Say whether an operation reads a container of the caller that changes."""
        return any(operand in self.changed for operand in p.op_operands(op))

    def offer_cotangent(self, out: Value, op: Op) -> None:
        """Nest a short cotangent, whose name is ours, that is used once."""
        if self.uses.get(out, 0) != 1 or self.defined[self.slots.slot(out)] != 1:
            return
        ours = (out.hint or "").endswith(("_bar", "_dot"))
        if out in self.doubled or (ours and out in self.handed):
            self.add(out, op, (MAX_OPS, MAX_WIDTH))
        elif ours:
            self.add(out, op, (BAR_OPS, BAR_WIDTH), named=True)

    def add(
        self,
        out: Value,
        op: Op,
        longest: tuple[int, int] | None = None,
        named: bool = False,
    ) -> None:
        """Keep an operation as a candidate, if it is not too long."""
        measure = self.measure(op)
        if longest is not None:
            if measure.ops > longest[0] or measure.width > longest[1]:
                return
        self.pending[out] = _Pending(self.scope, op, measure, named)
        for slot in measure.slots:
            self.readers.setdefault(slot, []).append(out)

    def is_argument_field(self, op: Op) -> bool:
        """Say whether an operation reads an attribute that nothing here can change."""
        return (
            self.quiet
            and isinstance(op, ir.Apply)
            and op.fn is getattr
            and op.args[0] in self.params
            and isinstance(op.args[1], ir.Const)
            and sizes.is_field(op.args[0], op.args[1].value)
        )

    def offer_cheap(self, out: Value, op: Op, anywhere: bool = False) -> None:
        """Nest at every use what costs nothing and cannot change in between."""
        measure = self.measure(op)
        stable = all(self.is_stable(s, out) for s in measure.slots)
        near = anywhere or self.scopes[out] == len(self.home[out])
        if stable and near and measure.width <= CHEAP_WIDTH:
            self.put(out, op, measure)

    def put(self, out: Value, op: Op, measure: _Measure) -> None:
        """Nest an operation."""
        self.nested[out] = op
        self.measures[out] = measure

    def offer_return(self, let: p.Let) -> None:
        """Let `return` take in a short value although it has a name."""
        out = let.out
        once = self.uses[out] == 1 and self.definitions.get(out) == 1
        if out.hint is None or not once or sizes.is_statement(let.op):
            return
        ours = out.hint.endswith(("_bar", "_dot"))
        longest = (MAX_OPS, RETURN_BAR) if ours else (RETURN_OPS, RETURN_WIDTH)
        self.add(let.out, let.op, longest)

    def size(self, operand: Operand) -> tuple[int, int]:
        """Return the operations and the width of an operand."""
        if isinstance(operand, Value):
            measure = self.measures.get(operand)
            if measure is None and operand in self.pending:
                measure = self.pending[operand].measure
            if measure is not None:
                return measure.ops, measure.width
        return 0, sizes.operand_width(operand)

    def measure(self, op: Op) -> _Measure:
        """Return what it takes to print an operation."""
        total, widths = int(not sizes.is_read(op)), []
        slots: set[Slot] = set()
        for operand in p.op_operands(op):
            ops, width = self.size(operand)
            total += ops
            widths.append(width)
            if operand in self.measures:
                slots |= self.measures[operand].slots
            elif isinstance(operand, Value):
                slots.update(self.slots.read(operand))
        return _Measure(total, sizes.width(op, widths), slots)

    def consume(self, node: p.Node) -> None:
        """Nest what a node reads, as far as it stays short."""
        read = p.reads(node)
        found = [
            o for o in read if o in self.pending and self.pending[o].scope == self.scope
        ]
        if not found:
            return
        ops, width = 1, 0
        for operand in read:
            more, wide = self.size(operand)
            ops += more
            width += wide + 3
        # Only an operation adds to the length of what it takes in.
        op = node.op if isinstance(node, p.Let | p.Unpack) else None
        apart = op is None or sizes.is_loose(op) or sizes.takes_display(op)
        for value in sorted(found, key=lambda v: -self.pending[v].measure.width):
            entry = self.pending.pop(value)
            own = entry.measure
            long = ops > MAX_OPS or width > MAX_WIDTH
            # A cotangent keeps its line in arithmetic, unless it is a single operation.
            several = own.ops - sizes.is_multiple(entry.op) > 1
            line = entry.named and several and _is_arithmetic(node)
            line = line and not self.choosing
            too_long = long and (entry.named or not apart) and own.width > SHORT
            if line or too_long:
                ops -= own.ops
                width -= own.width - SHORT
            else:
                self.put(value, entry.op, own)

    def kill(self, values: Iterable[Value]) -> None:
        """Keep candidates that read a variable before the assignment to it."""
        for value in values:
            slot = self.slots.slot(value)
            for reader in self.readers.pop(slot, ()):
                self.pending.pop(reader, None)

    def kill_overwritten(self, op: Op) -> None:
        """Keep candidates that read, also through views, what a store overwrites."""
        buffer = self.overwritten.buffer(op)
        if buffer is None:
            return
        for value, entry in [*self.pending.items()]:
            read: list[Value] = []
            _add_leaves(p.op_operands(entry.op), self.nested, read)
            if self.overwritten.any_of(read, buffer):
                del self.pending[value]
                self.keep_sign(value, entry)

    def keep_sign(self, out: Value, entry: _Pending) -> None:
        """Make a statement of what is negated; the sign goes where it is read."""
        op = entry.op
        if not isinstance(op, ir.Apply) or op.fn is not operator.neg:
            return
        inner = op.args[0]
        if isinstance(inner, Value) and inner in self.nested:
            del self.nested[inner], self.measures[inner]
            self.add(out, op, named=entry.named)

    def kill_loop_variable(self, value: Value) -> None:
        """Keep candidates that read a loop variable as it was in this iteration."""
        for reader in self.readers.pop((self.slots.loop_variable(value),), ()):
            self.pending.pop(reader, None)

    def choice(self, branch: p.Branch) -> Nodes:
        """Turn a branch that only chooses a short value into an expression."""
        a, b = _single_copy(branch.then), _single_copy(branch.orelse)
        op = out = None
        if branch.word:
            found = a if branch.word == "and" else b
            if found is not None and not (
                branch.orelse if branch.word == "and" else branch.then
            ):
                out, value = found
                op = p.Choice(branch.test, value, UNDEF, "and", branch.loc)
                if branch.word == "or":
                    op = p.Choice(branch.test, UNDEF, value, "or", branch.loc)
        elif a is not None and b is not None and a[0] is b[0]:
            # Reading a variable that may have no value is an error, keeping it is not.
            sure = a[1] not in self.maybe and b[1] not in self.maybe
            if sure and (a[0].hint is None or _on_one_line(branch)):
                out = a[0]
                op = p.Choice(branch.test, a[1], b[1], "", branch.loc)
        if op is not None and out is not None:
            ops, width, _ = self.measure(op)
            if ops <= MAX_OPS and width <= MAX_WIDTH:
                self.definitions[out] -= not branch.word
                return [p.Let(out, op)]
        if not branch.word:
            return [branch]
        return self.spread(branch)

    def spread(self, branch: p.Branch) -> Nodes:
        """Write `out = a and b` as `out = a` and `if out: out = b`."""
        word, out = branch.word, branch.out
        assert out is not None
        first = p.Copies([(out, branch.test)], branch.loc)
        branch.test, branch.word = out, ""
        if word == "and":
            return [first, branch]
        negated = Value(out.type)
        op = ir.Apply(negated, operator.not_, (out,), loc=branch.loc)
        self.put(negated, op, self.measure(op))
        branch.test, branch.then, branch.orelse = negated, branch.orelse, []
        return [first, branch]


def is_short(branch: p.Branch) -> bool:
    """Say whether a branch only chooses a value, which may become an expression."""
    return all(
        0 < len(nodes) <= 2 and isinstance(nodes[-1], p.Copies)
        for nodes in (branch.then, branch.orelse)
    )


def _is_arithmetic(node: p.Node) -> bool:
    """Say whether a statement is an infix operation."""
    op = node.op if isinstance(node, p.Let) else None
    if not isinstance(op, ir.Apply):
        return False
    return op.fn in sizes.BINARY


def _single_copy(nodes: Nodes) -> tuple[Value, Operand] | None:
    """Return the one copy that a list of nodes consists of."""
    match nodes:
        case [p.Copies(pairs=[pair])]:
            return pair
    return None


def _on_one_line(branch: p.Branch) -> bool:
    """Say whether the user wrote a conditional expression, not a statement."""
    loc = branch.loc
    return loc is not None and loc.end_line == loc.line


def leaves(operand: Operand, nested: dict[Value, Op]) -> list[Value]:
    """Return the variables that printing an operand reads."""
    if not isinstance(operand, Value):
        return []
    found: list[Value] = []
    _add_leaves((operand,), nested, found)
    return found


def node_leaves(node: p.Node, nested: dict[Value, Op]) -> list[Value]:
    """Return the variables that printing a node reads, the nodes inside left out."""
    found: list[Value] = []
    _add_leaves(p.reads(node), nested, found)
    return found


def _add_leaves(
    operands: Iterable[Operand], nested: dict[Value, Op], found: list[Value]
) -> None:
    for operand in operands:
        if isinstance(operand, Value):
            if operand in nested:
                _add_leaves(p.op_operands(nested[operand]), nested, found)
            else:
                found.append(operand)
