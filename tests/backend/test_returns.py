"""A value that the last branch chooses is returned from it."""

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
        y = a * math.exp(t) * t
    elif t < 2:
        y = a * math.log(t) + t
    else:
        y = (a + math.sin(t)) * math.exp(-t)
    return y * y


def used_behind(t: float, a: float) -> float:
    if t < 1:
        y = a * math.exp(t) * t
    else:
        y = (a + math.sin(t)) * math.exp(-t)
    return y * y + math.sin(t)


def short(t: float, a: float) -> float:
    y = t if t < a else a
    return 2.0 * y


def raising(t: float, a: float) -> float:
    if t < 1:
        y = a * math.exp(t) * t
    elif t > 5:
        raise ValueError(t)
    else:
        y = (a + math.sin(t)) * math.exp(-t)
    return y * y


def in_a_loop(t: float, a: float) -> float:
    for i in range(3):
        if t < 1:
            t = a * math.exp(t) * t + i
        else:
            t = (a + math.sin(t)) * math.exp(-t)
    return t * t


def writing(t: float, a: float) -> float:
    x = np.array([t, a])
    if t < 1:
        x[0] = math.exp(t) * x[1]
    else:
        x[1] = math.sin(t) * x[0] * a
    return float(x[0] * x[1])


PROGRAMS = [regimes, used_behind, short, raising, in_a_loop, writing]


@pytest.mark.parametrize("function", PROGRAMS)
@pytest.mark.parametrize("t", [0.6, 1.3, 2.4])
def test_gradient(function: Callable[..., Any], t: float) -> None:
    """Right on each path, in both modes, and with the value."""
    check_program(function, (t, 0.8), (0,))
    check_program(function, (t, 0.8), (0, 1))
    assert value_and_grad(function)(t, 0.8)[0] == function(t, 0.8)


def test_every_path_returns() -> None:
    """Nothing is assigned that is only returned."""
    source = grad(regimes).source(0.6, 0.8)
    assert source.count("return") == 3
    assert "t_bar" not in source
    assert grad(raising).source(0.6, 0.8).count("return") == 2


def test_an_expression_stays_one() -> None:
    """What is chosen in one line is not spread over four."""
    source = grad(short).source(0.6, 0.8)
    assert source.count("return") == 1 and "if t < a else" in source
