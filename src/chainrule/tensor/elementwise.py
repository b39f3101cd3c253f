"""Elementwise functions as methods, as in PyTorch: `x.exp()` is `np.exp(x)`.

In: a tensor. Out: `operations.apply` of the ufunc of that name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.tensor import operations
from chainrule.tensor.state import State


class Elementwise(State):
    """Methods that are ufuncs of one operand."""

    __slots__ = ()

    def exp(self) -> Any:
        """As `np.exp`."""
        return operations.apply(np.exp, (self,))

    def log(self) -> Any:
        """As `np.log`."""
        return operations.apply(np.log, (self,))

    def log2(self) -> Any:
        """As `np.log2`."""
        return operations.apply(np.log2, (self,))

    def log10(self) -> Any:
        """As `np.log10`."""
        return operations.apply(np.log10, (self,))

    def log1p(self) -> Any:
        """As `np.log1p`."""
        return operations.apply(np.log1p, (self,))

    def expm1(self) -> Any:
        """As `np.expm1`."""
        return operations.apply(np.expm1, (self,))

    def sqrt(self) -> Any:
        """As `np.sqrt`."""
        return operations.apply(np.sqrt, (self,))

    def square(self) -> Any:
        """As `np.square`."""
        return operations.apply(np.square, (self,))

    def sin(self) -> Any:
        """As `np.sin`."""
        return operations.apply(np.sin, (self,))

    def cos(self) -> Any:
        """As `np.cos`."""
        return operations.apply(np.cos, (self,))

    def tan(self) -> Any:
        """As `np.tan`."""
        return operations.apply(np.tan, (self,))

    def tanh(self) -> Any:
        """As `np.tanh`."""
        return operations.apply(np.tanh, (self,))

    def sinh(self) -> Any:
        """As `np.sinh`."""
        return operations.apply(np.sinh, (self,))

    def cosh(self) -> Any:
        """As `np.cosh`."""
        return operations.apply(np.cosh, (self,))

    def arcsin(self) -> Any:
        """As `np.arcsin`."""
        return operations.apply(np.arcsin, (self,))

    def arccos(self) -> Any:
        """As `np.arccos`."""
        return operations.apply(np.arccos, (self,))

    def arctan(self) -> Any:
        """As `np.arctan`."""
        return operations.apply(np.arctan, (self,))

    def floor(self) -> Any:
        """As `np.floor`."""
        return operations.apply(np.floor, (self,))

    def ceil(self) -> Any:
        """As `np.ceil`."""
        return operations.apply(np.ceil, (self,))

    def sign(self) -> Any:
        """As `np.sign`."""
        return operations.apply(np.sign, (self,))

    def isnan(self) -> Any:
        """As `np.isnan`."""
        return operations.apply(np.isnan, (self,))

    def isfinite(self) -> Any:
        """As `np.isfinite`."""
        return operations.apply(np.isfinite, (self,))

    def abs(self) -> Any:
        """The modulus."""
        return operations.apply(np.absolute, (self,))
