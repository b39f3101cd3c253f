"""Greatest and least elements along axes.

In: arrays, an axis or several, whether axes are kept. Out: pullbacks and tangents; ties
share equally, NaN entries take no part where NumPy leaves them out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.common import as_array
from chainrule.rules.reductions import kept


@rules.reverse(np.max, np.amax)
def max_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.max(a, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        return shared(out_bar, a, out, axis, keepdims)

    return out, pullback


@rules.reverse(np.min, np.amin)
def min_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.min(a, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        return shared(out_bar, a, out, axis, keepdims)

    return out, pullback


@rules.reverse(np.nanmax)
def nanmax(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.nanmax(a, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        return shared(out_bar, a, out, axis, keepdims)

    return out, pullback


@rules.reverse(np.nanmin)
def nanmin(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    out = np.nanmin(a, axis=axis, keepdims=keepdims)

    def pullback(out_bar: Any) -> Any:
        return shared(out_bar, a, out, axis, keepdims)

    return out, pullback


def shared(out_bar: Any, a: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    """Share the cotangent equally among the elements that are equal to the result."""
    ties = as_array(a) == kept(out, axis, keepdims)
    share = kept(out_bar, axis, keepdims) / np.sum(ties, axis=axis, keepdims=True)
    return ties * share


@rules.forward(np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin)
def extreme_forward(
    a: Any, a_dot: Any, out: Any, axis: Any = None, keepdims: bool = False
) -> Any:
    ties = as_array(a) == kept(out, axis, keepdims)
    moved = np.sum(ties * as_array(a_dot), axis=axis, keepdims=keepdims)
    return moved / np.sum(ties, axis=axis, keepdims=keepdims)


@rules.composite(np.ptp)
def ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    greatest = np.max(a, axis=axis, keepdims=keepdims)
    return greatest - np.min(a, axis=axis, keepdims=keepdims)
