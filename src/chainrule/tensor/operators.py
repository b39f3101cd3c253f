"""What Python's operators and NumPy's protocols do with tensors.

In: operands, one of them a tensor. Out: `operations.apply`, or a write (`views`).
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.tensor import layouts, operations, tensors
from chainrule.tensor.state import State

# Functions that write to their first argument, which has a history to keep.
WRITERS = {
    np.copyto,
    np.fill_diagonal,
    np.place,
    np.put,
    np.put_along_axis,
    np.putmask,
}


class Operators(State):
    """Operators, comparisons, indexing, and the protocols of NumPy."""

    __slots__ = ()

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *args: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        if method == "at":
            raise TypeError(WRITES.format(name=f"np.{ufunc.__name__}.at"))
        if method == "outer":
            x, y = args
            args = (np.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y)
            method = "__call__"
        fn = ufunc if method == "__call__" else getattr(ufunc, method)
        return _into(out, operations.apply(fn, args, kwargs))

    def __array_function__(
        self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if func in WRITERS:
            raise TypeError(WRITES.format(name=f"np.{func.__name__}"))
        if kwargs.get("out") is None:
            return operations.apply(func, args, kwargs)
        rest = {name: x for name, x in kwargs.items() if name != "out"}
        return _into(kwargs["out"], operations.apply(func, args, rest))

    def __add__(self, other: Any) -> Any:
        return operations.apply(operator.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return operations.apply(operator.add, (other, self))

    def __sub__(self, other: Any) -> Any:
        return operations.apply(operator.sub, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return operations.apply(operator.sub, (other, self))

    def __mul__(self, other: Any) -> Any:
        return operations.apply(operator.mul, (self, other))

    def __rmul__(self, other: Any) -> Any:
        return operations.apply(operator.mul, (other, self))

    def __truediv__(self, other: Any) -> Any:
        return operations.apply(operator.truediv, (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return operations.apply(operator.truediv, (other, self))

    def __floordiv__(self, other: Any) -> Any:
        return operations.apply(operator.floordiv, (self, other))

    def __rfloordiv__(self, other: Any) -> Any:
        return operations.apply(operator.floordiv, (other, self))

    def __mod__(self, other: Any) -> Any:
        return operations.apply(operator.mod, (self, other))

    def __rmod__(self, other: Any) -> Any:
        return operations.apply(operator.mod, (other, self))

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        return operations.apply(operator.pow, (self, other))

    def __rpow__(self, other: Any) -> Any:
        return operations.apply(operator.pow, (other, self))

    def __matmul__(self, other: Any) -> Any:
        return operations.apply(operator.matmul, (self, other))

    def __rmatmul__(self, other: Any) -> Any:
        return operations.apply(operator.matmul, (other, self))

    def __neg__(self) -> Any:
        return operations.apply(operator.neg, (self,))

    def __pos__(self) -> Any:
        return operations.apply(operator.pos, (self,))

    def __abs__(self) -> Any:
        return operations.apply(np.absolute, (self,))

    def __invert__(self) -> Any:
        return operations.apply(operator.invert, (self,))

    def __and__(self, other: Any) -> Any:
        return operations.apply(operator.and_, (self, other))

    def __rand__(self, other: Any) -> Any:
        return operations.apply(operator.and_, (other, self))

    def __or__(self, other: Any) -> Any:
        return operations.apply(operator.or_, (self, other))

    def __ror__(self, other: Any) -> Any:
        return operations.apply(operator.or_, (other, self))

    def __xor__(self, other: Any) -> Any:
        return operations.apply(operator.xor, (self, other))

    def __rxor__(self, other: Any) -> Any:
        return operations.apply(operator.xor, (other, self))

    def __lshift__(self, other: Any) -> Any:
        return operations.apply(operator.lshift, (self, other))

    def __rshift__(self, other: Any) -> Any:
        return operations.apply(operator.rshift, (self, other))

    def __lt__(self, other: Any) -> Any:
        return operations.apply(operator.lt, (self, other))

    def __le__(self, other: Any) -> Any:
        return operations.apply(operator.le, (self, other))

    def __gt__(self, other: Any) -> Any:
        return operations.apply(operator.gt, (self, other))

    def __ge__(self, other: Any) -> Any:
        return operations.apply(operator.ge, (self, other))

    def __eq__(self, other: Any) -> Any:
        return operations.apply(operator.eq, (self, other))

    def __ne__(self, other: Any) -> Any:
        return operations.apply(operator.ne, (self, other))

    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Any:
        if _is_element(index, self.ndim):
            # A view, as in PyTorch; NumPy alone would give a number.
            index = (*index, ...) if isinstance(index, tuple) else (index, ...)
        return operations.apply(operator.getitem, (self, index))


WRITES = "{name} writes to a tensor past its history; use x[index] = value, or np.where"


def _is_element(index: Any, ndim: int) -> bool:
    """Say whether an index names one element."""
    if isinstance(index, tuple):
        return len(index) == ndim > 0 and all(type(i) is int for i in index)
    return ndim == 1 and type(index) is int


def _into(out: Any, value: Any) -> Any:
    """Write a result where `out=` says; return it."""
    if isinstance(out, tuple) and len(out) == 1:
        out = out[0]
    if out is None:
        return value
    if isinstance(out, tensors.Tensor):
        out[...] = value
    elif isinstance(out, np.ndarray) and not layouts.is_active(value):
        out[...] = operations.unwrapped(value)
    else:
        raise TypeError(
            "out= must be a tensor where an operand requires grad: a NumPy array has no"
            " history"
        )
    return out
