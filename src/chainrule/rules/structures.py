"""The list, tuple and dict operations of our own primitives.

In: containers. Out: rules for building and taking apart, so that derivatives of
derivatives can be taken. The cotangent of a container is a like container.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.runtime import helpers


@rules.linear(prims.make_tuple, prims.make_list, wrt="items")
def make_sequence(out_bar: Any, *items: Any) -> Any:
    """Each item has its own cotangent."""
    return out_bar


@rules.linear(prims.make_dict, wrt="values")
def make_dict(out_bar: Any, keys: tuple[Any, ...], *values: Any) -> Any:
    """Each value has its own cotangent."""
    return tuple(out_bar[key] for key in keys)


@rules.linear(prims.unpack, wrt="x")
def unpack(out_bar: Any, x: Any, n: int) -> Any:
    """The cotangents of the parts, joined if they came from an array."""
    if not isinstance(x, np.ndarray):
        return out_bar
    if x.ndim == 1:
        return np.array(out_bar)
    return np.stack(out_bar)


@rules.linear(prims.list_append, wrt=("items", "value"))
def list_append(out_bar: Any, items: Any, value: Any) -> Any:
    """The last cotangent is that of the new element."""
    return prims.list_init(out_bar), out_bar[-1]


@rules.forward(prims.list_append)
def list_append_dot(items_dot: Any, value_dot: Any) -> Any:
    """Append the tangent."""
    return prims.list_append(items_dot, value_dot)


@rules.linear(prims.list_init, wrt="items")
def list_init(out_bar: Any, items: Any) -> Any:
    """The element that was dropped has no cotangent."""
    last = items[-1]
    if isinstance(last, np.ndarray | np.number | float | complex):
        return prims.list_append(out_bar, np.zeros_like(last))
    return prims.list_append(out_bar, helpers.zeros_like(last))
