"""Tensors that share memory, and writes in place.

In: a tensor that is a view of another (`y[0]`, `y.T`), or a write to one of them. Out:
the history that the memory has after the write, for all tensors that share it.

The root of a family of views has the history. A write makes a new one for it, as if
`y` had been built anew with `np.where`; a view whose memory was written since finds its
history anew, by repeating on its parent the operation that made it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arguments import leaves, map_leaves
from chainrule.tensor import layouts, operations, tensors
from chainrule.tensor.graph import Leaf
from chainrule.tensor.modes import MODE, enable_grad

IN_PLACE: dict[Any, Any] = {
    operator.add: operator.iadd,
    operator.sub: operator.isub,
    operator.mul: operator.imul,
    operator.truediv: operator.itruediv,
    operator.floordiv: operator.ifloordiv,
    operator.mod: operator.imod,
    operator.pow: operator.ipow,
    operator.matmul: operator.imatmul,
}
WRITTEN_ELSEWHERE = (
    "the memory of this tensor was written through another tensor that shares it but"
    " not its history (made by detach(), or written under no_grad()); write to a clone"
)


MADE_BY_FUNCTION = (
    "a result of a @differentiate'd function that shares memory with its argument, and"
    " either was written in place since; let the function return a copy"
)


class View:
    """How a tensor was made from the one whose memory it shares.

    `fn` is None if a function of the user made it: that is not to be called again.
    """

    __slots__ = ("args", "fn", "kwargs", "parent", "position")

    def __init__(
        self,
        parent: tensors.Tensor,
        fn: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        position: int,
    ) -> None:
        self.parent = parent
        self.fn = fn
        self.args = own(args)
        self.kwargs = own(kwargs)
        self.position = position

    def again(self) -> tensors.Tensor:
        """Return the view as a new tensor, with the history its parent has now."""
        if self.fn is None:
            raise RuntimeError(MADE_BY_FUNCTION)
        with enable_grad():
            value = operations.apply(self.fn, self.args, self.kwargs)
        found: tensors.Tensor = leaves(value)[self.position]
        return found

    def of(self, array: Any) -> Any:
        """Return the same view of an array that stands for the parent."""
        if self.fn is None:
            raise RuntimeError(MADE_BY_FUNCTION)

        def bare(x: Any) -> Any:
            return array if x is self.parent else operations.unwrapped(x)

        value = self.fn(*map_leaves(bare, self.args), **map_leaves(bare, self.kwargs))
        return leaves(value)[self.position]


def own(x: Any) -> Any:
    """Return arguments whose lists nobody else can change."""
    if isinstance(x, dict):
        return {key: own(part) for key, part in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(own, x))
    return x


def linked(out: Any, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the results of an operation; those that are views know of what."""
    if isinstance(out, tensors.Tensor) and out._data.base is None:
        if not any(getattr(x, "_data", None) is out._data for x in args):
            return out
    operands = tensors_in((*args, *kwargs.values()))
    own: list[tensors.Tensor] = []
    results = [out] if isinstance(out, tensors.Tensor) else leaves(out)
    for position, each in enumerate(results):
        if not isinstance(each, tensors.Tensor):
            continue
        parent = sharing(each, operands)
        if parent is not None:
            link(each, parent, View(parent, fn, args, kwargs, position))
        elif sharing(each, own) is not None:
            each._data = each._data.copy()  # results have no history in common
        else:
            own.append(each)
    return out


def tensors_in(args: Any) -> list[tensors.Tensor]:
    """Return the tensors among some arguments and in their containers."""
    found = []
    for x in args:
        if isinstance(x, tensors.Tensor):
            found.append(x)
        elif not isinstance(x, np.ndarray | float | int | slice):
            found += [leaf for leaf in leaves(x) if isinstance(leaf, tensors.Tensor)]
    return found


def sharing(x: tensors.Tensor, others: list[tensors.Tensor]) -> tensors.Tensor | None:
    """Return the first tensor that may share memory with this one."""
    for other in others:
        if np.may_share_memory(x._data, other._data):
            return other
    return None


def link(out: tensors.Tensor, parent: tensors.Tensor, view: View) -> None:
    """Let a tensor share the memory of its parent."""
    out._memory = parent._memory
    out._version = parent._memory.version
    # Made under no_grad, it has no part in the history, like a detached tensor.
    if MODE.enabled or not parent.requires_grad:
        out._view = view


def refresh(x: tensors.Tensor) -> None:
    """Find the history of a tensor whose memory was written since it was found."""
    if x._view is not None:
        active = x._view.parent.requires_grad
        x._source = x._view.again()._source if active else None
    elif x._source is not None and not isinstance(x._source, Leaf):
        raise RuntimeError(WRITTEN_ELSEWHERE)
    x._version = x._memory.version


def write(x: Any, index: Any, value: Any) -> None:
    """Do `x[index] = value` and give the memory its new history."""
    index = map_leaves(operations.unwrapped, index)
    root = writable(x, value)
    if root is not None:
        value = fitting(value, root)
        chosen = origins(x, root, index, value)
        if np.any(chosen >= 0):
            adopt(root, operations.apply(layouts.index_put, (root, value, chosen)))
    x._data[index] = operations.unwrapped(value)
    wrote(x, root)


def update(fn: Callable[..., Any], x: Any, other: Any) -> Any:
    """Do `x += other` and its kin: `fn` in place."""
    root = writable(x, other)
    if root is None:
        IN_PLACE[fn](x._data, operations.unwrapped(other))
        wrote(x, root)
        return x
    before = tensors.of_array(x._data.copy(), x._source)
    value = fitting(operations.apply(fn, (before, other)), x)
    if value.shape != x.shape:
        raise ValueError(
            f"an in-place operation cannot change the shape {x.shape} to {value.shape}"
        )
    if root is not x:
        write(x, ..., value)
        return x
    x._data[...] = value._data
    adopt(x, value)
    wrote(x, x)
    return x


def writable(x: tensors.Tensor, value: Any) -> tensors.Tensor | None:
    """Return the root whose history a write changes; None if there is none to keep."""
    if not x._data.flags.writeable:
        raise ValueError(
            "a view that is broadcast, or was made of an argument by a function, cannot"
            " be written to; use a clone"
        )
    root = x
    while root._view is not None:
        root = root._view.parent
    active = x.requires_grad or root.requires_grad
    value_active = isinstance(value, tensors.Tensor) and value.requires_grad
    if not MODE.enabled or not (active or value_active):
        return None
    if isinstance(root._source, Leaf):
        what = "a leaf" if root is x else "a view of a leaf"
        raise RuntimeError(
            f"{what} tensor that requires grad is written in place: its gradient would"
            " have no meaning; update parameters under `with no_grad():`, or write to a"
            " clone, x = x.clone()"
        )
    return root


def wrote(x: tensors.Tensor, root: tensors.Tensor | None) -> None:
    """Count the write; views learn of it when they are used."""
    x._memory.wrote(x._data)
    if root is not None:
        root._version = root._memory.version


def adopt(root: tensors.Tensor, value: tensors.Tensor) -> None:
    """Give a tensor the history of a value."""
    root._source = value._source


def fitting(value: Any, like: tensors.Tensor) -> Any:
    """Return a value in the dtype of the memory it is written to."""
    if not isinstance(value, tensors.Tensor) or value.dtype == like.dtype:
        return value
    if value.requires_grad and like.dtype.kind not in "fc":
        raise TypeError(
            f"a tensor of dtype {like.dtype} cannot hold a value that requires grad"
        )
    if value.dtype.kind == "c" and like.dtype.kind != "c":
        raise TypeError(f"a complex value cannot be written to a {like.dtype} tensor")
    return value.astype(like.dtype)


def origins(x: tensors.Tensor, root: tensors.Tensor, index: Any, value: Any) -> Any:
    """Return for each element of the root which element of the value it gets, or -1.

    NumPy itself writes these numbers, as it will write the value: so views, masks,
    broadcasting and positions named twice need no thought.
    """
    chain = []
    view = x._view
    while view is not None:
        chain.append(view)
        view = view.parent._view
    numbers = np.full_like(root._data, -1, dtype=np.intp)
    part: Any = numbers
    for view in reversed(chain):
        part = view.of(part)
    if numbers.size and not np.may_share_memory(part, numbers):
        raise RuntimeError(
            "this view cannot be followed to its memory; write to a clone"
        )
    shape = np.shape(operations.unwrapped(value))
    part[index] = np.arange(np.prod(shape, dtype=np.intp)).reshape(shape)
    return numbers
