"""Which classes of the library the models stand in for, and that nobody else sees them.

In: a class, or an operand. Out: the class that a program sees; an error where an object
of a model would leave the function.
"""

from __future__ import annotations

import collections
import itertools
import types

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Operand, Value
from chainrule.specialise import (
    attributes_model,
    iterator_models,
    keyed_models,
    models,
    polynomial_models,
    set_model,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context
from chainrule.types import lattice as lt

# By the class that a call makes an object of: always, where `next` steps through it,
# and where the run decides which keys there are.
MODELS: dict[type, type] = {
    collections.deque: models.Deque,
    collections.ChainMap: models.ChainMap,
    np.poly1d: polynomial_models.Poly1d,
    np.polynomial.Polynomial: polynomial_models.Polynomial,
    set: set_model.Set,
}
STEPPING: dict[type, type] = {
    enumerate: iterator_models.Enumerate,
    map: iterator_models.Map,
    reversed: iterator_models.Backwards,
    zip: iterator_models.Zip,
    itertools.count: iterator_models.Count,
    itertools.cycle: iterator_models.Cycle,
    itertools.islice: iterator_models.Islice,
    itertools.repeat: iterator_models.Repeat,
}
KEYED: dict[type, type] = {
    dict: keyed_models.Keyed,
    collections.OrderedDict: keyed_models.Ordered,
    collections.defaultdict: keyed_models.Defaulting,
    collections.Counter: keyed_models.Counting,
}
REAL: dict[type, type] = {
    iterator_models.Apart: zip,
    iterator_models.Elements: type(iter([])),
    iterator_models.Filter: types.GeneratorType,
    iterator_models.Stepped: types.GeneratorType,
    set_model.Listed: set,
    attributes_model.Attributes: dict,
    keyed_models.Keys: type({}.keys()),
    keyed_models.Values: type({}.values()),
    keyed_models.Items: type({}.items()),
}
REAL |= {model: cls for cls, model in (MODELS | STEPPING | KEYED).items()}


def real_class(cls: type) -> type:
    """Return the class that a program sees where there is a model of it."""
    return REAL.get(cls, cls)


def refuse_kept(ctx: Context, op: Operand) -> None:
    """Refuse to hand a model of a container to the caller, or to write it out."""
    found = model_in(type_of(op)) if isinstance(op, Value) else None
    if found is not None:
        raise not_differentiable(
            "CR303",
            ctx.builder.loc,
            f"a {found.__name__} is handed out of the function",
            label="its class is followed only inside the function",
            help="make a list or a dict of it",
        )


def model_in(t: lt.Type) -> type | None:
    """Return the class in a type that has a model, if there is one."""
    inner: tuple[lt.Type, ...] = ()
    match t:
        case lt.ObjT(cls=cls) if cls in REAL:
            return REAL[cls]
        case lt.ObjT(attrs=pairs) | lt.DictT(items=pairs):
            inner = tuple(part for _, part in pairs)
        case lt.TupleT(items=items):
            inner = items
        case lt.ListT(items=items, elem=elem):
            inner = items or (elem or lt.NEVER,)
    return next((found for part in inner if (found := model_in(part))), None)
