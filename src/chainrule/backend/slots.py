"""Which values will be one variable, as far as that is known before nesting.

In: the nodes of a program. Out: `Slots`: for each value what stands for its variable.
An assignment to it ends what was written down to be read later.
"""

from __future__ import annotations

from chainrule.backend import program as p
from chainrule.backend import sizes
from chainrule.backend.program import Program
from chainrule.ir.nodes import Value

Slot = str | Value | tuple[Value]


class Slots:
    """Which values will share a variable if they can: those with one name or web."""

    def __init__(self, program: Program) -> None:
        self.parent: dict[Value, Value] = {}
        self.joined: set[Value] = set()
        self.hints: dict[Value, str | None] = {}
        self.loops: dict[Value, Value] = {}
        self.known: dict[Value, Slot] = {}
        self.copied: set[Value] = set()
        for a, b in program.same:
            self.loops[b] = self.loops.get(a, a)
        for a, b in program.same:
            self.join(a, b)
        for node in p.walk(program.nodes):
            if isinstance(node, p.Copies):
                for out, source in node.pairs:
                    self.copied.add(self.loop_variable(out))
                    if isinstance(source, Value):
                        self.join(out, source)
            elif isinstance(node, p.Let):
                if not sizes.is_in_place(node.op):
                    continue
                first = next(iter(p.op_operands(node.op)), None)
                more = sizes.is_sum(node.op) and node.out.hint is not None
                more = more and node.out.hint == getattr(first, "hint", None)
                if isinstance(first, Value) and (more or sizes.is_statement(node.op)):
                    self.join(node.out, first)  # `y_bar += t`

    def root(self, value: Value) -> Value:
        """Return the representative of a value."""
        parent = self.parent
        while value in parent:
            value = parent[value]
        return value

    def loop_variable(self, value: Value) -> Value:
        """Return the loop variable that a value must share, or the value itself."""
        return self.loops.get(value, value)

    def join(self, a: Value, b: Value) -> None:
        """Put two values together unless the user gave them different names."""
        a, b = self.root(a), self.root(b)
        hint_a, hint_b = self.hints.get(a, a.hint), self.hints.get(b, b.hint)
        if a is not b and (hint_a is None or hint_b is None or hint_a == hint_b):
            self.parent[b] = a
            self.joined.add(a)
            self.hints[a] = hint_a or hint_b

    def read(self, value: Value) -> tuple[Slot, ...]:
        """Return what must not be assigned before a value is read."""
        variable = self.loop_variable(value)
        slot = self.slot(value)
        return (slot, (variable,)) if variable in self.copied else (slot,)

    def slot(self, value: Value) -> Slot:
        """Return what stands for the variable of a value."""
        known = self.known.get(value)
        if known is None:
            known = self.known[value] = self.find_slot(value)
        return known

    def find_slot(self, value: Value) -> Slot:
        root = self.root(value)
        hint = self.hints.get(root, root.hint)
        if hint and hint.endswith("_bar") and root not in self.joined:
            return root  # a cotangent of its own gets a name of its own
        return hint or root
