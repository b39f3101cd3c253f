"""What a tensor consists of, and what that says of its shape.

In: an array. Out: the base of all that tensors can do. `_data` is always an `ndarray`;
`_source` is what its cotangent is for (`graph`), None where no gradient is wanted;
`_memory` counts writes and is shared with its views, `_version` is the count for which
`_source` holds, and `_view` says how it was made, if it is a view (`views`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.tensor.saved import Memory

if TYPE_CHECKING:
    from chainrule.tensor.graph import Source
    from chainrule.tensor.tensors import Tensor
    from chainrule.tensor.views import View

Array = np.ndarray[Any, np.dtype[Any]]


class State:
    """An array, where it came from, and whose memory it has."""

    __slots__ = (
        "__weakref__",
        "_data",
        "_grad",
        "_memory",
        "_source",
        "_version",
        "_view",
    )
    _data: Array
    _grad: Tensor | None
    _memory: Memory
    _source: Source | None
    _version: int
    _view: View | None

    def _fill(self, data: Array, source: Source | None) -> None:
        """Make it a tensor that shares its memory with no other."""
        self._data = data
        self._source = source
        self._memory = Memory()
        self._version = 0
        self._view = None
        self._grad = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        shape: tuple[int, ...] = self._data.shape
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self._data.dtype

    @property
    def nbytes(self) -> int:
        """The bytes that the elements take."""
        return self._data.nbytes

    def dim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._data.size

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._data)
