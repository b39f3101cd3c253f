"""Writes into arrays: elements, slices, whole arrays, through views.

In: an array, an index and a value. Out: the memory after the store. A store through a
view is a store into the array whose memory it shows: at the composed index where there
is one (`A[i][j] = v` is `A[i, j] = v`), else along the path of the views.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.specialise import layouts, overlaps, self_stores, writing
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import Context
from chainrule.specialise.reach import reachable
from chainrule.specialise.static_calls import may_name_twice
from chainrule.specialise.views import PERHAPS, READ_ONLY, SAME, is_basic, is_flat
from chainrule.types import lattice as lt

ALL = slice(None)


def store(ctx: Context, op: Operand, index: Operand, value: Operand) -> None:
    """Write `op[index] = value`."""
    if not isinstance(op, Value):
        raise writing.outside(ctx, op)
    overlaps.check(ctx, op, index, value)
    root, content = through(ctx, op, index, as_value(ctx, value))
    writing.write(ctx, root, content)


def fill(ctx: Context, op: Operand, value: Operand) -> None:
    """Write `op[...] = value`."""
    store(ctx, op, Const(...), value)


def hold(ctx: Context, op: Operand, content: Operand) -> None:
    """Let an object hold something else from here on; if a view, what it shows."""
    memory = ctx.builder.memory
    if isinstance(op, Value) and memory.root(op) is not memory.object(op):
        fill(ctx, op, content)
    else:
        writing.write(ctx, op, content)


def as_value(ctx: Context, value: Operand) -> Operand:
    """Return what is stored as a number or an array."""
    t = type_of(value)
    if isinstance(t, lt.ListT | lt.TupleT):
        return ctx.builder.apply(np.array, value)
    return ctx.builder.memory.current(value)


def through(
    ctx: Context, op: Value, index: Operand, value: Operand
) -> tuple[Value, Operand]:
    """Return the array that `op[index] = value` writes into, and what it holds then."""
    b = ctx.builder
    steps = path(ctx, op)
    while steps and is_flat(steps[-1]):
        self_stores.check(ctx, op, value)
        shown = steps.pop().args[0]
        index, value = unflattened(ctx, shown, index, value)
    root = b.memory.root(op)
    return root, stored(ctx, b.memory.current(root), steps, index, value)


def stored(
    ctx: Context, base: Operand, steps: list[Apply], index: Operand, value: Operand
) -> Operand:
    """Return what an array holds after `view[index] = value` of a view of it."""
    b, t = ctx.builder, type_of(base)
    if not steps:
        if lt.dims_of(t) == ():
            index = Const(...)
        if isinstance(index, Const) and index.value is Ellipsis:
            return b.apply(prims.fill, base, value, type_=t)
        return b.apply(prims.index_set, base, index, value, type_=t)
    joined = composed(ctx, steps, index, base)
    if joined is not None:
        return b.apply(prims.index_set, base, joined, value, type_=t)
    first = next((k for k, s in enumerate(steps) if s.fn in PERHAPS), None)
    if first is None:
        return view_set(b, base, steps, index, value)
    view = base
    for step in steps[: first or 1]:
        view = b.repeat(step, view, *step.args[1:])
    inner = stored(ctx, view, steps[first or 1 :], index, value)
    if first:
        return stored(ctx, base, steps[:first], Const(...), inner)
    step = steps[0]
    if step.fn in (np.reshape, np.ravel):
        shape, order = b.apply(np.shape, base), orders(step)
        return b.apply(np.reshape, inner, shape, *order[:1], type_=t)
    return inner


def view_set(
    b: Builder, base: Operand, steps: list[Apply], index: Operand, value: Operand
) -> Operand:
    """Write a store along a path of views."""
    marks = tuple(
        (step.fn, len(step.args) - 1, tuple(k for k, _ in step.kwargs))
        for step in steps
    )
    rest = [a for step in steps for a in (*step.args[1:], *(v for _, v in step.kwargs))]
    return b.apply(
        prims.view_set, base, Const(marks), index, value, *rest, type_=type_of(base)
    )


def unflattened(
    ctx: Context, op: Operand, index: Operand, value: Operand
) -> tuple[Operand, Operand]:
    """Return index and value of `op[index] = value` for `op.flat[index] = value`."""
    b = ctx.builder
    t = type_of(op)
    if not isinstance(t, lt.ArrayT) or t.dims is None:
        raise not_differentiable(
            "CR413",
            b.loc,
            "write through `.flat` of an array of unknown rank",
            label="where its elements lie is known only at run time",
            help="write into x[...] instead",
        )
    whole = isinstance(index, Const) and index.value in (Ellipsis, ALL)
    size = b.apply(getattr, op, Const("size"))
    shape = b.apply(getattr, op, Const("shape"))
    if whole:
        if isinstance(type_of(value), lt.ArrayT):
            value = b.apply(np.reshape, b.apply(np.resize, value, size), shape)
        return Const(...), value
    if len(t.dims) == 1:
        return index, value
    sliced = isinstance(type_of(index), lt.SliceT) or isinstance(
        getattr(index, "value", None), slice
    )
    known = [getattr(i, "value", -1) for i in b.elements(index) or [Const(-1)]]
    if sliced or not (is_number(index) or min(known, default=0) >= 0):
        index = b.apply(operator.getitem, b.apply(np.arange, size), index)
    elif is_number(index):
        wrapped = b.apply(operator.mod, index, size)
        place = b.apply(np.unravel_index, wrapped, shape)
        return place, value
    return b.apply(np.unravel_index, index, shape), value


def path(ctx: Context, op: Value) -> list[Apply]:
    """Return the views that lead from the array that owns the memory to `op`."""
    b = ctx.builder
    steps: list[Apply] = []
    home = b.memory.object(op)
    stmt = b.definition(home)
    while stmt is not None and b.memory.is_view(stmt):
        if stmt.fn in READ_ONLY:
            raise read_only(ctx, stmt)
        if stmt.fn in PERHAPS:
            check_layout(ctx, stmt)
        if stmt.fn is prims.unpack:  # an element of it is a row
            row = steps.pop()
            stmt = Apply(row.out, row.fn, (stmt.args[0], *row.args[1:]))
        source = stmt.args[0]
        assert isinstance(source, Value)
        if stmt.fn not in SAME:
            steps.append(stmt)
        home = b.memory.object(source)
        stmt = b.definition(home)
    return steps[::-1]


def read_only(ctx: Context, stmt: Apply) -> Exception:
    """Return the error for a write to a view that NumPy protects."""
    error = not_differentiable(
        "CR107",
        ctx.builder.loc,
        f"assignment destination is read-only: it is np.{stmt.fn.__name__}(...)",
    )
    error.primal_fails = True
    return error


def check_layout(ctx: Context, stmt: Apply) -> None:
    """Refuse a write where it depends on the layout whether there are two arrays."""
    said = [getattr(v, "value", None) for v in orders(stmt)]
    known = said in ([], ["C"], ["F"]) and layouts.sample(ctx, stmt.out) is not None
    if is_flat(stmt) or known:
        return  # it is known to be a view
    if is_contiguous(ctx, stmt.args[0]) and not other_order(stmt):
        return
    raise not_differentiable(
        "CR413",
        ctx.builder.loc,
        f"np.{stmt.fn.__name__} gives a view or a copy, as the memory lies",
        label="whether this writes into one array or two is known only at run time",
        help=f"copy first: np.{stmt.fn.__name__}(...).copy(), or ascontiguousarray",
    )


def other_order(stmt: Apply) -> bool:
    """Say whether elements may be read in another order than the last axis first."""
    if stmt.fn is np.asfortranarray:
        return True
    return any(not isinstance(v, Const) or v.value != "C" for v in orders(stmt))


def orders(stmt: Apply) -> list[Operand]:
    """Return in which order a reshape takes the elements, if that is said."""
    first = 2 if stmt.fn is np.reshape else 1
    return [*stmt.args[first:], *(v for k, v in stmt.kwargs if k == "order")]


C_ORDER: set[Any] = {
    prims.copy_value,
    *(
        getattr(np, name)
        for name in (
            "zeros ones full empty arange linspace eye identity matmul dot outer "
            "kron diag"
        ).split()
    ),
}
K_ORDER = {np.array, np.copy, np.zeros_like, np.ones_like, np.empty_like, np.full_like}
K_ORDER |= {prims.astype}


def is_contiguous(ctx: Context, op: Operand) -> bool:
    """Say whether an array lies in memory in the order of its elements for certain."""
    b = ctx.builder
    if not isinstance(op, Value) or not isinstance(op.type, lt.ArrayT):
        return isinstance(op, Const)
    home = b.memory.object(op)
    place = layouts.given_at(ctx, home)
    if place is not None:
        return layouts.lies(ctx, place)
    sample = layouts.sample(ctx, home)
    if sample is not None:
        return bool(sample.flags.c_contiguous)
    stmt, rank = b.definition(home), home.type.ndim  # type: ignore[attr-defined]
    if home in b.branches:
        choice, k = b.branches[home]
        return all(is_contiguous(ctx, path.results[k]) for path in paths(choice))
    if stmt is None:
        return home in ctx.ordered and ctx.ordered[home]()
    if b.memory.is_view(stmt):
        whole = stmt.fn in SAME or stmt.fn in PERHAPS
        if stmt.fn is operator.getitem:
            parts = components(ctx, stmt.args[1]) or []
            whole = bool(parts) and all(map(is_number, parts[:-1]))
            last = parts[-1] if parts else None
            step = last.value.step if is_const_slice(last) else None
            whole = whole and (step in (None, 1)) and not is_stepped(ctx, last)
        return whole and is_contiguous(ctx, stmt.args[0])
    if rank is not None and rank < 2:
        return True
    if dict(stmt.kwargs).get("order") is not None:
        return False
    if stmt.fn in C_ORDER:
        return True
    if stmt.fn in K_ORDER or isinstance(stmt.fn, np.ufunc) or stmt.fn in OPERATORS:
        arrays = [a for a in stmt.args if isinstance(type_of(a), lt.ArrayT)]
        return all(
            is_contiguous(ctx, a)
            for a in arrays
            if type_of(a).ndim == rank  # type: ignore[attr-defined]
        )
    return False


def is_const_slice(op: Operand | None) -> TypeGuard[Const]:
    """Say whether an index is a slice of constants."""
    return isinstance(op, Const) and isinstance(op.value, slice)


def is_stepped(ctx: Context, op: Operand | None) -> bool:
    """Say whether an index may be a slice with a step that is not known."""
    if not isinstance(op, Value) or not isinstance(op.type, lt.SliceT):
        return False
    made = ctx.builder.definition(op)
    last = made.args[-1] if made is not None and len(made.args) == 3 else None
    return not (isinstance(last, Const) and last.value in (None, 1))


OPERATORS = {
    getattr(operator, name)
    for name in (
        "add sub mul truediv floordiv mod pow neg pos matmul lt le gt ge eq ne"
    ).split()
}


# ------------------------------------------------------------------- composition


def composed(
    ctx: Context, steps: list[Apply], index: Operand, root: Operand
) -> Operand | None:
    """Return one index that means the same as those of the steps, and `index`."""
    if any(step.fn is not operator.getitem for step in steps):
        return None
    t = type_of(root)
    rank = len(t.dims) if isinstance(t, lt.ArrayT) and t.dims is not None else None
    if rank is None:
        return None
    whole: list[Operand] = [Const(ALL)] * rank
    for each in (*(step.args[1] for step in steps), index):
        parts = components(ctx, each)
        if parts is None:
            return None
        replaced = replace(whole, parts)
        if replaced is None:
            return None
        whole = replaced
    while len(whole) > 1 and is_all(whole[-1]):
        whole.pop()
    if len(whole) == 1:
        return whole[0]
    return ctx.builder.apply(prims.make_tuple, *whole)


def components(ctx: Context, index: Operand) -> list[Operand] | None:
    """Return the parts of an index, one for each axis."""
    if isinstance(index, Const):
        items = index.value if isinstance(index.value, tuple) else (index.value,)
        parts: list[Operand] = [Const(item) for item in items]
    elif isinstance(index.type, lt.TupleT):  # type: ignore[union-attr]
        parts = ctx.builder.elements(index) or []
    else:
        parts = [index]
    if any(isinstance(p, Const) and p.value is None for p in parts):
        return None
    return None if any(map(is_mask, parts)) else parts


def is_mask(op: Operand) -> bool:
    """Say whether an index is a mask of several axes, or of none."""
    t = type_of(op)
    boolean = isinstance(t, lt.ArrayT | lt.ScalarT) and lt.result_dtype(t).kind == "b"
    return boolean and lt.dims_of(t) is not None and len(lt.dims_of(t) or ()) != 1


def replace(whole: list[Operand], parts: list[Operand]) -> list[Operand] | None:
    """Put the parts of an index where the axes of the view so far are."""
    axes = [k for k, op in enumerate(whole) if not is_number(op)]
    dots = [k for k, p in enumerate(parts) if isinstance(p, Const) and p.value is ...]
    if dots:
        missing = len(axes) - (len(parts) - 1)
        middle: list[Operand] = [Const(ALL)] * missing
        parts = [*parts[: dots[0]], *middle, *parts[dots[0] + 1 :]]
    if len(parts) > len(axes):
        return None
    out = list(whole)
    for position, (axis, part) in enumerate(zip(axes, parts, strict=False)):
        if is_all(part):
            continue
        if not is_all(whole[axis]):
            return None
        if not is_basic(part) and (position > 0 or axis != len(whole) - len(axes)):
            return None
        out[axis] = part
    return out


def is_all(op: Operand) -> bool:
    """Say whether an index takes a whole axis."""
    return isinstance(op, Const) and isinstance(op.value, slice) and op.value == ALL


def is_number(op: Operand) -> bool:
    """Say whether an index takes its axis away."""
    t = type_of(op)
    return isinstance(t, lt.ScalarT) and t.kind == "int"


# ------------------------------------------------------------- augmented assignment


def add_at(ctx: Context, op: Operand, index: Operand, value: Operand, fn: Any) -> bool:
    """Write `op[index] += value` (or `-=`) as an addition in place; say if it is."""
    b = ctx.builder
    if fn not in (operator.add, operator.sub) or not isinstance(op, Value):
        return False
    value = as_value(ctx, value)
    whole, number = type_of(b.memory.current(op)), type_of(value)
    if not isinstance(whole, lt.ArrayT) or not isinstance(
        number, lt.ArrayT | lt.ScalarT
    ):
        return False
    kinds = (whole.dtype.kind, lt.result_dtype(number).kind)
    if kinds[0] not in "fc" or (kinds[1] == "c" and kinds[0] == "f"):
        return False
    if may_name_twice(b, index):
        return False
    joined = index
    steps = path(ctx, op)
    root = b.memory.root(op)
    now = b.memory.current(root)
    if steps:
        found = composed(ctx, steps, index, now)
        if found is None:
            return False
        joined = found
    if fn is operator.sub:
        value = b.apply(operator.neg, value)
    new = b.apply(prims.index_add, now, joined, value, type_=type_of(now))
    writing.write(ctx, root, new)
    return True


def augmented(
    ctx: Context,
    op: Operand,
    fn: Any,
    value: Operand,
    combine: Callable[[Operand], Operand],
) -> Operand:
    """Write `op += ...`: into the array, which stays the same object."""
    now = ctx.builder.memory.current(op)
    t = type_of(now)
    if isinstance(t, lt.ArrayT) and t.dims is None and isinstance(op, Value):
        # It may be a number, for which `+=` is an assignment.
        others = len([v for v in reachable(ctx) if v is ctx.builder.memory.root(op)])
        if others and ctx.builder.memory.root(op) is not ctx.builder.memory.object(op):
            raise not_differentiable(
                "CR411",
                ctx.builder.loc,
                "augmented assignment to what may be a number or an array",
                label="whether this writes into an array is known only at run time",
                help="write x = x + ... instead",
            )
        return combine(now)
    if not add_at(ctx, op, Const(...), value, fn):
        fill(ctx, op, combine(now))
    return op
