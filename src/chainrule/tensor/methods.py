"""The methods of tensors: those of NumPy's arrays, and PyTorch's names for some more.

In: a tensor and arguments. Out: `operations.apply` of the NumPy function of that name.
`dim` and `keepdim` are understood for `axis` and `keepdims`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.tensor import operations
from chainrule.tensor.state import State

_RENAMED = {"dim": "axis", "keepdim": "keepdims"}


class Method:
    """A method of arrays that is no function of NumPy: `x.astype(dtype)`."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, self.__name__)(*args, **kwargs)


ASTYPE, COPY, FLATTEN = map(Method, ("astype", "copy", "flatten"))


def _call(fn: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply a function with PyTorch's names of arguments as NumPy's."""
    named = {_RENAMED.get(name, name): value for name, value in kwargs.items()}
    return operations.apply(fn, (x, *args), named)


def _one_tuple(args: tuple[Any, ...]) -> Any:
    """Return `x.reshape(2, 3)` and `x.reshape((2, 3))` as one tuple."""
    return args[0] if len(args) == 1 and isinstance(args[0], tuple | list) else args


class Methods(State):
    """Methods that are functions of NumPy."""

    __slots__ = ()

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        """The sum."""
        return _call(np.sum, self, *args, **kwargs)

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """The mean."""
        return _call(np.mean, self, *args, **kwargs)

    def prod(self, *args: Any, **kwargs: Any) -> Any:
        """The product."""
        return _call(np.prod, self, *args, **kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """The standard deviation."""
        return _call(np.std, self, *args, **kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """The variance."""
        return _call(np.var, self, *args, **kwargs)

    def max(self, *args: Any, **kwargs: Any) -> Any:
        """The largest element; ties share its gradient."""
        return _call(np.max, self, *args, **kwargs)

    def min(self, *args: Any, **kwargs: Any) -> Any:
        """The smallest element; ties share its gradient."""
        return _call(np.min, self, *args, **kwargs)

    def any(self, *args: Any, **kwargs: Any) -> Any:
        """Whether any element is true."""
        return _call(np.any, self, *args, **kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        """Whether all elements are true."""
        return _call(np.all, self, *args, **kwargs)

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        """The position of the largest element."""
        return _call(np.argmax, self, *args, **kwargs)

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        """The position of the smallest element."""
        return _call(np.argmin, self, *args, **kwargs)

    def cumsum(self, *args: Any, **kwargs: Any) -> Any:
        """The running sum."""
        return _call(np.cumsum, self, *args, **kwargs)

    def cumprod(self, *args: Any, **kwargs: Any) -> Any:
        """The running product."""
        return _call(np.cumprod, self, *args, **kwargs)

    def clip(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.clip`."""
        return _call(np.clip, self, *args, **kwargs)

    def round(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.round`."""
        return _call(np.round, self, *args, **kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.trace`."""
        return _call(np.trace, self, *args, **kwargs)

    def diagonal(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.diagonal`."""
        return _call(np.diagonal, self, *args, **kwargs)

    def swapaxes(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.swapaxes`."""
        return _call(np.swapaxes, self, *args, **kwargs)

    def repeat(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.repeat`."""
        return _call(np.repeat, self, *args, **kwargs)

    def take(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.take`."""
        return _call(np.take, self, *args, **kwargs)

    def dot(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.dot`."""
        return _call(np.dot, self, *args, **kwargs)

    def squeeze(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.squeeze`."""
        return _call(np.squeeze, self, *args, **kwargs)

    def ravel(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.ravel`."""
        return _call(np.ravel, self, *args, **kwargs)

    def argsort(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.argsort`."""
        return _call(np.argsort, self, *args, **kwargs)

    def nonzero(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.nonzero`."""
        return _call(np.nonzero, self, *args, **kwargs)

    def conj(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.conj`."""
        return _call(np.conj, self, *args, **kwargs)

    def ptp(self, *args: Any, **kwargs: Any) -> Any:
        """As `np.ptp`."""
        return _call(np.ptp, self, *args, **kwargs)

    def pow(self, exponent: Any) -> Any:
        """As `x**exponent`."""
        return operations.apply(operator.pow, (self, exponent))

    def matmul(self, other: Any) -> Any:
        """As `x @ other`."""
        return operations.apply(np.matmul, (self, other))

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """The elements in another shape, given as a tuple or as several integers."""
        return operations.apply(np.reshape, (self, _one_tuple(shape)), kwargs)

    view = reshape

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, reversed by default."""
        order = _one_tuple(axes) or None
        return operations.apply(np.transpose, (self, order))

    permute = transpose

    def unsqueeze(self, axis: int) -> Any:
        """Another axis of length 1."""
        return operations.apply(np.expand_dims, (self, axis))

    def flatten(self, *args: Any, **kwargs: Any) -> Any:
        """All elements on one axis, never a view."""
        return operations.apply(FLATTEN, (self, *args), kwargs)

    def astype(self, dtype: Any) -> Any:
        """The elements in another dtype; integers and truth values have no history."""
        wanted = np.dtype(dtype)
        run = operations.apply if wanted.kind in "fc" else operations.plain
        return run(ASTYPE, (self, wanted), {})

    def copy(self) -> Any:
        """A copy; its gradient comes back to this tensor."""
        return operations.apply(COPY, (self,))

    clone = copy

    def float(self) -> Any:
        """The elements in single precision, as in PyTorch."""
        return self.astype(np.float32)

    def double(self) -> Any:
        """The elements in double precision."""
        return self.astype(np.float64)

    @property
    def T(self) -> Any:
        """The transpose."""
        return operations.apply(np.transpose, (self,))

    @property
    def mT(self) -> Any:
        """The transpose of each matrix of a stack."""
        return operations.apply(np.swapaxes, (self, -1, -2))

    @property
    def real(self) -> Any:
        """The real part."""
        return operations.apply(np.real, (self,))

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return operations.apply(np.imag, (self,))
