"""What is declared to have no derivative is constant around generic points."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest

from chainrule.rules import RULES

X = np.array([[0.713, -1.337, 2.141], [0.442, 1.939, -0.641]])
Y = np.array([[1.713, 0.337, -1.141], [2.442, -0.939, 1.641]])


def named(module: Any, names: str) -> list[Any]:
    """Return functions by name."""
    return [getattr(module, name) for name in names.split()]


CASES = [
    *(
        (fn, (0.713,))
        for fn in named(math, "ceil floor trunc isfinite isinf isnan ulp")
    ),
    *((fn, (0.713,)) for fn in (int, bool, round, type, operator.not_)),
    (math.isclose, (0.713, 1.337)),
    *((fn, (0.7, 1.3)) for fn in named(operator, "lt le eq ne ge gt floordiv is_not")),
    *((fn, (X, Y)) for fn in named(operator, "lt le eq ne ge gt floordiv")),
    *((fn, (X, Y)) for fn in named(np, "less less_equal equal not_equal greater")),
    *((fn, (X, Y)) for fn in named(np, "greater_equal floor_divide isclose allclose")),
    *((fn, (X, Y)) for fn in named(np, "array_equal logical_and logical_or isin")),
    *(
        (fn, (X,))
        for fn in named(np, "floor ceil rint trunc round sign signbit spacing")
    ),
    *((fn, (X,)) for fn in named(np, "isnan isinf isfinite isreal any all argmax")),
    *(
        (fn, (X,))
        for fn in named(np, "argmin argsort nonzero count_nonzero shape ndim")
    ),
    *((fn, (X,)) for fn in named(np, "zeros_like ones_like size nanargmax isscalar")),
    *((fn, (X,)) for fn in named(np, "logical_not iscomplexobj argwhere flatnonzero")),
    (np.round, (X, 2)),
    (round, (0.71304, 3)),
    (np.argpartition, (X, 1)),
    (np.searchsorted, (np.array([0.1, 0.4, 0.9]), 0.713)),
    (np.digitize, (X, np.array([0.1, 0.4, 0.9]))),
    (isinstance, (0.713, float)),
]


def moved(x: Any, h: float) -> Any:
    """Return a number or an array a little beside."""
    return x + h if isinstance(x, float | np.ndarray) else x


@pytest.mark.parametrize(
    ("fn", "args"), CASES, ids=lambda v: getattr(v, "__name__", "")
)
def test_is_declared_and_locally_constant(fn: Any, args: Any) -> None:
    """A small step of every operand leaves the result as it was."""
    assert fn in RULES.inactive
    assert fn not in RULES.reverse
    before = fn(*args)
    after = fn(*(moved(a, 1e-9 * (k + 1)) for k, a in enumerate(args)))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    "fn",
    [
        *named(np, "histogram quantile unique kaiser i0 frombuffer piecewise"),
        *named(np.random, "normal choice permutation"),
    ],
)
def test_values_that_pass_through_are_not_inactive(fn: Any) -> None:
    """Nothing whose result moves with an operand is declared constant."""
    assert fn not in RULES.inactive
