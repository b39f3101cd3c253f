"""The functions of `itertools` that join, cut and combine iterables.

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Undef, Value
from chainrule.specialise import (
    calls,
    choices,
    comprehensions,
)
from chainrule.specialise.builder import Restart, type_of
from chainrule.specialise.folds import fold, listed
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.iterator_calls import zip_
from chainrule.specialise.specials import SPECIAL, Args, Kwargs, Special, special
from chainrule.specialise.values import (
    Items,
)
from chainrule.types import lattice as lt


@special(itertools.chain)
def chain_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Join iterables whose elements are known."""
    return spread(ctx, frame, args)


def spread(ctx: Context, frame: Frame, args: Args) -> Operand:
    known = [comprehensions.static_items(ctx, frame, op) for op in args]
    if all(items is not None for items in known):
        return Const(Items(tuple(i for items in known for i in items or ())))
    total = listed(ctx, frame, args[0])
    for op in args[1:]:
        total = ctx.builder.apply(operator.add, total, listed(ctx, frame, op))
    return total


@special(itertools.chain.from_iterable)
def chain_from(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Join the iterables in an iterable."""
    parts = comprehensions.static_items(ctx, frame, args[0])
    if parts is not None:
        return spread(ctx, frame, parts)
    empty = ctx.builder.apply(prims.make_list, type_=lt.ListT(None, None))

    def join(total: Operand, element: Operand) -> Operand:
        return ctx.builder.apply(operator.add, total, listed(ctx, frame, element))

    return fold(ctx, frame, args[0], empty, join)


def _combinatoric(fn: Callable[..., Any]) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        """Run a function of `itertools` on elements that are known one by one."""
        rows: list[Any] = []
        if fn is itertools.repeat:
            rows, args = [args[0]], args[1:]
        for op in args:
            items = None
            if not isinstance(type_of(op), lt.ScalarT | lt.OpaqueT) or isinstance(
                op, Const
            ):
                if not (
                    isinstance(op, Const) and isinstance(op.value, int | type(None))
                ):
                    items = comprehensions.static_items(ctx, frame, op)
            if items is not None:
                rows.append(items)
            elif isinstance(op, Const):
                rows.append(op.value)
            else:
                chosen = choices.by_position(ctx, frame, fn, args, kwargs)
                if chosen is not None:
                    return chosen
                raise _unknown_elements(ctx, fn, op)
        named = {
            k: v.value if isinstance(v, Const) and k != "fillvalue" else v
            for k, v in kwargs
        }
        found = list(itertools.islice(fn(*rows, **named), 10_000))

        def operand(e: Any) -> Operand:
            if isinstance(e, tuple):
                return ctx.builder.apply(prims.make_tuple, *map(operand, e))
            return e if isinstance(e, Const | Value | Undef) else Const(e)

        return Const(Items(tuple(map(operand, found))))

    return handler


def _unknown_elements(ctx: Context, fn: Callable[..., Any], op: Operand) -> Exception:
    root = ctx.builder.root(op)
    if root is None and isinstance(op, Value):
        stmt = ctx.builder.defs.get(op)
        for arg in stmt.args if stmt else ():
            root = root or ctx.builder.root(arg)
    if root is not None:
        return Restart(root, "elements", ctx.builder.loc)
    return not_differentiable(
        "CR502",
        ctx.builder.loc,
        f"itertools.{fn.__name__}() needs elements known beforehand",
    )


@special(itertools.islice)
def islice(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take a slice of an iterable of any length."""
    items = comprehensions.static_items(ctx, frame, args[0])
    index = ctx.builder.apply(slice, *args[1:])
    if items is not None and isinstance(index, Const):
        return Const(Items(tuple(items[index.value])))
    whole = args[0]
    if not isinstance(type_of(whole), lt.ArrayT):
        whole = listed(ctx, frame, whole)
    return ctx.builder.apply(operator.getitem, whole, index)


@special(itertools.pairwise)
def pairwise(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take neighbours: a list in step with the list from its second element on."""
    items = comprehensions.static_items(ctx, frame, args[0])
    if items is not None:
        rows = zip(items, items[1:], strict=False)
        return Const(
            Items(tuple(ctx.builder.apply(prims.make_tuple, *row) for row in rows))
        )
    whole = args[0]
    if not isinstance(type_of(whole), lt.ArrayT):
        whole = listed(ctx, frame, whole)
    return zip_(ctx, frame, [whole, ctx.builder.getitem(whole, slice(1, None))], [])


COMBINATORIC: tuple[Callable[..., Any], ...] = (
    itertools.product,
    itertools.combinations,
    itertools.permutations,
    itertools.combinations_with_replacement,
    itertools.repeat,
    itertools.zip_longest,
)


SPECIAL.update({fn: _combinatoric(fn) for fn in COMBINATORIC})


@special(itertools.accumulate)
def accumulate(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return running totals of elements that are known one by one."""
    items = comprehensions.static_items(ctx, frame, args[0])
    named = dict(kwargs)
    fn = args[1] if len(args) > 1 else named.get("func", Const(operator.add))
    initial = named.get("initial")
    if items is None:
        return _accumulated(ctx, frame, fn, args[0], initial)
    out = [] if initial is None else [initial]
    for item in items:
        out.append(item if not out else calls.call(ctx, frame, fn, [out[-1], item], []))
    return Const(Items(tuple(out)))


def _accumulated(
    ctx: Context, frame: Frame, fn: Operand, op: Operand, initial: Operand | None
) -> Operand:
    """Write a loop that appends running totals to a list."""
    b = ctx.builder
    if not isinstance(type_of(op), lt.ArrayT):
        op = listed(ctx, frame, op)
    if initial is None:
        first = b.getitem(op, slice(None, 1))  # empty where there is no element
        start = listed(ctx, frame, first)
        op = b.getitem(op, slice(1, None))
    else:
        start = b.apply(prims.make_list, initial)

    def step(done: Operand, item: Operand) -> Operand:
        total = calls.call(ctx, frame, fn, [b.getitem(done, -1), item], [])
        return comprehensions.append(ctx, done, total)

    return fold(ctx, frame, op, start, step)
