"""Types of NumPy's questions about values and dtypes: bools and dtypes, no derivative.

In: types or constants. Out: the type of the answer; `constants` knows which answer it
is, where that is certain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.infer import typed
from chainrule.types.lattice import BOOL, NONE, STR, OpaqueT, Type

Fn = Callable[..., Any]


@typed(
    np.iscomplexobj,
    np.isrealobj,
    np.isscalar,
    np.iterable,
    np.issubdtype,
    np.can_cast,
    np.shares_memory,
    np.may_share_memory,
    np.isfortran,
    *([np.isdtype] if hasattr(np, "isdtype") else []),
)
def question(fn: Fn, *args: Any) -> Type:
    """Give a Python bool."""
    return BOOL


@typed(np.result_type, np.promote_types, np.dtype)
def dtype_(fn: Fn, *args: Any) -> Type:
    """Give a dtype."""
    return OpaqueT(np.dtype)


@typed(np.common_type, np.min_scalar_type)
def class_(fn: Fn, *args: Any) -> Type:
    """Give a class of scalars, or a dtype."""
    return OpaqueT(type if fn is np.common_type else np.dtype)


@typed(
    np.array2string,
    np.array_repr,
    np.array_str,
    np.base_repr,
    np.binary_repr,
    np.format_float_positional,
    np.format_float_scientific,
    np.typename,
)
def text(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Give a string."""
    return STR


@typed(np.set_printoptions)
def silent(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Give None."""
    return NONE


@typed(np.finfo)
def floats(fn: Fn, dtype: Any) -> Type:
    """Give the limits of a dtype of floats."""
    return OpaqueT(np.finfo)


@typed(np.iinfo)
def integers(fn: Fn, dtype: Any) -> Type:
    """Give the limits of a dtype of integers."""
    return OpaqueT(np.iinfo)
