"""Calls of `collections`, `heapq` and `bisect`: their models are interpreted instead.

In: operands. Out: an operand; a deque is an object of the class `models.Deque`, and is
not handed out to the caller.
"""

from __future__ import annotations

import bisect
import collections
import heapq
import itertools
import types
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Operand, Value
from chainrule.specialise import (
    construct,
    inlining,
    iterator_models,
    models,
    polynomial_models,
    set_model,
    stepping,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, Special, special
from chainrule.types import lattice as lt

CLASSES: dict[type, type] = {
    collections.deque: models.Deque,
    collections.ChainMap: models.ChainMap,
    np.poly1d: polynomial_models.Poly1d,
    np.polynomial.Polynomial: polynomial_models.Polynomial,
    set: set_model.Set,
}
REAL = {model: cls for cls, model in (CLASSES | stepping.MODELS).items()}
REAL |= {
    iterator_models.Apart: zip,
    iterator_models.Elements: type(iter([])),
    iterator_models.Filter: types.GeneratorType,
    iterator_models.Stepped: types.GeneratorType,
    set_model.Listed: set,
}


def _made(model: Any) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        return construct.initialise(ctx, frame, model, model.__init__, {}, args, kwargs)

    return handler


def _written(model: types.FunctionType) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        return inlining.call_function(ctx, frame, model, args, kwargs)

    return handler


for _cls, _model in CLASSES.items():
    if _cls is not set:  # see `sets`
        special(_cls)(_made(_model))

for _module, _names in (
    (
        heapq,
        "heappush heappop heapreplace heappushpop heapify nsmallest nlargest merge",
    ),
    (itertools, "cycle groupby"),
    (bisect, "bisect_left bisect_right insort_left insort_right"),
):
    for _name in _names.split():
        special(getattr(_module, _name))(_written(getattr(models, _name)))


@special(set_model.unordered)
def unordered(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Refuse to run over a set whose order only the run knows."""
    raise not_differentiable(
        "CR404",
        ctx.builder.loc,
        "the order of a set that grows is not known",
        label="what it holds depends on numbers",
        help="run over sorted(...) of it, or keep a list",
    )


@special(polynomial_models.trimmed)
def trimmed(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Refuse to tell how many coefficients of a polynomial are left."""
    raise not_differentiable(
        "CR303",
        ctx.builder.loc,
        "the coefficients of a polynomial without its zeros",
        label="their number is known only at run time",
        help="compute with the array of coefficients: np.polyval(c, x)",
    )


def real_class(cls: type) -> type:
    """Return the class that a program sees where there is a model of it."""
    return REAL.get(cls, cls)


def refuse_kept(ctx: Context, op: Operand) -> None:
    """Refuse to hand a model of a container to the caller."""
    found = model_in(type_of(op)) if isinstance(op, Value) else None
    if found is not None:
        raise not_differentiable(
            "CR303",
            ctx.builder.loc,
            f"a {found.__name__} is handed to the caller",
            label="its class is followed only inside the function",
            help="make a list or a dict of it",
        )


def model_in(t: lt.Type) -> type | None:
    """Return the class in a type that has a model, if there is one."""
    inner: Any = ()
    match t:
        case lt.ObjT(cls=cls) if cls in REAL:
            return REAL[cls]
        case lt.ObjT(attrs=pairs) | lt.DictT(items=pairs):
            inner = [part for _, part in pairs]
        case lt.TupleT(items=items):
            inner = items
        case lt.ListT(items=items, elem=elem):
            inner = items or [elem or lt.NEVER]
    return next((found for part in inner if (found := model_in(part))), None)
