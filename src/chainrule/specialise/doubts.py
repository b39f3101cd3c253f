"""Which objects the variables of a loop may be.

In: the carried variables and what they are at the end of the body. Out: facts in
`Memory`: the objects from outside that a variable may be (`origins`), and the pairs of
variables that may be one object (`twins`). What an iteration made itself is nobody
else's. The facts only grow from round to round, until they settle.
"""

from __future__ import annotations

from chainrule.ir.nodes import Block, Const, Operand, Value
from chainrule.specialise.builder import type_of
from chainrule.specialise.carried import Carried, Slot
from chainrule.specialise.frames import State
from chainrule.specialise.memory import Memory, is_mutable
from chainrule.types import lattice as lt

Sources = dict[Slot, set[Value]]


class Doubts:
    """The facts about one loop."""

    def __init__(self, memory: Memory, carried: Carried) -> None:
        self.memory, self.carried = memory, carried
        self.outer: Sources = {}
        self.twins: set[frozenset[Slot]] = set()
        self.stored: Sources = {}
        self.lists: Sources = {}

    def leaves(self, ends: State | None) -> list[tuple[Slot, set[Value]]]:
        """Return the slots whose object is not known, and what they may become."""
        found = []
        leaves = [
            s for t in self.carried.slots.values() for s in self.carried.all_of(t)
        ]
        params = {slot.param for slot in leaves if slot.param is not None}
        with self.memory.b.into(Block()):
            for key, top in self.carried.slots.items():
                pairs: list[tuple[Slot, Operand]]
                if ends is None:
                    pairs = [(slot, Const(None)) for slot in self.carried.all_of(top)]
                else:
                    pairs = self.carried.all_ends(top, self.carried.before(key, ends))
                for slot, end in pairs:
                    itself = isinstance(key, Value) and slot is top
                    if not itself and is_mutable(_type(slot)):
                        found.append((slot, self.memory.sources(end, params)))
        return found

    def grow(self, ends: State | None) -> bool:
        """Take in the end of the body; say whether anything was learnt."""
        before = (len(self.twins), sum(map(len, self.outer.values())), self.held())
        pools = self.memory.pools
        leaves = self.leaves(ends)
        slots = {slot.param: slot for slot, _ in leaves if slot.param is not None}
        first = min((p.id for p in slots), default=0)
        become = dict(leaves)
        for slot, end in leaves:
            mine = self.outer.setdefault(slot, set())
            mine |= self.memory.sources(slot.init)
            mine |= {v for v in end if v not in slots and v.id < first}
            stored = self.stored.setdefault(slot, set())
            lists = self.lists.setdefault(slot, set())
            for value in {*end, *mine}:
                stored |= self.memory.stored.get(value, set())
                if value not in slots and (holder := pools.holder(value)):
                    lists.add(holder)
        for _ in leaves:
            for slot, end in leaves:
                for other in (slots[v] for v in end if v in slots):
                    self.outer[slot] |= self.outer[other]
                    self.stored[slot] |= self.stored[other]
                    self.lists[slot] |= self.lists[other]
            for i, (one, _) in enumerate(leaves):
                for two, _ in leaves[i + 1 :]:
                    if self.meet(one, two, become, slots):
                        self.twins.add(frozenset((one, two)))
        after = (len(self.twins), sum(map(len, self.outer.values())), self.held())
        return after != before

    def held(self) -> int:
        known = (*self.stored.values(), *self.lists.values())
        return sum(map(len, known))

    def meet(
        self,
        one: Slot,
        two: Slot,
        become: Sources,
        slots: dict[Value, Slot],
    ) -> bool:
        """Say whether two variables may be one object."""
        sources = self.memory.sources
        if sources(one.init) & sources(two.init):
            return True
        for a in become[one]:
            for b in become[two]:
                s, t = slots.get(a), slots.get(b)
                if a is b or (s and t and frozenset((s, t)) in self.twins):
                    return True
                if (s and b in self.outer[s]) or (t and a in self.outer[t]):
                    return True
        return False

    def note(self) -> None:
        """Tell the memory about the variables in the body."""
        self.tell({slot: slot.param for slot in self.outer})

    def after(self) -> None:
        """Tell the memory about the variables after the loop."""
        self.tell({slot: slot.out for slot in self.outer})

    def tell(self, values: dict[Slot, Value | None]) -> None:
        for slot, value in values.items():
            if value is None:
                continue
            outer = sorted(self.outer[slot], key=lambda v: v.id)
            self.memory.chosen(value, [(None, 0, o) for o in outer])
            pairs = (pair - {slot} for pair in self.twins if slot in pair)
            others = {values.get(next(iter(p), slot)) for p in pairs}
            self.memory.twins[value] = {v for v in others if v is not None}
            for holder in self.lists[slot]:
                self.memory.pools.know(holder, value)
            if self.stored[slot]:
                self.memory.stored[value] = set(self.stored[slot])


def _type(slot: Slot) -> lt.Type:
    return slot.type if slot.layout is None else type_of(slot.param or slot.init)
