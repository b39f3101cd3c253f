"""What is saved for the reverse sweep: the user's variables, not steps on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def quotient(a: float, b: float, n: int) -> Any:
    x = a
    for _ in range(n):
        x = x * b + 0.1
        a = math.sin(a - x / b)
    return a * x


def powers(a: float, b: float, n: int) -> Any:
    for _ in range(n):
        a = a * math.exp(1 - a**2) * b
    return a


def long_formula(a: float, b: float, n: int) -> Any:
    for i in range(n):
        a = math.sin((a * b + a / b - a * i) * (b - a))
    return a


def named(a: float, b: float, n: int) -> Any:
    for _ in range(n):
        step = a * b + a**3
        a = math.sin(step) * math.cos(step)
    return a


def descent(w: Any, X: Any, n: int) -> Any:
    for _ in range(n):
        w = w - 0.1 * X.T @ (X @ w) / len(X)
    return np.sum(w * w)


def in_branches(a: float, b: float, n: int) -> Any:
    total = 0.0
    for i in range(n):
        if i % 2:
            d = math.sin(a * i) / (48 * a * b)
        elif i:
            c = math.exp(a)
            d = (a - c) * (a - c) * math.cos(a - b) * (b - a)
        else:
            d = a / (3 * b)
        total = total + d**2
    return total


def behind_a_branch(a: float, b: float, n: int) -> Any:
    if n > 1:
        c = math.exp(a)
        y = (c - a) * (c - b) / (2 * c)
    else:
        y = a / (3 * b)
    return y * y


PROGRAMS = [quotient, powers, long_formula, named, in_branches, behind_a_branch]


@pytest.mark.parametrize("function", PROGRAMS)
def test_gradient(function: Callable[..., Any]) -> None:
    """Right in both modes."""
    for n in (0, 1, 4):
        check_program(function, (0.7, 0.9, n), (0, 1))


def test_what_does_not_change_is_computed_again() -> None:
    """The length of the data is not saved in each iteration; nor a formula."""
    X = np.array([[0.3, -1.2], [0.8, 0.4], [1.1, 0.2]])
    check_program(descent, (np.ones(2), X, 3), (0,))
    source = grad(descent).source(np.ones(2), X, 3)
    assert "tape" not in source and "/ len(X)" in source
    source = grad(in_branches, argnums=(0, 1)).source(0.7, 0.9, 4)
    forward, _, reverse = source.partition("# reverse sweep")
    assert "/ (48 * a * b)" in forward and "/ (48 * a * b)" in reverse


def test_a_variable_is_saved_not_what_is_made_of_it() -> None:
    """`x / b` is as the user wrote it in both sweeps."""
    source = grad(quotient, argnums=(0, 1)).source(0.7, 0.9, 4)
    forward, _, reverse = source.partition("# reverse sweep")
    assert "math.sin(a - x / b)" in forward
    assert "(x / b)" in reverse


def test_short_formulas_are_computed_again() -> None:
    """One that has a step or two; what has more is saved, and what has a name."""
    source = grad(powers).source(0.7, 0.9, 4)
    assert "1 - a**2" in source.partition("# reverse sweep")[0]
    source = grad(long_formula).source(0.7, 0.9, 4)
    assert source.count("a * b + a / b") == 1
    source = grad(named).source(0.7, 0.9, 4)
    assert source.count("a**3") == 1
