"""The questions and helpers of rules that are answered while the rule is spliced in.

In: a helper that is marked static, or a question of `rules.registry`, and operands.
Out: a constant, or `NotImplemented` where the operands are not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.rules.registry import (
    RULES,
    fixed_length,
    is_zero,
    names_twice,
    of_dtype,
    of_shape,
)
from chainrule.runtime import helpers
from chainrule.specialise.builder import Builder, type_of
from chainrule.types import lattice as lt

ZEROS = (np.zeros, np.zeros_like, helpers.zeros_like)


def answer(
    b: Builder, fn: Any, args: Sequence[Operand], kwargs: Sequence[tuple[str, Operand]]
) -> Any:
    """Return the constant result of a static helper or question."""
    if fn is fixed_length:
        t = type_of(args[0])
        return Const(not isinstance(t, lt.ListT) or t.items is not None)
    if fn is is_zero:
        return Const(is_known_zero(b, args[0]))
    if fn is of_shape:
        return with_shape(b, args[0], type_of(args[1]))
    if fn is of_dtype:
        return with_dtype(b, args[0], type_of(args[1]))
    if fn is names_twice:
        return Const(may_name_twice(b, args[0]))
    if fn not in RULES.static:
        return NotImplemented
    values = [known(b, a) for a in args]
    named = {name: known(b, a) for name, a in kwargs}
    if NotImplemented in (*map(_missing, values), *map(_missing, named.values())):
        return NotImplemented
    return Const(fn(*values, **named))


def with_dtype(b: Builder, op: Operand, like: lt.Type) -> Operand:
    """Make an array complex that is to take in complex numbers."""
    t = type_of(op)
    if isinstance(t, lt.ArrayT) and isinstance(like, lt.ArrayT):
        if t.dtype.kind != "c" and like.dtype.kind == "c":
            dtype = Const(like.dtype)
            return b.apply(prims.astype, op, dtype, form="method", text="astype")
    return op


def with_shape(b: Builder, op: Operand, like: lt.Type) -> Operand:
    """Give an operand of ours the dimensions of another, if it has as many."""
    if isinstance(op, Value) and op in b.defs and isinstance(op.type, lt.ArrayT):
        dims = lt.dims_of(like)
        if dims is not None and op.type.ndim == len(dims):
            op.type = lt.ArrayT(op.type.dtype, dims)
    return op


def _missing(value: Any) -> Any:
    return value if value is NotImplemented else None


def known(b: Builder, op: Operand) -> Any:
    """Return the value of a constant, or of a list or tuple of constants."""
    if isinstance(op, Const):
        return op.value
    parts = b.parts(op)
    if not isinstance(parts, list):
        return NotImplemented
    items = [known(b, part) for part in parts]
    if any(item is NotImplemented for item in items):
        return NotImplemented
    return items if b.is_list(op) else tuple(items)


def is_known_zero(b: Builder, op: Operand) -> bool:
    """Say whether a cotangent was made as zeros, because nothing used the result."""
    if isinstance(op, Const):
        return not isinstance(op.value, np.ndarray) and op.value in (0, None)
    stmt = b.defs.get(op) if isinstance(op, Value) else None
    if stmt is None:
        return False
    if stmt.fn is np.broadcast_to:
        return is_known_zero(b, stmt.args[0])
    return stmt.fn in ZEROS


def may_name_twice(b: Builder, index: Operand) -> bool:
    """Say whether an index has an array of integers that may repeat."""
    parts = b.parts(index)
    if isinstance(parts, list) and not b.is_list(index):
        return any(may_name_twice(b, part) for part in parts)
    if isinstance(index, Const):
        if not isinstance(index.value, list | np.ndarray):
            return False
        found = np.asarray(index.value)
        return found.dtype.kind in "iu" and len(np.unique(found)) < found.size
    t = type_of(index)
    if isinstance(t, lt.TupleT):
        return any(isinstance(item, lt.ArrayT | lt.ListT) for item in t.items)
    if isinstance(t, lt.ArrayT):
        return t.dtype.kind in "iu" and t.dims != ()
    return isinstance(t, lt.ListT)
