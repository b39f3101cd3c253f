"""Products, combinations and permutations of elements that are counted at run time.

In: a function of `itertools` and its arguments. Out: an iterable of tuples. The
positions are chosen at run time, by the same function of `itertools` from ranges; the
elements are read at them.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import Streams
from chainrule.types import lattice as lt

FROM_ONE = {
    itertools.combinations,
    itertools.permutations,
    itertools.combinations_with_replacement,
}


def by_position(
    ctx: Context,
    frame: Frame,
    fn: Callable[..., Any],
    args: Sequence[Operand],
    kwargs: Sequence[tuple[str, Operand]],
) -> Operand | None:
    """Return the tuples, or None if their length is not known."""
    sources = _sources(fn, args, dict(kwargs))
    if not sources:
        return None
    b = ctx.builder
    once = {id(op): _indexable(ctx, frame, op) for op in sources}
    wholes = [once[id(op)] for op in sources]
    ranges = {
        id(op): op if _is_range(op) else b.apply(range, b.apply(len, op))
        for op in wholes
    }
    row = lt.ListT(None, lt.TupleT((lt.INT,) * len(sources)))
    if fn is itertools.product:
        ways = b.apply(fn, *(ranges[id(op)] for op in wholes), type_=row)
    else:
        ways = b.apply(fn, ranges[id(wholes[0])], Const(len(sources)), type_=row)
    ways = b.apply(list, ways, type_=row)

    def compose(elems: list[Operand]) -> Operand:
        places = [b.getitem(elems[0], k) for k in range(len(wholes))]
        chosen = [
            place if _is_range(op) else b.apply(operator.getitem, op, place)
            for op, place in zip(wholes, places, strict=True)
        ]
        return b.apply(prims.make_tuple, *chosen)

    return Const(Streams((ways,), compose))


def _sources(
    fn: Callable[..., Any], args: Sequence[Operand], named: dict[str, Operand]
) -> list[Operand]:
    """Return what each element of a tuple is taken from."""
    if fn is itertools.product:
        times = named.get("repeat", Const(1))
        return [*args] * times.value if isinstance(times, Const) else []
    if fn not in FROM_ONE:
        return []
    count = args[1] if len(args) > 1 else named.get("r")
    if not isinstance(count, Const) or not isinstance(count.value, int):
        return []
    return [args[0]] * count.value


def _is_range(op: Operand) -> bool:
    return isinstance(type_of(op), lt.RangeT)


def _indexable(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return something to read elements of by position."""
    from chainrule.specialise.folds import listed

    if isinstance(type_of(op), lt.ArrayT | lt.RangeT | lt.ListT | lt.TupleT):
        return op
    return listed(ctx, frame, op)
