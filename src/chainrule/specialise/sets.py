"""Sets: of constants only; what they hold decides paths and has no derivative.

In: the elements, as operands. Out: a constant `frozenset`, or, where the derivative is
made for the counts at hand, an object of the class `set_model.Set`, which may change.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Loc, Operand
from chainrule.specialise import construct, set_model
from chainrule.specialise.builder import abstract
from chainrule.specialise.frames import Context, Frame
from chainrule.types import lattice as lt
from chainrule.types.infer import known


def made(
    ctx: Context, frame: Frame, items: Sequence[Operand] | None, loc: Loc | None
) -> Operand:
    """Return a set of these elements."""
    if lt.keys_listed() and items is not None:
        values = [known(abstract(i)) for i in items]
        sure = not any(isinstance(v, lt.Type) for v in values) and ascends(values)
        if sure:
            items = list(map(Const, sorted(set(values))))
        whole = ctx.builder.apply(prims.make_list, *items)
        return listed(ctx, frame, whole, "known" if sure else "unknown")
    found = frozen(ctx, items, loc)
    if not lt.counts_known():
        return found
    model = set_model.Set
    return construct.initialise(ctx, frame, model, model.__init__, {}, [found], [])


def ascends(values: Sequence[object]) -> bool:
    """Say whether a set of these runs over them from the smallest to the largest.

    A small integer is its own hash, and so its own place in any table of that size.
    """
    numbers = [v for v in values if type(v) is int and v >= 0]
    if len(numbers) < len(values):
        return False
    return max(numbers, default=0) < max(8, 5 * len(set(numbers)) // 3)


def listed(
    ctx: Context, frame: Frame, items: Operand, order: str = "unknown"
) -> Operand:
    """Return a set that holds what a list does, which only the run may know."""
    model = set_model.Listed
    given = [items, Const(order)]
    return construct.initialise(ctx, frame, model, model.__init__, {}, given, [])


def frozen(ctx: Context, items: Sequence[Operand] | None, loc: Loc | None) -> Const:
    """Return a set of these elements that nobody can change."""
    values = [known(abstract(i)) for i in items or ()]
    if items is None or any(isinstance(v, lt.Type) for v in values):
        raise not_differentiable(
            "CR505",
            loc,
            "a set of computed values has no derivative",
            label="what is in it decides how the program goes on",
            help="use a list",
        )
    return Const(frozenset(values))
