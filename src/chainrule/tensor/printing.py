"""How a tensor prints: as in PyTorch, with NumPy's own formatting of numbers.

In: a tensor. Out: `tensor([1., 2.], requires_grad=True)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.tensor.graph import Leaf, Source

if TYPE_CHECKING:
    from chainrule.tensor.tensors import Tensor

# What NumPy makes of Python's own numbers goes without saying.
DEFAULT = (np.float64, np.int64, np.bool_, np.complex128)


def show(x: Tensor) -> str:
    """Return the text of a tensor."""
    parts = [np.array2string(x._data, separator=", ", prefix="tensor(", suffix=",")]
    if not x.size and x.shape != (0,):
        parts.append(f"shape={x.shape}")
    if x.dtype not in DEFAULT:
        parts.append(f"dtype={x.dtype}")
    source = _source(x)
    if isinstance(source, Leaf):
        parts.append("requires_grad=True")
    elif source is not None:
        parts.append(f"grad_fn={source.node}")
    return f"tensor({', '.join(parts)})"


def _source(x: Tensor) -> Source | None:
    """Return the source, also of a tensor that can no longer be used."""
    try:
        return x._source if x.requires_grad else None
    except RuntimeError:
        return x._source
