"""Built-ins that run over elements: `range`, `zip`, `enumerate`, `map`, `iter` ...

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive. What is run over later is a constant that says how.
"""

from __future__ import annotations

import itertools
import operator
import types
from functools import partial
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import (
    calls,
    exhaustion,
    inlining,
    iterables,
    iterator_models,
    lazily,
    stepping,
)
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, Special, special
from chainrule.specialise.values import (
    Items,
    Streams,
    is_const,
)
from chainrule.types import lattice as lt


def columns(ctx: Context, frame: Frame, ops: Args) -> tuple[list[Any], bool]:
    """Return how each operand is iterated, and whether all have known elements."""
    plans = [iterables.plan(ctx, frame, op) for op in ops]
    return plans, all(isinstance(p, list) for p in plans)


def streams(ctx: Context, ops: Args, plans: list[Any]) -> list[iterables.Plan]:
    """Return run-time iterables for all operands, those of known elements too."""
    out = []
    for op, plan in zip(ops, plans, strict=True):
        if isinstance(plan, list):
            if not isinstance(op, Value) or not iterables.alike(plan):
                items = iterables.elements_if_known(ctx, op, 10_000) or []
                if not iterables.alike(items):
                    raise not_differentiable(
                        "CR303", ctx.builder.loc, "unlike elements are iterated in step"
                    )
                op = ctx.builder.apply(prims.make_tuple, *items)
            plan = iterables.single(op)
        out.append(plan)
    return out


def live(handler: Special) -> Special:
    """Let elements that are known one by one be read when it is their turn."""

    def wrapped(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        out = handler(ctx, frame, args, kwargs)
        if is_const(out, Items):
            loc, before = ctx.builder.loc, dict(ctx.builder.memory.now)
            found: Items = out.value
            items = found.items

            def again() -> tuple[Operand, ...]:
                now = ctx.builder.memory.now
                same = len(now) == len(before)
                if same and all(before.get(k) is v for k, v in now.items()):
                    return items
                here, ctx.builder.loc = ctx.builder.loc, loc
                try:
                    read = handler(ctx, frame, [*map(_again, args)], kwargs)
                finally:
                    ctx.builder.loc = here
                return read.value.items if is_const(read, Items) else items

            found.again = again
        return out

    return wrapped


def _again(op: Operand) -> Operand:
    """Return an iterator that is read anew without being run over a second time."""
    return Const(Items(op.value.now(), view=True)) if is_const(op, Items) else op


@special(zip)
@live
def zip_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take iterables in step."""
    make = partial(ctx.builder.apply, prims.make_tuple)
    if not args:
        return Const(Items(()))
    plans, static = columns(ctx, frame, args)
    lengths = {len(p) for p in plans if isinstance(p, list)}
    if static:
        strict = any(
            k == "strict" and isinstance(v, Const) and v.value for k, v in kwargs
        )
        if strict and len(lengths) > 1:
            raise iterables.primal_error(ctx, "zip() arguments have different lengths")
        return Const(Items(tuple(make(*row) for row in zip(*plans, strict=False))))
    known = [
        p if isinstance(p, list) else iterables.elements_if_known(ctx, a, 64)
        for a, p in zip(args, plans, strict=True)
    ]
    if all(k is not None for k in known) and any(isinstance(p, list) for p in plans):
        rows = zip(*known, strict=False)
        return Const(Items(tuple(make(*row) for row in rows)))
    if any(isinstance(p, list) and not iterables.alike(p) for p in plans):
        known = _as_long_as(ctx, args, known)
        if all(k is not None for k in known):
            rows = zip(*known, strict=False)
            return Const(Items(tuple(make(*row) for row in rows)))
    parts = streams(ctx, args, plans)
    counts = [len(p.sources) for p in parts]

    def compose(elems: list[Operand]) -> Operand:
        row, start = [], 0
        for plan, count in zip(parts, counts, strict=True):
            row.append(plan.compose(elems[start : start + count]))
            start += count
        return make(*row)

    return Const(Streams(tuple(s for p in parts for s in p.sources), compose))


def _as_long_as(
    ctx: Context, args: Args, known: list[list[Operand] | None]
) -> list[list[Operand] | None]:
    """Take as many elements of arrays and lists as the operands of
    known length have.
    """
    b = ctx.builder
    count = min(len(items) for items in known if items is not None)
    out = []
    for op, items in zip(args, known, strict=True):
        t = type_of(op)
        if items is None and isinstance(t, lt.ArrayT) and t.dims:
            if not lt.at_least(t.dims[0], count):
                raise not_differentiable(
                    "CR502", b.loc, "how many rows zip() gives must be known"
                )
        if items is None and isinstance(t, lt.ArrayT | lt.ListT):
            first = b.getitem(op, slice(None, count))
            parts = b.apply(prims.unpack, first, Const(count))
            items = [b.getitem(parts, k) for k in range(count)]
        out.append(items)
    return out


@special(enumerate)
@live
def enumerate_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Number the elements."""
    start = args[1] if len(args) > 1 else dict(kwargs).get("start", Const(0))
    plan = iterables.plan(ctx, frame, args[0])
    make = partial(ctx.builder.apply, prims.make_tuple)
    if isinstance(plan, list):
        if isinstance(start, Const):
            numbered = enumerate(plan, start.value)
            return Const(Items(tuple(make(Const(i), e) for i, e in numbered)))
        b = ctx.builder
        return Const(
            Items(
                tuple(
                    make(b.apply(operator.add, start, Const(i)), e)
                    for i, e in enumerate(plan)
                )
            )
        )
    count = ctx.builder.apply(itertools.count, start, type_=lt.OpaqueT(itertools.count))
    return Const(
        Streams(
            (count, *plan.sources),
            lambda elems: make(elems[0], plan.compose(elems[1:])),
        )
    )


@special(reversed)
@live
def reversed_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Run backwards."""
    op = args[0]
    t = type_of(op)
    own = getattr(t.cls, "__reversed__", None) if isinstance(t, lt.ObjT) else None
    if isinstance(own, types.FunctionType):
        return calls.call(ctx, frame, Const(own), [op], [])
    if isinstance(op, Const) and isinstance(op.value, range):
        return Const(op.value[::-1])
    plan = iterables.plan(ctx, frame, op)
    if isinstance(plan, list):
        return Const(Items(tuple(reversed(plan))))
    if isinstance(op, Value):
        t = type_of(op)
        if isinstance(t, lt.ArrayT):
            return ctx.builder.getitem(op, slice(None, None, -1))
        if isinstance(t, lt.ListT) and t.items is not None:
            items = reversed(ctx.builder.elements(op) or [])
            turned = ctx.builder.apply(prims.make_list, *items)
        else:
            turned = ctx.builder.apply(reversed, op, type_=_reversed_type(t))
        if not isinstance(t, lt.ListT):
            return turned
        born = exhaustion.Born(ctx, [])
        return Const(Streams((turned,), lambda parts: parts[0], born=born))
    raise iterables.not_iterable(ctx, op)


def _reversed_type(t: lt.Type) -> lt.Type:
    return lt.RangeT() if isinstance(t, lt.RangeT) else t


@special(range)
def range_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Count."""
    if all(isinstance(a, Const) for a in args):
        try:
            return Const(range(*(a.value for a in args)))  # type: ignore[union-attr]
        except (TypeError, ValueError) as error:
            raise iterables.primal_error(ctx, str(error)) from None
    for op in args:
        t = type_of(op)
        if isinstance(t, lt.ScalarT) and t.exact and t.kind in ("float", "complex"):
            message = f"'{t.kind}' object cannot be interpreted as an integer"
            raise iterables.primal_error(ctx, message)
    return ctx.builder.apply(range, *args, type_=lt.RangeT())


@special(map)
def map_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Call a function on every element, in order."""
    return _per_element(ctx, frame, args[0], args[1:])


@special(itertools.starmap)
def starmap(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Call a function on every tuple of arguments."""
    return _per_element(ctx, frame, args[0], args[1:], spread=True)


def _per_element(
    ctx: Context, frame: Frame, fn: Operand, sources: Args, spread: bool = False
) -> Operand:
    row_source = sources[0] if len(sources) == 1 else zip_(ctx, frame, sources, [])
    plan = iterables.plan(ctx, frame, row_source)

    def one(element: Operand) -> Operand:
        args: list[Operand] | None = [element]
        if spread or len(sources) > 1:
            args = ctx.builder.elements(element)
        if args is None:
            raise not_differentiable(
                "CR303", ctx.builder.loc, "starmap over rows of unknown length"
            )
        return calls.call(ctx, frame, fn, args, [])

    if isinstance(plan, list):
        return Const(Items(tuple(one(e) for e in plan)))
    return Const(Streams(plan.sources, lambda elems: one(plan.compose(elems))))


@special(iter)
def iter_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Iterate: an iterator is its own; through other things an object steps."""
    if is_const(args[0], stepping.LAZY) and not getattr(args[0].value, "view", False):
        return args[0]
    return stepping.iterator(ctx, frame, args[0])


@special(next)
def next_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take the next element of an iterator."""
    op = args[0]
    if stepping.is_stepper(op) and len(args) > 1:
        model: Any = iterator_models.step_or
        return inlining.call_function(ctx, frame, model, args, [])
    if len(args) == 1 and isinstance(type_of(op), lt.ObjT):
        return calls.call(ctx, frame, attribute(ctx, frame, op, "__next__"), [], [])
    raise stepping.begin_again(ctx, op)


@special(np.ndindex)
def ndindex(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Run over all indices of an array of a shape, as written in Python."""
    packed = len(args) == 1 and isinstance(type_of(args[0]), lt.TupleT)
    sizes = ctx.builder.elements(args[0]) if packed else args
    return _written(ctx, frame, "ndindex", len(sizes or ()), list(sizes or ()))


@special(np.ndenumerate)
def ndenumerate(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Run over all indices and elements of an array, as written in Python."""
    rank = getattr(type_of(args[0]), "ndim", None)
    return _written(ctx, frame, "ndenumerate", rank, args)


def _written(
    ctx: Context, frame: Frame, name: str, rank: int | None, args: Args
) -> Any:
    """Call the generator that is written for this rank, if there is one."""
    written = getattr(lazily, f"{name}_{rank}", None)
    if written is None:
        return NotImplemented
    return inlining.call_function(ctx, frame, written, args, [])
