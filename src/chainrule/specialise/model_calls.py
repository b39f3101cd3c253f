"""Calls of `collections`, `heapq` and `bisect`: their models are interpreted instead.

In: operands. Out: an operand; a deque is an object of the class `models.Deque`, and is
not handed out to the caller.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import types
from typing import Any

from chainrule.errors import not_differentiable
from chainrule.runtime import helpers
from chainrule.specialise import (
    construct,
    context_models,
    inlining,
    keyed,
    keyed_models,
    models,
    polynomial_models,
    set_model,
    stand_ins,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, Special, special
from chainrule.types import lattice as lt

WRITTEN: set[Any] = set()  # functions of which a model is interpreted


def _made(model: Any) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        return construct.initialise(ctx, frame, model, model.__init__, {}, args, kwargs)

    return handler


def _written(model: types.FunctionType) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        return inlining.call_function(ctx, frame, model, args, kwargs)

    return handler


for _cls, _model in stand_ins.MODELS.items():
    if _cls is not set:  # see `sets`
        special(_cls)(_made(_model))
for _cls, _model in context_models.MODELS.items():
    special(_cls)(_made(_model))
for _view in (keyed_models.Keys, keyed_models.Values, keyed_models.Items):
    special(_view)(_made(_view))

for _module, _names in (
    (
        heapq,
        "heappush heappop heapreplace heappushpop heapify nsmallest nlargest merge",
    ),
    (itertools, "cycle groupby tee"),
    (bisect, "bisect_left bisect_right insort_left insort_right"),
):
    for _name in _names.split():
        WRITTEN.add(getattr(_module, _name))
        special(getattr(_module, _name))(_written(getattr(models, _name)))


@special(keyed_models.alike)
def alike(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict of the same class of which the run decides the keys."""
    return keyed.made(ctx, frame, stand_ins.real_class(type_of(args[0]).cls), args[1:])  # type: ignore[attr-defined]


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


@special(set_model.added)
def added(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Put elements in the order of a set to which they were added."""
    elem = lt.element_type(type_of(args[0])) or lt.NEVER
    if lt.is_differentiable(elem):
        return unordered(ctx, frame, args, kwargs)
    return ctx.builder.apply(helpers.in_order_of_set, args[0])


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
