"""Types of functions that make arrays.

In: types or constants; an int that carries the name of a size gives an axis of that
name. Out: the type of the array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.infer import Unknown, known, lift, static, typed
from chainrule.types.iterables import item_type
from chainrule.types.lattice import (
    NEVER,
    ArrayT,
    Dim,
    ListT,
    RangeT,
    ScalarT,
    TupleT,
    Type,
    fresh_dim,
    result_dtype,
)
from chainrule.types.probe import probe
from chainrule.types.probed import probed

Fn = Callable[..., Any]

probed(
    np,
    """zeros ones full empty zeros_like ones_like full_like empty_like eye identity
    linspace logspace geomspace meshgrid indices tri ascontiguousarray
    asfortranarray copy asarray_chkfinite bartlett blackman hamming hanning kaiser
    diag_indices diag_indices_from astype require""",
)


@typed(np.arange)
def arange(
    fn: Fn,
    *args: Any,
    dtype: Any = None,
    start: Any = None,
    stop: Any = None,
    step: Any = None,
) -> Type:
    """Give as many elements as an int counts up to, else a length nobody knows."""
    dtype = static(dtype, "dtype")
    parts = list(args) + [p for p in (start, stop, step) if p is not None]
    if len(parts) > 3 and dtype is None:
        dtype = static(parts.pop(), "dtype")
    samples = [_one(p) for p in parts]
    found = np.arange(*samples, dtype=dtype).dtype
    return ArrayT(found, (_arange_length(parts),))


def _one(arg: Any) -> Any:
    t = lift(arg)
    if not isinstance(t, ScalarT | ArrayT):
        raise Unknown(f"np.arange of {t}")
    return (
        result_dtype(t).type(1)
        if getattr(t, "dtype", None)
        else {"int": 1, "bool": 1}.get(
            t.kind if isinstance(t, ScalarT) else "float", 1.0
        )
    )


def _arange_length(parts: list[Any]) -> Dim:
    if not any(isinstance(known(p), Type) for p in parts):
        return len(np.arange(*map(known, parts)))
    last = lift(parts[-1])
    counts = len(parts) == 1 or len(parts) == 2 and known(parts[0]) == 0
    if (
        counts
        and isinstance(last, ScalarT)
        and last.kind == "int"
        and last.dim is not None
    ):
        return last.dim
    return fresh_dim()


@typed(np.array, np.asarray, np.asanyarray)
def array(fn: Fn, object: Any = NEVER, dtype: Any = None, **kwargs: Any) -> Type:
    """Make an array of nested sequences, of a range, or of an array."""
    source = kwargs.pop("a", object)
    t = lift(source)
    static(dtype, "dtype")
    for name, value in kwargs.items():
        static(value, name)
    kwargs = {k: v for k, v in kwargs.items() if k not in ("copy", "order")}
    if isinstance(t, RangeT) and t.dim is None:
        found = np.dtype(int if dtype is None else dtype)
        return ArrayT(found, (fresh_dim(),))
    return probe(fn, t if isinstance(t, ListT) else source, dtype, **kwargs)


@typed(np.triu_indices, np.tril_indices, np.triu_indices_from, np.tril_indices_from)
def triangle(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Give two indices of one length: rows and columns."""
    found = probe(fn, *args, **kwargs)
    if not isinstance(found, TupleT) or len(found.items) != 2:
        return found
    length = (fresh_dim(),)
    return TupleT(tuple(ArrayT(result_dtype(t), length) for t in found.items))


@typed(np.fromiter)
def fromiter(fn: Fn, iter: Any, dtype: Any, count: Any = -1) -> Type:
    """Make a vector of any iterable."""
    item_type(lift(iter))
    return ArrayT(np.dtype(static(dtype, "dtype")), (fresh_dim(),))


@typed(np.full)
def full(
    fn: Fn, shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C"
) -> Type:
    """Take the dtype from the value that fills."""
    return probe(fn, shape, fill_value, dtype)
