"""Methods and attributes of arrays and NumPy scalars as canonical functions.

In: the name of a method and its operands. Out: the function that means the same, with
the operands arranged for it: `x.reshape(2, 3)` is `np.reshape(x, (2, 3))`. Also which
methods write into their object, and the result types of methods of what has no
derivative.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Const
from chainrule.types.random import infer_method

Fn = Callable[..., Any]
T = TypeVar("T")

ATTRIBUTES: dict[str, Fn] = {
    "T": np.transpose,
    "mT": getattr(np, "matrix_transpose", np.swapaxes),
    "real": np.real,
    "imag": np.imag,
}
if not hasattr(np, "matrix_transpose"):
    del ATTRIBUTES["mT"]

_SAME_NAME = """
sum prod mean std var max min ptp any all argmax argmin cumsum cumprod clip round repeat
take swapaxes squeeze diagonal trace argsort dot ravel searchsorted nonzero compress
choose reshape transpose argpartition
""".split()

METHODS: dict[str, Fn] = {name: getattr(np, name) for name in _SAME_NAME}
METHODS |= {
    "conj": np.conjugate,
    "conjugate": np.conjugate,
    "copy": prims.copy_value,
    "astype": prims.astype,
    "flatten": prims.flatten,
    "item": prims.item,
    "tolist": prims.tolist,
    "__array__": np.asarray,
    "__len__": len,
    "view": operator.getitem,
}

MUTATING: dict[str, frozenset[str]] = {
    "array": frozenset(
        "sort fill put partition resize itemset setflags setfield byteswap".split()
    ),
    "list": frozenset("append extend insert pop remove reverse sort clear".split()),
    "dict": frozenset("update pop setdefault clear popitem".split()),
    "OrderedDict": frozenset({"move_to_end"}),
    "Counter": frozenset({"subtract"}),
    "set": frozenset(
        """add discard remove pop clear update difference_update intersection_update
        symmetric_difference_update""".split()
    ),
}
# Mutating methods of opaque objects: they write into an argument or into the object.
MUTATING["Generator"] = MUTATING["RandomState"] = frozenset({"shuffle"})


class Packs(Protocol):
    """What can write a primitive: the builder of `specialise`."""

    def apply(self, fn: Fn, *args: Any) -> Any: ...


Found = tuple[Fn, list[Any], dict[str, Any]]


def normalise(
    name: str, args: Sequence[T], kwargs: Mapping[str, T], builder: Packs
) -> Found | None:
    """Return the function for a method and its arguments after the object itself.

    None when no method of an array has this name, or not with these arguments.
    """
    fn = METHODS.get(name)
    if fn is None:
        return None
    rest, named = list(args), dict(kwargs)
    if name in ("reshape", "transpose"):
        return fn, _packed(rest, builder), named
    if name == "copy":
        order = named.pop("order", rest[0] if rest else Const("C"))
        other = not (isinstance(order, Const) and order.value == "C")
        return (np.copy, [], {"order": order}) if other else (fn, [], {})
    if name == "astype":
        order = named.get("order", rest[1] if len(rest) > 1 else Const("K"))
        if not (isinstance(order, Const) and order.value == "K"):
            dtype = named["dtype"] if "dtype" in named else rest[0]
            return np.array, [dtype], {"order": order}
        for option in ("order", "casting", "subok", "copy"):
            named.pop(option, None)
        return fn, rest[:1] + ([named.pop("dtype")] if "dtype" in named else []), named
    if name == "clip":
        return fn, _clip(rest, named), named
    if name == "__array__":
        return fn, rest, named
    if name == "view":
        # Of the same elements; as another class or dtype it is not followed.
        return None if rest or named else (fn, [Const(...)], {})
    if name in ("compress", "choose"):
        # NumPy's functions take the array second, or take a list of choices.
        return None
    return fn, rest, named


def _packed(args: list[Any], builder: Packs) -> list[Any]:
    return args if len(args) < 2 else [builder.apply(prims.make_tuple, *args)]


def _clip(args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
    """Return both bounds by position; a bound that is missing is None."""
    for name in ("min", "max")[len(args) :]:
        args.append(kwargs.pop(name, Const(None)))
    return args


__all__ = ["ATTRIBUTES", "METHODS", "MUTATING", "infer_method", "normalise"]
