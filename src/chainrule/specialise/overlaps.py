"""Stores of a row into a column that crosses it, which NumPy copies as it goes.

In: a store whose value is a view of the array that it writes into. Out: an error, if
NumPy reads elements that the store has already written (it makes a copy of the value
first only where the view written to has several axes or runs the other way).
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context
from chainrule.types import lattice as lt

SOME = range(2, 13)  # stand for a length known only at run time
FEW = range(2, 6)  # where indices are known only at run time, too
MOST = 200

Views = tuple[list[Apply], list[Apply]]
Known = dict[Value, int]

SIMPLE = {
    prims.make_tuple,
    slice,
    *(getattr(operator, name) for name in "add sub mul neg mod floordiv".split()),
}


def check(ctx: Context, op: Value, index: Operand, value: Operand) -> None:
    """Refuse `op[index] = value` if it reads what it has just written."""
    from chainrule.specialise.arrays import path

    memory = ctx.builder.memory
    if not isinstance(value, Value) or len(lt.dims_of(type_of(value)) or ()) != 1:
        return
    root = memory.root(op)
    if memory.root(value) is not root or not isinstance(root.type, lt.ArrayT):
        return
    try:
        views = path(ctx, op), path(ctx, value)
    except NotDifferentiable:
        return  # a view that nobody could write through
    if root.type.dims is not None and _may_cross(ctx, root.type.dims, views, index):
        raise not_differentiable(
            "CR413",
            ctx.builder.loc,
            "this store reads elements that it has already written",
            label="NumPy copies the elements one by one here",
            help="store a copy: A[1] = A[:, 2].copy()",
        )


def _may_cross(ctx: Context, dims: lt.Dims, views: Views, index: Operand) -> bool:
    """Say whether the store reads what it has written, for some integers of the run."""
    used = [a for steps in views for step in steps for a in _rest(step)]
    free = _free(ctx, [*used, index])
    if free is None:
        return False  # an index that is no integer and no slice
    for n in SOME if not free else FEW:
        lengths = [d if isinstance(d, int) else n for d in dims]
        given = itertools.product(range(max(lengths)), repeat=len(free))
        for numbers in itertools.islice(given, MOST):
            known: Known = dict(zip(free, numbers, strict=True))
            if _reads_what_it_wrote(ctx, lengths, *views, index, known):
                return True
    return False


def _free(ctx: Context, ops: Sequence[Operand]) -> list[Value] | None:
    """Return the integers of the run that indices are made of; None for others."""
    found: dict[Value, None] = {}
    todo = list(ops)
    while todo:
        op = todo.pop()
        if not isinstance(op, Value):
            continue
        made = _made(ctx, op)
        if made is not None:
            todo += made.args
        elif isinstance(op.type, lt.ScalarT) and op.type.kind == "int":
            found[op] = None
        else:
            return None
    return list(found)


def _made(ctx: Context, op: Value) -> Apply | None:
    """Return how an index is computed from others, if that is simple."""
    stmt = ctx.builder.definition(op)
    return stmt if stmt is not None and stmt.fn in SIMPLE and not stmt.kwargs else None


def _number(ctx: Context, op: Operand, known: Known) -> Any:
    """Return what an index is for such integers."""
    if isinstance(op, Const):
        return op.value
    assert isinstance(op, Value)
    if op in known:
        return known[op]
    made = _made(ctx, op)
    assert made is not None
    return made.fn(*(_number(ctx, a, known) for a in made.args))


def _rest(step: Apply) -> Sequence[Operand]:
    return (*step.args[1:], *(op for _, op in step.kwargs))


def _reads_what_it_wrote(
    ctx: Context,
    lengths: list[int],
    target: list[Apply],
    source: list[Apply],
    index: Operand,
    known: Known,
) -> bool:
    """Try the store on the positions of an array of such lengths."""
    before = np.arange(np.prod(lengths, dtype=int)).reshape(lengths)
    after, right = before.copy(), before.copy()
    try:
        place = _number(ctx, index, known)
        _shown(ctx, after, target, known)[place] = _shown(ctx, after, source, known)
        _shown(ctx, right, target, known)[place] = _shown(ctx, before, source, known)
    except (IndexError, ValueError, ZeroDivisionError):
        return False  # such numbers do not fit
    return not np.array_equal(after, right)


def _shown(ctx: Context, array: np.ndarray, steps: list[Apply], known: Known) -> Any:
    for step in steps:
        args = [_number(ctx, op, known) for op in step.args[1:]]
        named = {k: _number(ctx, op, known) for k, op in step.kwargs}
        array = step.fn(array, *args, **named)
    return array
