"""Types of functions that join arrays or take them apart.

In: types or constants, arrays often in a list. Out: the type of the result, by probing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import quotient
from chainrule.types.indexing import as_array
from chainrule.types.infer import Unknown, typed
from chainrule.types.lattice import ArrayT, Dims, ListT, Type, fresh_dim
from chainrule.types.probe import probe_scaled
from chainrule.types.probed import probe_checked, probed

probed(
    np,
    """concatenate concat stack vstack hstack dstack column_stack row_stack append
    array_split unstack""",
)


@typed(np.block)
def block(fn: Callable[..., Any], arrays: Any) -> Type:
    """Join blocks of nested lists: their sizes add up to sizes without a name."""
    depth, leaves = _nesting(arrays)
    dtype = np.result_type(*(t.dtype for t in leaves))
    if any(t.dims is None for t in leaves):
        return ArrayT(dtype, None)
    rank = max(depth, *(len(t.dims or ()) for t in leaves))
    return ArrayT(dtype, tuple(fresh_dim() for _ in range(rank)))


def _nesting(arrays: Any) -> tuple[int, list[ArrayT]]:
    """Return how deep lists are nested, and the arrays in them."""
    if isinstance(arrays, ListT) and arrays.items is None:
        raise Unknown("blocks in a list of unknown length")
    items = arrays if isinstance(arrays, list) else getattr(arrays, "items", None)
    if not isinstance(arrays, list | ListT) or not items:
        return 0, [as_array(arrays)]
    inner = [_nesting(item) for item in items]
    return 1 + inner[0][0], [leaf for _, leaves in inner for leaf in leaves]


@typed(np.split, np.hsplit, np.vsplit, np.dsplit)
def split(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Type:
    """Split at positions, or into a number of parts that divides the size."""
    sections = args[1] if len(args) > 1 else kwargs.get("indices_or_sections")
    if isinstance(sections, int) and not isinstance(sections, bool) and sections > 0:
        # Only sizes that the number divides fit: sizes are multiples of it.
        return parts_of(args[0], sections, probe_scaled(sections, fn, args, kwargs))
    return probe_checked(fn, *args, **kwargs)


def parts_of(whole: Any, sections: int, parts: Type) -> Type:
    """Name the sizes of equal parts: one axis of the whole is divided."""
    if not (isinstance(whole, ArrayT) and whole.dims and isinstance(parts, ListT)):
        return parts
    [axis, *more] = [
        k
        for k, (a, b) in enumerate(zip(whole.dims, _dims(parts), strict=True))
        if a != b
    ] or [-1, -1]
    if more:
        return parts
    dims = list(whole.dims)
    dims[axis] = quotient(dims[axis], sections) or dims[axis]
    return ListT((ArrayT(whole.dtype, tuple(dims)),) * sections)


def _dims(parts: ListT) -> Dims:
    first = parts.items[0] if parts.items else None
    assert isinstance(first, ArrayT) and first.dims is not None
    return first.dims
