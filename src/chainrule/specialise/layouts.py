"""How arrays lie in memory, where a derivative is made for the shapes at hand.

In: an operand. Out: an array that lies as it will (the argument itself, or what the
operations that lead to it make of the arguments), or None where that is not known.
Only its memory is looked at. The guard tests the strides of the arguments.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.request import Input, Laid
from chainrule.specialise.frames import Context
from chainrule.specialise.views import is_flat
from chainrule.types import lattice as lt

PURE = {
    prims.copy_value,
    prims.astype,
    prims.make_tuple,
    prims.make_list,
    prims.unpack,
    prims.dim,
    prims.flatten,
    slice,
    len,
    getattr,
    *(
        getattr(operator, name)
        for name in (
            "add sub mul truediv floordiv mod pow neg pos matmul getitem"
        ).split()
    ),
}


def is_copy(ctx: Context, stmt: Apply) -> bool:
    """Say whether an operation that may give a view is known to give a copy."""
    if not lt.counts_known() or is_flat(stmt):
        return False
    base, out = sample(ctx, stmt.args[0]), sample(ctx, stmt.out)
    if base is None or out is None or not out.size:
        return False
    return not np.may_share_memory(base, out)


def sample(ctx: Context, op: Operand) -> Any:
    """Return a value that lies in memory as an operand will."""
    if isinstance(op, Const):
        return op.value
    if not isinstance(op, Value) or not lt.counts_known():
        return None
    home = ctx.builder.memory.object(op)
    if home not in ctx.samples:
        ctx.samples[home] = None
        ctx.samples[home] = _sample(ctx, home)
    return ctx.samples[home]


def _sample(ctx: Context, home: Value) -> Any:
    place = given_at(ctx, home)
    if place is not None:
        return _argument(ctx, place)
    t = home.type
    if isinstance(t, lt.ScalarT):
        number: Any = t.dim if isinstance(t.dim, int) else 0
        return number if t.dtype is None else t.dtype.type(number)
    stmt = ctx.builder.definition(home)
    if stmt is None or stmt.effect or not _is_pure(stmt.fn):
        return None
    args = [sample(ctx, a) for a in stmt.args]
    named = {k: sample(ctx, v) for k, v in stmt.kwargs}
    ops = (*stmt.args, *(v for _, v in stmt.kwargs))
    given = zip((*args, *named.values()), ops, strict=True)
    if any(x is None and not isinstance(op, Const) for x, op in given):
        return None
    try:
        with np.errstate(all="ignore"):
            out = stmt.fn(*args, **named)
    except Exception:
        return None
    return out if _has_shape(out, t) else None


def _is_pure(fn: Any) -> bool:
    module = getattr(fn, "__module__", None) or ""
    of_numpy = module.partition(".")[0] == "numpy" and "random" not in module
    return fn in PURE or of_numpy or isinstance(fn, np.ufunc)


def _has_shape(x: Any, t: lt.Type) -> bool:
    if not isinstance(t, lt.ArrayT):
        return True
    known = isinstance(x, np.ndarray) and t.dims is not None
    return known and all(
        not isinstance(dim, int) or dim == size
        for dim, size in zip(t.dims or (), x.shape, strict=True)
    )


def given_at(ctx: Context, home: Value) -> tuple[Any, ...] | None:
    """Return where among the arguments an object is."""
    if home in ctx.params:
        return (ctx.params[home],)
    place = ctx.builder.memory.held.get(home)
    if place is None or isinstance(place[1], Apply):
        return None
    above = given_at(ctx, place[0])
    return None if above is None else (*above, place[1])


def value_at(ctx: Context, place: tuple[Any, ...]) -> Any:
    """Return the argument at a place."""
    name, *path = place
    value = ctx.values.get(name)
    for step in path:
        try:
            value = value[step]  # type: ignore[index]
        except (TypeError, KeyError, IndexError):
            value = getattr(value, str(step), None)
    return value


def _argument(ctx: Context, place: tuple[Any, ...]) -> Any:
    value = value_at(ctx, place)
    if isinstance(value, np.ndarray):
        given = Input("param", place[0], place[1:], Laid(strides=value.strides))
        ctx.inputs[("strides", place)] = given
    return value


def lies(ctx: Context, place: tuple[Any, ...]) -> bool:
    """Ask whether an argument lies in the order of its elements; the guard asks too."""
    value = value_at(ctx, place)
    if not isinstance(value, np.ndarray):
        return False
    flag = bool(value.flags.c_contiguous)
    given = Input("param", place[0], place[1:], Laid(flag))
    ctx.inputs[("laid", place)] = given
    return flag
