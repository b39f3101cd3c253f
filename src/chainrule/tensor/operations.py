"""One operation on tensors: called on their arrays, and recorded if a gradient is due.

In: a function of NumPy (or an operator) and its arguments, tensors among them. Out: its
result as tensors. The derivative is the compiler's, of a tiny function that makes the
same call (`layouts`), specialised and cached like those of the user: there are no
derivatives here.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule.rules  # noqa: F401 - every theme enters its rules
from chainrule.arguments import is_real_or_complex, leaves, map_leaves
from chainrule.cache.signatures import parameters_of
from chainrule.cache.specialisations import Dispatcher
from chainrule.errors import NotDifferentiable
from chainrule.request import Request
from chainrule.rules.registry import RULES
from chainrule.tensor import layouts, tensors, views
from chainrule.tensor.graph import Attributes, Node, Output, Part, Source, sources
from chainrule.tensor.layouts import is_active
from chainrule.tensor.modes import MODE

NOTHING: dict[str, Any] = {}
LIMIT = 4096
HOLDERS = (tuple, list, dict)
WITHOUT = "a tensor requires grad: x.detach() is x without its history"
_made: dict[Any, Operation] = {}
SHORT = {
    "multiply": "Mul",
    "subtract": "Sub",
    "truediv": "Div",
    "divide": "Div",
    "true_divide": "Div",
    "power": "Pow",
    "negative": "Neg",
    "getitem": "Index",
    "absolute": "Abs",
}


class Operation:
    """What is kept of a call: its dispatcher, and which values are active."""

    __slots__ = ("active", "made", "name")

    def __init__(self, function: Callable[..., Any], active: Sequence[int]) -> None:
        parameters = parameters_of(function)
        wrt = tuple(parameters.names[k] for k in active)
        self.made = Dispatcher(Request(function, "vjp", wrt), function, parameters)
        self.active = active
        self.name = title(function.__name__)


def title(name: str) -> str:
    """Return a function's name as PyTorch names the node: `take_along_axis` is
    `TakeAlongAxis`.
    """
    words = re.findall("[^\\W_]+", name)
    return SHORT.get(name) or "".join(w[0].upper() + w[1:] for w in words)


def apply(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any] = NOTHING) -> Any:
    """Call a function on tensors; record it if one of them requires a gradient."""
    if not MODE.enabled or fn in RULES.inactive:
        return plain(fn, args, kwargs)
    key: list[Any] = [fn]
    values: list[Any] = []
    integers = layouts.varies(fn, args)
    active = False
    for x in args:
        active |= layouts.read(x, key, values, integers)
    for name, x in kwargs.items():
        key.append(name)
        active |= layouts.read(x, key, values, integers)
    if not active:
        return plain(fn, args, kwargs)
    operation = operation_for(tuple(key), fn, args, kwargs, values)
    memories: list[Any] = []
    arrays = tuple([operand(x, memories) for x in values])
    spec, arguments = specialised(operation.made, arrays)
    forward, backward = spec.built.calls
    value, residual = forward(*arguments)
    edges = [edge(values[k]) for k in operation.active]
    out = traced(Node(operation.name, edges, backward, residual, memories), value)
    if value.__class__ is np.ndarray and value.base is None:
        for x in arrays:
            if x is value:
                break
        else:
            return out  # memory of its own
    return views.linked(out, fn, args, kwargs)


def specialised(made: Dispatcher, arrays: tuple[Any, ...]) -> Any:
    """Return the specialisation for these arrays; say what to do if there is none."""
    try:
        return made.find(arrays)
    except NotDifferentiable as error:
        error.add_context(WITHOUT)
        raise


def operation_for(
    key: Any, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any], values: list[Any]
) -> Operation:
    """Return the operation of a call, made once for each key."""
    try:
        operation = _made.get(key)
    except TypeError:
        name = getattr(fn, "__name__", fn)
        raise TypeError(
            f"{name} of tensors: an argument is neither a number nor an array, nor a"
            " constant that can be looked up"
        ) from None
    if operation is None:
        active = [k for k, x in enumerate(values) if is_active(x)]
        operation = Operation(layouts.function(fn, args, kwargs), active)
        if len(_made) >= LIMIT:
            _made.clear()
        _made[key] = operation
    return operation


def operand(x: Any, memories: list[Any]) -> Any:
    """Return what the forward half gets for a value: memory that is watched, or a copy.

    Nobody watches a plain array: who writes to it later shall not change a gradient.
    """
    if isinstance(x, tensors.Tensor):
        memories.append(x._memory)
        return x._data
    if type(x) is np.ndarray:
        return x.copy()
    if isinstance(x, list | tuple):
        return type(x)([operand(part, memories) for part in x])
    return x


def edge(x: Any) -> Any:
    """Return the sources in an argument, at their places; None if there is none."""
    if isinstance(x, tensors.Tensor):
        if x._version != x._memory.version:
            views.refresh(x)
        return x._source
    if isinstance(x, list | tuple):
        parts: Any = [edge(part) for part in x]
    elif isinstance(x, dict):
        parts = {key: edge(part) for key, part in x.items()}
    elif dataclasses.is_dataclass(x) and not isinstance(x, type):
        names = [f.name for f in dataclasses.fields(x)]
        parts = Attributes({name: edge(getattr(x, name)) for name in names})
    else:
        return None
    return parts if any(sources(parts)) else None


def traced(node: Node, value: Any) -> Any:
    """Return the results of a node as tensors, and tell the node what they are."""
    if is_real_or_complex(value):
        node.like, node.count = type(value), 1
        return result(value, node, node)
    results = filter(is_real_or_complex, leaves(value))
    outputs = [Output(x, k) for k, x in enumerate(results)]
    node.count = len(outputs)
    rest = iter(outputs)
    node.like = map_leaves(lambda x: next(rest) if is_real_or_complex(x) else x, value)
    parts = iter([Part(node, k) for k in range(node.count)])

    def each(x: Any) -> Any:
        return result(x, node, next(parts)) if is_real_or_complex(x) else wrapped(x)

    return map_leaves(each, value)


def result(value: Any, node: Node, source: Source) -> tensors.Tensor:
    """Return a tensor for one result, whose memory the node watches too."""
    out = tensors.of_array(value, source)
    if node.memories:
        node.watch(out._memory)
    return out


def plain(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function on the arrays of tensors; its arrays are tensors again."""
    known = fn in RULES.reverse or fn in RULES.inactive
    bare = unwrapped if known else protected
    arrays = [map_leaves(bare, x) if type(x) in HOLDERS else bare(x) for x in args]
    value = fn(*arrays, **(kwargs and map_leaves(bare, kwargs)))
    if isinstance(value, np.ndarray | np.generic):
        out: Any = tensors.of_array(value, None)
    else:
        out = map_leaves(wrapped, value)
    return views.linked(out, fn, args, kwargs)


def wrapped(x: Any) -> Any:
    """Return an array or NumPy scalar as a tensor; anything else as it is."""
    if isinstance(x, np.ndarray | np.generic):
        return tensors.of_array(x, None)
    return x


def unwrapped(x: Any) -> Any:
    """Return the array of a tensor; anything else as it is."""
    return x._data if isinstance(x, tensors.Tensor) else x


def protected(x: Any) -> Any:
    """Return the array of a tensor for a function that might write to it."""
    if not isinstance(x, tensors.Tensor):
        return x
    view = x._data.view()
    view.flags.writeable = False
    return view
