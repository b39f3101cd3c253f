"""Rules of Python's `math`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from chainrule.runtime.special import polygamma
from tests.rules.harness import check_rule

SMALL = (0.3, -0.6, 0.01)
CASES = [
    *(
        (getattr(math, n), SMALL)
        for n in "sin cos tan asin acos atan sinh cosh".split()
    ),
    *((getattr(math, n), SMALL) for n in "tanh asinh atanh exp exp2 expm1".split()),
    *((getattr(math, n), SMALL) for n in "radians degrees erf erfc fabs modf".split()),
    *(
        (getattr(math, n), (0.3, 1.7, 40.0))
        for n in "log log2 log10 log1p sqrt".split()
    ),
    (math.acosh, (1.2, 30.0)),
    (math.cbrt, (0.3, -2.0)),
    (math.frexp, (0.3, -2.7)),
    (math.gamma, (0.3, 1.7, 4.0, -1.4)),
    (math.lgamma, (0.3, 1.7, 40.0, -1.4, 1e6)),
]


@pytest.mark.parametrize(
    ("fn", "points"), CASES, ids=lambda v: getattr(v, "__name__", "")
)
def test_one_operand(fn: Any, points: Any) -> None:
    """Partials agree with differences at several points."""
    for x in points:
        check_rule(fn, x)
        check_rule(fn, np.float64(x))


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        (math.atan2, (0.3, -0.7)),
        (math.pow, (0.7, 2.3)),
        (math.pow, (-0.7, 3)),
        (math.pow, (2, 0.4)),
        (math.log, (0.7, 3.0)),
        (math.log, (0.7, 2)),
        (math.copysign, (0.7, -2.0)),
        (math.copysign, (-0.7, -2.0)),
        (math.fmod, (7.3, 2.1)),
        (math.fmod, (-7.3, 2.1)),
        (math.remainder, (7.3, 2.1)),
        (math.ldexp, (0.7, 3)),
        (math.nextafter, (0.7, 3.0)),
        (polygamma, (0, 0.7)),
        (polygamma, (1, 2.7)),
        (polygamma, (3, -0.7)),
        *([(math.fma, (0.7, 1.3, -0.2))] if hasattr(math, "fma") else []),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_several_operands(fn: Any, args: Any) -> None:
    """Partials of functions of several numbers hold, with data among them too."""
    check_rule(fn, *args)


def test_polygamma_values() -> None:
    """Digamma and trigamma have their known values at 1 and 1/2."""
    euler = 0.5772156649015329
    assert polygamma(0, 1.0) == pytest.approx(-euler, rel=1e-14)
    assert polygamma(0, 0.5) == pytest.approx(-euler - 2 * math.log(2), rel=1e-14)
    assert polygamma(1, 1.0) == pytest.approx(math.pi**2 / 6, rel=1e-14)
    assert polygamma(2, 1.0) == pytest.approx(-2 * 1.2020569031595942, rel=1e-13)
    assert math.isnan(polygamma(0, -3.0))
