"""What is saved for the reverse sweep: the user's variables, not steps on the way."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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


PROGRAMS = [quotient, powers, long_formula, named]


@pytest.mark.parametrize("function", PROGRAMS)
def test_gradient(function: Callable[..., Any]) -> None:
    """Right in both modes."""
    check_program(function, (0.7, 0.9, 4), (0, 1))


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
