"""Memory: what each object holds at this point of the program.

In: writes, as the interpreter comes to them. Out: for any operand, the value that the
object it stands for holds now. The IR is pure, so a write makes a new value; the object
is the first value it was (its `home`), the later ones are versions of it, and `now`
says which is the present one. Names, containers and temporaries may go on holding an
old version: who reads, asks for `current`. A view, and a container with written parts,
have no memory of their own: they are read again when what they were made from changed.

Two values may be one object without it being certain: a branch chose one of two, or a
loop carried one on. `maybe` notes how they came about (see `aliases`), and a write to
one of them writes to the others too, or is refused.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Container, Hashable
from typing import TYPE_CHECKING

from chainrule.analysis.memory import MAKERS as MAKERS
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    If,
    Loc,
    Operand,
    Try,
    Value,
    With,
)
from chainrule.specialise.values import Back, is_const
from chainrule.specialise.views import PERHAPS, SPLITS, UNFOLLOWED, is_view
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.specialise.builder import Builder
    from chainrule.specialise.pools import Pools


class Iterated(Exception):
    """A loop writes into what it runs over: begin again, reading by position."""

    def __init__(self, home: Value) -> None:
        super().__init__("iterated")
        self.home = home


class Cyclic(Exception):
    """A container holds itself: begin again, and look out for such."""


Now = dict[Hashable, Operand]
# `(statement, path, source)`: the value is `source` if that path was taken.
Origin = tuple[If | Try | With | None, int, Value]


class Memory:
    """The objects of one interpretation; only `now` differs from path to path."""

    pools: Pools

    def __init__(self, builder: Builder) -> None:
        self.b = builder
        self.now: Now = {}
        self.home: dict[Value, Value] = {}
        self.parts: dict[tuple[Value, Hashable], Value] = {}
        self.held: dict[Value, tuple[Value, Hashable]] = {}
        self.origins: dict[Value, list[Origin]] = {}
        self.users: dict[Value, list[Value]] = {}
        self.where: dict[Value, Block] = {}
        self.twins: dict[Value, set[Value]] = {}
        self.stored: dict[Value, set[Value]] = {}
        self.frozen: dict[Value, list[Value]] = {}
        self.iterated: list[Value] = []
        self.elements: dict[Value, Value] = {}
        self.counted: list[Value] = []  # lists that a loop reads by position
        self.caught: dict[Operand, Loc] = {}  # exceptions, and the `try` of each
        self.escaped: list[Value] = []  # what is kept outside of the function
        self.factories: dict[Value, Operand] = {}
        self.fresh: dict[tuple[Block, Value], Operand] = {}
        self.cyclic = False  # whether objects may hold each other
        self.rebuilt: set[Value] = set()  # those that are being rebuilt
        self.backs: dict[Value, Const] = {}
        # Whether what may be a view is known to be a copy (see `layouts`), and who
        # refuses what is not known to be either.
        self.is_copy: Callable[[Apply], bool] = lambda _: False
        self.check_view: Callable[[Apply], None] = lambda _: None

    # ------------------------------------------------------------------ reading

    def object(self, op: Value) -> Value:
        """Return the value that stands for an object for good."""
        return self.home.get(op, op)

    def same(self, one: Operand, two: Operand) -> bool:
        """Say whether two operands are certainly one object."""
        if isinstance(one, Value) and isinstance(two, Value):
            return self.object(one) is self.object(two)
        return one is two

    def current(self, op: Operand) -> Operand:
        """Return what an operand holds now."""
        if self.cyclic and is_const(op, Back):
            op = op.value.home
        return self.content(op)

    def back(self, op: Operand) -> Operand:
        """Return the constant that stands for an object in what it holds."""
        if not isinstance(op, Value):
            return op
        home = self.object(op)
        return self.backs.setdefault(home, Const(Back(home)))

    def leads_back(self, op: Operand) -> bool:
        """Say whether a container holds itself, at any depth."""
        stmt = self.b.definition(op)
        if stmt is None or stmt.fn not in MAKERS:
            return is_const(op, Back)
        return any(map(self.leads_back, stmt.args))

    def content(self, op: Operand) -> Operand:
        """Return what a value holds now."""
        if not self.now or not isinstance(op, Value) or not is_mutable(op.type):
            return op
        home = self.object(op)
        known = self.fresh.get((self.b.block, home))
        return self.refreshed(known or self.now.get(home, op))

    def refreshed(self, op: Operand) -> Operand:
        """Read a view again, and rebuild a container, if what it shows has changed."""
        stmt = self.b.definition(op)
        if stmt is None or not isinstance(op, Value):
            return op
        if stmt.fn in MAKERS:
            args = self.contents(self.object(op), stmt.args)
        elif self.is_view(stmt):
            args = (self.current(stmt.args[0]), *stmt.args[1:])
        else:
            return op
        if all(a is b for a, b in zip(args, stmt.args, strict=True)):
            return op
        if stmt.fn in PERHAPS:
            self.check_view(stmt)
        type_: lt.Type | None = (
            rebuilt_type(op.type, args) if stmt.fn in MAKERS else None
        )
        new = self.b.repeat(stmt, *args, hint=op.hint, type_=type_)
        self.version(op, new)
        self.fresh[self.b.block, self.object(op)] = new
        return new

    def contents(self, home: Value, parts: tuple[Operand, ...]) -> tuple[Operand, ...]:
        """Return what the parts of a container hold now."""
        if home in self.rebuilt:
            raise Cyclic
        self.rebuilt.add(home)
        try:
            return tuple(map(self.content, parts))
        finally:
            self.rebuilt.discard(home)

    def becomes(self, op: Value, new: Operand) -> None:
        """Note what the object that an operand stands for holds from here on."""
        home = self.object(op)
        self.now[home] = new
        self.version(op, new)
        for key in [k for k in self.fresh if k[1] is home]:
            del self.fresh[key]

    def version(self, op: Value, new: Operand) -> None:
        """Note that a value is a version of an object."""
        home = self.object(op)
        if isinstance(new, Value) and new is not home:
            self.home[new] = home

    # ------------------------------------------------------- what operations make

    def enter(self, stmt: Apply) -> None:
        """Take in an operation that was written."""
        self.where[stmt.out] = self.b.block
        if reads_part(stmt):
            self.note(stmt)
        if stmt.fn in UNFOLLOWED:
            self.freeze(stmt)
        if isinstance(stmt.out.type, lt.ListT):
            self.pools.note(stmt)

    def note(self, stmt: Apply) -> None:
        """Know two reads of one part of a container for the same object."""
        base, *rest = stmt.args
        if not isinstance(base, Value) or not is_mutable(stmt.out.type):
            return
        if not isinstance(base.type, lt.TupleT | lt.ListT | lt.DictT | lt.ObjT):
            return
        key: Hashable = stmt
        if isinstance(rest[0], Const):
            key = rest[0].value
            if isinstance(key, slice):
                return
            items = getattr(base.type, "items", None)
            if isinstance(base.type, lt.TupleT | lt.ListT) and items is not None:
                if isinstance(key, int) and key < 0:
                    key += len(items)
        place = (self.object(base), key)
        self.pools.forget_last(place)
        child = self.parts.setdefault(place, stmt.out)
        self.held.setdefault(child, place)
        if child is not stmt.out:
            self.home[stmt.out] = child

    def forget(self, first: int) -> None:
        """Forget what was made since a value, and is gone: reads of parts, elements."""
        for place, child in list(self.parts.items()):
            if child.id >= first:
                del self.parts[place]
                self.held.pop(child, None)
        for value in [v for v in self.stored if v.id >= first]:
            del self.stored[value]
        for key, op in list(self.fresh.items()):
            if isinstance(op, Value) and op.id >= first:
                del self.fresh[key]

    def freeze(self, stmt: Apply) -> None:
        """Note a result that may show its operands in a way that is not followed."""
        if isinstance(stmt.out.type, lt.ArrayT):
            shown = [a for a in stmt.args if isinstance(a, Value)]
            arrays = [a for a in shown if isinstance(a.type, lt.ArrayT)]
            if len(arrays) == 1 and not self.is_view(stmt):
                self.frozen[stmt.out] = arrays

    def open(self, op: Value) -> None:
        """Take apart the containers that an object was read from: it is written."""
        place = self.held.get(self.object(op))
        if place is None:
            return
        from chainrule.specialise.joins import layout_of, make, read_parts

        container = place[0]
        self.open(container)
        now = self.now.get(container, container)
        layout = layout_of(now)
        if layout is None or self.is_built(now):
            return
        self.becomes(container, make(self.b, layout, read_parts(self.b, now)))

    def is_built(self, op: Operand) -> bool:
        """Say whether the parts of a container are operands of the program."""
        stmt = self.b.definition(op)
        return stmt is not None and stmt.fn in MAKERS

    # ------------------------------------------------------------------ doubt

    def chosen(self, out: Value, origins: list[Origin]) -> None:
        """Note which objects a value may be, as the paths of a statement decide."""
        if not is_mutable(out.type) or not origins:
            return
        if len(origins) == 1 and isinstance(origins[0][0], With):
            self.home[out] = self.object(origins[0][2])
            return
        self.origins[out] = [(stmt, k, self.object(op)) for stmt, k, op in origins]
        for _, _, op in origins:
            self.pools.same(out, op)
        self.where[out] = self.b.block
        for _, _, op in origins:
            self.users.setdefault(self.root(op), []).append(out)

    def sources(self, op: Operand, stop: Container[Value] = ()) -> set[Value]:
        """Return the objects of which this may be one; do not look behind `stop`."""
        found: set[Value] = set()
        todo = [self.root(op)] if isinstance(op, Value) else []
        seen: set[Value] = set()
        while todo:
            each = todo.pop()
            if each in seen:
                continue
            seen.add(each)
            known = [] if each in stop else self.origins.get(each, [])
            if not known or any(stmt is None for stmt, _, _ in known):
                found.add(each)
            todo += [self.root(source) for _, _, source in known]
        return found

    def site(self, op: Operand) -> Loc | None:
        """Return where a dict was made, if another one may be made there instead."""
        if not lt.keys_listed() or not isinstance(op, Value):
            return None
        for source in self.sources(op):
            stmt = self.b.definition(source)
            made = stmt is not None and stmt.fn in MAKERS
            if made and isinstance(source.type, lt.DictT):
                return source.loc
            holder = self.pools.holder(source)
            for element in self.pools.objects(holder) if holder else ():
                if isinstance(element.type, lt.DictT):
                    return element.loc
        return None

    def again(self, op: Value) -> Operand:
        """Read what an object holds now, a view from the array that it shows."""
        home = self.object(op)
        stmt = self.b.definition(home)
        if stmt is None or not self.is_view(stmt):
            return self.current(home)
        assert isinstance(stmt.args[0], Value)
        if stmt.fn in PERHAPS:
            self.check_view(stmt)
        base = self.again(stmt.args[0])
        return self.b.repeat(stmt, base, *stmt.args[1:])

    def is_view(self, stmt: Apply) -> bool:
        """Say whether an operation gives memory of an array."""
        if stmt.fn is operator.getitem:
            whole = self.b.definition(stmt.args[0])
            if whole is not None and whole.fn in SPLITS and is_view(whole):
                return isinstance(stmt.out.type, lt.ArrayT)
        return is_view(stmt) and not (stmt.fn in PERHAPS and self.is_copy(stmt))

    def root(self, op: Value) -> Value:
        """Return the object whose memory a view shows."""
        home = self.object(op)
        stmt = self.b.definition(home)
        while stmt is not None and self.is_view(stmt):
            assert isinstance(stmt.args[0], Value)
            home = self.object(stmt.args[0])
            stmt = self.b.definition(home)
        return home


def is_mutable(t: lt.Type) -> bool:
    """Say whether values of a type are objects that can change, or hold such."""
    if isinstance(t, lt.NUMBERS):
        return isinstance(t, lt.ArrayT)
    match t:
        case lt.ListT() | lt.DictT() | lt.ObjT():
            return True
        case lt.TupleT(items=items):
            return any(map(is_mutable, items))
        case lt.OptionalT(elem=elem):
            return is_mutable(elem)
    return False


def rebuilt_type(t: lt.Type, args: tuple[Operand, ...]) -> lt.Type | None:
    """Return the type of a container of which some parts have changed theirs."""
    from chainrule.specialise.builder import type_of

    match t:
        case lt.TupleT(cls=cls) if cls is not tuple:
            return lt.TupleT(tuple(map(type_of, args[2:])), cls)
        case lt.DictT(items=pairs, cls=cls):
            values = args[-len(pairs) :] if pairs else ()
            keys = [k for k, _ in pairs]
            return lt.DictT(tuple(zip(keys, map(type_of, values), strict=True)), cls)
        case lt.ObjT(cls=cls, attrs=pairs):
            types = map(type_of, args[2:])
            names = [k for k, _ in pairs]
            return lt.ObjT(cls, tuple(zip(names, types, strict=True)))
    return None


def reads_part(stmt: Apply) -> bool:
    """Say whether an operation reads a part of a container."""
    return stmt.fn in (operator.getitem, builtins.getattr) and len(stmt.args) == 2
