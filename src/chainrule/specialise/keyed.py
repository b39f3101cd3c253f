"""Dicts of which the run decides the keys: where they are made, and who finds out.

In: a dict with known keys, of which one is asked that nobody knows, or that has other
keys on another path. Out: the place where it was made (`Unforeseen`), for all to begin
again: dicts made at this place are objects of a class of `keyed_models` from the start.
That is tried only where all else was refused (`lattice.listing_keys`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import gast

from chainrule.errors import NotDifferentiable
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    calls,
    comprehensions,
    construct,
    expressions,
    keyed_models,
    stand_ins,
    stepping,
)
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import Restart, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import Unforeseen, is_const
from chainrule.types import lattice as lt

Kwargs = Sequence[tuple[str, Operand]]


def wanted(ctx: Context) -> bool:
    """Say whether a dict that is made here gets keys that nobody knows."""
    return ctx.builder.loc in ctx.keyed


def is_keyed(op: Operand) -> bool:
    """Say whether an operand is one of the objects that are made here."""
    t = type_of(op)
    models = keyed_models.Keyed | keyed_models.View
    return isinstance(t, lt.ObjT) and issubclass(t.cls, models)


def made(ctx: Context, frame: Frame, cls: type, given: Sequence[Operand]) -> Operand:
    """Return an object in place of a dict of this class."""
    model: Any = stand_ins.KEYED[cls]
    whole = [
        calls.call(ctx, frame, Const(list), [op], [])
        if is_const(op, stepping.LAZY)
        else op
        for op in given
    ]
    return construct.initialise(ctx, frame, model, model.__init__, {}, whole, [])


def of_call(
    ctx: Context, frame: Frame, cls: type, given: Sequence[Operand], kwargs: Kwargs
) -> Operand:
    """Return an object in place of the dict that a call makes."""
    out = made(ctx, frame, cls, given)
    if kwargs:
        calls.call(ctx, frame, attribute(ctx, frame, out, "update"), [], list(kwargs))
    return ctx.builder.memory.current(out)


def displayed(ctx: Context, frame: Frame, node: gast.Dict) -> Operand:
    """Return an object in place of a dict display."""
    out = made(ctx, frame, dict, [])
    for key, value in zip(node.keys, node.values, strict=True):
        names = [] if key is None else [expressions.evaluate(ctx, frame, key)]
        method = attribute(ctx, frame, out, "__setitem__" if names else "update")
        value = expressions.evaluate(ctx, frame, value)
        calls.call(ctx, frame, method, [*names, value], [])
    return ctx.builder.memory.current(out)


def comprised(ctx: Context, frame: Frame, node: gast.DictComp) -> Operand:
    """Return an object in place of a dict comprehension."""
    pair = gast.Tuple([node.key, node.value], gast.Load())
    rows = gast.ListComp(gast.copy_location(pair, node), node.generators)
    gast.copy_location(rows, node)
    pairs = comprehensions.list_comprehension(ctx, frame, rows)
    return made(ctx, frame, dict, [pairs])


def element(
    ctx: Context, frame: Frame, base: Operand, index: Operand
) -> tuple[Operand, Operand]:
    """Return the list and the place in it that a key of a dict stands for."""
    t = type_of(base)
    if not (isinstance(t, lt.ObjT) and issubclass(t.cls, keyed_models.Keyed)):
        return base, index
    place = attribute(ctx, frame, base, "place")
    index = calls.call(ctx, frame, place, [index], [])
    return attribute(ctx, frame, base, "held"), index


@contextlib.contextmanager
def or_begins_again(ctx: Context, op: Operand | None = None) -> Iterator[None]:
    """Begin again with another dict, if a key of this one would have to be known.

    Without an operand it is the dict that is being made.
    """
    try:
        yield
    except Restart as need:
        root = need.root
        if root not in ctx.params or not isinstance(root.type, lt.ScalarT):
            _begin_again(ctx, op)
        raise
    except NotDifferentiable as error:
        if all(d.code == "CR502" for d in error.diagnostics):
            _begin_again(ctx, op)
        raise


def _begin_again(ctx: Context, op: Operand | None) -> None:
    if op is not None:
        site = ctx.builder.memory.site(op)
    else:
        site = ctx.builder.loc if lt.keys_listed() else None
    if site is not None and site not in ctx.keyed:
        raise Unforeseen(site)
