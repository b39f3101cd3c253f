"""Types of sorting, searching and counting: what depends on values has a length of its
own.

In: types or constants. Out: the type of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.dims import map_dims
from chainrule.types.indexing import as_array
from chainrule.types.infer import static, typed
from chainrule.types.lattice import ArrayT, Type, fresh_dim
from chainrule.types.probe import probe
from chainrule.types.probed import probe_checked, probed

Fn = Callable[..., Any]

probed(
    np, "sort argsort lexsort msort searchsorted digitize isin in1d packbits unpackbits"
)


@typed(np.partition, np.argpartition)
def partition(
    fn: Fn, a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect"
) -> Type:
    """Keep the shape, flat without an axis."""
    axis = static(axis, "axis")
    sort = np.sort if fn is np.partition else np.argsort
    return probe_checked(sort, a, axis=axis)


@typed(np.argwhere)
def argwhere(fn: Fn, a: Any) -> Type:
    """Give a row for each hit."""
    t = as_array(a)
    rank = fresh_dim() if t.dims is None else len(t.dims)
    return ArrayT(np.dtype(np.intp), (fresh_dim(), rank))


@typed(np.flatnonzero)
def flatnonzero(fn: Fn, a: Any) -> Type:
    """Give an index for each hit."""
    as_array(a)
    return ArrayT(np.dtype(np.intp), (fresh_dim(),))


@typed(np.unique, np.intersect1d, np.union1d, np.setdiff1d, np.setxor1d)
def distinct(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Give lengths that depend on values."""
    return map_dims(probe_checked(fn, *args, **kwargs), lambda _: fresh_dim())


@typed(np.bincount)
def bincount(fn: Fn, x: Any, weights: Any = None, minlength: Any = 0) -> Type:
    """Count ints, or add weights, up to the largest value."""
    dtype = np.dtype(np.intp if weights is None else np.float64)
    as_array(x)
    return ArrayT(dtype, (fresh_dim(),))


@typed(np.histogram, np.histogram_bin_edges)
def histogram(fn: Fn, a: Any, bins: Any = 10, **kwargs: Any) -> Type:
    """Give as many counts as bins, and one edge more."""
    if isinstance(bins, str):
        return map_dims(probe(fn, a, **kwargs), lambda _: fresh_dim())
    return probe(fn, a, bins=bins, **kwargs)
