"""Arguments that the user's function writes into hold after the call what it wrote."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import grad, value_and_grad

X = np.array([0.3, -1.2, 2.0])


def scale(x: Any, out: Any) -> Any:
    out[:] = x * x
    out[0] += x[1]
    return np.sum(out)


def accumulate(x: Any, totals: Any) -> Any:
    for k in range(3):
        totals[k] += x[k] * x[k]
    return np.sum(totals)


def itself(x: Any) -> Any:
    x *= 2.0
    return np.sum(x * x)


def by_branch(x: Any, out: Any, write: bool) -> Any:
    if write:
        out[1] = x[0] * x[0]
    return np.sum(out * x)


@pytest.mark.parametrize(
    ("f", "rest"),
    [
        (scale, (np.ones(3),)),
        (accumulate, (np.ones(3),)),
        (itself, ()),
        (by_branch, (np.ones(3), True)),
        (by_branch, (np.ones(3), False)),
    ],
)
def test_the_caller_sees_what_the_function_writes(f: Any, rest: Any) -> None:
    """Value and arguments are, bit for bit, those of a plain call."""
    mine, theirs = [[np.array(a) for a in (X, *rest)] for _ in range(2)]
    value, _ = value_and_grad(f)(*mine)
    assert value == f(*theirs)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_filled_is_written_in_place() -> None:
    """The caller's array takes each store, and nothing is written back at the end."""
    text = str(grad(scale).source(X, np.ones(3)))
    assert "    out[:] = x * x\n    out[0] += x[1]\n" in text
    assert "out[...]" not in text


def test_a_written_argument_that_overlaps_another_is_no_other_case() -> None:
    """What was made for arrays apart is not used for arrays that share memory."""
    mine, theirs = np.arange(6.0), np.arange(6.0)
    f = value_and_grad(scale)
    f(X, np.ones(3))
    value, _ = f(mine[:3], mine[2:5])
    assert value == scale(theirs[:3], theirs[2:5])
    np.testing.assert_array_equal(mine, theirs)
