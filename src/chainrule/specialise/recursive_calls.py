"""Calls of functions that call themselves: one IR function, one statement for a call.

In: a frame whose parameters are bound. Out: the result, and the memory after the call.
The parameters of the IR function are the numbers in the arguments, and those in the
objects and variables around the function that it writes; its results are what it
returns and what these hold in the end (see `recursive_ends`). Which are written, and of
which types all is, is found in rounds.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Block,
    Call,
    Const,
    Function,
    Operand,
    Undef,
    Value,
)
from chainrule.ir.walk import free_values, statements, substitute
from chainrule.specialise import arrays, cycles, escapes, inlining
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.carried import NUMBER, widen_constant
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import layout_of, make, part_hints, read_parts
from chainrule.specialise.memory import is_mutable
from chainrule.specialise.recursive_ends import NUMBERS, Ends, Fixed, Given, Parts
from chainrule.specialise.values import Cell, is_const
from chainrule.types import lattice as lt

MAX_ROUNDS = 8
MAX_FUNCTIONS = 8


@dataclass(eq=False)
class Recursive:
    """An IR function, and for which calls it is good.

    `keys` are the objects and variables around it that it writes; `loose` the places,
    arguments or keys, that hold lists which change their length; `types` are the types
    that all their leaves take in over the rounds. `given` are the leaves at the first
    call; those at `ordered` are arrays of which the body has asked that they lie in the
    order of their elements.
    """

    callee: Frame
    function: Function
    around: tuple[Any, ...] = ()
    shapes: dict[Hashable, Any] = field(default_factory=dict)
    types: dict[Hashable, list[lt.Type]] = field(default_factory=dict)
    given: dict[Hashable, list[Operand]] = field(default_factory=dict)
    ordered: set[tuple[Hashable, int]] = field(default_factory=set)
    keys: list[Hashable] = field(default_factory=list)
    loose: set[Hashable] = field(default_factory=set)
    ends: Ends = field(default_factory=Ends)
    returns: list[lt.Type] = field(default_factory=lambda: [lt.NEVER])
    building: bool = True

    def places(self, ctx: Context, callee: Frame) -> dict[Hashable, Operand]:
        """Return what a call passes: arguments, and contents of what is written."""
        memory = ctx.builder.memory
        places: dict[Hashable, Operand] = {}
        places.update(callee.env)
        for key in self.keys:
            op = key if isinstance(key, Value) else memory.now[key]
            places[key] = memory.current(op)
        return places

    def leaves(self, ctx: Context, callee: Frame) -> tuple[Operand, ...] | None:
        """Return the arguments of a call, or None if the function is not for it."""
        if not self.building and around(ctx, callee, self.keys) != self.around:
            return None
        found: list[Operand] = []
        for place, op in self.places(ctx, callee).items():
            leaves: list[Operand] = []
            if self.building and type_of(op) == lt.NEVER:
                # It comes of a call whose result is not known before the next round.
                found += [op] * len(self.types[place])
                continue
            shape = flatten(ctx.builder, op, leaves, place in self.loose)
            if shape != self.shapes.get(place):
                if not self.building or not self.is_grown(ctx, place, op):
                    return None
                self.loose.add(place)  # and another round follows
                continue
            types = self.types[place]
            for k, leaf in enumerate(leaves):
                if not self.takes(place, types[k], type_of(leaf)):
                    if not self.building or place not in (*self.keys, *self.loose):
                        return None
                    types[k] = joined(types[k], general(type_of(leaf)))
                if (place, k) in self.ordered and not arrays.is_contiguous(ctx, leaf):
                    return None
            found += leaves
        captured = tuple(map(ctx.builder.memory.current, self.function.captured))
        for old, new in zip(self.function.captured, captured, strict=True):
            if new is not old and lt.show(type_of(new)) != lt.show(type_of(old)):
                return None
        return (*found, *captured)

    def is_ordered(self, ctx: Context, place: Hashable, k: int) -> bool:
        """Say whether an array lies in the order of its elements, at every call."""
        if (place, k) not in self.ordered:
            if not arrays.is_contiguous(ctx, self.given[place][k]):
                return False
            self.ordered.add((place, k))  # and another round follows
        return True

    def is_grown(self, ctx: Context, place: Hashable, op: Operand) -> bool:
        """Say whether a list of numbers that the body was given is passed on by it."""
        given = self.ends.held.get(place)
        mine = self.shapes.get(place)
        lists = isinstance(mine, Parts) and mine.layout[1] is list and is_list(op)
        return lists and given is not None and ctx.builder.memory.same(op, given.op)

    def takes(self, place: Hashable, mine: lt.Type, given: lt.Type) -> bool:
        """Say whether a leaf of a place may be of a type."""
        given = general(given)
        if place in self.keys or place in self.loose:
            try:
                given = lt.join(mine, given)
            except TypeError:
                return False
        return lt.show(mine) == lt.show(given)


def call(ctx: Context, callee: Frame, key: Any) -> Operand:
    """Write a call of an IR function, made on the first call with these types."""
    b = ctx.builder
    known: list[Recursive] = ctx.functions[key]
    for made in known:
        leaves = made.leaves(ctx, callee)
        if leaves is not None:
            break
    else:
        if len(known) > MAX_FUNCTIONS:
            raise not_differentiable(
                "CR501", b.loc, "the recursion has a new type of argument at each level"
            )
        made = Recursive(callee, Function(callee.name, (), Block(), b.loc))
        known.append(made)
        try:
            build(ctx, made)
        except BaseException:
            known.remove(made)
            raise
        leaves = made.leaves(ctx, callee)
        assert leaves is not None
    places = made.places(ctx, callee)
    made.ends.check_apart(ctx, callee.env, made.function.captured)
    whole = made.function.result
    out = Value(lt.renamed(whole), None, b.loc)
    b.add(Call(out, made.function, leaves, loc=b.loc))
    return made.ends.hand_on(ctx, out, places, made.function.captured)


def build(ctx: Context, made: Recursive) -> None:
    """Interpret the body of a recursive function until all types are settled."""
    b, callee = ctx.builder, made.callee
    before = dict(b.memory.now)
    function = made.function
    function.result = lt.NEVER
    for place, op in callee.env.items():
        describe(b, made, place, op)
    first = Value(lt.NEVER).id
    for _ in range(MAX_ROUNDS):
        b.memory.forget(first)
        b.memory.now = dict(before)
        old_loose = set(made.loose)
        old = (made.ends, list(made.keys), old_loose, set(made.ordered), shown(made))
        results, ends = interpret(ctx, made)
        b.memory.now = dict(before)
        for where, op in made.places(ctx, callee).items():
            anew = where in made.loose - old_loose
            if where not in made.shapes or anew:
                describe(b, made, where, op)
        made.ends = ends
        shown_before = lt.show(function.result)
        known = made.returns if ends == old[0] else made.returns[:1]
        made.returns = [
            joined(known[k], t) if k < len(known) else t for k, t in enumerate(results)
        ]
        function.result = together(made.returns)
        stable = lt.show(function.result) == shown_before
        now = (ends, made.keys, made.loose, made.ordered, shown(made))
        if stable and old == now:
            break
    else:
        raise not_differentiable(
            "CR501", b.loc, "the types in this recursion do not settle"
        )
    made.around = around(ctx, callee, made.keys)
    made.building = False
    close(function)


def together(types: list[lt.Type]) -> lt.Type:
    """Return the type of all results of a function."""
    return types[0] if len(types) == 1 else lt.TupleT(tuple(types))


def describe(b: Builder, made: Recursive, place: Hashable, op: Operand) -> None:
    """Note the shape and the types of what a place holds at a call."""
    leaves = made.given[place] = []
    made.shapes[place] = flatten(b, op, leaves, place in made.loose)
    made.types[place] = [general(type_of(leaf)) for leaf in leaves]
    if place in made.loose:
        t = type_of(op)
        made.types[place] = [lt.ListT(None, lt.element_type(t) or lt.NEVER)]


def shown(made: Recursive) -> tuple[str, ...]:
    """Return the types of all leaves as text."""
    return tuple(lt.show(t) for types in made.types.values() for t in types)


def interpret(ctx: Context, made: Recursive) -> tuple[list[lt.Type], Ends]:
    """Interpret the body once; return the types of results, and what is written."""
    b, callee, function = ctx.builder, made.callee, made.function
    first = Value(lt.NEVER).id
    params = {
        place: list(map(Value, types, hints(made.shapes[place], called(place))))
        for place, types in made.types.items()
    }
    for place, values in params.items():
        for k, param in enumerate(values):
            if isinstance(place, str) and isinstance(param.type, lt.ArrayT):
                ctx.ordered[param] = partial(made.is_ordered, ctx, place, k)
    inner = Frame(
        callee.tree,
        callee.file,
        callee.name,
        callee.globals,
        callee.cells,
        callee.parent,
        callee.function,
        locals=callee.locals,
    )
    block = Block()
    held: dict[Hashable, Given] = {}
    made.ends.held = held
    with b.into(block):
        for place, shape in made.shapes.items():
            held[place] = restore(b, shape, list(params[place]))
            op = held[place].op
            if isinstance(place, str):
                inner.env[place] = op
            elif isinstance(place, Value):
                b.memory.becomes(place, op)
            else:
                b.memory.now[place] = op
        before = dict(b.memory.now)
        with escapes.nobody(ctx):
            result = cycles.refuse(b, b.memory.current(inlining.run(ctx, inner)))
        if isinstance(result, Undef):
            result = UNDEF
        ends = Ends(made.callee.name, held, first)
        for place, given in held.items():
            if not ends.note(ctx, place, made.shapes[place], given):
                made.loose.add(place)
        for key, op in b.memory.now.items():
            if not isinstance(key, Value | Cell) or key.id >= first or key in held:
                continue
            if before.get(key) is not op:
                made.keys.append(key)
        for place, k, t in ends.kinds:
            if place in made.types and (place in made.keys or place in made.loose):
                made.types[place][k] = joined(made.types[place][k], general(t))
        ends.note_result(ctx, result)
        returned = [general(type_of(result)), *ends.types(general)]
        if ends.results:
            result = b.apply(prims.make_tuple, result, *ends.results)
    b.loc = function.loc
    function.params = tuple(p for each in params.values() for p in each)
    function.body = block
    block.results = (result,)
    return returned, ends


def called(place: Hashable) -> str | None:
    """Return the name of an argument, a variable or an object."""
    if isinstance(place, str):
        return place
    return place.name if isinstance(place, Cell) else getattr(place, "hint", None)


def hints(shape: Any, name: str | None) -> list[str | None]:
    """Return what the leaves of a place are called."""
    if isinstance(shape, Parts):
        names = part_hints(shape.layout, name)
        pairs = zip(shape.parts, names, strict=True)
        return [hint for part, each in pairs for hint in hints(part, each)]
    return [name] if shape is NUMBERS else []


def around(ctx: Context, callee: Frame, written: list[Hashable]) -> tuple[Any, ...]:
    """Return the variables of the functions around that a closure reads, as they are
    now; of those that it writes only which they are.
    """
    names = {n.id for n in gast.walk(callee.tree) if isinstance(n, gast.Name)}
    found = []
    where = callee.parent
    while where is not None:
        read = names - callee.locals
        for name, op in where.env.items():
            if name in read:
                found.append((name, Same(op)))
                if is_const(op, Cell) and op.value not in written:
                    now = ctx.builder.memory.now.get(op.value, UNDEF)
                    found.append((name, Same(now)))
        where = where.parent
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Same:
    """An operand, equal only to itself."""

    op: Operand

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.op is self.op

    def __hash__(self) -> int:
        return id(self.op)


def is_list(op: Operand) -> bool:
    """Say whether an operand is a list of numbers, of known length or not."""
    t = type_of(op)
    if not isinstance(t, lt.ListT):
        return False
    try:
        elem = lt.element_type(t)
    except TypeError:  # they have no type in common
        return False
    return elem is None or not is_mutable(elem)


def flatten(b: Builder, op: Operand, leaves: list[Operand], loose: bool) -> Any:
    """Collect the numbers of an argument; return the rest, which must stay the same."""
    cycles.refuse(b, op)
    loose = loose and is_list(op)
    layout = None if loose else layout_of(op)
    if layout is not None:
        parts = read_parts(b, op)
        return Parts(layout, tuple(flatten(b, part, leaves, False) for part in parts))
    if isinstance(op, Const) and not loose and not isinstance(op.value, NUMBER):
        return Fixed(op.value)
    leaves.append(op)
    return NUMBERS


def restore(b: Builder, shape: Any, leaves: list[Value]) -> Given:
    """Put an argument together from parameters."""
    if isinstance(shape, Parts):
        parts = tuple(restore(b, part, leaves) for part in shape.parts)
        return Given(make(b, shape.layout, [part.op for part in parts]), parts)
    return Given(Const(shape.value) if isinstance(shape, Fixed) else leaves.pop(0))


def general(t: lt.Type) -> lt.Type:
    """Forget sizes: they differ from one level to the next."""
    if isinstance(t, lt.ArrayT) and t.dims is not None:
        return lt.ArrayT(t.dtype, tuple(lt.fresh_dim() for _ in t.dims))
    if isinstance(t, lt.TupleT):
        return lt.TupleT(tuple(map(general, t.items)), t.cls)
    return widen_constant(t)


def joined(one: lt.Type, other: lt.Type) -> lt.Type:
    """Return the type of what is of one type or of another."""
    try:
        return lt.join(one, other)
    except TypeError as error:
        raise not_differentiable(
            "CR501", None, f"what a recursion writes is {error}"
        ) from None


def close(function: Function) -> None:
    """Hand captured values on as further arguments, through all the calls of itself."""
    captured = tuple(free_values(function.body, set(function.params)))
    if not captured:
        return
    inner = {v: Value(v.type, v.hint, v.loc) for v in captured}
    function.captured = captured
    for stmt in own_calls(function.body, function):
        stmt.args += captured
    function.params += tuple(inner.values())
    substitute(function.body, dict(inner))


def own_calls(block: Block, function: Function) -> list[Call]:
    """Return the calls of a function in its own body."""
    return [
        s for s in statements(block) if isinstance(s, Call) and s.callee is function
    ]
