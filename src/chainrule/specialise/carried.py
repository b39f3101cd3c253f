"""The variables that a loop carries from one iteration to the next.

In: the names assigned in the loop and their values before it. Out: parameters of the
body, results, and the variables after it. A container is carried part by part while its
layout stays the same; a list whose length changes is carried whole, with like elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.ir.nodes import UNDEF, Block, Const, Loc, Operand, Undef, Value
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.joins import (
    is_poison,
    layout_of,
    part_hints,
    read_parts,
    remake,
    same,
)
from chainrule.specialise.values import Poison
from chainrule.types import lattice as lt

NUMBER = (bool, int, float, complex)
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
    whole: bool = False
    poison: str = ""
    param: Value | None = None
    out: Value | None = None


class Carried:
    """All carried variables of one loop."""

    def __init__(
        self, b: Builder, names: Sequence[str], env: dict[str, Operand]
    ) -> None:
        self.b = b
        self.names = tuple(dict.fromkeys(names))
        self.slots = {n: self.slot(_hint(n), env.get(n, UNDEF)) for n in self.names}

    def slot(self, hint: str | None, init: Operand) -> Slot:
        """Return the slot of a variable that holds `init` before the loop."""
        slot = Slot(hint, init)
        if is_poison(init):
            slot.init = UNDEF
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
        slot.parts = [self.slot(n, p) for n, p in zip(names, parts, strict=True)]

    # ------------------------------------------------------------- one round

    def enter(self, env: dict[str, Operand], block: Block) -> tuple[Value, ...]:
        """Bind the names to fresh parameters; return these."""
        params: list[Value] = []
        with self.b.into(block):
            for name, slot in self.slots.items():
                op = self._enter(slot, params)
                if isinstance(op, Undef):
                    env.pop(name, None)
                else:
                    env[name] = op
        return tuple(params)

    def _enter(self, slot: Slot, params: list[Value]) -> Operand:
        if slot.poison:
            return Const(Poison(slot.poison))
        if slot.const is not None:
            return slot.const
        if slot.layout is not None:
            return remake(
                self.b, slot.layout, [self._enter(p, params) for p in slot.parts]
            )
        slot.param = Value(slot.type, slot.hint)
        params.append(slot.param)
        return slot.param

    def widen(self, ends: dict[str, Operand]) -> bool:
        """Take in the types at the end of the body; say whether nothing changed."""
        stable = [self._widen(s, ends.get(n, UNDEF)) for n, s in self.slots.items()]
        return all(stable)

    def _widen(self, slot: Slot, end: Operand) -> bool:
        if slot.poison or isinstance(end, Undef):
            return True
        if is_poison(end):
            if slot.type is lt.NEVER and slot.layout is None and slot.const is None:
                return True
            slot.poison = end.value.reason  # type: ignore[union-attr]
            return False
        if slot.const is not None:
            if isinstance(end, Const) and same(end.value, slot.const.value):
                return True
            if slot.const.value is None and isinstance(type_of(end), OPTIONAL):
                slot.const, slot.type = None, lt.NONE
                return self._join(slot, end)
            if isinstance(slot.const.value, str) and type_of(end) == lt.STR:
                slot.const, slot.type = None, lt.STR
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
            if slot.type is lt.NEVER and isinstance(slot.init, Undef):
                self.divide(slot, UNDEF, layout)
                self._widen(slot, end)
                return False
            if not isinstance(slot.type, lt.ListT):
                return self._poison(slot, "changes its layout in the loop")
        if (
            isinstance(end, Const)
            and not isinstance(end.value, NUMBER)
            and layout is None
        ):
            if slot.type is lt.NEVER:
                return True
            if end.value is None and isinstance(slot.type, OPTIONAL):
                return self._join(slot, end)
            if isinstance(end.value, str) and slot.type == lt.STR:
                return True
            return self._poison(slot, "is sometimes None in the loop")
        return self._join(slot, end)

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
            return self._poison(slot, "changes its layout in the loop")
        elems = [e for t in types if (e := lt.element_type(t)) is not None]
        try:
            elem = (
                elems[0] if len(elems) == 1 else lt.join(*elems) if elems else lt.NEVER
            )
        except TypeError as error:
            return self._poison(slot, f"is {error}")
        slot.layout, slot.parts, slot.whole = None, [], True
        slot.type = lt.ListT(None, elem)
        return False

    def _poison(self, slot: Slot, reason: str) -> bool:
        slot.poison = reason
        return False

    def give_up(self, ends: dict[str, Operand]) -> None:
        """Poison what did not settle, after too many rounds."""
        for name, slot in self.slots.items():
            if not self._widen(slot, ends.get(name, UNDEF)):
                slot.poison = slot.poison or "does not settle to one type in the loop"

    # ------------------------------------------------------------- at the end

    def drop(self, name: str) -> None:
        """Carry a variable no longer."""
        del self.slots[name]
        self.names = tuple(n for n in self.names if n != name)

    def leaves(self) -> list[Slot]:
        """Return the slots that are carried as values, in order."""
        found: list[Slot] = []

        def visit(slot: Slot) -> None:
            if slot.poison or slot.const is not None:
                return
            if slot.layout is not None:
                for part in slot.parts:
                    visit(part)
            else:
                found.append(slot)

        for slot in self.slots.values():
            visit(slot)
        return found

    @property
    def init(self) -> tuple[Operand, ...]:
        """The carried values before the first iteration."""
        return tuple(s.init for s in self.leaves())

    def leave(self, ends: dict[str, Operand]) -> list[Operand]:
        """Return the results of the body, in the order of its parameters."""
        results: list[Operand] = []

        def visit(slot: Slot, end: Operand) -> None:
            if slot.poison or slot.const is not None:
                return
            if slot.layout is None:
                results.append(end if _carries(slot, end) else UNDEF)
                return
            if isinstance(end, Undef):
                parts: Sequence[Operand] = [UNDEF] * len(slot.parts)
            else:
                parts = read_parts(self.b, end)
            for part, op in zip(slot.parts, parts, strict=True):
                visit(part, op)

        for name, slot in self.slots.items():
            visit(slot, ends.get(name, UNDEF))
        return results

    def after(self, env: dict[str, Operand], loc: Loc | None) -> tuple[Value, ...]:
        """Return the values of the variables after the loop."""
        outs = []
        for slot in self.leaves():
            slot.out = Value(slot.type, slot.hint, loc)
            outs.append(slot.out)
        return tuple(outs)

    def rebuild(self, env: dict[str, Operand]) -> None:
        """Bind the names to their values after the loop."""
        for name, slot in self.slots.items():
            op = self._rebuild(slot)
            if isinstance(op, Undef) or type_of(op) is lt.NEVER:
                env.pop(name, None)
            else:
                env[name] = op

    def _rebuild(self, slot: Slot) -> Operand:
        if slot.poison:
            return Const(Poison(slot.poison))
        if slot.const is not None:
            return slot.const
        if slot.layout is not None:
            return remake(self.b, slot.layout, [self._rebuild(p) for p in slot.parts])
        assert slot.out is not None
        return slot.out


def _carries(slot: Slot, end: Operand) -> bool:
    """Say whether an operand may be what a slot holds from one
    iteration to the next.
    """
    if (
        not isinstance(end, Const)
        or isinstance(end.value, NUMBER)
        or slot.type == lt.STR
    ):
        return True
    return end.value is None and isinstance(slot.type, lt.OptionalT)


def _hint(name: str) -> str | None:
    return None if name.startswith("$") else name.removeprefix(".")


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
