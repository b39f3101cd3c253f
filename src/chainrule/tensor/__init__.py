"""The eager front end, for people who come from PyTorch.

In: `tensor(data)`, and NumPy's functions, operators and methods on it. Out: results
that remember how they were made, and `backward()`, which fills `grad`.

    >>> from chainrule import tensor
    >>> x = tensor(5.0)
    >>> x.requires_grad_()
    tensor(5., requires_grad=True)
    >>> y = x**2
    >>> y.backward()
    >>> x.grad
    tensor(10.)

It is thin: each operation, and each call of a `@differentiate`d function, leaves one
node with the pullback that the compiler makes of it; there are no derivatives here.

What is NumPy's and what is PyTorch's: numbers keep NumPy's types (a Python float is
float64), functions are NumPy's (`np.exp(x)`), methods are those of arrays, with
PyTorch's names for some more. Gradients, writes in place, `no_grad`, `detach` and their
errors are as in PyTorch, with these differences: `numpy()` is to be read only; a view
made under `no_grad` is like a detached one; functions with no derivative, such as
`np.floor`, give tensors without `grad_fn`. A plain array in an operation is copied if
it is needed later; `tensor(X)`, made once, is not.

The module is itself the function: `from chainrule import tensor; tensor(5.0)`.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from chainrule.tensor import calls  # noqa: F401 - `@differentiate` learns of tensors
from chainrule.tensor.modes import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from chainrule.tensor.tensors import Tensor, tensor

__all__ = [
    "Tensor",
    "enable_grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
    "tensor",
]


class _Module(types.ModuleType):
    """A module that can be called: whichever of the two is imported, both work."""

    def __call__(
        self, data: Any, dtype: Any = None, requires_grad: bool = False
    ) -> Tensor:
        return tensor(data, dtype, requires_grad)


_Module.__call__.__doc__ = tensor.__doc__
sys.modules[__name__].__class__ = _Module
