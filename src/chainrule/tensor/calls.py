"""Functions with `@differentiate`, called on tensors: one node for the whole call.

In: a `Differentiable` or a `Derivative`, and arguments with tensors anywhere in them.
Out: its result as tensors. Importing this module teaches both classes to look for
tensors among their arguments; programs without tensors do not pay for that.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any

from chainrule.arguments import leaves, map_leaves
from chainrule.cache.primitives import is_primitive
from chainrule.derivative import Derivative
from chainrule.differentiable import Differentiable
from chainrule.target import Options, target_of
from chainrule.tensor import operations, tensors, views
from chainrule.tensor.graph import Attributes, Node
from chainrule.tensor.modes import MODE


def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a function as it is, or with a node in the graph if tensors are given."""
    found = tensors_in((args, kwargs))
    if not found:
        return functools.partial.__call__(self, *args, **kwargs)
    function = getattr(self, "__wrapped__", None)
    if function is not None and is_primitive(inspect.unwrap(function)):
        return operations.apply(function, args, kwargs)
    if not MODE.enabled or not any(x.requires_grad for x in found):
        bare = map_leaves(operations.protected, (args, kwargs))
        value = functools.partial.__call__(self, *bare[0], **bare[1])
        return views.linked(map_leaves(operations.wrapped, value), self, args, kwargs)
    return views.linked(recorded(self, args, kwargs), self, args, kwargs)


def tensors_in(x: Any) -> list[tensors.Tensor]:
    """Return the tensors in a container."""
    return [leaf for leaf in leaves(x) if isinstance(leaf, tensors.Tensor)]


def recorded(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the forward half of a function's derivative, and leave its backward half."""
    target = target_of(function)
    given = (*args, *kwargs.values())
    names = target.passed(args, kwargs)
    active = [
        k for k, x in enumerate(given) if any(t.requires_grad for t in tensors_in(x))
    ]
    made = target.dispatcher("vjp", tuple(names[k] for k in active), Options(None))
    memories: list[Any] = []
    arrays, named = map_leaves(lambda x: operands(x, memories), (args, kwargs))
    bound = target.bind(made, arrays, named)
    spec, values = operations.specialised(made, bound)
    forward, backward = spec.built.calls
    value, residual = forward(*values)
    edges = [edge(given[k]) for k in active]
    name = operations.title(getattr(function, "__name__", "function"))
    return operations.traced(Node(name, edges, backward, residual, memories), value)


def operands(x: Any, memories: list[Any]) -> Any:
    """Return what the forward half gets for a leaf of an argument.

    It is not to be written to: the function is the user's, and a write to the memory
    of a tensor could not be seen.
    """
    value = operations.operand(x, memories)
    return operations.protected(x) if isinstance(x, tensors.Tensor) else value


def edge(x: Any) -> Any:
    """Return the sources in an argument, at their places."""
    if isinstance(x, tensors.Tensor):
        return x._source if x.requires_grad else None
    if isinstance(x, dict):
        return {key: edge(part) for key, part in x.items()}
    if isinstance(x, list | tuple):
        return [edge(part) for part in x]
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return Attributes(
            {f.name: edge(getattr(x, f.name)) for f in dataclasses.fields(x)}
        )
    return None


for _class in (Differentiable, Derivative):
    setattr(_class, "__call__", call)  # noqa: B010
