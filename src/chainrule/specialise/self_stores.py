"""Stores of what shows the array that is written, where NumPy does not keep them apart.

In: an array, an index and a value. Out: the memory after the store, or a refusal. NumPy
copies what most stores read. A sequence of rows it writes one after the other, so that
`A[:2] = A[1], A[0]` swaps nothing; and it reads what it has just written where it goes
by the order of `.flat`, by a mask, or by `np.concatenate`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

from chainrule.analysis.activity import paths
from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.specialise import arrays
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context
from chainrule.specialise.views import is_basic
from chainrule.types import lattice as lt


def store(ctx: Context, op: Operand, index: Operand, value: Operand) -> None:
    """Write `op[index] = value`, as the statement does."""
    if isinstance(op, Value) and _picks(type_of(op), index):
        check(ctx, op, value)
    rows = isinstance(type_of(value), lt.ListT | lt.TupleT) and is_basic(index)
    if rows and isinstance(op, Value) and any(_shown(ctx, op, value)):
        _in_turn(ctx, op, index, value)
    else:
        arrays.store(ctx, op, index, value)


def _picks(t: lt.Type, index: Operand) -> bool:
    """Say whether an index is a mask of the whole array."""
    mask = type_of(index)
    if not isinstance(mask, lt.ArrayT) or not isinstance(t, lt.ArrayT):
        return False
    return mask.dtype.kind == "b" and t.ndim == mask.ndim


def check(ctx: Context, op: Operand, *values: Operand) -> None:
    """Refuse a store that reads what it has just written."""
    if not isinstance(op, Value) or not any(any(_shown(ctx, op, v)) for v in values):
        return
    raise not_differentiable(
        "CR418",
        ctx.builder.loc,
        "an array is written from a view of itself",
        label="NumPy reads here what it has just written",
        help="copy what is read: value.copy(), or np.array(rows)",
    )


def _in_turn(ctx: Context, op: Value, index: Operand, value: Operand) -> None:
    """Write the rows of a sequence one after the other, unless they are repeated."""
    b = ctx.builder
    target = b.apply(operator.getitem, b.memory.current(op), index)
    have, want = (lt.dims_of(type_of(v)) for v in (arrays.as_value(ctx, value), target))
    parts = b.elements(value)
    if have is None or want is None or parts is None:
        return check(ctx, op, value)
    if "perhaps" in _shown(ctx, op, value):
        return check(ctx, op, value)
    differ = [pair for pair in zip(have, want, strict=False) if pair[0] != pair[1]]
    if len(have) != len(want) or any(one == 1 for one, _ in differ):
        return arrays.store(ctx, op, index, value)
    if any(lt.maybe_one(one) for one, _ in differ):
        return check(ctx, op, value)
    for k, part in enumerate(parts):
        store(ctx, target, Const(k), part)


# ------------------------------------------------------------- what a value shows


def _shown(ctx: Context, op: Value, value: Operand) -> set[str]:
    """Say of the arrays in a value which show `op`: "surely", "perhaps", or none."""
    t = type_of(value)
    if isinstance(t, lt.ListT | lt.TupleT):
        return set().union(*(_shown(ctx, op, part) for part in _parts(ctx, value)))
    if not isinstance(t, lt.ArrayT) or not isinstance(value, Value):
        return set()
    mine, theirs = _wholes(ctx, op), _wholes(ctx, value)
    if not mine & theirs:
        return set()
    return {"surely"} if len(mine | theirs) == 1 else {"perhaps"}


def _parts(ctx: Context, value: Operand) -> Iterable[Operand]:
    """Return the elements of a sequence, or what may be in one of unknown length."""
    parts = ctx.builder.elements(value)
    if parts is None and isinstance(value, Value):
        return ctx.builder.memory.pools.objects(value)
    return parts or []


def _wholes(ctx: Context, value: Value) -> set[Value]:
    """Return the arrays that a value may show: several if the run decides which."""
    b = ctx.builder
    found: set[Value] = set()
    seen: set[Value] = set()
    todo: list[Operand] = [value]
    while todo:
        op = todo.pop()
        root = b.memory.root(op) if isinstance(op, Value) else None
        if root is None or root in seen:
            continue
        seen.add(root)
        if root in b.memory.elements:  # a loop takes its rows
            todo.append(b.memory.elements[root])
            continue
        found.add(root)
        place = b.memory.held.get(root)
        if root in b.branches:
            choice, k = b.branches[root]
            todo += [path.results[k] for path in paths(choice)]
        elif place is not None and isinstance(place[1], Apply):
            todo += _parts(ctx, place[0])
    return found
