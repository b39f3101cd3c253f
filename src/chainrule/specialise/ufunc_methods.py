"""Methods of ufuncs: `at`, and of those without a rule `outer`, `reduce` and their kin.

In: a method and operands. Out: an operand. They are interpreted as `numpy_models`
writes them; `np.add.at` is a primitive of the IR.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.analysis.memory import is_fresh
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import arrays, calls, numpy_models, writing
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, Special, special
from chainrule.types import lattice as lt

OPERATORS = {np.multiply: operator.mul, np.divide: operator.truediv}

FOLDS = {
    "reduce": numpy_models.reduce,
    "accumulate": numpy_models.accumulate,
    "reduceat": numpy_models.reduceat,
}


def call(
    ctx: Context, frame: Frame, fn: Any, args: Args, kwargs: Kwargs
) -> Operand | None:
    """Call a method of a ufunc; None for anything else."""
    ufunc, name = getattr(fn, "__self__", None), getattr(fn, "__name__", "")
    if not isinstance(ufunc, np.ufunc) or ufunc.nout != 1:
        return None
    if name == "outer" and len(args) == 2:
        return _written(ctx, frame, numpy_models.outer, ufunc, args, kwargs)
    if name == "at" and len(args) == ufunc.nin + 1 <= 3 and not kwargs:
        return _at(ctx, frame, ufunc, args)
    if name in FOLDS and ufunc.nin == 2:
        return _fold(ctx, frame, FOLDS[name], ufunc, args, kwargs)
    return None


def _written(
    ctx: Context, frame: Frame, model: Any, ufunc: Any, args: Args, kwargs: Kwargs
) -> Operand:
    known = ufunc if model is numpy_models.reduceat else OPERATORS.get(ufunc, ufunc)
    function = Const(known)
    return calls.call(ctx, frame, Const(model), [function, *args], kwargs)


def _fold(
    ctx: Context, frame: Frame, model: Any, ufunc: Any, args: Args, kwargs: Kwargs
) -> Operand | None:
    """Combine what lies along one axis of an array of floats; None with options."""
    t = type_of(args[0]) if args else None
    named = dict(kwargs)
    out = named.pop("out", None)
    count = 2 if model is numpy_models.reduceat else 1
    given, rest = args[:count], args[count:]
    axis = rest.pop(0) if rest else named.pop("axis", Const(0))
    one = isinstance(axis, Const) and isinstance(axis.value, int)
    floats = isinstance(t, lt.ArrayT) and t.dtype.kind in "fc"
    if not floats or not one or named or rest:
        return None
    value = _written(ctx, frame, model, ufunc, given, [("axis", axis)])
    if out is None:
        return value
    arrays.fill(ctx, out, value)
    return out


# ----------------------------------------------------------------- writing at places


def _adding(sign: Callable[[Context, Operand], Operand]) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        op, index, value = args
        if not isinstance(op, Value):
            raise writing.outside(ctx, op)
        now = ctx.builder.memory.current(op)
        value = sign(ctx, arrays.as_value(ctx, value))
        new = ctx.builder.apply(prims.index_add, now, index, value, type_=type_of(now))
        if ctx.builder.memory.root(op) is ctx.builder.memory.object(op):
            writing.write(ctx, op, new)
        else:
            arrays.fill(ctx, op, new)
        return Const(None)

    return handler


special(np.add.at)(_adding(lambda ctx, v: v))
special(np.subtract.at)(_adding(lambda ctx, v: ctx.builder.apply(operator.neg, v)))


def _at(ctx: Context, frame: Frame, ufunc: Any, args: Args) -> Operand:
    """Write at places one after the other: some of them may be the same."""
    op, index, *values = args
    given = [_apart(ctx, op, arrays.as_value(ctx, v)) for v in values]
    model = _model(ctx, type_of(op), index, [type_of(v) for v in given])
    return _written(ctx, frame, model, ufunc, [op, index, *given], [])


def _apart(ctx: Context, op: Operand, value: Operand) -> Operand:
    """Return a value that does not change while `op` is written."""
    b = ctx.builder
    if not isinstance(type_of(value), lt.ArrayT) or not isinstance(value, Value):
        return value
    homes = {b.memory.root(v) for v in (op, value) if isinstance(v, Value)}
    own = [h in ctx.params or is_fresh(b.definition(h)) for h in homes]
    return value if own == [True, True] else b.apply(prims.copy_value, value)


def _model(ctx: Context, t: lt.Type, index: Operand, values: list[lt.Type]) -> Any:
    """Choose the shortest program for an index and what is combined."""
    several = isinstance(type_of(index), lt.TupleT)
    parts = (ctx.builder.elements(index) or []) if several else [index]
    if parts and _differ(parts):
        return numpy_models.at_once
    full = isinstance(t, lt.ArrayT) and t.ndim == len(parts)
    if several and full and all(_is_vector(type_of(part)) for part in parts):
        return numpy_models.at_tuples
    if not _is_vector(type_of(index)):
        return numpy_models.at_any
    if all(isinstance(v, lt.ScalarT) for v in values):
        return numpy_models.at_one
    one = isinstance(t, lt.ArrayT) and t.ndim == 1
    return numpy_models.at_each if one and _is_long(values[0]) else numpy_models.at_rows


def _differ(parts: list[Operand]) -> bool:
    """Say whether no place is written twice: by numbers, slices and one mask."""
    kinds = [_kind(part) for part in parts]
    return "places" not in kinds and kinds.count("mask") <= 1


def _kind(part: Operand) -> str:
    t = type_of(part)
    if isinstance(t, lt.ArrayT) and t.dtype.kind == "b":
        return "mask"
    literal = isinstance(part, Const) and part.value in (None, ...)
    return "one" if literal or isinstance(t, lt.ScalarT | lt.SliceT) else "places"


def _is_vector(places: lt.Type) -> bool:
    """Say whether a type is of a vector or a list of integers."""
    if isinstance(places, lt.ArrayT):
        return places.dtype.kind in "iu" and places.ndim == 1
    elem = None if isinstance(places, lt.TupleT) else lt.element_type(places)
    return isinstance(elem, lt.ScalarT) and elem.kind == "int"


def _is_long(t: lt.Type) -> bool:
    """Say whether a type is of a vector of several elements: one is broadcast."""
    if not isinstance(t, lt.ArrayT) or t.ndim != 1:
        return False
    return not lt.maybe_one((t.dims or (1,))[0])
