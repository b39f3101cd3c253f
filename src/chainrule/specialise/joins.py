"""Joins: one environment from those at the ends of two branches.

In: an `If` whose blocks are written and the variables at the end of each. Out: the
variables after it; results and outs are added to the `If` for those that differ.
Tuples, dicts and objects of like layout are joined part by part, so that they stay
taken apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Block, Const, If, Operand, Try, Undef, Value, With
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import CTL, RET, RETURN, Context, Frame
from chainrule.specialise.values import (
    ArrayMethod,
    Choice,
    Closure,
    Method,
    Poison,
    is_const,
)
from chainrule.types import lattice as lt

Env = dict[str, Operand]


def join(
    ctx: Context, frame: Frame, stmt: If, then: Env, orelse: Env, first: int
) -> Env:
    """Finish an `If`: add it to the block and return the variables after it.

    `first` is the id from which values were made inside the branches.
    """
    return join_paths(ctx, stmt, [(stmt.then, then), (stmt.orelse, orelse)], first)


def join_paths(
    ctx: Context, stmt: If | Try | With, paths: list[tuple[Block, Env]], first: int
) -> Env:
    """Finish a statement with one block for each path: results, outs, and variables."""
    joiner = Joiner(ctx.builder, stmt, [block for block, _ in paths], first)
    envs = [env for _, env in paths]
    dead = [_left(env) for env in envs]
    out: Env = {}
    for name in dict.fromkeys(n for env in envs for n in env):
        ops = [env.get(name, UNDEF) for env in envs]
        if name not in (CTL, RET) and not name.startswith("."):
            ops = [UNDEF if d else op for d, op in zip(dead, ops, strict=True)]
        hint = None if name.startswith("$") else name.removeprefix(".")
        joined = joiner.join(ops, hint)
        if not isinstance(joined, Undef):
            out[name] = joined
    ctx.builder.add(stmt)
    for rebuild in joiner.after:
        rebuild()
    return {name: joiner.built.get(op, op) for name, op in out.items()}


def _left(env: Env) -> bool:
    """Say whether a path returned or raised: its variables are of no use to anyone."""
    ctl = env.get(CTL)
    return isinstance(ctl, Undef) or (
        isinstance(ctl, Const) and ctl.value == RETURN.value
    )


class Joiner:
    """Adds results to the blocks of one statement; containers are rebuilt after it."""

    def __init__(
        self, builder: Builder, stmt: If | Try | With, blocks: list[Block], first: int
    ) -> None:
        self.b = builder
        self.stmt = stmt
        self.blocks = blocks
        self.first = first
        self.after: list[Callable[[], None]] = []
        self.built: dict[Operand, Operand] = {}
        self.made: dict[tuple[int, ...], Value] = {}

    def join(self, ops: list[Operand], hint: str | None) -> Operand:
        """Return one operand for all paths."""
        ops = [UNDEF if type_of(op) is lt.NEVER else op for op in ops]
        defined: list[Operand] = [op for op in ops if not isinstance(op, Undef)]
        if not defined:
            return UNDEF
        if all(alike(defined[0], op) for op in defined) and not self.inside(defined[0]):
            return defined[0]
        poisoned = next((op for op in defined if is_poison(op)), None)
        if poisoned is not None:
            return poisoned
        split = self.split(ops, defined, hint)
        if split is not None:
            return split
        if isinstance(self.stmt, If) and all(map(is_function, ops)):
            one, two = (self.visible(op, k) for k, op in enumerate(ops))
            return Const(Choice(self.stmt.test, one, two))
        t = type_of(defined[0])
        try:
            for op in defined[1:]:
                t = lt.join(t, type_of(op))
        except TypeError as error:
            return Const(Poison(f"is {error}"))
        if isinstance(t, lt.OpaqueT) and not mixes(defined):
            if all(_is_text(op) for op in defined):
                return self.out(ops, lt.STR, hint)
            return Const(
                Poison("is one of several objects, chosen at run time", "CR303")
            )
        return self.out(ops, t, hint)

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
        return isinstance(op, Value) and op.id >= self.first

    def split(
        self, ops: list[Operand], defined: list[Operand], hint: str | None
    ) -> Operand | None:
        """Join containers of one layout part by part."""
        layout = layout_of(defined[0])
        if layout is None or any(layout_of(op) != layout for op in defined[1:]):
            return None
        rows = [
            self.read(op, b, layout) for op, b in zip(ops, self.blocks, strict=True)
        ]
        names = part_hints(layout, hint)
        parts = [self.join(list(c), h) for *c, h in zip(*rows, names, strict=True)]
        holder = Value(lt.NEVER)
        self.after.append(lambda: self.rebuild(holder, layout, parts))
        return holder

    def read(self, op: Operand, block: Block, layout: tuple[Any, ...]) -> list[Operand]:
        if isinstance(op, Undef):
            return [UNDEF] * len(layout[2])
        with self.b.into(block):
            return read_parts(self.b, op)

    def rebuild(
        self, holder: Value, layout: tuple[Any, ...], parts: list[Operand]
    ) -> None:
        parts = [self.built.get(p, p) for p in parts]
        self.built[holder] = remake(self.b, layout, parts)


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


def _is_text(op: Operand) -> bool:
    return type_of(op) == lt.STR


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
    if hint is None:
        return [None] * len(layout[2])
    return [
        f"{hint}_{name}" if str(name).isidentifier() or isinstance(name, int) else None
        for name in layout[2]
    ]
