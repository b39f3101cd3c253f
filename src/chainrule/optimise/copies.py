"""The copy of an array, as an operation.

In: an array and the value that its copy gets. Out: the operation.
"""

from __future__ import annotations

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Value


def copy_of(value: Value, out: Value, spread: bool = False) -> Apply:
    """Return the copy of an array; its elements lie in the same order.

    A sum depends on that order in the last digit. Where a row was `spread` over an
    array, `np.copy` would put the axis first that repeats it, unlike all else in NumPy.
    """
    dims = getattr(value.type, "dims", None)
    if dims is not None and len(dims) > 1 and not spread:
        return Apply(out, np.copy, (value,), loc=value.loc)
    copied = Apply(out, prims.copy_value, (value,), form="method", text="copy")
    copied.loc = value.loc
    return copied
