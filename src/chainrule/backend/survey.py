"""What nesting must know of a whole program before it begins.

In: the nodes of a program. Out: `Survey`: how often values are read and where, where
variables are assigned, what has effects, and which values stand beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.backend import program as p
from chainrule.backend import sizes
from chainrule.backend.program import Nodes, Op, Program
from chainrule.backend.slots import Slot, Slots
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Operand, Value

SEVERAL = -1


class Survey:
    """Facts about a program.

    `uses` and `definitions` count for each value, `defined` and `places` (the loops
    around) for each variable. `home` has the loops around what makes a value, `scopes`
    the depth of loops at which it is read. What is `handed` stands side by side in a
    result, what is `doubled` is a factor of its own cotangent. Containers of the caller
    that are written are `changed`; a program without effects is `quiet`.
    """

    def __init__(self, program: Program) -> None:
        self.slots = Slots(program)
        self.uses: dict[Value, int] = {}
        self.scopes: dict[Value, int] = {}
        self.definitions: dict[Value, int] = {}
        self.defined: dict[Slot, int] = {}
        self.handed: set[Value] = set()
        self.doubled: set[Value] = set()
        self.changed: set[Operand] = set()
        self.quiet = True
        self.depth = 0
        self.loops: tuple[p.Node, ...] = ()
        self.places: dict[Slot, list[tuple[p.Node, ...]]] = {}
        self.home: dict[Value, tuple[p.Node, ...]] = {}
        self.outside = {self.slots.slot(v) for v in program.function.params}
        for value in program.function.params:
            self.defined[self.slots.slot(value)] = 1
        self.survey(program.nodes)
        self.look_ahead(program.nodes)

    def survey(self, nodes: Nodes) -> None:
        """Count uses, definitions of each variable, and the loops that use a value."""
        for node in nodes:
            if isinstance(node, p.Let):
                self.note_reads(p.op_operands(node.op), self.depth)
                self.note_definition(node.out, self.loops)
                continue
            inner = isinstance(node, p.For | p.While)
            self.note_reads(p.reads(node), self.depth + isinstance(node, p.While))
            outer = self.loops
            place = (*outer, node) if inner else outer
            for value in p.defines(node):
                self.note_definition(value, place)
            self.depth += inner
            self.loops = place
            for part in p.parts(node):
                self.survey(part)
            self.depth -= inner
            self.loops = outer

    def note_reads(self, read: Iterable[Operand], scope: int) -> None:
        """Count the uses of values."""
        uses, scopes = self.uses, self.scopes
        for operand in read:
            if isinstance(operand, Value):
                uses[operand] = uses.get(operand, 0) + 1
                if scopes.setdefault(operand, scope) != scope:
                    scopes[operand] = SEVERAL

    def note_definition(self, value: Value, place: tuple[p.Node, ...]) -> None:
        """Count the definitions of a value and of its variable."""
        slot = self.slots.slot(value)
        self.defined[slot] = self.defined.get(slot, 0) + 1
        self.places.setdefault(slot, []).append(place)
        self.home[value] = place
        self.definitions[value] = self.definitions.get(value, 0) + 1

    def is_stable(self, slot: Slot, out: Value) -> bool:
        """Say whether a variable has one value where a temporary can be read.

        Assignments in loops beside the one that the temporary is in do not matter.
        """
        if self.defined.get(slot, 0) <= 1:
            return True
        here = self.home[out]
        found = [
            place
            for place in self.places.get(slot, ())
            if place == here[: len(place)] or here == place[: len(here)]
        ]
        return len(found) + (slot in self.outside) <= 1

    def look_ahead(self, nodes: Nodes) -> None:
        """Note effects, what `return` puts side by side,
        and what only its cotangent reads.
        """
        for node in nodes:
            if isinstance(node, p.Let):
                self.look_at(node.out, node.op)
                continue
            if isinstance(node, p.Return) and isinstance(node.value, Value):
                made = {n.out: n.op for n in nodes if isinstance(n, p.Let)}
                self.hand(node.value, made)
            elif isinstance(node, p.With | p.Try):
                self.quiet = False
            for part in p.parts(node):
                self.look_ahead(part)

    def look_at(self, out: Value, op: Op) -> None:
        """Note the effect of an operation, or what it says of its operands.

        What is added to an element is on a line of its own, as what `return` hands out.
        """
        if sizes.has_effect(op):
            self.quiet = False
            if isinstance(op, ir.Apply) and op.fn in prims.LEFT_WITH_CALLER:
                self.changed.add(op.args[0])
        elif sizes.is_addition_at(op):
            added = p.op_operands(op)[2:]
            self.handed.update(v for v in added if isinstance(v, Value))
        elif sizes.is_multiple(op) and out.hint is not None:
            for operand in p.op_operands(op):
                if isinstance(operand, Value) and operand.hint is not None:
                    if out.hint == f"{operand.hint}_bar":
                        self.doubled.add(operand)

    def hand(self, value: Value, made: dict[Value, Op]) -> None:
        """Note the parts of a returned container."""
        op = made.get(value)
        if op is None or not sizes.is_loose(op) or sizes.is_statement(op):
            return
        for operand in p.op_operands(op):
            if isinstance(operand, Value):
                self.handed.add(operand)
                self.hand(operand, made)
