"""Selection: where, maximum, clip and their kin.

In: conditions and alternatives. Out: partial derivatives; what was not taken
contributes exactly zero, ties are shared equally.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules


@rules.linear(np.where, wrt=("condition", "x", "y"))
def where(out_bar: Any, condition: Any, x: Any, y: Any) -> Any:
    return None, np.where(condition, out_bar, 0), np.where(condition, 0, out_bar)


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


@rules.forward(np.where)
def where_forward(condition: Any, condition_dot: Any, x_dot: Any, y_dot: Any) -> Any:
    return np.where(condition, x_dot, y_dot)


@rules.elementwise(np.clip)
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    out: Any = None,
) -> Any:
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    inside, below, above = clip_partials(a, low, high)
    return (
        inside,
        None if a_min is None else below,
        None if a_max is None else above,
        None if min is None else below,
        None if max is None else above,
    )


def clip_partials(a: Any, low: Any, high: Any) -> Any:
    """Return the partials in the number and its bounds; on a bound both count half."""
    if low is None and high is None:
        return 1, None, None
    if high is None:
        return np.where(a == low, 0.5, a > low), np.where(a == low, 0.5, a < low), None
    if low is None:
        return (
            np.where(a == high, 0.5, a < high),
            None,
            np.where(a == high, 0.5, a > high),
        )
    inside = np.where((a == low) | (a == high), 0.5, (a > low) & (a < high))
    return inside, np.where(a == low, 0.5, a < low), np.where(a == high, 0.5, a > high)


@rules.reverse(np.nan_to_num, wrt="x")
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    out = np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def pullback(out_bar: Any) -> Any:
        return np.where(np.isfinite(x), out_bar, 0)

    return out, pullback


@rules.forward(np.nan_to_num)
def nan_to_num_forward(
    x: Any, x_dot: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    return np.where(np.isfinite(x), x_dot, 0)


@rules.linear(np.choose, wrt="choices")
def choose(out_bar: Any, a: Any, choices: Any) -> Any:
    chosen = np.asarray(a)
    bars = [np.where(chosen == k, out_bar, 0) for k in range(len(choices))]
    return np.stack(bars) if isinstance(choices, np.ndarray) else bars


@rules.linear(np.select, wrt=("choicelist", "default"))
def select(out_bar: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    bars: tuple[Any, ...] = ()
    for k in range(len(condlist)):
        bars = (*bars, np.where(condlist[k], out_bar, 0))
        out_bar = np.where(condlist[k], 0, out_bar)
    return bars, out_bar


@rules.forward(np.select)
def select_forward(condlist: Any, choicelist_dot: Any, default_dot: Any) -> Any:
    return np.select(condlist, choicelist_dot, default_dot)


@rules.elementwise(np.heaviside)
def heaviside(x: Any, h0: Any, out: Any) -> Any:
    return None, x == 0
