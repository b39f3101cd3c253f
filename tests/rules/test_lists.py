"""A list of numbers is as good as an array, and its cotangent is that of the array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.rules import RULES
from tests.rules.harness import check_rule

X = [0.7, -1.3, 2.1, 0.4]
CASES: list[tuple[Any, tuple[Any, ...]]] = [
    *((getattr(np, n), ()) for n in "sum mean prod max min var std median".split()),
    *((getattr(np, n), ()) for n in "nanmax nanmin nanmedian cumsum cumprod".split()),
    *((getattr(np, n), ()) for n in "diff ediff1d unwrap".split()),
    (np.quantile, (0.3,)),
    (np.percentile, ([20, 60],)),
]
EQUIVALENT: list[tuple[Any, tuple[Any, ...]]] = [
    *((getattr(np, n), ()) for n in "ptp nansum nanmean nanvar nanstd cov".split()),
    *((getattr(np, n), ()) for n in "average gradient vander polyder".split()),
    (np.average, (None, [0.1, 0.2, 0.3, 0.4])),
    (np.gradient, ([0.0, 0.3, 1.1, 1.5],)),
    (getattr(np, "trapezoid", None) or np.trapz, ([0.0, 0.3, 1.1, 1.5],)),
    (np.polyval, ([0.5, 1.5],)),
    (np.polyfit, (X[::-1], 2)),
]


@pytest.mark.parametrize(("fn", "args"), CASES)
def test_cotangent(fn: Any, args: Any) -> None:
    """The rules in both modes take lists."""
    check_rule(fn, X, *args)


@pytest.mark.parametrize(("fn", "args"), EQUIVALENT)
def test_equivalent(fn: Any, args: Any) -> None:
    """The equivalent of a function takes lists too."""
    value = RULES.reverse[fn].template(X, *args)
    np.testing.assert_allclose(value, fn(X, *args))
