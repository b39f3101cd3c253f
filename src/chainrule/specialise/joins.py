"""Joins: one environment from those at the ends of two branches.

In: an `If` whose blocks are written and the variables at the end of each. Out: the
variables after it; results and outs are added to the `If` for those that differ.
Tuples, dicts and objects of like layout are joined part by part, so that they stay
taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Block, Const, If, Operand, Try, Undef, Value, With
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import CTL, RET, RETURN, Context, Frame, State
from chainrule.specialise.values import (
    ArrayMethod,
    Back,
    Choice,
    Closure,
    Maybe,
    Method,
    Poison,
    is_const,
)
from chainrule.types import lattice as lt

Env = dict[str, Operand]


def join(
    ctx: Context, frame: Frame, stmt: If, then: State, orelse: State, first: int
) -> Env:
    """Finish an `If`: add it to the block and return the variables after it.

    `first` is the id from which values were made inside the branches.
    """
    return join_paths(ctx, stmt, [(stmt.then, then), (stmt.orelse, orelse)], first)


def join_paths(
    ctx: Context, stmt: If | Try | With, paths: list[tuple[Block, State]], first: int
) -> Env:
    """Finish a statement with one block for each path: results, outs, and variables."""
    memory, envs = ctx.builder.memory, [env for _, env in paths]
    joiner = Joiner(ctx.builder, stmt, paths, first)
    dead = [_left(env) for env in envs]
    out: Env = {}
    for name in dict.fromkeys(n for env in envs for n in env):
        ops = [env.get(name, UNDEF) for env in envs]
        if name not in (CTL, RET):
            ops = [UNDEF if d else op for d, op in zip(dead, ops, strict=True)]
        joined = joiner.join(ops, None if name[0] == "$" else name.strip())
        if not isinstance(joined, Undef):
            out[name] = joined
    now = joiner.memory()
    ctx.builder.add(stmt)
    memory.now = {}
    for rebuild in joiner.after:
        rebuild()
    for key, op in now.items():
        op = joiner.built.get(op, op)
        if isinstance(key, Value):
            memory.becomes(key, op)
            for part in joiner.joined.get(key, ()):
                memory.pools.same(op, part)
        else:
            memory.now[key] = op
    return {name: joiner.built.get(op, op) for name, op in out.items()}


def _failed(env: Env) -> bool:
    """Say whether a path raised: nobody sees what it wrote."""
    return isinstance(env.get(CTL), Undef)


def _left(env: Env) -> bool:
    """Say whether a path returned or raised: its variables are of no use to anyone."""
    ctl = env.get(CTL)
    return isinstance(ctl, Undef) or (
        isinstance(ctl, Const) and ctl.value == RETURN.value
    )


class Joiner:
    """Adds results to the blocks of one statement; containers are rebuilt after it."""

    def __init__(
        self,
        builder: Builder,
        stmt: If | Try | With,
        paths: list[tuple[Block, State]],
        first: int,
    ) -> None:
        self.b = builder
        self.stmt = stmt
        self.blocks = [block for block, _ in paths]
        self.states = [state for _, state in paths]
        self.first = first
        self.after: list[Callable[[], None]] = []
        self.built: dict[Operand, Operand] = {}
        self.made: dict[tuple[int, ...], Value] = {}
        self.joined: dict[
            Value, list[Operand]
        ] = {}  # what an object holds on each path

    def join(self, ops: list[Operand], hint: str | None) -> Operand:
        """Return one operand for all paths."""
        ops = [UNDEF if type_of(op) is lt.NEVER else op for op in ops]
        defined: list[Operand] = [op for op in ops if not isinstance(op, Undef)]
        if not defined:
            return UNDEF
        if all(alike(defined[0], op) for op in defined) and not self.inside(defined[0]):
            return defined[0]
        if home := self.one_object(defined):
            return home
        return self.values([self.held(op, k) for k, op in enumerate(ops)], ops, hint)

    def values(
        self, ops: list[Operand], objects: list[Operand], hint: str | None
    ) -> Operand:
        """Join what objects hold; the result may be any of the objects."""
        defined: list[Operand] = [op for op in ops if not isinstance(op, Undef)]
        poisoned = next((op for op in defined if is_poison(op)), None)
        if poisoned is not None:
            return poisoned
        split = self.split(ops, defined, hint, objects)
        if split is not None:
            return split
        if any(is_absent(op) for op in defined):
            maybe = self.maybe(ops, hint, objects)
            if maybe is not None:
                return maybe
        if isinstance(self.stmt, If) and all(map(is_function, ops)):
            one, two = (self.visible(op, k) for k, op in enumerate(ops))
            return Const(Choice(self.stmt.test, one, two))
        t = type_of(defined[0])
        try:
            for op in defined[1:]:
                t = lt.join(t, type_of(op))
        except TypeError as error:
            sites = [site for op in defined if (site := self.b.memory.site(op))]
            return Const(Poison(f"is {error}", site=next(iter(sites), None)))
        if isinstance(t, lt.OpaqueT) and not mixes(defined):
            if lt.is_word(t):
                return self.out(ops, t, hint)
            caught = self.b.memory.caught
            sites = [site for op in defined if (site := caught.get(op))]
            reason = "is one of several objects, chosen at run time"
            return Const(Poison(reason, "CR303", site=next(iter(sites), None)))
        out = self.out(ops, t, hint)
        self.note(out, objects)
        return out

    def one_object(self, ops: list[Operand]) -> Value | None:
        """Return the object that all operands are versions of, from before."""
        memory = self.b.memory
        homes = {memory.object(op) for op in ops if isinstance(op, Value)}
        if len(homes) != 1 or not all(isinstance(op, Value) for op in ops):
            return None
        home = homes.pop()
        return None if self.inside(home) else home

    def held(self, op: Operand, path: int) -> Operand:
        """Return what an object holds at the end of a path."""
        memory = self.b.memory
        memory.now = self.states[path].now
        with self.b.into(self.blocks[path]):
            return memory.content(op)

    def note(self, out: Value, ops: list[Operand]) -> None:
        """Remember which objects the result may be."""
        origins: list[Any] = [
            (self.stmt, k, op) for k, op in enumerate(ops) if isinstance(op, Value)
        ]
        self.b.memory.chosen(out, origins)

    def memory(self) -> dict[Hashable, Operand]:
        """Join what the objects from before hold."""
        live = [not _failed(state) for state in self.states]
        nows = [state.now for state in self.states]
        joined: dict[Hashable, Operand] = {}
        for key in dict.fromkeys(k for now in nows for k in now):
            if isinstance(key, Value) and self.inside(key):
                continue
            default = key if isinstance(key, Value) else UNDEF
            ops = [
                now.get(key, default) if ok else UNDEF
                for ok, now in zip(live, nows, strict=True)
            ]
            first = next((op for op in ops if not isinstance(op, Undef)), UNDEF)
            if isinstance(first, Undef):
                continue  # every path has raised
            hint = key.hint if isinstance(key, Value) else getattr(key, "name", None)
            untouched = all(now.get(key, default) is first for now in nows)
            if untouched and not self.inside(first):
                joined[key] = first
            elif isinstance(key, Value):
                self.joined[key] = self.contents(ops)
                joined[key] = self.values(self.joined[key], [], hint)
            else:
                joined[key] = self.join(ops, hint)
        return joined

    def contents(self, ops: list[Operand]) -> list[Operand]:
        """Return what one object holds at the end of each path."""
        memory, found = self.b.memory, []
        for k, op in enumerate(ops):
            memory.now = self.states[k].now
            with self.b.into(self.blocks[k]):
                found.append(memory.refreshed(op))
        return found

    def out(self, ops: list[Operand], t: lt.Type, hint: str | None) -> Value:
        """Add a result to every block."""
        key = tuple(op.id if isinstance(op, Value) else -1 for op in ops)
        if -1 not in key and key in self.made:
            return self.made[key]
        value = Value(t, hint, self.stmt.loc)
        for block, op in zip(self.blocks, ops, strict=True):
            block.results += (op,)
        self.stmt.outs += (value,)
        self.made[key] = value
        return value

    def visible(self, op: Operand, path: int) -> Operand:
        """Return a function whose tests can be read after the statement."""
        if not is_const(op, Choice):
            return op
        choice: Choice = op.value
        test = choice.test
        if self.inside(test):
            ops: list[Operand] = [Const(False)] * len(self.blocks)
            ops[path] = test
            test = self.out(ops, lt.BOOL, None)
        one, two = (self.visible(o, path) for o in (choice.then, choice.orelse))
        return Const(Choice(test, one, two))

    def inside(self, op: Operand) -> bool:
        """Say whether a value was made in one of the branches."""
        if is_const(op, Back):
            op = op.value.home
        return isinstance(op, Value) and op.id >= self.first

    def split(
        self,
        ops: list[Operand],
        defined: list[Operand],
        hint: str | None,
        objects: list[Operand],
    ) -> Operand | None:
        """Join containers of one layout part by part."""
        layout = layout_of(defined[0])
        if layout is None or any(layout_of(op) != layout for op in defined[1:]):
            return None
        rows = [self.read(op, k, layout) for k, op in enumerate(ops)]
        names = part_hints(layout, hint)
        parts = [self.join(list(c), h) for *c, h in zip(*rows, names, strict=True)]
        holder = Value(lt.NEVER)
        self.after.append(lambda: self.rebuild(holder, layout, parts, objects))
        return holder

    def maybe(
        self, ops: list[Operand], hint: str | None, objects: list[Operand]
    ) -> Operand | None:
        """Join a container with None: the container has no value on that path."""
        self.b.maybes = True
        there = [container_of(op) for op in ops]
        held = [self.held(op, k) for k, op in enumerate(there)]
        layouts = [layout_of(op) for op in held if not isinstance(op, Undef)]
        if not layouts or any(one is None or one != layouts[0] for one in layouts):
            return None
        tests = [absent_of(op) for op in ops]
        known = [op.value for op in tests if isinstance(op, Const)]
        if isinstance(self.stmt, If) and known == [True, False]:
            absent = self.stmt.test
        else:
            absent = self.join(tests, None)
        joined = self.values(held, there, hint)
        holder = Value(lt.NEVER)

        def rebuild() -> None:
            made = Maybe(absent, self.built.get(joined, joined))
            self.built[holder] = Const(made)

        self.after.append(rebuild)
        return holder

    def read(self, op: Operand, path: int, layout: tuple[Any, ...]) -> list[Operand]:
        if isinstance(op, Undef):
            return [UNDEF] * len(layout[2])
        self.b.memory.now = self.states[path].now
        with self.b.into(self.blocks[path]):
            return read_parts(self.b, op)

    def rebuild(
        self,
        holder: Value,
        layout: tuple[Any, ...],
        parts: list[Operand],
        objects: list[Operand],
    ) -> None:
        parts = [self.built.get(p, p) for p in parts]
        op = self.built[holder] = remake(self.b, layout, parts)
        if isinstance(op, Value):
            self.note(op, objects)


def alike(one: Operand, two: Operand) -> bool:
    """Say whether two operands are the same value or interchangeable constants."""
    if one is two:
        return True
    if isinstance(one, Const) and isinstance(two, Const):
        return same(one.value, two.value)
    return False


def is_function(op: Operand) -> bool:
    """Say whether an operand is a function or class, or a choice of them."""
    return is_const(op, (ArrayMethod, Closure, Method, Choice)) or (
        isinstance(op, Const)
        and not isinstance(op.value, Poison)
        and callable(op.value)
    )


def same(one: Any, two: Any) -> bool:
    """Say whether two constants may stand for each other."""
    if one is two:
        return True
    if type(one) is not type(two):
        return False
    if isinstance(one, Closure | Method):
        return False
    try:
        return bool(one == two) and repr(one) == repr(two)
    except Exception:
        return False


def is_absent(op: Operand) -> bool:
    """Say whether an operand is None, or may be instead of a container."""
    return is_const(op, Maybe) or (isinstance(op, Const) and op.value is None)


def container_of(op: Operand) -> Operand:
    """Return the container that an operand is where it is not None."""
    if is_const(op, Maybe):
        return op.value.there  # type: ignore[no-any-return]
    return UNDEF if is_absent(op) else op


def absent_of(op: Operand) -> Operand:
    """Say whether an operand is None."""
    if isinstance(op, Undef):
        return UNDEF
    return op.value.absent if is_const(op, Maybe) else Const(is_absent(op))


def is_poison(op: Operand) -> bool:
    """Say whether an operand stands for a value that cannot be used."""
    return isinstance(op, Const) and isinstance(op.value, Poison)


def mixes(ops: list[Operand]) -> bool:
    """Say whether opaque operands may be carried as one: none is a constant."""
    return all(isinstance(op, Value) for op in ops)


def layout_of(op: Operand) -> tuple[Any, ...] | None:
    """Return what a container is apart from its parts; None for what is no container.

    The layout is `(maker, extra, names)` with one name for each part.
    """
    t = type_of(op)
    if isinstance(t, lt.NUMBERS):
        return None
    match t:
        case lt.TupleT(items=items, cls=cls):
            return (prims.make_tuple, cls, tuple(range(len(items))))
        case lt.ListT(items=items) if items is not None:
            return (prims.make_list, list, tuple(range(len(items))))
        case lt.DictT(items=pairs, cls=cls):
            return (prims.make_dict, cls, tuple(k for k, _ in pairs))
        case lt.ObjT(cls=cls, attrs=pairs):
            return (prims.make_object, cls, tuple(k for k, _ in pairs))
    return None


def read_parts(b: Builder, op: Operand) -> list[Operand]:
    """Return the parts of a container in the order of its layout."""
    layout = layout_of(op)
    assert layout is not None
    if b.memory.cyclic:
        parts = b.parts(op)
        if parts is not None:
            return list(parts.values() if isinstance(parts, dict) else parts)
    if layout[0] is prims.make_dict:
        return list((b.fields(op) or {}).values())
    if layout[0] is prims.make_object:
        return [b.apply(getattr, op, Const(name)) for name in layout[2]]
    return b.elements(op) or []


def make(b: Builder, layout: tuple[Any, ...], parts: list[Operand]) -> Operand:
    """Put a container together again."""
    maker, cls, names = layout
    if maker is prims.make_dict and cls is dict:
        return b.apply(maker, Const(names), *parts)
    if maker is prims.make_tuple and cls is not tuple:
        names = cls._fields
    elif maker in (prims.make_tuple, prims.make_list):
        return b.apply(maker, *parts)
    types = tuple(map(type_of, parts))
    t: lt.Type = lt.ObjT(cls, tuple(zip(names, types, strict=True)))
    if maker is prims.make_tuple:
        t = lt.TupleT(types, cls)
    elif maker is prims.make_dict:
        t = lt.DictT(tuple(zip(names, types, strict=True)), cls)
    return b.apply(prims.make_object, Const(cls), Const(names), *parts, type_=t)


def remake(b: Builder, layout: tuple[Any, ...], parts: list[Operand]) -> Operand:
    """Put a container together whose identity is lost: a path chose which it is."""
    op = make(b, layout, parts)
    b.rebuilt.add(op)
    return op


def part_hints(layout: tuple[Any, ...], hint: str | None) -> list[str | None]:
    """Return names for the parts of a container called `hint`."""
    return [part_hint(hint, name) for name in layout[2]]


def part_hint(hint: str | None, name: Hashable) -> str | None:
    """Return a name for the part of a container called `hint`."""
    if hint is None or not (str(name).isidentifier() or isinstance(name, int)):
        return None
    return f"{hint}_{name}"
