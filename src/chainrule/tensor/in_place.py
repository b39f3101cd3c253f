"""Writes in place: `x[i] = v`, `x += v`, and PyTorch's methods that end with `_`.

In: a tensor and a value. Out: the same tensor, with other elements and another history
(`views`).
"""

from __future__ import annotations

import operator
from typing import Any

from chainrule.tensor import views
from chainrule.tensor.state import State


class InPlace(State):
    """Operators and methods that write."""

    __slots__ = ()

    def __setitem__(self, index: Any, value: Any) -> None:
        views.write(self, index, value)

    def __iadd__(self, other: Any) -> Any:
        return views.update(operator.add, self, other)

    def __isub__(self, other: Any) -> Any:
        return views.update(operator.sub, self, other)

    def __imul__(self, other: Any) -> Any:
        return views.update(operator.mul, self, other)

    def __itruediv__(self, other: Any) -> Any:
        return views.update(operator.truediv, self, other)

    def __ifloordiv__(self, other: Any) -> Any:
        return views.update(operator.floordiv, self, other)

    def __imod__(self, other: Any) -> Any:
        return views.update(operator.mod, self, other)

    def __ipow__(self, other: Any) -> Any:
        return views.update(operator.pow, self, other)

    def __imatmul__(self, other: Any) -> Any:
        return views.update(operator.matmul, self, other)

    def zero_(self) -> Any:
        """Write zeros."""
        return self.fill_(0)

    def fill_(self, value: Any) -> Any:
        """Write one value everywhere."""
        self[...] = value
        return self

    def copy_(self, other: Any) -> Any:
        """Write the elements of another tensor."""
        self[...] = other
        return self

    def add_(self, other: Any, alpha: Any = 1) -> Any:
        """As `x += alpha * other`."""
        self += other if alpha == 1 else alpha * other
        return self

    def sub_(self, other: Any, alpha: Any = 1) -> Any:
        """As `x -= alpha * other`."""
        self -= other if alpha == 1 else alpha * other
        return self

    def mul_(self, other: Any) -> Any:
        """As `x *= other`."""
        self *= other
        return self

    def div_(self, other: Any) -> Any:
        """As `x /= other`."""
        self /= other
        return self
