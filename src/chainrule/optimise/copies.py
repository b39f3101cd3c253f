"""Arrays of their own, as operations: the copy of one, and one filled with a number.

In: an array and the value that its copy gets. Out: the operation.
"""

from __future__ import annotations

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.types.lattice import ArrayT, ScalarT, Type


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


def full_args(shape: Operand, number: Operand, type_: Type) -> tuple[Operand, ...]:
    """Return the arguments of `np.full` for an array that shall be of a type.

    The dtype is among them where the number may still be the integer that a sum
    began with.
    """
    t = getattr(number, "type", None)
    unsure = isinstance(t, ScalarT) and not t.exact and t.kind in ("float", "complex")
    if not unsure or not isinstance(type_, ArrayT):
        return shape, number
    plain = {np.dtype(float): float, np.dtype(complex): complex}
    return shape, number, Const(plain.get(type_.dtype, type_.dtype.type))
