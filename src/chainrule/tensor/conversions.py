"""Tensors without history: detached, as NumPy arrays, Python numbers, pickles, copies.

In: a tensor. Out: its elements without history, or an error where that would lose a
derivative without a word.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import DifferentiationWarning
from chainrule.tensor import layouts, operations, tensors
from chainrule.tensor.graph import Leaf
from chainrule.tensor.modes import MODE
from chainrule.tensor.state import Array, State

if TYPE_CHECKING:
    from chainrule.tensor.tensors import Tensor

NUMPY = (
    "a tensor that requires grad cannot become a NumPy array: the derivative of what"
    " follows would be lost; use x.detach().numpy() if that is meant; a function that"
    " asks for an array can be called as differentiate(f)(x)"
)


class Conversions(State):
    """What leads out of the graph."""

    __slots__ = ()

    def detach(self) -> Tensor:
        """The same memory without its history."""
        out = tensors.of_array(self._data, None)
        out._memory, out._version = self._memory, self._memory.version
        return out

    @property
    def data(self) -> Tensor:
        """The same memory without its history; can be set."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        if self._has_history():
            raise RuntimeError(
                "data of a tensor with a history: that would no longer be true"
            )
        if isinstance(value, tensors.Tensor) and value._data is self._data:
            return  # x.data -= step has written already
        array = np.array(tensors.without_tensors(value))
        if self._source is not None and array.dtype.kind not in "fc":
            raise TypeError(f"a tensor that requires grad cannot hold {array.dtype}")
        grad = self._grad
        self._fill(array, self._source)
        if grad is not None and (grad.shape, grad.dtype) == (self.shape, self.dtype):
            self._grad = grad

    def detach_(self) -> Any:
        """Forget the history."""
        if self._view is not None:
            raise RuntimeError("detach_() of a view; use detach()")
        self._source, self._version = None, self._memory.version
        return self

    def numpy(self) -> Array:
        """The array, to be read only: writes could not be seen.

        Raises
        ------
        RuntimeError
            If the tensor requires grad: use `x.detach().numpy()`.
        """
        if layouts.is_active(self):
            raise RuntimeError(NUMPY)
        return self._read_only()

    def _read_only(self) -> Array:
        array = self._data.view()
        array.flags.writeable = False
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if layouts.is_active(self) and MODE.enabled:
            raise RuntimeError(NUMPY)
        if copy:
            return np.array(self._data, dtype)
        array = self._read_only()
        return array if dtype is None else array.astype(dtype, copy=False)

    def item(self, *index: Any) -> Any:
        """One element as a Python number."""
        return self._data.item(*index)

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self._data.tolist()

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def __index__(self) -> int:
        return self._data.__index__()

    def __round__(self, digits: int | None = None) -> Any:
        return operations.apply(np.round, (self, digits or 0))

    def _number(self, name: str) -> Any:
        """Return the only element, as a number that nobody differentiates."""
        if self.size != 1:
            raise TypeError(f"{name}() of a tensor of shape {self.shape}")
        if MODE.enabled and layouts.is_active(self):
            warnings.warn(
                f"{name}() of a tensor that requires grad, whose derivative is lost"
                " (does a function of `math` do that? NumPy's would not); x.item() says"
                " that it is meant",
                DifferentiationWarning,
                stacklevel=3,
            )
        return self._data.item()

    def __reduce__(self) -> Any:
        self._require_leaf("pickle")
        return _restored, (self._data, layouts.is_active(self), self._grad)

    def __copy__(self) -> Tensor:
        self._require_leaf("copy")
        out = tensors.of_array(self._data, None)
        out._memory, out._version = self._memory, self._memory.version
        return out.requires_grad_(layouts.is_active(self))

    def __deepcopy__(self, memo: Any) -> Tensor:
        self._require_leaf("deepcopy")
        out = memo[id(self)] = _restored(
            self._data.copy(),
            layouts.is_active(self),
            None if self._grad is None else self._grad.copy(),
        )
        return out

    def _has_history(self) -> bool:
        return layouts.is_active(self) and not isinstance(self._source, Leaf)

    def _require_leaf(self, what: str) -> None:
        if self._has_history():
            raise RuntimeError(
                f"{what} of a tensor with a history: that cannot be copied; use"
                " x.detach(), or x.clone() to go on with"
            )


def _restored(data: Array, requires_grad: bool, grad: Tensor | None) -> Tensor:
    out = tensors.of_array(data, None).requires_grad_(requires_grad)
    out._grad = grad
    return out
