"""Types of NumPy's questions about values and dtypes: bools and dtypes, no derivative.

In: types or constants. Out: the type of the answer; `constants` knows which answer it
is, where that is certain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.infer import typed
from chainrule.types.lattice import BOOL, OpaqueT, Type

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
)
def question(fn: Fn, *args: Any) -> Type:
    """Give a Python bool."""
    return BOOL


@typed(np.result_type, np.promote_types, np.dtype)
def dtype_(fn: Fn, *args: Any) -> Type:
    """Give a dtype."""
    return OpaqueT(np.dtype)


@typed(np.finfo)
def floats(fn: Fn, dtype: Any) -> Type:
    """Give the limits of a dtype of floats."""
    return OpaqueT(np.finfo)


@typed(np.iinfo)
def integers(fn: Fn, dtype: Any) -> Type:
    """Give the limits of a dtype of integers."""
    return OpaqueT(np.iinfo)
