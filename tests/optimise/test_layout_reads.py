"""No array is copied only to be asked for its shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import differentiate
from tests.checks import check_program

X = np.array([0.3, -1.2, 2.0])


def in_a_loop(u: Any, k: float) -> Any:
    for _ in range(3):
        u[1:] = np.sin(u[1:]) * k
    return np.sum(u)


def on_one_path(u: Any, k: float) -> Any:
    if k > 0:
        u[0] = u[1] * k
    else:
        u[1] = 0.0
    return np.sum(u)


def new_array(u: Any, k: float) -> Any:
    w = np.empty_like(u)
    w[0] = k
    w[1:] = u[1:] * w[0]
    return np.sum(w) * w.size


@pytest.mark.parametrize("f", [in_a_loop, on_one_path, new_array])
def test_the_last_content_is_asked(f: Any) -> None:
    """Both modes are right, and copy no whole array."""
    check_program(f, (X, 0.7), (0, 1))
    made = differentiate(f)
    assert "u.copy()" not in str(made.grad.source(X, 0.7))
    assert "w.copy()" not in str(made.jvp.source(X, 0.7))


def test_the_tangent_of_the_caller_is_copied_once() -> None:
    """It is copied before the loop that stores into it, not in each iteration."""
    lines = str(differentiate(in_a_loop).jvp.source(X, 0.7)).splitlines()
    assert [line for line in lines if "u_dot.copy()" in line] == [
        "    u_dot = u_dot.copy()"
    ]


def test_what_a_loop_fills_is_handed_out_as_it_is() -> None:
    """The cotangent begins as a full array: nobody else has it."""
    assert "u_bar.copy()" not in str(differentiate(in_a_loop).grad.source(X, 0.7))
