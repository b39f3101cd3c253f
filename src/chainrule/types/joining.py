"""Types of functions that join arrays or take them apart.

In: types or constants, arrays often in a list. Out: the type of the result, by probing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.infer import typed
from chainrule.types.dims import quotient
from chainrule.types.lattice import ArrayT, Dims, ListT, Type
from chainrule.types.probe import probe_scaled
from chainrule.types.probed import probe_checked, probed

probed(
    np,
    """concatenate concat stack vstack hstack dstack column_stack row_stack block append
    array_split unstack""",
)


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
