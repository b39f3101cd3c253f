"""Functions and methods that write into an array they are given.

In: a call. Out: the memory after it: `out=`, `np.copyto`, `np.put`,
`np.fill_diagonal`, `x.fill`, `x.sort` and their like.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import arrays, calls, self_stores, stores, writing
from chainrule.specialise.builder import function_name, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, special
from chainrule.types import lattice as lt

# What reads its arguments while it writes into `out`.
IN_ORDER = {np.concatenate, np.stack}

INSTEAD = {
    "resize": "make a new array: x = np.resize(x, shape)",
    "byteswap": "make a new array: x = x.byteswap()",
    "setflags": "leave the flags as they are",
    "setfield": "make a new array: x = x.astype(dtype)",
}


def target(
    ctx: Context, fn: Any, args: Args, kwargs: Sequence[tuple[str, Operand]]
) -> Operand | None:
    """Return the array that a call of a primitive writes into, if it does."""
    out = dict(kwargs).get("out")
    if isinstance(fn, np.ufunc) and len(args) > fn.nin:
        out = args[fn.nin]
    if out is None or (isinstance(out, Const) and out.value in (None, ())):
        return None
    if isinstance(type_of(out), lt.TupleT):
        parts = ctx.builder.elements(out) or []
        if len(parts) != 1:
            raise not_differentiable(
                "CR403",
                ctx.builder.loc,
                f"{function_name(fn)} writes several results with `out=`",
                label="only one result can be written into an array",
                help="assign the results: a[...], b[...] = f(x)",
            )
        out = parts[0]
    return out


def into(
    ctx: Context,
    frame: Frame,
    fn: Any,
    args: Args,
    kwargs: Kwargs,
    text: str | None,
    form: str,
    out: Operand,
) -> Operand:
    """Call a primitive and write its result into an array; return the array."""
    given = args[: fn.nin] if isinstance(fn, np.ufunc) else args
    named = [(k, v) for k, v in kwargs if k != "out"]
    where = None
    if isinstance(fn, np.ufunc):
        where = dict(named).get("where")
        named = [(k, v) for k, v in named if k not in ("where", "casting", "order")]
    if fn in IN_ORDER:
        self_stores.check(ctx, out, *given)
    value = calls.primitive(ctx, frame, fn, given, named, text, form)
    if where is not None and not (isinstance(where, Const) and where.value is True):
        value = ctx.builder.apply(np.where, where, value, out)
    arrays.fill(ctx, out, value)
    return out


# ----------------------------------------------------------------------- methods


def method(
    ctx: Context, frame: Frame, op: Operand, name: str, args: Args, kwargs: Kwargs
) -> Operand:
    """Call a method that writes into an array."""
    b = ctx.builder
    if name == "fill":
        arrays.fill(ctx, op, args[0])
    elif name in ("sort", "partition"):
        fn = np.sort if name == "sort" else np.partition
        if not dict(kwargs).get("axis") and len(args) < (1 if name == "sort" else 2):
            kwargs = [*kwargs, ("axis", Const(-1))]
        arrays.fill(ctx, op, b.apply(fn, op, *args, kwargs=tuple(kwargs)))
    elif name == "put":
        put(ctx, frame, [op, *args], kwargs)
    elif name == "itemset":
        arrays.store(ctx, op, _packed(ctx, args[:-1]), args[-1])
    else:
        raise not_differentiable(
            "CR404",
            b.loc,
            f"`.{name}` changes {writing.called(op, 'its array')} in place",
            label="it changes more than the elements",
            help=INSTEAD[name],
        )
    return Const(None)


def _packed(ctx: Context, args: Args) -> Operand:
    return args[0] if len(args) == 1 else ctx.builder.apply(prims.make_tuple, *args)


# ---------------------------------------------------------------------- functions


@special(operator.setitem)
def setitem(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write an item of an array or a container."""
    base, index, value = args
    stores.item(ctx, frame, base, index, value)
    return Const(None)


@special(np.copyto)
def copyto(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write all elements, or those that `where` picks."""
    named = dict(kwargs)
    dst = args[0] if args else named["dst"]
    value = args[1] if len(args) > 1 else named["src"]
    where = named.get("where", args[3] if len(args) > 3 else Const(True))
    if not (isinstance(where, Const) and where.value is True):
        value = ctx.builder.apply(np.where, where, arrays.as_value(ctx, value), dst)
    arrays.fill(ctx, dst, value)
    return Const(None)


@special(np.put)
def put(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write elements counted in the order of the flattened array."""
    if kwargs or len(args) != 3:
        raise unhandled(ctx, np.put, "`mode`")
    op, index, value = args
    index = arrays.as_value(ctx, index)
    value = arrays.as_value(ctx, value)
    if isinstance(type_of(value), lt.ArrayT):
        size = ctx.builder.apply(np.size, index)
        value = ctx.builder.apply(np.resize, value, size)
    arrays.store(ctx, op, *arrays.unflattened(ctx, op, index, value))
    return Const(None)


@special(np.nan_to_num)
def nan_to_num(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Replace infinities and NaN, in place with `copy=False`."""
    named = dict(kwargs)
    copy = args[1] if len(args) > 1 else named.get("copy", Const(True))
    if isinstance(copy, Const) and copy.value:
        return NotImplemented
    rest = tuple((k, v) for k, v in kwargs if k != "copy")
    arrays.fill(ctx, args[0], ctx.builder.apply(np.nan_to_num, args[0], kwargs=rest))
    return args[0]


@special(np.putmask)
def putmask(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write the elements that a mask picks; values go by position."""
    op, mask, value = args
    value = arrays.as_value(ctx, value)
    if isinstance(type_of(value), lt.ArrayT):
        shape = ctx.builder.apply(getattr, op, Const("shape"))
        value = ctx.builder.apply(np.resize, value, shape)
    arrays.fill(ctx, op, ctx.builder.apply(np.where, mask, value, op))
    return Const(None)


@special(np.place)
def place(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write the elements that a mask picks; values go in turn."""
    op, mask, value = args
    count = ctx.builder.apply(np.count_nonzero, mask)
    value = ctx.builder.apply(np.resize, arrays.as_value(ctx, value), count)
    arrays.store(ctx, op, mask, value)
    return Const(None)


@special(np.fill_diagonal)
def fill_diagonal(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write the main diagonal of a matrix."""
    b = ctx.builder
    op, value, *rest = args
    t = type_of(op)
    wraps = rest or kwargs
    if wraps or not isinstance(t, lt.ArrayT) or t.dims is None or len(t.dims) != 2:
        raise unhandled(ctx, np.fill_diagonal, "`wrap`, or an array of rank 3")
    sizes = [b.apply(prims.dim, op, Const(axis)) for axis in (0, 1)]
    count = sizes[0] if t.dims[0] == t.dims[1] else b.apply(min, *sizes, text="min")
    self_stores.check(ctx, op, value)
    value = arrays.as_value(ctx, value)
    if isinstance(type_of(value), lt.ArrayT):
        value = b.apply(np.resize, value, count)
    index = b.apply(np.arange, count)
    arrays.store(ctx, op, b.apply(prims.make_tuple, index, index), value)
    return Const(None)


@special(np.put_along_axis)
def put_along_axis(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write the elements that `np.take_along_axis` would read."""
    b = ctx.builder
    named = dict(kwargs)
    op, indices, value = args[:3]
    axis = args[3] if len(args) > 3 else named.get("axis")
    t = type_of(op)
    dims = t.dims if isinstance(t, lt.ArrayT) else None
    if dims is None or not isinstance(axis, Const) or axis.value is None:
        raise unhandled(ctx, np.put_along_axis, "`axis=None`")
    rank = len(dims)
    at = axis.value % rank
    parts: list[Operand] = []
    for k in range(rank):
        if k == at:
            parts.append(indices)
            continue
        counter = b.apply(np.arange, b.apply(prims.dim, op, Const(k)))
        shape = tuple(-1 if j == k else 1 for j in range(rank))
        parts.append(b.apply(np.reshape, counter, Const(shape)))
    arrays.store(ctx, op, b.apply(prims.make_tuple, *parts), value)
    return Const(None)


@special(prims.view_get)
def view_get(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take the steps that lead to a view."""
    view, steps, *rest = args
    assert isinstance(steps, Const)
    for fn, count, names in steps.value:
        given, rest = rest[:count], rest[count:]
        named, rest = rest[: len(names)], rest[len(names) :]
        view = ctx.builder.apply(
            fn, view, *given, kwargs=tuple(zip(names, named, strict=True))
        )
    return view


def unhandled(ctx: Context, fn: Any, what: str) -> Exception:
    """Return the error for an argument that is not modelled."""
    return not_differentiable(
        "CR407",
        ctx.builder.loc,
        f"{function_name(fn)} with {what} is not supported",
        label="how this writes into its argument is not followed",
        help="write x[index] = value instead",
    )
