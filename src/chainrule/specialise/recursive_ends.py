"""What a recursive function leaves written, and how its callers learn of it.

In: at the end of its body, what each argument and each object around it holds, beside
what it held. Out: `Ends`, further results of the function, and where each of them goes:
into an array, into a container, into a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import arrays, writing
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.specialise.memory import is_mutable
from chainrule.specialise.values import Cell
from chainrule.types import lattice as lt


@dataclass(frozen=True, slots=True)
class Parts:
    """A container among the arguments: its layout, and what its parts are."""

    layout: tuple[Any, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant among the arguments."""

    value: Any


NUMBERS = object()


@dataclass(frozen=True, slots=True)
class Given:
    """An argument inside the function, and the parts that it has at the beginning."""

    op: Operand
    parts: tuple[Given, ...] = ()

    def objects(self) -> Iterator[Value]:
        """Yield the argument and its parts, as far as they are values."""
        if isinstance(self.op, Value):
            yield self.op
        for part in self.parts:
            yield from part.objects()


@dataclass(frozen=True, slots=True)
class Written:
    """The object is the one it was, and holds a result."""

    result: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """A number, or another object, is in the place of this one: a result."""

    result: int


@dataclass(frozen=True, slots=True)
class Inside:
    """A container whose parts are written or replaced; None for those that stay."""

    layout: tuple[Any, ...]
    parts: tuple[Any, ...]


@dataclass
class Ends:
    """Which further results a function has, and what becomes of them.

    `returned` is the argument that the function returns on all paths; `shows` says that
    its result may be, or hold, an object which its caller has. `held` are the arguments
    inside the function; objects before `first` are known outside of it.
    """

    name: str = ""
    held: dict[Hashable, Given] = field(default_factory=dict, compare=False)
    first: int = field(default=0, compare=False)
    returned: str | None = None
    shows: bool = False
    places: dict[Hashable, Any] = field(default_factory=dict)
    results: list[Operand] = field(default_factory=list, compare=False)
    kinds: list[tuple[Hashable, int, lt.Type]] = field(
        default_factory=list, compare=False
    )

    # ------------------------------------------------------- at the end of the body

    def note(self, ctx: Context, place: Hashable, shape: Any, given: Given) -> bool:
        """Note what a place holds; False if it is a list that changes its length."""
        memory = ctx.builder.memory
        if isinstance(place, Value):
            now = memory.current(place)
        elif isinstance(place, str):
            now = memory.current(given.op)
        else:
            now = memory.now[place]
        counter = [0]
        try:
            end = self.end(ctx, place, shape, given, now, counter)
        except _Grows:
            return False
        if isinstance(end, Replaced) and isinstance(place, Value):
            end = Written(end.result)
        if isinstance(end, Written) and not isinstance(place, str | Value):
            raise self.refused(ctx, "an object that is held by a variable")
        if end is not None:
            self.places[place] = end
        return True

    def end(
        self,
        ctx: Context,
        place: Hashable,
        shape: Any,
        given: Given,
        now: Operand,
        counter: list[int],
    ) -> Any:
        """Return how one part of a place ends; `counter` counts its leaves."""
        b = ctx.builder
        if isinstance(shape, Parts):
            if layout_of(now) != shape.layout:
                kinds = (type_of(given.op), type_of(now))
                if all(isinstance(t, lt.ListT) for t in kinds) and counter == [0]:
                    raise _Grows
                raise self.refused(ctx, "a container whose layout it changes")
            ends = [
                self.end(ctx, place, part, old, new, counter)
                for part, old, new in zip(
                    shape.parts, given.parts, read_parts(b, now), strict=True
                )
            ]
            return Inside(shape.layout, tuple(ends)) if any(ends) else None
        if isinstance(shape, Fixed):
            if isinstance(now, Const) and now.value is shape.value:
                return None
            raise self.refused(ctx, "a part that is no number")
        index, counter[0] = counter[0], counter[0] + 1
        now = b.memory.current(now)
        if now is given.op:
            return None
        mutable = is_mutable(type_of(given.op))
        elem = getattr(type_of(now), "elem", None)
        if mutable and isinstance(elem, lt.Type) and is_mutable(elem):
            raise self.refused(ctx, "a list of objects")
        self.results.append(now)
        same = mutable and b.memory.same(now, given.op)
        if not same and self.is_known(ctx, now):
            raise self.refused(ctx, "a place where it puts an object of its caller")
        if not (same and isinstance(type_of(now), lt.ArrayT)):
            self.kinds.append((place, index, type_of(now)))
        return (Written if same else Replaced)(len(self.results) - 1)

    def note_result(self, ctx: Context, result: Operand) -> None:
        """Note whether the result is an object of the caller."""
        memory = ctx.builder.memory
        for place, given in self.held.items():
            mutable = is_mutable(type_of(given.op))
            if isinstance(place, str) and mutable and memory.same(result, given.op):
                self.returned = place
                return
        self.shows = self.is_known(ctx, result)

    def is_known(self, ctx: Context, op: Operand) -> bool:
        """Say whether something may be, or hold, an object of the caller."""
        memory = ctx.builder.memory
        sources = {s for part in objects_in(ctx, op) for s in memory.sources(part)}
        given = {memory.object(v) for g in self.held.values() for v in g.objects()}
        return any(s in given or s.id < self.first for s in sources)

    def refused(self, ctx: Context, what: str) -> Exception:
        """Return the error for a write that callers cannot be told of."""
        where = f"`{self.name}`, which calls itself,"
        return writing.known_outside(ctx, where, what)

    def types(self, general: Callable[[lt.Type], lt.Type]) -> list[lt.Type]:
        """Return the types of the results: of what is written, the shape stays."""
        kept = set(written(self.places.values()))
        return [
            type_of(op) if k in kept else general(type_of(op))
            for k, op in enumerate(self.results)
        ]

    # ------------------------------------------------------------------ at a call

    def check_apart(
        self, ctx: Context, args: Mapping[str, Operand], captured: Sequence[Value]
    ) -> None:
        """Refuse a call that passes by two names what is written."""
        if not self.places:
            return
        memory = ctx.builder.memory
        around = {memory.root(v) for v in captured if is_mutable(v.type)}
        around |= {memory.root(k) for k in self.places if isinstance(k, Value)}
        seen: set[Value] = set()
        written = any(isinstance(k, Value) for k in self.places)
        passed: list[tuple[set[Value], bool]] = []
        variables = [memory.now[c] for c in self.places if isinstance(c, Cell)]
        given = [(op, name in self.places) for name, op in args.items()]
        for op, changed in (*given, *((op, False) for op in variables)):
            for part in objects_in(ctx, op):
                passed.append((memory.sources(part), changed))
        for sources, changed in passed:
            if (changed or written) and sources & around:
                raise self.refused(ctx, "an array that it sees by two names")
        if any(changed for _, changed in passed):
            for sources, _ in passed:
                if sources & seen:
                    raise self.refused(ctx, "an array that it sees by two names")
                seen |= sources

    def hand_on(
        self,
        ctx: Context,
        out: Value,
        places: Mapping[Hashable, Operand],
        captured: Sequence[Value],
    ) -> Operand:
        """Let everything hold what a call has written; return its result."""
        result: Operand = out
        if self.places:
            result, *results = ctx.builder.elements(out) or [out]
            for place, end in self.places.items() if results else ():
                if isinstance(end, Replaced):
                    ctx.builder.memory.now[place] = results[end.result]
                else:
                    op = place if isinstance(place, Value) else places[place]
                    self.write(ctx, op, end, results)
            if results and isinstance(out.type, lt.TupleT):
                kinds = tuple(map(type_of, (result, *results)))
                out.type = lt.TupleT(kinds, out.type.cls)
        if self.returned is not None:
            return ctx.builder.memory.current(places[self.returned])
        if self.shows:
            passed = [v for op in places.values() for v in objects_in(ctx, op)]
            for shown in objects_in(ctx, result):
                ctx.builder.memory.frozen[shown] = [*passed, *captured]
        return result

    def write(
        self, ctx: Context, op: Operand, end: Any, results: list[Operand]
    ) -> None:
        """Write into one object what it holds in the end."""
        if isinstance(end, Written):
            content = results[end.result]
            if isinstance(content, Value) and isinstance(content.type, lt.ArrayT):
                # A write keeps the shape.
                content.type = type_of(ctx.builder.memory.current(op))
            arrays.hold(ctx, op, content)
            return
        if layout_of(op) is None:
            raise self.refused(ctx, "a container that is another kind at some calls")
        parts = read_parts(ctx.builder, op)
        anew = False
        for k, part in enumerate(end.parts):
            if isinstance(part, Replaced):
                parts[k], anew = results[part.result], True
            elif part is not None:
                self.write(ctx, parts[k], part, results)
        if anew:
            arrays.hold(ctx, op, make(ctx.builder, end.layout, parts))


def written(ends: Iterable[Any]) -> Iterator[int]:
    """Yield the results that are written into objects."""
    for end in ends:
        if isinstance(end, Written):
            yield end.result
        elif isinstance(end, Inside):
            yield from written(end.parts)


class _Grows(Exception):
    """A list changes its length."""


def objects_in(ctx: Context, op: Operand) -> list[Value]:
    """Return the objects that an argument is and holds."""
    if not isinstance(op, Value) or not is_mutable(op.type):
        return []
    if layout_of(op) is None:
        return [op]
    parts = read_parts(ctx.builder, op)
    return [op, *(found for part in parts for found in objects_in(ctx, part))]
