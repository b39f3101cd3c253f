"""The forward and the reverse half of a branch are one branch where they can be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad, value_and_grad
from tests.checks import check_program


def regimes(t: float, a: float) -> float:
    if t < 1:
        y = a * t**2
    elif t < 2:
        y = a + math.log(t)
    else:
        y = math.exp(-t) * a
    return y * y


def read_again(t: float, a: float) -> float:
    y = math.sin(a * t) if t < 1 else math.cos(a * t)
    z = 3 * y * a
    return z * z + a * y


def two_branches(t: float, a: float) -> float:
    if t < 1:
        y = a * t
    else:
        y = a * a * t
    z = y * y
    if a < 1:
        z = z * a
    return z * t


def same_test_twice(t: float, a: float) -> float:
    flag = t < 1
    y = a * t if flag else t * t * a
    z = y * t + 1
    w = z * z * y if flag else z / a
    return w * w


def many_between(t: float, a: float) -> float:
    y = a * t if t < 1 else t * t
    u = math.sin(y)
    v = u * y
    w = v * v + u
    return w * w + math.exp(u * v)


def raises(t: float, a: float) -> float:
    if t < 1:
        y = 1 / t
    else:
        y = a / (t - 3)
    return y * y * a


PROGRAMS = [regimes, read_again, two_branches, same_test_twice, many_between, raises]


@pytest.mark.parametrize("function", PROGRAMS)
@pytest.mark.parametrize("t", [0.6, 1.4, 2.5])
@pytest.mark.parametrize("a", [0.7, 1.3])
def test_gradient(function: Callable[..., Any], t: float, a: float) -> None:
    """Right on every path, in both modes, and to second order."""
    check_program(function, (t, a), (0, 1))
    assert value_and_grad(function)(t, a)[0] == function(t, a)
    slope = grad(function)
    second = (slope(t + 1e-5, a) - slope(t - 1e-5, a)) / 2e-5
    assert grad(grad(function))(t, a) == pytest.approx(second, rel=1e-4, abs=1e-6)


def test_one_branch() -> None:
    """The test is asked once, and no variable remembers it."""
    source = grad(regimes, argnums=(0, 1)).source(0.6, 0.7)
    assert source.count("if ") == 2 and "test" not in source
    assert source.count("t < 1") == 1


def arrays(x: Any, flag: bool) -> Any:
    y = np.sin(x) if flag else x**3
    return np.sum(y * y)


@pytest.mark.parametrize("flag", [True, False])
def test_arrays(flag: bool) -> None:
    """A branch on an argument that is not known when it is compiled."""
    check_program(arrays, (np.array([0.4, -1.2]), flag), (0,))
