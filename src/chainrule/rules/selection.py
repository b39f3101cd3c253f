"""Selection: where, maximum, clip and their kin.

In: conditions and alternatives. Out: partial derivatives; what was not taken
contributes exactly zero, ties are shared equally.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules


@rules.linear(np.where, wrt=("x", "y"))
def where(out_bar: Any, condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, out_bar, 0), np.where(condition, 0, out_bar)


@rules.elementwise(np.maximum)
def maximum(x: Any, y: Any, out: Any) -> Any:
    return np.where(x == y, 0.5, x > y), np.where(x == y, 0.5, y > x)


@rules.elementwise(np.minimum)
def minimum(x: Any, y: Any, out: Any) -> Any:
    return np.where(x == y, 0.5, x < y), np.where(x == y, 0.5, y < x)


@rules.elementwise(np.fmax)
def fmax(x: Any, y: Any, out: Any) -> Any:
    x_wins, y_wins = (x > y) | np.isnan(y), (y > x) | np.isnan(x)
    return np.where(x == y, 0.5, x_wins), np.where(x == y, 0.5, y_wins)


@rules.elementwise(np.fmin)
def fmin(x: Any, y: Any, out: Any) -> Any:
    x_wins, y_wins = (x < y) | np.isnan(y), (y < x) | np.isnan(x)
    return np.where(x == y, 0.5, x_wins), np.where(x == y, 0.5, y_wins)
