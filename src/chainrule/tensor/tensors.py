"""`Tensor`: an array that remembers how it was made, if a gradient is wanted.

In: numbers, lists, arrays. Out: tensors with the interface that people know from
PyTorch: `requires_grad_()`, `backward()`, `grad`, `detach()`, `item()`, `numpy()`.

State: `_data`, always an `ndarray`; `_source`, what its cotangent is for (`graph`);
`_memory`, which counts writes and is shared with its views, `_version`, the count for
which `_source` holds, and `_view`, how it was made if it is one (`views`).
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.errors import DifferentiationWarning
from chainrule.tensor import views
from chainrule.tensor.elementwise import Elementwise
from chainrule.tensor.familiar import Familiar
from chainrule.tensor.graph import Leaf, Node, Source, sweep
from chainrule.tensor.in_place import InPlace
from chainrule.tensor.printing import show

Array = np.ndarray[Any, np.dtype[Any]]


class Tensor(InPlace, Elementwise, Familiar):
    """An array with `backward()`; made by `tensor(data)`.

    Attributes
    ----------
    grad : Tensor or None
        What `backward()` added up, for leaves.
    requires_grad : bool
        Whether operations on it are recorded.
    is_leaf : bool
        Whether it was made by the user, not by a recorded operation.
    grad_fn : object or None
        The operation that made it.
    """

    __module__ = "chainrule.tensor"
    __slots__ = ()
    __hash__ = object.__hash__

    def __init__(self, data: Any, dtype: Any = None) -> None:
        array = np.array(without_tensors(data), dtype)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"a tensor holds numbers, not {array.dtype}")
        self._fill(array, None)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[k] for k in range(len(self))])

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __repr__(self) -> str:
        return show(self)

    def __format__(self, spec: str) -> str:
        return format(self._data[()], spec) if spec and not self.ndim else repr(self)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        if self._version != self._memory.version:
            views.refresh(self)
        return self._source is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Say that a gradient is wanted; return the tensor.

        Raises
        ------
        RuntimeError
            If it holds integers, or is to be no longer differentiated by though it was
            computed (use `detach()`).
        """
        if not self.is_leaf:
            if not requires_grad:
                raise RuntimeError(
                    "only a leaf can stop to require grad; x.detach() is x without its"
                    " history"
                )
        elif not requires_grad:
            self._source = None
        elif self.dtype.kind not in "fc":
            raise RuntimeError(
                "only tensors of floating-point and complex numbers can require grad,"
                f" not {self.dtype}"
            )
        elif self._source is None:
            self._source = Leaf(self)
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, not by a recorded operation."""
        return not self.requires_grad or isinstance(self._source, Leaf)

    @property
    def grad_fn(self) -> Node | None:
        """The operation that made it."""
        if self.is_leaf or self._source is None:
            return None
        node = self._source.node
        assert isinstance(node, Node)
        return node

    @property
    def grad(self) -> Tensor | None:
        """What `backward()` added up."""
        if self._grad is None and not self.is_leaf:
            warnings.warn(
                "grad of a tensor that is not a leaf: backward() fills it only after"
                " x.retain_grad()",
                DifferentiationWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad is a tensor or None, not {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise ValueError(
                    f"grad has shape {value.shape} and dtype {value.dtype}, the tensor"
                    f" {self.shape} and {self.dtype}"
                )
        self._grad = value

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient, or set it to zero."""
        if set_to_none or self._grad is None:
            self._grad = None
        else:
            self._grad.zero_()

    def retain_grad(self) -> None:
        """Let `backward()` fill the `grad` of this tensor, though it is no leaf."""
        node = self.grad_fn
        if node is not None and self._source is not None:
            retained = node.retained = node.retained or {}
            retained[self._source.index] = weakref.ref(self)

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Add the gradient of this tensor to the `grad` of every leaf behind it.

        Parameters
        ----------
        gradient : tensor or array, optional
            The cotangent, of this tensor's shape; 1 for a number.
        retain_graph : bool
            Whether what was saved is kept, so that `backward()` can be called again.
        create_graph : bool
            Refused: for second derivatives, `f.grad(x)` of a `@differentiate`d function
            is an operation on tensors like any other.

        Raises
        ------
        RuntimeError
            If the tensor does not require grad; if it has several elements and no
            `gradient` is given; if the graph was freed by an earlier call; if a value
            that is needed was written in place since.
        """
        if not self.requires_grad or self._source is None:
            raise RuntimeError(
                "backward() of a tensor that does not require grad and has no grad_fn:"
                " nothing it was made from requires grad"
            )
        if create_graph:
            raise NotImplementedError(
                "create_graph: a gradient of tensors has no history; write what is to"
                " be differentiated as a function f with @differentiate: f.grad(x) of a"
                " tensor x has one"
            )
        sweep(self._source, self._cotangent(gradient), retain_graph)

    def _cotangent(self, gradient: Any) -> Array:
        if gradient is None:
            if self.size != 1:
                raise RuntimeError(
                    f"backward() of a tensor of shape {self.shape}: the gradient can be"
                    " left out for one number only; reduce it, y.sum().backward(), or"
                    " pass y.backward(gradient) of its shape"
                )
            if self.dtype.kind == "c":
                raise RuntimeError(
                    "backward() of a complex number needs a gradient, or take its"
                    " modulus or its real part"
                )
            return np.ones(self.shape, self.dtype)
        if isinstance(gradient, Tensor):
            gradient = gradient._data
        bar = np.asarray(gradient)
        if bar.shape != self.shape:
            raise RuntimeError(
                f"backward() of a tensor of shape {self.shape}, with a gradient of"
                f" shape {bar.shape}"
            )
        if bar.dtype.kind == "c" and self.dtype.kind != "c":
            raise RuntimeError("the gradient is complex, the tensor is real")
        return bar.astype(self.dtype)  # a copy: it may become somebody's grad

    def _accumulate(self, bar: Any) -> None:
        """Add to `grad`, in place as PyTorch does."""
        if self._grad is None:
            array = np.asarray(bar, self.dtype)
            own = array.flags.owndata
            self._grad = of_array(array if own else array.copy(), None)
        else:
            self._grad._data += bar
            self._grad._memory.wrote(self._grad._data)


def of_array(value: Any, source: Source | None) -> Tensor:
    """Return a tensor around an array, not copied."""
    out: Tensor = Tensor.__new__(Tensor)
    out._fill(value if value.__class__ is np.ndarray else np.asarray(value), source)
    return out


def without_tensors(data: Any) -> Any:
    """Return data without tensors in it."""
    if isinstance(data, Tensor):
        return data._data
    if isinstance(data, list | tuple):
        return [without_tensors(part) for part in data]
    return data


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor with a copy of the data.

    Numbers keep NumPy's types: a Python float gives float64 (PyTorch would give
    float32; ask for it with `dtype=np.float32`).

    Parameters
    ----------
    data : number, (nested) list, array or tensor
        The elements.
    dtype : dtype, optional
        Their type.
    requires_grad : bool
        Whether `backward()` shall compute a gradient for it.

    Returns
    -------
    Tensor
        A leaf: whatever made the data is no part of its history.

    Raises
    ------
    TypeError
        If the data are not numbers.
    RuntimeError
        If integers are to require a gradient.

    Examples
    --------
    >>> x = tensor(5.0)
    >>> x.requires_grad_()
    tensor(5., requires_grad=True)
    >>> y = x**2
    >>> y
    tensor(25., grad_fn=<PowBackward>)
    >>> y.backward()
    >>> x.grad
    tensor(10.)
    """
    return Tensor(data, dtype).requires_grad_(requires_grad)
