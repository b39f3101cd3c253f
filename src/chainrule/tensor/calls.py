"""Functions with `@differentiate`, called on tensors: one node for the whole call.

In: a `Differentiable` or a `Derivative`, and arguments with tensors anywhere in them.
Out: its result as tensors. Importing this module teaches both classes to look for
tensors among their arguments; programs without tensors do not pay for that.
"""

from __future__ import annotations

import functools
import inspect
import operator
from typing import Any

from chainrule.api import on_cotangent
from chainrule.arguments import leaves, map_leaves
from chainrule.cache.primitives import is_primitive
from chainrule.derivative import Derivative
from chainrule.differentiable import Differentiable, differentiable
from chainrule.errors import NotDifferentiable
from chainrule.target import Options, target_of
from chainrule.tensor import operations, tensors, views
from chainrule.tensor.graph import Node
from chainrule.tensor.modes import MODE

ARGUMENTS = (
    "only tensors among the arguments, or in their containers, are seen: a tensor that"
    " is global, in a closure or an attribute has to be passed"
)


def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a function as it is, or with a node in the graph if tensors are given."""
    given = (*args, *kwargs.values())
    if not views.tensors_in(given):
        return functools.partial.__call__(self, *args, **kwargs)
    function = getattr(self, "__wrapped__", None)
    if function is not None and is_primitive(inspect.unwrap(function)):
        return operations.apply(function, args, kwargs)
    edges = [operations.edge(x) for x in given] if MODE.enabled else []
    if any(edge is not None for edge in edges):
        out = recorded(self, args, kwargs, edges)
    else:
        bare = map_leaves(operations.protected, (args, kwargs))
        before = leaves(bare)
        value = functools.partial.__call__(self, *bare[0], **bare[1])
        check_unwritten(self, before, bare)
        out = map_leaves(operations.wrapped, value)
    return views.linked(out, None, args, kwargs)


def recorded(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], edges: list[Any]
) -> Any:
    """Call the forward half of a function's derivative, and leave its backward half."""
    target = target_of(function)
    names = target.passed(args, kwargs)
    pairs = zip(names, edges, strict=True)
    wrt = tuple([name for name, edge in pairs if edge is not None])
    made = target.dispatcher("vjp", wrt, Options(None))
    memories: list[Any] = []
    arrays = map_leaves(lambda x: operands(x, memories), (args, kwargs))
    before = leaves(arrays)
    bound = target.bind(made, *arrays)
    try:
        spec, values = operations.specialised(made, bound)
    except NotDifferentiable as error:
        error.add_context(ARGUMENTS)
        raise
    forward, backward = spec.built.calls
    value, residual = forward(*values)
    check_unwritten(function, before, arrays)
    name = operations.title(getattr(function, "__name__", "function"))
    active = [edge for edge in edges if edge is not None]
    return operations.traced(Node(name, active, backward, residual, memories), value)


def check_unwritten(function: Any, before: list[Any], arguments: Any) -> None:
    """Raise if a function wrote to a container among its arguments: that was a copy."""
    after = leaves(arguments)
    if len(after) != len(before) or any(map(operator.is_not, after, before)):
        name = getattr(function, "__name__", "the function")
        raise TypeError(
            f"{name} writes to a container of tensors that is its argument: the caller"
            " would not see that; call it without @differentiate, or let it return what"
            " it makes"
        )


def operands(x: Any, memories: list[Any]) -> Any:
    """Return what the forward half gets for a leaf of an argument.

    It is not to be written to: the function is the user's, and a write to the memory
    of a tensor could not be seen.
    """
    value = operations.operand(x, memories)
    return operations.protected(x) if isinstance(x, tensors.Tensor) else value


@functools.lru_cache(maxsize=256)
def _surgery(change: Any) -> Differentiable[..., Any]:
    return differentiable(lambda x: on_cotangent(x, change), Options())


def on_cotangent_of(x: Any, change: Any) -> Any:
    """Record a node whose pullback is the user's code: `on_cotangent` of a tensor."""
    return _surgery(change)(x)


for _class in (Differentiable, Derivative):
    setattr(_class, "__call__", call)  # noqa: B010
setattr(tensors.Tensor, "__chainrule_on_cotangent__", on_cotangent_of)  # noqa: B010
