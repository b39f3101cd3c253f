"""PyTorch's names for what NumPy writes with an operator or with several functions.

In: a tensor. Out: the same operations that the expression would record: there is no
derivative here.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from chainrule.tensor import operations
from chainrule.tensor.conversions import Conversions
from chainrule.tensor.methods import Methods
from chainrule.tensor.operators import Operators


class Familiar(Operators, Methods, Conversions):
    """Methods that NumPy's arrays do not have."""

    __slots__ = ()

    def add(self, other: Any, alpha: Any = 1) -> Any:
        """As `x + alpha * other`."""
        return self + (other if alpha == 1 else alpha * other)

    def sub(self, other: Any, alpha: Any = 1) -> Any:
        """As `x - alpha * other`."""
        return self - (other if alpha == 1 else alpha * other)

    def mul(self, other: Any) -> Any:
        """As `x * other`."""
        return self * other

    def div(self, other: Any) -> Any:
        """As `x / other`."""
        return self / other

    def neg(self) -> Any:
        """As `-x`."""
        return -self

    def mm(self, other: Any) -> Any:
        """As `x @ other`, of two matrices."""
        if self.ndim != 2 or np.ndim(other) != 2:
            raise RuntimeError(f"mm() of ranks {self.ndim} and {np.ndim(other)}: not 2")
        return self @ other

    def t(self) -> Any:
        """The transpose of a matrix; a vector as it is."""
        if self.ndim > 2:
            raise RuntimeError(f"t() of rank {self.ndim}: at most 2; use x.mT")
        return operations.apply(np.transpose, (self,))

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """As `np.clip`."""
        return operations.apply(np.clip, (self, min, max))

    def norm(self) -> Any:
        """The root of the sum of squares of all elements."""
        return operations.apply(np.linalg.norm, (operations.apply(np.ravel, (self,)),))

    def relu(self) -> Any:
        """Zero where it is negative; the derivative at zero is zero."""
        return operations.apply(np.where, (self > 0, self, 0))

    def sigmoid(self) -> Any:
        """As `1 / (1 + np.exp(-x))`, without overflow."""
        return 0.5 * (operations.apply(np.tanh, (0.5 * self,)) + 1)

    def softmax(self, dim: builtins.int = -1) -> Any:
        """Positive numbers whose sum along an axis is 1."""
        e = operations.apply(np.exp, (self - self._largest(dim),))
        return e / e.sum(axis=dim, keepdims=True)

    def logsumexp(self, dim: builtins.int = -1, keepdim: builtins.bool = False) -> Any:
        """The logarithm of the sum of exponentials along an axis."""
        largest = self._largest(dim)
        e = operations.apply(np.exp, (self - largest,))
        total = operations.apply(np.log, (e.sum(axis=dim, keepdims=True),)) + largest
        return total if keepdim else operations.apply(np.squeeze, (total, dim))

    def _largest(self, dim: builtins.int) -> Any:
        """The largest elements along an axis, without history: they cancel out."""
        return self.detach().max(axis=dim, keepdims=True)

    def to(self, dtype: Any) -> Any:
        """The elements in another dtype; there are no devices."""
        return self.astype(dtype)

    def int(self) -> Any:
        """The elements as integers of 32 bits, without derivative."""
        return self.astype(np.int32)

    def long(self) -> Any:
        """The elements as integers of 64 bits, without derivative."""
        return self.astype(np.int64)

    def bool(self) -> Any:
        """Which elements are not zero."""
        return self.astype(np.bool_)
