"""Lists of run-time length: which may hold the same objects, and which hold one twice.

In: every operation that makes such a list, and every write. Out: for a write to an
element, or to a part of one, who else may show it. The elements of such a list are no
operands, so that what holds the same objects is known by the *pool*: a list, all that
was made from it (slices, sorted, filtered, joined), and all that its elements were put
into. What an iteration made itself is put in once; anything else may be there twice.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Apply, Const, Operand, Value
from chainrule.specialise.memory import MAKERS, Memory, is_mutable
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.specialise.absences import Fact

Path = tuple[Hashable, ...]
Way = tuple[Path, type]  # to what kind of object a path leads
PUTS = {prims.list_append, prims.index_set}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is: the list, the element, what the containers on the way are."""

    holder: Value
    index: Operand
    chain: tuple[Value, ...]
    path: Path

    @property
    def kinds(self) -> dict[Path, type]:
        """What the objects are on the way from the element."""
        ways = [self.path[:k] for k in range(len(self.path) + 1)]
        ends = reversed(self.chain)
        return {way: kind(op.type) for way, op in zip(ways, ends, strict=True)}


class Pools:
    """The pools of one interpretation."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.parent: dict[Value, Value] = {}
        self.members: dict[Value, list[Value]] = {}
        self.entered: dict[Value, dict[Value, Path]] = {}
        self.twice: dict[Value, set[Way]] = {}
        self.loops: list[int] = []
        self.carried: set[Value] = set()
        self.pending: dict[Value, list[Operand]] = {}
        self.last: dict[Value, Any] = {}  # the list when the object was its last
        self.owners: dict[Value, Value] = {}  # the element that an object came with
        self.paths: dict[Value, list[list[Fact]]] = {}  # where an object was put in
        self.back: Value | None = None  # the element that is put back where it was

    # -------------------------------------------------------------------- pools

    def find(self, op: Value) -> Value:
        """Return the value that stands for the pool of a list."""
        home = self.memory.object(op)
        while home in self.parent:
            home = self.parent[home]
        return home

    def join(self, one: Value, two: Value) -> None:
        """Let two lists be of one pool."""
        a, b = self.find(one), self.find(two)
        self.members.setdefault(a, [a])
        if a is b:
            return
        self.parent[b] = a
        self.members[a] += self.members.pop(b, [b])
        self.entered.setdefault(a, {}).update(self.entered.pop(b, {}))
        self.twice.setdefault(a, set()).update(self.twice.pop(b, set()))

    def lists(self, op: Value) -> set[Value]:
        """Return the lists of a pool."""
        pool = self.find(op)
        return {self.memory.object(v) for v in self.members.get(pool, [pool])}

    def objects(self, op: Value) -> dict[Value, Path]:
        """Return what was put into a pool and may be known elsewhere too."""
        return self.entered.get(self.find(op), {})

    def of(self, op: Value) -> list[Value]:
        """Return the pools that an object was put into."""
        return [pool for pool, known in self.entered.items() if op in known]

    # ------------------------------------------------------------------ what enters

    def note(self, stmt: Apply) -> None:
        """Take in a list of run-time length whose elements are objects."""
        if not is_pooled(stmt.out.type):
            return
        puts = stmt.fn in PUTS
        for k, arg in enumerate(stmt.args):
            if not isinstance(arg, Value) or not is_mutable(arg.type):
                continue
            if (puts and k) or not isinstance(arg.type, lt.ListT | lt.TupleT):
                self.enter(stmt.out, arg)
            elif self.memory.is_built(arg):
                if stmt.fn is operator.add:
                    for item in self.items(arg):
                        self.enter(stmt.out, item)
                else:
                    self.adopt(stmt.out, arg)
            else:
                self.join(arg, stmt.out)
        itself = stmt.fn is operator.add and stmt.args[0] is stmt.args[1]
        if itself or stmt.fn is operator.mul:
            elem = lt.element_type(stmt.out.type) or lt.NEVER
            self.twice.setdefault(self.find(stmt.out), set()).add(((), kind(elem)))

    def same(self, one: Operand, two: Operand) -> None:
        """Note that one variable may be a list that another was, or holds its items."""
        if not isinstance(one, Value) or not is_pooled(one.type):
            return
        if isinstance(two, Value) and is_mutable(two.type):
            if self.memory.is_built(two):
                self.adopt(one, two)
            else:
                self.join(one, two)

    def open(self, holder: Value) -> None:
        """Take in what a list holds whose element at a run-time position is written."""
        now = self.memory.now.get(holder, holder)
        if isinstance(now, Value) and self.memory.is_built(now):
            self.adopt(holder, now)

    def items(self, op: Value) -> list[Value]:
        """Return the objects in a list that was built here."""
        stmt = self.memory.b.definition(op)
        assert stmt is not None
        return [a for a in stmt.args if isinstance(a, Value) and is_mutable(a.type)]

    def adopt(self, holder: Value, built: Value) -> None:
        """Take over the elements of a list: that they are in it is nothing new."""
        seen: dict[Value, Path] = {}
        for item in self.items(built):
            if is_pooled(item.type):
                self.join(holder, item)
            for found, path in self.inside(item):
                for pool in self.of(found):
                    self.join(holder, pool)
                place = self.place(found)
                if place is not None:
                    self.join(holder, place.holder)
                if found in seen:
                    both = {(way, kind(found.type)) for way in (path, seen[found])}
                    self.twice.setdefault(self.find(holder), set()).update(both)
                seen[found] = path
        for found in seen:
            self.paths.setdefault(found, []).append([])
        self.entered.setdefault(self.find(holder), {}).update(seen)

    def enter(self, holder: Value, value: Value) -> None:
        """Note that a list holds an object, and with it all that this leads to."""
        if not is_mutable(value.type):
            return
        if is_pooled(value.type):
            self.join(holder, value)
        for found, path in self.inside(value):
            place = self.place(found)
            if place is not None and place.chain[-1] is self.back:
                continue
            once = self.is_fresh(found)
            if place is not None:
                self.join(holder, place.holder)
                once = False
            elif (source := self.memory.elements.get(found)) is not None:
                self.join(holder, self.memory.root(source))
                once = not self.loops or found.id >= self.loops[-1]
            pool = self.find(holder)
            known = self.entered.setdefault(pool, {})
            for other in self.of(found):
                if other is not pool:
                    self.join(holder, other)
                    pool = self.find(holder)
                    known = self.entered.setdefault(pool, {})
            owner = self.back or self.memory.object(value)
            again = found in known and self.owners.get(found) is not self.back
            again = not self.on_another_path(found) and again
            if again or not once:
                both = {
                    (way, kind(found.type)) for way in (path, known.get(found, path))
                }
                self.twice.setdefault(pool, set()).update(both)
            known[found], self.owners[found] = path, owner

    def on_another_path(self, found: Value) -> bool:
        """Say whether an object was put in only where this path does not pass."""
        from chainrule.specialise.absences import facts

        before, here = self.paths.setdefault(found, []), list(facts(self.memory.b))
        apart = bool(before) and all(
            any(
                test is other and yes is not no
                for test, yes in here
                for other, no in way
            )
            for way in before
        )
        before.append(here)
        return apart

    def know(self, holder: Value, value: Value) -> None:
        """Note that a value may be an element of a list."""
        self.entered.setdefault(self.find(holder), {}).setdefault(value, ())

    def holder(self, op: Value) -> Value | None:
        """Return the list or array that an object is an element of."""
        place = self.place(op)
        if place is not None:
            return place.holder
        source = self.memory.elements.get(op)
        return None if source is None else self.memory.root(source)

    def inside(self, value: Value) -> Iterator[tuple[Value, Path]]:
        """Return the objects that one leads to, each with the way there."""
        memory = self.memory
        todo: list[tuple[Value, Path]] = [(value, ())]
        seen: set[Value] = set()
        while todo:
            op, path = todo.pop()
            for source in memory.sources(op):
                if source in seen:
                    continue
                seen.add(source)
                yield source, path
                stmt = memory.b.definition(memory.now.get(source, source))
                if stmt is not None and stmt.fn in MAKERS:
                    todo += _parts(stmt, path)
                todo += [
                    (child, (*path, key))
                    for (holder, key), child in memory.parts.items()
                    if holder is source
                ]

    def is_fresh(self, op: Value) -> bool:
        """Say whether each run of the innermost loop makes this object itself."""
        if not self.loops:
            return True
        return op.id >= self.loops[-1] and op not in self.carried

    # ---------------------------------------------------------------------- writes

    def place(self, home: Value) -> Place | None:
        """Return the list of run-time length that an object is an element of, or in."""
        memory = self.memory
        chain, path = [home], list[Hashable]()
        while (held := memory.held.get(chain[-1])) is not None:
            holder, key = held
            if chain[-1] in self.last and not memory.b.sees(self.last[chain[-1]]):
                return None
            now = memory.now.get(holder, holder)
            if isinstance(now, Value) and isinstance(now.type, lt.ListT):
                if isinstance(key, Apply):
                    return Place(holder, key.args[1], tuple(chain), tuple(path[::-1]))
                if not memory.is_built(now) and now.type.items is None:
                    return Place(holder, Const(key), tuple(chain), tuple(path[::-1]))
            chain.append(holder)
            path.append(key)
        return None

    def is_twice(self, place: Place) -> bool:
        """Say whether a list may hold an object at more than one place."""
        if self.pending.get(place.holder):
            return True
        twice = self.twice.get(self.find(place.holder), set())
        return any(place.kinds.get(way) is of for way, of in twice)

    def appended(self, holder: Value, value: Operand) -> None:
        """Know a fresh object as the last element of the list it was appended to."""
        memory = self.memory
        if not isinstance(value, Value) or not is_mutable(value.type):
            return
        home = memory.object(value)
        alone = memory.root(home) is home and home not in memory.origins
        if not alone or home in memory.held or not self.is_fresh(home):
            return
        place = (memory.object(holder), -1)
        memory.parts[place], memory.held[home] = home, place
        self.last[home] = memory.now[memory.object(holder)]

    def forget_last(self, place: tuple[Value, Hashable]) -> None:
        """Know no last element that was appended where it can be named no longer."""
        child = self.memory.parts.get(place)
        if child in self.last and not self.memory.b.sees(self.last[child]):
            del self.memory.parts[place]
            self.memory.held.pop(child, None)

    def replaced(
        self, holder: Value, index: Operand, value: Operand, sight: set[Value]
    ) -> None:
        """Take the element at a position out of the list: another is put there."""
        memory = self.memory
        same = same_index(memory)
        waiting = self.pending.setdefault(holder, [])
        moved = (
            memory.held.get(memory.object(value)) if isinstance(value, Value) else None
        )
        if moved is not None and moved[0] is holder:
            key = moved[1]
            place = key.args[1] if isinstance(key, Apply) else Const(key)
            if not same(place, index):
                waiting.append(place)
        waiting[:] = [place for place in waiting if not same(place, index)]
        self.removed(holder, index, sight, value)

    def removed(
        self,
        holder: Value,
        index: Operand,
        sight: set[Value],
        moved: Operand = UNDEF,
    ) -> None:
        """Know the elements by position no longer; the one at `index` is taken out.

        What is `moved` to it will enter anew; `sight` are the objects still in sight.
        """
        memory, same = self.memory, same_index(self.memory)
        pool = self.find(holder)
        alone = self.lists(pool) & sight <= {holder} and not self.twice.get(pool)
        for (base, key), child in list(memory.parts.items()):
            if base is not holder:
                continue
            place = key.args[1] if isinstance(key, Apply) else Const(key)
            del memory.parts[base, key]
            memory.held.pop(child, None)
            if memory.same(child, moved) or (alone and same(place, index)):
                continue
            self.entered.setdefault(pool, {}).setdefault(child, ())

    def repeated(self, holder: Value) -> set[Way]:
        """Return the ways to what may be in the lists of a pool more than once."""
        return set(self.twice.get(self.find(holder), ()))

    def permuted(self, holder: Value, before: set[Way]) -> None:
        """Know that a list holds what it held, in another order: nothing twice."""
        self.twice[self.find(holder)] = before

    def detach(self, holder: Value, keep: bool = False) -> None:
        """Know the elements by position no longer: the list has been rearranged.

        With `keep` it has only grown at its end: positions from the front still hold.
        """
        memory = self.memory
        for (base, key), child in list(memory.parts.items()):
            if base is not holder or (keep and counts_from_front(memory, key)):
                continue
            del memory.parts[base, key]
            if memory.held.get(child) == (base, key):
                del memory.held[child]
                known = self.entered.setdefault(self.find(holder), {})
                known.setdefault(child, ())


def same_index(memory: Memory) -> Callable[[Operand, Operand], bool]:
    """Return a function that says whether two positions are certainly one."""

    def same(one: Operand, two: Operand) -> bool:
        if one is two:
            return True
        if isinstance(one, Const) and isinstance(two, Const):
            return bool(one.value == two.value)
        a, b = memory.b.definition(one), memory.b.definition(two)
        if a is None or b is None or a.fn is not b.fn or a.kwargs or b.kwargs:
            return False
        pairs = zip(a.args, b.args, strict=False)
        return len(a.args) == len(b.args) and all(same(*pair) for pair in pairs)

    return same


def counts_from_front(memory: Memory, key: Hashable) -> bool:
    """Say whether an index is certainly not negative."""
    if not isinstance(key, Apply):
        return isinstance(key, int) and key >= 0
    index = key.args[1]
    if isinstance(index, Const):
        return isinstance(index.value, int) and index.value >= 0
    return memory.b.definition(index) is None


def kind(t: lt.Type) -> type:
    """Return the kind of objects of a type: those of two kinds are not the same."""
    return kind(t.elem) if isinstance(t, lt.OptionalT) else type(t)


def is_pooled(t: lt.Type) -> bool:
    """Say whether a type is that of lists of run-time length that hold objects."""
    if not isinstance(t, lt.ListT) or t.items is not None or t.elem is None:
        return False
    return is_mutable(t.elem)


def _parts(stmt: Apply, path: Path) -> Iterator[tuple[Value, Path]]:
    """Return the parts of a container that was built here."""
    named = stmt.fn in (prims.make_dict, prims.make_object)
    first = 0 if not named else 1 if stmt.fn is prims.make_dict else 2
    names = stmt.args[first - 1] if named else None
    for k, op in enumerate(stmt.args[first:]):
        if isinstance(op, Value) and is_mutable(op.type):
            key = names.value[k] if isinstance(names, Const) else k
            yield op, (*path, key)
