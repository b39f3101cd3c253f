"""The variables that a loop carries from one iteration to the next.

In: the names assigned in the loop and their values before it. Out: parameters of the
body, results, and the variables after it. A container is carried part by part while its
layout stays the same; a list whose length changes is carried whole, with like elements.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.ir.nodes import UNDEF, Block, Const, Loc, Operand, Undef, Value
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import RET, State
from chainrule.specialise.joins import (
    absent_of,
    container_of,
    is_absent,
    is_poison,
    layout_of,
    part_hints,
    read_parts,
    remake,
    same,
)
from chainrule.specialise.memory import is_mutable
from chainrule.specialise.naming import name_of
from chainrule.specialise.values import Maybe, Poison, is_const
from chainrule.types import lattice as lt

NUMBER = (bool, int, float, complex)
LAYOUT = "changes its layout in the loop"
OPTIONAL = (lt.ScalarT, lt.ArrayT, lt.OptionalT)


@dataclass(eq=False, slots=True)
class Slot:
    """One variable or one part of one: a leaf with a type, a constant,
    or more parts.
    """

    hint: str | None
    init: Operand
    type: lt.Type = lt.NEVER
    const: Const | None = None
    layout: tuple[Any, ...] | None = None
    parts: list[Slot] = field(default_factory=list)
    absent: Slot | None = None
    whole: bool = False
    poison: str = ""
    lost: Poison | None = None
    stays: bool = False  # a part that is the object it was: that is carried by itself
    param: Value | None = None
    out: Value | None = None


class Carried:
    """All carried variables of one loop, and the objects that are written in it.

    A variable goes by its name, an object by the value that is its home.
    """

    def __init__(self, b: Builder, names: Sequence[str], env: State) -> None:
        self.b = b
        self.slots: dict[Hashable, Slot] = {}
        self.carry(names, env)

    @property
    def names(self) -> tuple[Hashable, ...]:
        """What is carried."""
        return tuple(self.slots)

    def carry(self, keys: Iterable[Hashable], env: State) -> None:
        """Carry more variables and objects."""
        for key in keys:
            if key not in self.slots:
                before = self.before(key, env)
                slot = self.slots[key] = self.slot(self.hint(key, env), before)
                if isinstance(key, Value) and is_const(before, Poison):
                    slot.lost = before.value  # an object stays lost; a name is bound
                    slot.poison = slot.lost.reason

    def hint(self, key: Hashable, env: State) -> str | None:
        """Return the name of a variable, or of an object."""
        if isinstance(key, str):
            return None if key.startswith("$") else key.strip()
        if isinstance(key, Value):
            return name_of(self.b, key, env)
        return getattr(key, "name", None)

    def before(self, key: Hashable, env: State) -> Operand:
        """Return what a variable or object holds before the loop."""
        memory = self.b.memory
        memory.now = dict(env.now)
        if isinstance(key, str):
            return memory.current(env.get(key, UNDEF))
        if isinstance(key, Value):
            return memory.refreshed(env.now.get(key, key))
        return memory.current(env.now.get(key, UNDEF))

    def slot(self, hint: str | None, init: Operand) -> Slot:
        """Return the slot of a variable that holds `init` before the loop."""
        slot = Slot(hint, init)
        if is_poison(init):
            slot.init = UNDEF
        elif is_const(init, Maybe):
            there = self.b.memory.current(init.value.there)
            self.divide(slot, there, layout_of(there) or ())
            slot.absent = self.slot(None, init.value.absent)
        elif isinstance(init, Const) and not isinstance(init.value, NUMBER):
            layout = layout_of(init)
            if layout is None:
                slot.const = init
            else:
                self.divide(slot, init, layout)
        elif not isinstance(init, Undef):
            layout = layout_of(init)
            if layout is not None:
                self.divide(slot, init, layout)
            else:
                slot.type = widen_constant(type_of(init))
        return slot

    def divide(self, slot: Slot, init: Operand, layout: tuple[Any, ...]) -> None:
        """Make one slot for each part of a container."""
        slot.layout = layout
        names = part_hints(layout, slot.hint)
        parts: Sequence[Operand]
        if isinstance(init, Undef):
            parts = [UNDEF] * len(names)
        else:
            parts = read_parts(self.b, init)
        content = self.b.memory.content
        slot.parts = [
            self.slot(n, content(p)) for n, p in zip(names, parts, strict=True)
        ]
        for part in slot.parts:
            part.stays = isinstance(part.init, Value) and is_mutable(part.init.type)

    # ------------------------------------------------------------- one round

    def enter(self, env: State, block: Block) -> tuple[Value, ...]:
        """Bind the names to fresh parameters; return these."""
        params: list[Value] = []
        self.b.memory.now = {}  # that of the round before
        with self.b.into(block):
            for key, slot in self.slots.items():
                self.bind(key, self._enter(slot, params), env)
        return tuple(params)

    def bind(self, key: Hashable, op: Operand, env: State) -> None:
        """Let a variable, or an object, be what an operand is."""
        place: dict[Any, Operand] = env if isinstance(key, str) else env.now
        if isinstance(op, Undef):
            place.pop(key, None)
            return
        place[key] = op
        if isinstance(key, Value):
            self.b.memory.version(key, op)

    def _enter(self, slot: Slot, params: list[Value]) -> Operand:
        known = fixed(slot)
        if known is not None:
            return known
        if slot.layout is not None:
            made = remake(
                self.b, slot.layout, [self._enter(p, params) for p in slot.parts]
            )
            slot.param = made if isinstance(made, Value) else None
            if slot.param is not None:
                self.b.memory.pools.carried.add(slot.param)
            if slot.absent is not None:
                return self.maybe(self._enter(slot.absent, params), made)
            return made
        slot.param = Value(lt.renamed(slot.type), slot.hint)
        self.b.memory.pools.same(slot.param, slot.init)
        self.b.memory.pools.carried.add(slot.param)
        params.append(slot.param)
        return slot.param

    def maybe(self, absent: Operand, there: Operand) -> Const:
        """Return a container that is None where a test says so."""
        self.b.maybes = True
        return Const(Maybe(absent, there))

    def widen(self, ends: State) -> bool:
        """Take in the types at the end of the body; say whether nothing changed."""
        stable = [self._widen(s, self.end(n, ends)) for n, s in self.slots.items()]
        return all(stable) and not self.returns_none(ends)

    def returns_none(self, ends: State) -> bool:
        """Let the result be None, if the body has begun to return that.

        Nobody reads the result where the body has not returned.
        """
        slot, end = self.slots.get(RET), ends.get(RET, UNDEF)
        if slot is None or slot.type is not lt.NEVER or slot.layout or slot.poison:
            return False
        if slot.const is not None or not isinstance(end, Const):
            return False
        if end.value is not None:
            return False
        slot.const = end
        return True

    def end(self, key: Hashable, ends: State) -> Operand:
        """Return what a variable or object holds at the end of the body."""
        self.b.memory.now = dict(ends.now)
        with self.b.into(Block()):
            return self.before(key, ends)

    def _widen(self, slot: Slot, end: Operand) -> bool:
        if slot.poison or isinstance(end, Undef):
            return True
        if slot.stays:
            if self.b.memory.same(slot.init, end):
                return True
            slot.stays = False
            return self._widen(slot, self.quietly(end)) and False
        if is_poison(end):
            if slot.type is lt.NEVER and slot.layout is None and slot.const is None:
                return True
            slot.lost = end.value  # type: ignore[union-attr]
            slot.poison = slot.lost.reason
            return False
        if self._widen_absent(slot, end):
            return False
        if slot.absent is not None:
            inner = container_of(end)
            known = self._widen(slot.absent, absent_of(end))
            if isinstance(inner, Undef):
                return known
            slot.absent, absent = None, slot.absent
            stable = self._widen(slot, self.quietly(inner))
            slot.absent = None if slot.layout is None else absent
            return known and stable
        if slot.const is not None:
            if isinstance(end, Const) and same(end.value, slot.const.value):
                return True
            if slot.const.value is None and isinstance(type_of(end), OPTIONAL):
                slot.const, slot.type = None, lt.NONE
                return self._join(slot, end)
            word = type_of(slot.const)
            if lt.is_word(word) and type_of(end) == word:
                slot.const, slot.type = None, word
                return False
            return self._poison(slot, "changes its kind in the loop")
        layout = layout_of(end)
        if slot.layout is not None:
            if layout == slot.layout:
                parts = read_parts_quietly(self.b, end)
                done = [
                    self._widen(s, p) for s, p in zip(slot.parts, parts, strict=True)
                ]
                return all(done)
            return self._whole(slot, end)
        if layout is not None and not slot.whole:
            if slot.type is lt.NEVER and type_of(slot.init) is lt.NEVER:
                self.divide(slot, UNDEF, layout)
                self._widen(slot, end)
                return False
            if not isinstance(slot.type, lt.ListT):
                return self._unlike(slot, end)
        if (
            isinstance(end, Const)
            and not isinstance(end.value, NUMBER)
            and layout is None
        ):
            if slot.type is lt.NEVER:
                return True
            if end.value is None and isinstance(slot.type, OPTIONAL):
                return self._join(slot, end)
            if lt.is_word(slot.type) and type_of(end) == slot.type:
                return True
            return self._poison(slot, "is sometimes None in the loop")
        return self._join(slot, end)

    def _widen_absent(self, slot: Slot, end: Operand) -> bool:
        """Let a slot hold a container that may be None, if it has to be one now."""
        if slot.absent is not None or slot.whole:
            return False
        none = slot.const is not None and slot.const.value is None
        fresh = slot.type is lt.NEVER and slot.layout is None and slot.const is None
        if fresh and is_const(end, Maybe):
            self.divide(slot, UNDEF, layout_of(self.quietly(end.value.there)) or ())
            slot.absent = self.slot(None, UNDEF)
            self._widen(slot, end)
            return True
        if not none and not is_absent(end):
            return False
        layout = layout_of(self.quietly(container_of(end)))
        if none and layout is not None:
            slot.const = None
            self.divide(slot, UNDEF, layout)
            slot.absent = self.slot(None, Const(True))
            self._widen(slot, end)
            return True
        if slot.layout is not None and is_absent(end):
            if layout in (None, slot.layout):
                slot.absent = self.slot(None, Const(False))
                self._widen(slot, end)
                return True
        return False

    def quietly(self, op: Operand) -> Operand:
        """Return what an object holds without leaving statements behind."""
        with self.b.into(Block()):
            return self.b.memory.content(op)

    def _join(self, slot: Slot, end: Operand) -> bool:
        try:
            joined = lt.join(slot.type, widen_constant(type_of(end)))
        except TypeError as error:
            return self._poison(slot, f"is {error}")
        if equivalent(joined, slot.type):
            return True
        slot.type = joined
        return False

    def _whole(self, slot: Slot, end: Operand) -> bool:
        """Carry a list whose length changes as one value."""
        types = [type_of(slot.init), type_of(end)]
        if not all(isinstance(t, lt.ListT) for t in types):
            return self._unlike(slot, end)
        try:
            elems = [e for t in types if (e := lt.element_type(t)) is not None]
            elem = (
                elems[0] if len(elems) == 1 else lt.join(*elems) if elems else lt.NEVER
            )
        except TypeError as error:
            return self._poison(slot, f"is {error}")
        slot.layout, slot.parts, slot.whole = None, [], True
        slot.type = lt.ListT(None, elem)
        return False

    def _unlike(self, slot: Slot, end: Operand) -> bool:
        slot.lost = Poison(LAYOUT, site=self.b.memory.site(end))
        return self._poison(slot, LAYOUT)

    def _poison(self, slot: Slot, reason: str) -> bool:
        slot.poison = reason
        return False

    def give_up(self, ends: State) -> None:
        """Poison what did not settle, after too many rounds."""
        for name, slot in self.slots.items():
            if not self._widen(slot, self.end(name, ends)):
                slot.poison = slot.poison or "does not settle to one type in the loop"

    # ------------------------------------------------------------- at the end

    def drop(self, name: Hashable) -> None:
        """Carry a variable no longer."""
        del self.slots[name]

    def leaves(self) -> list[Slot]:
        """Return the slots that are carried as values, in order."""
        return [slot for top in self.slots.values() for slot in self.leaves_of(top)]

    def all_ends(self, slot: Slot, end: Operand) -> list[tuple[Slot, Operand]]:
        """Pair a slot and all its parts with what they are at the end of the body."""
        if fixed(slot) is not None:
            return []
        end = end if slot.absent is None else container_of(end)
        found = [(slot, end)]
        if slot.layout is None:
            return found
        if isinstance(end, Undef):
            parts: Sequence[Operand] = [UNDEF] * len(slot.parts)
        elif layout_of(end) != slot.layout:
            return found
        else:
            parts = read_parts(self.b, end)
        for part, op in zip(slot.parts, parts, strict=True):
            found += self.all_ends(part, self.b.memory.content(op))
        return found

    def all_of(self, slot: Slot) -> list[Slot]:
        """Return a slot and all its parts."""
        if fixed(slot) is not None:
            return []
        return [slot, *(inner for part in slot.parts for inner in self.all_of(part))]

    def leaves_of(self, slot: Slot) -> list[Slot]:
        """Return the values that a slot consists of."""
        if fixed(slot) is not None:
            return []
        if slot.layout is None:
            return [slot]
        parts = slot.parts if slot.absent is None else [*slot.parts, slot.absent]
        return [leaf for part in parts for leaf in self.leaves_of(part)]

    @property
    def init(self) -> tuple[Operand, ...]:
        """The carried values before the first iteration."""
        return tuple(s.init for s in self.leaves())

    def leave(self, ends: State) -> list[Operand]:
        """Return the results of the body, in the order of its parameters."""
        results: list[Operand] = []
        for key, top in self.slots.items():
            for slot, end in self.leaf_ends(top, self.before(key, ends)):
                if slot.param is not None:
                    self.b.memory.pools.same(slot.param, end)
                results.append(end if _carries(slot, end) else UNDEF)
        return results

    def leaf_ends(self, slot: Slot, end: Operand) -> list[tuple[Slot, Operand]]:
        """Pair the values in a slot with what they are at the end of the body."""
        if fixed(slot) is not None:
            return []
        if slot.layout is None:
            return [(slot, end)]
        last = []
        if slot.absent is not None:
            last = self.leaf_ends(slot.absent, absent_of(end))
            end = self.b.memory.current(container_of(end))
        if isinstance(end, Undef):
            parts: Sequence[Operand] = [UNDEF] * len(slot.parts)
        elif layout_of(end) != slot.layout:
            return []  # the slot has changed since; another round will tell
        else:
            parts = read_parts(self.b, end)
        pairs = [
            pair
            for part, op in zip(slot.parts, parts, strict=True)
            for pair in self.leaf_ends(part, self.b.memory.content(op))
        ]
        return [*pairs, *last]

    def after(self, loc: Loc | None) -> tuple[Value, ...]:
        """Return the values of the variables after the loop."""
        outs = []
        for slot in self.leaves():
            slot.out = Value(lt.renamed(slot.type), slot.hint, loc)
            self.b.memory.pools.same(slot.out, slot.param or slot.init)
            self.b.memory.pools.same(slot.out, slot.init)
            outs.append(slot.out)
        return tuple(outs)

    def rebuild(self, env: State) -> None:
        """Bind the names to their values after the loop."""
        for key, slot in self.slots.items():
            op = self._rebuild(slot)
            self.bind(key, UNDEF if type_of(op) is lt.NEVER else op, env)

    def _rebuild(self, slot: Slot) -> Operand:
        known = fixed(slot)
        if known is not None:
            return known
        if slot.layout is not None:
            made = remake(self.b, slot.layout, [self._rebuild(p) for p in slot.parts])
            slot.out = made if isinstance(made, Value) else None
            if slot.absent is not None:
                return self.maybe(self._rebuild(slot.absent), made)
            return made
        assert slot.out is not None
        return slot.out


def fixed(slot: Slot) -> Operand | None:
    """Return what a slot is in all iterations, if nothing has to be carried for it."""
    if slot.poison:
        return Const(slot.lost or Poison(slot.poison))
    return slot.init if slot.stays else slot.const


def _carries(slot: Slot, end: Operand) -> bool:
    """Say whether an operand may be what a slot holds from one
    iteration to the next.
    """
    if (
        not isinstance(end, Const)
        or isinstance(end.value, NUMBER)
        or lt.is_word(slot.type)
    ):
        return True
    return end.value is None and isinstance(slot.type, lt.OptionalT)


def widen_constant(t: lt.Type) -> lt.Type:
    """Forget the size that an integer holds: it changes in a loop."""
    if isinstance(t, lt.OptionalT):
        return lt.OptionalT(widen_constant(t.elem))
    if isinstance(t, lt.ScalarT) and t.dim is not None:
        return lt.ScalarT(t.kind, t.dtype, t.exact)
    return t


def read_parts_quietly(b: Builder, op: Operand) -> list[Operand]:
    """Return the parts of a container without leaving statements behind."""
    with b.into(Block()):
        return read_parts(b, op)


def equivalent(a: lt.Type, b: lt.Type) -> bool:
    """Say whether two types differ in no more than the names of unknown sizes."""
    if isinstance(a, lt.ArrayT) and isinstance(b, lt.ArrayT):
        if a.dtype != b.dtype or (a.dims is None) != (b.dims is None):
            return False
        if a.dims is None or b.dims is None:
            return True
        if len(a.dims) != len(b.dims):
            return False
        return all(
            m == n or (_opaque(m) and _opaque(n))
            for m, n in zip(a.dims, b.dims, strict=True)
        )
    if isinstance(a, lt.OptionalT) and isinstance(b, lt.OptionalT):
        return equivalent(a.elem, b.elem)
    if isinstance(a, lt.TupleT) and isinstance(b, lt.TupleT):
        return len(a.items) == len(b.items) and all(map(equivalent, a.items, b.items))
    if isinstance(a, lt.ListT) and isinstance(b, lt.ListT):
        if a.items is None and b.items is None and a.elem and b.elem:
            return equivalent(a.elem, b.elem)
    return a == b


def _opaque(dim: lt.Dim) -> bool:
    return isinstance(dim, lt.Sym) and isinstance(dim.key, int)
