"""Grids that are written as indices: `np.mgrid[0:n, 0:1:5j]`, `np.ogrid`, `np.r_`.

In: the object, and the tree of its index, of which the slices are no indices: their
parts may be floats, and a step `5j` says how many points there are. Out: what the
object returns, by the functions that NumPy itself builds it with.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import gast
import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import calls, expressions, numpy_models
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import is_const
from chainrule.types import lattice as lt

GRIDS = (np.mgrid, np.ogrid)
JOINED = {id(np.r_): numpy_models.rows, id(np.c_): numpy_models.columns}
NUMBERS = (int, abs, numpy_models.count_of_steps, numpy_models.step_of_points)


class Axis(NamedTuple):
    """A slice: where it starts and stops, the step, and whether that is a count."""

    start: Operand
    stop: Operand
    step: Operand
    counted: bool


def read(ctx: Context, frame: Frame, base: Operand, node: Any) -> Operand | None:
    """Write `base[node]` if it is a grid; None for all else."""
    if not is_const(base):
        return None
    several = isinstance(node, gast.Tuple)
    nodes = node.elts if several else [node]
    if not any(isinstance(n, gast.Slice) for n in nodes):
        return None
    if any(base.value is grid for grid in GRIDS):
        if not all(isinstance(n, gast.Slice) and n.upper is not None for n in nodes):
            return None
        axes = [_axis(ctx, frame, n) for n in nodes]
        if not several:
            return _line(ctx, frame, axes[0])
        make = _dense if base.value is np.mgrid else _open
        return make(ctx, frame, axes)
    if id(base.value) not in JOINED:
        return None
    parts = [_part(ctx, frame, n) for n in nodes]
    whole = ctx.builder.apply(prims.make_list, *parts)
    return calls.call(ctx, frame, Const(JOINED[id(base.value)]), [whole], [])


def _axis(ctx: Context, frame: Frame, node: Any) -> Axis:
    start, stop, step = (
        Const(default) if part is None else expressions.evaluate(ctx, frame, part)
        for part, default in ((node.lower, 0), (node.upper, None), (node.step, 1))
    )
    counted = lt.result_dtype(type_of(step)).kind == "c"
    if counted:
        step = _part_of(ctx, frame, int, _part_of(ctx, frame, abs, step))
    return Axis(start, stop, step, counted)


def _part(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Return one of the parts that are joined, a slice as the numbers it stands for."""
    if not isinstance(node, gast.Slice):
        return expressions.evaluate(ctx, frame, node)
    axis = _axis(ctx, frame, node)
    fn = np.linspace if axis.counted else np.arange
    return _part_of(ctx, frame, fn, axis.start, axis.stop, axis.step)


def _line(ctx: Context, frame: Frame, axis: Axis) -> Operand:
    """Write a grid of one axis."""
    if not axis.counted:
        return _part_of(ctx, frame, np.arange, axis.start, axis.stop, axis.step)
    return _placed(ctx, frame, _part_of(ctx, frame, np.arange, axis.step), axis)


def _dense(ctx: Context, frame: Frame, axes: list[Axis]) -> Operand:
    """Write `np.mgrid`: an array of the coordinates of all points."""
    b = ctx.builder
    counts = b.apply(prims.make_tuple, *(_count(ctx, frame, a) for a in axes))
    whole = _part_of(ctx, frame, np.indices, counts)
    if all(_is_plain(axis) for axis in axes):
        return whole
    parts = [
        _placed(ctx, frame, b.apply(operator.getitem, whole, Const(k)), axis)
        for k, axis in enumerate(axes)
    ]
    return _part_of(ctx, frame, np.stack, b.apply(prims.make_list, *parts))


def _open(ctx: Context, frame: Frame, axes: list[Axis]) -> Operand:
    """Write `np.ogrid`: an array for each axis, which broadcast together."""
    b = ctx.builder
    parts = []
    for k, axis in enumerate(axes):
        line = _part_of(ctx, frame, np.arange, _count(ctx, frame, axis))
        place = tuple(slice(None) if j == k else None for j in range(len(axes)))
        placed = _placed(ctx, frame, line, axis)
        parts.append(b.apply(operator.getitem, placed, Const(place)))
    return b.apply(prims.make_tuple, *parts)


def _count(ctx: Context, frame: Frame, axis: Axis) -> Operand:
    """Return how many points an axis has."""
    if axis.counted:
        return axis.step
    if _is(axis.step, 1) and _is_int(axis.start) and _is_int(axis.stop):
        return _less(ctx.builder, axis.stop, axis.start)
    count = numpy_models.count_of_steps
    return _part_of(ctx, frame, count, axis.start, axis.stop, axis.step)


def _placed(ctx: Context, frame: Frame, points: Operand, axis: Axis) -> Operand:
    """Return `points * step + start`."""
    b, step = ctx.builder, axis.step
    if axis.counted:
        between = numpy_models.step_of_points
        step = _part_of(ctx, frame, between, axis.start, axis.stop, step)
    if not _is(step, 1):
        points = b.apply(operator.mul, points, step)
    if not _is(axis.start, 0) or not _is_int(axis.start):
        points = b.apply(operator.add, points, axis.start)
    return points


def _part_of(ctx: Context, frame: Frame, fn: Any, *args: Operand) -> Operand:
    """Call a function; numbers that are known give a number."""
    values = [op.value for op in args if isinstance(op, Const)]
    if len(values) == len(args) and fn in NUMBERS:
        return Const(fn(*values))
    return calls.call(ctx, frame, Const(fn), list(args), [])


def _less(b: Builder, stop: Operand, start: Operand) -> Operand:
    return stop if _is(start, 0) else b.apply(operator.sub, stop, start)


def _is_plain(axis: Axis) -> bool:
    """Say whether an axis counts from 0 in ones."""
    one = not axis.counted and _is(axis.step, 1) and _is_int(axis.stop)
    return one and _is(axis.start, 0) and _is_int(axis.start)


def _is(op: Operand, number: int) -> bool:
    return isinstance(op, Const) and type(op.value) is int and op.value == number


def _is_int(op: Operand) -> bool:
    t = type_of(op)
    return isinstance(t, lt.ScalarT) and t.kind == "int"
