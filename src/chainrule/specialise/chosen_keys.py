"""Keys of dicts that the run picks among a few that are known.

In: a dict, a key that is computed, and what is to be done with a known key. Out: a
branch for each key that it may be. Which these are is known where branches chose the
key; else they are all keys of its kind that the dict has, and another one is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import gast

from chainrule.analysis.activity import paths
from chainrule.ir.nodes import Const, If, Operand, Undef, Value
from chainrule.specialise import (
    attributes,
    comparisons,
    dicts,
    displays,
    expressions,
    iterables,
)
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import Choice
from chainrule.types import lattice as lt
from chainrule.types.infer import known

MOST = 16


def is_chosen(ctx: Context, index: Operand) -> bool:
    """Say whether a key is computed from what nobody can know before the run."""
    if not isinstance(index, Value) or isinstance(known(index.type), int):
        return False
    root = ctx.builder.root(index)
    if root is None or alternatives(ctx.builder, index) is not None:
        return True
    if root in ctx.params:
        return False
    return lt.is_word(index.type) or lt.all_turns() or lt.keys_listed()


def alternatives(b: Builder, op: Operand) -> list[Any] | None:
    """Return the constants that an operand may be, if branches chose it."""
    if isinstance(op, Undef):
        return []
    if isinstance(op, Const):
        return [op.value]
    where = b.branches.get(op)
    if where is None:
        return None
    stmt, k = where
    found: dict[Any, None] = {}
    for path in paths(stmt):
        more = alternatives(b, path.results[k])
        if more is None or not all(isinstance(v, Hashable) for v in more):
            return None
        found |= dict.fromkeys(more)
    return list(found)


def at(
    ctx: Context,
    frame: Frame,
    op: Operand,
    index: Operand,
    act: Callable[[Any], Operand],
    missing: Callable[[], Operand] | None,
) -> Operand:
    """Do something with the key that the run picks.

    `missing` is done where the dict has no such key; where it is None, there is one.
    """
    names = alternatives(ctx.builder, index)
    if names is not None and missing is not None:
        missing = None  # `act` knows what to do
    elif names is None:
        t = type_of(index)
        names = [k for k in ctx.builder.fields(op) or {} if _may_be(t, k)]
    if not names and missing is not None:
        return missing()
    if not names or len(names) > MOST:
        return act(displays.static_key(ctx, frame, None, index))
    return among(ctx, frame, index, names, act, missing)


def among(
    ctx: Context,
    frame: Frame,
    index: Operand,
    names: Sequence[Any],
    act: Callable[[Any], Operand],
    missing: Callable[[], Operand] | None = None,
) -> Operand:
    """Do something with the constant that an operand is equal to."""
    if not names:
        assert missing is not None
        return missing()
    first, *others = names
    if not others and missing is None:
        return act(first)
    test = _is(ctx, frame, index, first)
    return expressions.branch(
        ctx,
        frame,
        test,
        lambda: act(first),
        lambda: among(ctx, frame, index, others, act, missing),
    )


def _is(ctx: Context, frame: Frame, index: Operand, name: Any) -> Operand:
    """Say whether an operand is a constant: by the test that chose it, if it did."""
    where = ctx.builder.branches.get(index) if isinstance(index, Value) else None
    if where is not None and isinstance(where[0], If):
        one, two = (path.results[where[1]] for path in paths(where[0]))
        if isinstance(one, Const) and isinstance(two, Const):
            if one.value == name and two.value != name:
                return where[0].test
    return comparisons.compare(ctx, frame, gast.Eq(), index, Const(name))


def method(
    ctx: Context, frame: Frame, op: Operand, index: Operand, name: str
) -> Operand | None:
    """Return a method of the element that the run picks, as a choice of methods."""
    if not isinstance(type_of(op), lt.DictT) or not is_chosen(ctx, index):
        return None
    fields = ctx.builder.fields(op) or {}
    names = alternatives(ctx.builder, index)
    if names is None:
        dicts.read(ctx, frame, op, index)  # fails where there is no such key
        names = [k for k in fields if _may_be(type_of(index), k)]
    if not 0 < len(names) <= MOST or not all(k in fields for k in names):
        return None
    *others, last = names
    found = attributes.attribute(ctx, frame, fields[last], name)
    for key in reversed(others):
        one = attributes.attribute(ctx, frame, fields[key], name)
        found = Const(Choice(_is(ctx, frame, index, key), one, found))
    return found


def _may_be(t: lt.Type, key: Any) -> bool:
    """Say whether a value of a type may be equal to a key."""
    match t:
        case lt.ScalarT():
            return isinstance(key, int | float | complex)
        case lt.TupleT(items=items):
            return isinstance(key, tuple) and len(key) == len(items)
        case lt.OpaqueT(cls=cls):
            return cls is object or isinstance(key, cls)
    return False


def member(ctx: Context, frame: Frame, cls: Any, op: Operand) -> Operand:
    """Return the member of an enumeration that has this value, or that it is."""
    if type_of(op) == lt.OpaqueT(cls):
        return op
    members = {one.value: one for one in cls}
    fails = lambda: iterables.fails(ctx, ValueError, op)  # noqa: E731
    act = lambda value: Const(members[value])  # noqa: E731
    return among(ctx, frame, op, list(members), act, fails)


def of_member(ctx: Context, frame: Frame, op: Value, name: str) -> Operand:
    """Read an attribute of a member of an enumeration."""
    names = alternatives(ctx.builder, op) or list(op.type.cls)  # type: ignore[attr-defined]
    read = lambda one: attributes.attribute(ctx, frame, Const(one), name)  # noqa: E731
    return among(ctx, frame, op, names, read)
