"""Iterables: what a loop runs over.

In: an operand that is iterated. Out: a list of operands when the elements are to be
taken one by one, else a `Plan`: the run-time iterables that run in step, and how their
elements make up the element that the program sees.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import EnumType
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Iter, Operand, Value
from chainrule.specialise import absences, exhaustion, generators
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.memory import Memory, is_mutable
from chainrule.specialise.values import (
    ArrayMethod,
    Generated,
    Generator,
    Items,
    Poison,
    Streams,
)
from chainrule.types import lattice as lt

UNROLL = 4
MOST_IN_RULES = 100


@dataclass(eq=False, slots=True)
class Plan:
    """Run-time iterables and the way to put an element together."""

    sources: tuple[Operand, ...]
    compose: Callable[[list[Operand]], Operand]
    by_index: tuple[Operand, ...] = ()
    counters: dict[Operand, Operand] = field(default_factory=dict)

    def enter(self, b: Builder) -> tuple[tuple[Iter, ...], Operand]:
        """Return the iterables with fresh element values, and the element."""
        iters: list[Iter] = []
        parts: list[Operand] = []
        for source in self.sources:
            if source in self.by_index:
                position = Value(lt.INT, None, b.loc)
                b.memory.where[position] = b.block
                iters.append(Iter(self.counter(source), (position,)))
                parts.append(b.apply(operator.getitem, source, position))
                continue
            t = element_type(source)
            if isinstance(t, lt.TupleT) and len(t.items) > 1 and t.cls is tuple:
                elems = tuple(Value(item, None, b.loc) for item in t.items)
                if isinstance(source, Value):
                    objects = (v for v in elems if is_mutable(v.type))
                    b.memory.elements.update(dict.fromkeys(objects, source))
                b.memory.where.update(dict.fromkeys(elems, b.block))
                iters.append(Iter(source, elems, unpack=True))
                parts.append(b.apply(prims.make_tuple, *elems))
            else:
                elem = Value(t, None, b.loc)
                if isinstance(source, Value) and is_mutable(t):
                    b.memory.elements[elem] = source
                b.memory.where[elem] = b.block
                iters.append(Iter(source, (elem,)))
                parts.append(elem)
        return tuple(iters), self.compose(parts)

    def written(self, home: Value, b: Builder) -> Plan | None:
        """Return the plan that reads what the body writes, element by element."""
        mine = [
            s for s in self.sources if isinstance(s, Value) and b.memory.root(s) is home
        ]
        if not mine or set(mine) <= set(self.by_index):
            return None
        self.counters |= {
            s: b.apply(range, b.apply(len, s), type_=lt.RangeT()) for s in mine
        }
        made = Plan(self.sources, self.compose, (*self.by_index, *mine))
        made.counters = self.counters
        return made

    def watched(self, memory: Memory) -> list[Value]:
        """Return the objects that the loop runs over, and does not read by position."""
        return [
            memory.root(s)
            for s in self.sources
            if isinstance(s, Value) and is_mutable(s.type) and s not in self.by_index
        ]

    def counter(self, source: Operand) -> Operand:
        """Return the range over the positions of an iterable."""
        return self.counters[source]


def element_type(source: Operand) -> lt.Type:
    """Return the type of the elements of a run-time iterable."""
    t = type_of(source)
    if (
        isinstance(source, Value)
        and isinstance(t, lt.OpaqueT)
        and t.cls is itertools.count
    ):
        return lt.INT
    match t:
        case lt.RangeT():
            return lt.INT
        case lt.ArrayT(dtype=dtype, dims=dims) if dims:
            if len(dims) == 1:
                return lt.ScalarT(lt.kind_of(dtype) or "float", dtype)
            return lt.ArrayT(dtype, dims[1:])
        case lt.ListT() | lt.TupleT():
            elem = lt.element_type(t)
            if elem is not None:
                return elem
            return lt.NEVER
    raise TypeError(lt.show(t))


def plan(ctx: Context, frame: Frame, op: Operand) -> list[Operand] | Plan:
    """Decide how an operand is iterated."""
    b = ctx.builder
    op = absences.there(b, b.some(op), "'NoneType' object is not iterable")
    if isinstance(op, Const):
        value = op.value
        if isinstance(value, Poison):
            raise b.unreadable(value)
        if isinstance(value, Items | Streams):
            exhaustion.consume(ctx, value)
        if isinstance(value, Generated):
            return plan(ctx, frame, generators.collect(ctx, frame, value))
        if isinstance(value, Items):
            return list(value.now())
        if isinstance(value, Streams):
            sources = tuple(map(b.memory.current, value.sources))
            return Plan(sources, value.compose)
        if isinstance(value, Generator):
            from chainrule.specialise.comprehensions import collect

            return plan(ctx, frame, collect(ctx, frame, value))
        if isinstance(value, range):
            if ctx.splicing and len(value) <= MOST_IN_RULES:
                return [Const(i) for i in value]
            return single(op)
        if isinstance(value, ArrayMethod):
            raise not_iterable(ctx, op)
        if isinstance(value, str | tuple | list | frozenset | set | dict):
            return [Const(v) for v in value]
        if isinstance(value, EnumType):
            return [Const(v) for v in list[Any](value)]
        raise not_iterable(ctx, op)
    t = type_of(op)
    fields = b.fields(op)
    if fields is not None:
        return [Const(k) for k in fields]
    items = b.elements(op)
    if items is not None and not worth_a_loop(items):
        return items
    if isinstance(t, lt.NeverT):
        return []
    if isinstance(t, lt.ArrayT) and t.dims == ():
        raise primal_error(ctx, "iteration over a 0-d array")
    try:
        element_type(op)
    except TypeError:
        raise not_iterable(ctx, op) from None
    return single(op)


def worth_a_loop(items: list[Operand]) -> bool:
    """Say whether elements are better run over than taken one by one.

    Arrays in a short list have sizes of their own, that a loop over them would forget.
    """
    if len(items) < 2 or not alike(items):
        return False
    return len(items) > UNROLL or all(numbers_only(type_of(item)) for item in items)


def numbers_only(t: lt.Type) -> bool:
    """Say whether a type holds numbers without axes, and nothing else."""
    match t:
        case lt.ScalarT():
            return True
        case lt.TupleT(items=items, cls=cls):
            return cls is tuple and all(map(numbers_only, items))
    return False


def single(op: Operand) -> Plan:
    """Return the plan for one run-time iterable."""
    return Plan((op,), lambda parts: parts[0])


def alike(items: list[Operand]) -> bool:
    """Say whether elements are numbers or containers of one layout, none a function."""
    out: lt.Type = lt.NEVER
    for item in items:
        t = type_of(item)
        if isinstance(t, lt.OpaqueT | lt.ObjT):
            return False
        try:
            out = lt.join(out, t)
        except TypeError:
            return False
    return settled(out)


def settled(t: lt.Type) -> bool:
    """Say whether a joined type is precise enough for a loop over its elements."""
    match t:
        case lt.ArrayT(dims=None):
            return False
        case lt.TupleT(items=items):
            return all(map(settled, items))
        case lt.ListT(items=items) if items is not None:
            return all(map(settled, items))
        case lt.OpaqueT() | lt.NeverT() | lt.OptionalT():
            return False
    return True


def not_iterable(ctx: Context, op: Operand) -> Exception:
    """Return the error for an iterable that cannot be taken apart."""
    return not_differentiable(
        "CR303",
        ctx.builder.loc,
        f"a loop over {lt.show(type_of(op))} is not supported",
        help="loop over a range, an array, a list, a tuple or the views of a dict",
    )


def primal_error(ctx: Context, message: str) -> Exception:
    """Return the error for what fails in the primal too."""
    error = not_differentiable("CR107", ctx.builder.loc, message)
    error.primal_fails = True
    return error


def fails(ctx: Context, error: type[Exception], *args: Any) -> Operand:
    """Write what raises this exception when it is reached."""
    b = ctx.builder
    ops = (a if isinstance(a, Const | Value) else Const(a) for a in args)
    made = b.apply(error, *ops, effect=True, type_=lt.OpaqueT(error))
    return b.apply(prims.raise_, made, effect=True, type_=lt.NEVER)


def elements_if_known(ctx: Context, op: Operand, most: int) -> list[Operand] | None:
    """Return the elements of an iterable whose length is known now."""
    if isinstance(op, Const):
        value = op.value
        if isinstance(value, range):
            return [Const(i) for i in value] if len(value) <= most else None
        if isinstance(value, Streams):
            columns = [elements_if_known(ctx, s, most) for s in value.sources]
            known = [c for c in columns if c is not None]
            if not known or any(
                c is None and not _counts(s)
                for c, s in zip(columns, value.sources, strict=True)
            ):
                return None
            length = min(map(len, known))
            filled = [
                c
                if c is not None
                else [Const(_start(ctx, s) + i) for i in range(length)]
                for c, s in zip(columns, value.sources, strict=True)
            ]
            return [value.compose(list(row)) for row in zip(*filled, strict=False)]
        if isinstance(value, Items):
            return list(value.now())
        return None
    count = lt.length_at_hand(type_of(op))
    if count is not None:
        if count > most:
            return None
        return [ctx.builder.getitem(op, k) for k in range(count)]
    items = ctx.builder.elements(op)
    return items if items is not None and len(items) <= most else None


def element_at(ctx: Context, op: Operand, k: int, most: int) -> Operand | None:
    """Return one element as it is at this point, or None behind the last."""
    op = ctx.builder.memory.current(op)
    if isinstance(op, Const) and isinstance(op.value, Streams):
        parts = [element_at(ctx, s, k, most) for s in op.value.sources]
        known = [p for p in parts if p is not None]
        return op.value.compose(known) if len(known) == len(parts) else None
    if _counts(op):
        return Const(_start(ctx, op) + k)
    count = lt.length_at_hand(type_of(op))
    if count is not None:
        return ctx.builder.getitem(op, k) if k < count else None
    items = elements_if_known(ctx, op, most)
    if items is None:
        raise not_differentiable(
            "CR414",
            ctx.builder.loc,
            "what a loop runs over changes while it runs",
            label="its elements are known only at run time then",
            help="loop over a copy: for item in list(items)",
        )
    return items[k] if k < len(items) else None


def _counts(op: Operand) -> bool:
    return isinstance(op, Value) and type_of(op) == lt.OpaqueT(itertools.count)


def _start(ctx: Context, op: Operand) -> Any:
    assert isinstance(op, Value)
    [start] = ctx.builder.defs[op].args
    return start.value if isinstance(start, Const) else 0
