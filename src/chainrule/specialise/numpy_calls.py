"""Calls of NumPy's functions that take functions, or what only NumPy writes so.

In: operands. Out: an operand. The functions are interpreted as `numpy_models` writes
them; what `np.vectorize` makes is a method whose first argument is the function.
"""

from __future__ import annotations

import string
import types
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import (
    calls,
    inlining,
    numpy_models,
    sequence_calls,
    ufunc_methods,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, Special, special
from chainrule.specialise.values import Items, Method, is_const
from chainrule.types import lattice as lt


def _written(model: types.FunctionType) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        return inlining.call_function(ctx, frame, model, args, kwargs)

    return handler


for _name in ("piecewise", "apply_along_axis", "fromfunction"):
    special(getattr(np, _name))(_written(getattr(numpy_models, _name)))


def joined(ctx: Context, frame: Frame, base: Operand, index: Operand) -> Operand | None:
    """Write `np.r_[...]` or `np.c_[...]` of arrays and numbers; None for others."""
    if not is_const(base) or not any(base.value is it for it in (np.r_, np.c_)):
        return None
    parts = ctx.builder.elements(index) or [index]
    kinds = lt.ArrayT | lt.ScalarT | lt.ListT
    if not all(isinstance(type_of(part), kinds) for part in parts):
        return None
    model = numpy_models.rows if base.value is np.r_ else numpy_models.columns
    whole = ctx.builder.apply(prims.make_list, *parts)
    return calls.call(ctx, frame, Const(model), [whole], [])


OPTIONS = {"axis", "keepdims", "initial", "where"}


def _reduction(reduce: Any) -> Special:
    """Write a reduction that begins with a number, or leaves elements out."""

    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        named = dict(kwargs)
        some = "where" in named and reduce is not np.add.reduce
        if not (some or "initial" in named) or not OPTIONS >= set(named):
            return NotImplemented
        if len(args) > 2:
            return NotImplemented
        axis = args[1] if len(args) > 1 else named.pop("axis", Const(None))
        rest = (("axis", axis), *named.items())
        return ctx.builder.apply(reduce, args[0], kwargs=rest, text=_text(reduce))

    return handler


def _text(reduce: Any) -> str:
    return f"np.{reduce.__self__.__name__}.reduce"


for _fn, _reduce in (
    (np.sum, np.add.reduce),
    (np.prod, np.multiply.reduce),
    (np.max, np.maximum.reduce),
    (np.amax, np.maximum.reduce),
    (np.min, np.minimum.reduce),
    (np.amin, np.minimum.reduce),
):
    special(_fn)(_reduction(_reduce))


@special(np.einsum)
def einsum(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Write lists of axes as a string of letters."""
    if not args or isinstance(type_of(args[0]), lt.OpaqueT):
        return _einsum_view(ctx, args, kwargs)
    pairs = len(args) // 2
    lists = [ctx.builder.elements(op) for op in args[1::2]]
    lists += [ctx.builder.elements(args[-1])] if len(args) % 2 else []
    specs = []
    for axes in lists:
        known = [op.value for op in axes or [Const("")] if isinstance(op, Const)]
        if axes is None or len(known) != len(axes):
            return NotImplemented
        if not all(a is ... or isinstance(a, int) and 0 <= a < 52 for a in known):
            return NotImplemented
        letter = string.ascii_uppercase + string.ascii_lowercase
        specs.append("".join("..." if a is ... else letter[a] for a in known))
    text = ",".join(specs[:pairs])
    if len(args) % 2:
        text += "->" + specs[-1]
    operands = args[: 2 * pairs : 2]
    return calls.call(ctx, frame, Const(np.einsum), [Const(text), *operands], kwargs)


def _einsum_view(ctx: Context, args: Args, kwargs: Kwargs) -> Any:
    """Write `np.einsum('ii->i', x)`, which sums nothing, as the view that it is."""
    if len(args) != 2 or kwargs or not isinstance(type_of(args[1]), lt.ArrayT):
        return NotImplemented
    text = args[0].value if isinstance(args[0], Const) else None
    if not isinstance(text, str):
        return NotImplemented
    source, arrow, target = text.replace(" ", "").partition("->")
    if not arrow or set(source) != set(target):
        return NotImplemented
    return ctx.builder.apply(prims.einsum_view, args[1], args[0])


@special(np.array)
def array(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Give the array itself where no copy is asked for."""
    named = dict(kwargs)
    copy = named.pop("copy", Const(True))
    known = isinstance(copy, Const) and not copy.value
    if not known or not args or not isinstance(type_of(args[0]), lt.ArrayT):
        return NotImplemented
    return calls.call(ctx, frame, Const(np.asarray), args, list(named.items()))


@special(np.diff)
def diff(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Give the array itself where no differences are taken."""
    n = args[1] if len(args) > 1 else dict(kwargs).get("n", Const(1))
    none = isinstance(n, Const) and n.value == 0
    return args[0] if args and none else NotImplemented


@special(np.split, np.array_split)
def split(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Cut at positions that the run computes, if it is known how many there are."""
    if len(args) < 2 or isinstance(args[1], Const):
        return NotImplemented
    bounds = ctx.builder.memory.current(args[1])
    t = type_of(bounds)
    found = ctx.builder.elements(bounds)
    if isinstance(t, lt.ArrayT) and t.dims and isinstance(t.dims[0], int):
        found = [ctx.builder.getitem(bounds, k) for k in range(t.dims[0])]
    if found is None or all(isinstance(op, Const) for op in found):
        return NotImplemented
    positions = ctx.builder.apply(prims.make_list, *found)
    model = Const(numpy_models.split)
    return calls.call(ctx, frame, model, [args[0], positions, *args[2:]], kwargs)


@special(np.vectorize)
def vectorize(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Keep the function until it is called."""
    named = dict(kwargs)
    function = args[0] if args else named.pop("pyfunc", None)
    otypes = args[1] if len(args) > 1 else named.pop("otypes", Const(None))
    for name in ("doc", "cache"):
        named.pop(name, None)
    stated = [otypes] if isinstance(otypes, Const) else ctx.builder.elements(otypes)
    known = stated is not None and all(isinstance(t, Const) for t in stated)
    if function is None or named or len(args) > 2 or not known:
        raise _no_vectorize(ctx, "np.vectorize with these options")
    dtypes = [t.value for t in stated or []]  # type: ignore[union-attr]
    plain = isinstance(otypes, Const)
    return Const(
        Method(Const(Elementwise(dtypes[0] if plain else dtypes)), (function,))
    )


class Elementwise:
    """What `np.vectorize` makes of a function: `otypes` are the dtypes it states."""

    def __init__(self, otypes: Any) -> None:
        self.otypes = otypes

    def call(self, ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Operand:
        """Call the function for every element; results are arrays of one shape."""
        function, *given = args
        given += [v for _, v in kwargs]
        names = Const(tuple(k for k, _ in kwargs))
        model = Const(numpy_models.per_element)
        listed = calls.call(ctx, frame, model, [function, names, *given], [])
        shape = self.shape(ctx, frame, given)
        elem = lt.element_type(type_of(listed))
        if not isinstance(elem, lt.TupleT):
            return self.array(ctx, listed, shape, 0)
        columns = sequence_calls.transposed(ctx, frame, listed)
        if not is_const(columns, Items):
            raise _no_vectorize(ctx, "np.vectorize of a function of several results")
        made = [
            self.array(ctx, column, shape, k)
            for k, column in enumerate(columns.value.now())
        ]
        return ctx.builder.apply(prims.make_tuple, *made)

    def shape(self, ctx: Context, frame: Frame, given: Args) -> Operand:
        """Return the shape that the arguments are broadcast to."""
        b = ctx.builder
        arrays = b.apply(np.broadcast_arrays, *given)
        first = b.getitem(arrays, 0)
        return b.apply(getattr, first, Const("shape"))

    def array(self, ctx: Context, listed: Operand, shape: Operand, k: int) -> Operand:
        """Make an array of the results; its dtype is that of the first one."""
        elem = lt.element_type(type_of(listed))
        dtype: Kwargs = []
        if self.otypes is not None:
            dtype = [("dtype", Const(np.dtype(self.otypes[k])))]
        elif not isinstance(elem, lt.ScalarT) or not (elem.exact or elem.dtype):
            raise not_differentiable(
                "CR303",
                ctx.builder.loc,
                "np.vectorize gives all results the dtype of the first one",
                label="which may be an integer or a float here",
                help="return floats in every branch, or state otypes=[float]",
            )
        flat = ctx.builder.apply(np.array, listed, kwargs=tuple(dtype))
        return ctx.builder.apply(np.reshape, flat, shape)


def _no_vectorize(ctx: Context, what: str) -> Exception:
    return not_differentiable(
        "CR302",
        ctx.builder.loc,
        f"{what} is not followed",
        help="write the loop, or use NumPy functions of whole arrays",
    )


def call(
    ctx: Context, frame: Frame, fn: Any, args: Args, kwargs: Kwargs
) -> Operand | None:
    """Call what `np.vectorize` made, or a method of a ufunc; None for anything else."""
    if isinstance(fn, Elementwise):
        return fn.call(ctx, frame, args, kwargs)
    if isinstance(fn, np.vectorize):
        return vectorized(ctx, frame, fn, args, kwargs)
    return ufunc_methods.call(ctx, frame, fn, args, kwargs)


def vectorized(
    ctx: Context, frame: Frame, fn: np.vectorize, args: Args, kwargs: Kwargs
) -> Operand:
    """Call an `np.vectorize` that was made outside the program."""
    if fn.signature is not None or fn.excluded:
        raise _no_vectorize(ctx, "np.vectorize with `signature` or `excluded`")
    ctx.known("attribute", "pyfunc", fn, (), fn.pyfunc)
    own = Elementwise(fn.otypes)
    return own.call(ctx, frame, [Const(fn.pyfunc), *args], kwargs)
