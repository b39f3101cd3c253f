"""A loop whose reverse only adds up is one loop, without a tape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad, value_and_grad
from tests.checks import check_program


def sum_of_terms(a: float, b: float, n: int) -> float:
    total = 0.0
    for i in range(n):
        u = math.sin(a * i)
        total = total + b * u * u
    return total


def scaled_afterwards(a: float, b: float, n: int) -> float:
    total = 0.0
    for i in range(n):
        total += math.exp(-a * i) * b
    return total / (n + 1) + 3.0 * a


def with_continue(a: float, b: float, n: int) -> float:
    total = 0.0
    for i in range(n):
        if i % 3 == 1:
            continue
        u = a * i
        total = total - math.cos(u) * u * b
    return total


def nested(a: float, b: float, n: int) -> float:
    total = 1.0
    for i in range(n):
        u = a * i
        for j in range(i):
            total = total + math.sin(u * j) * b
        total = total + u * u
    return 2.0 * total


def counted(a: float, b: float, n: int) -> float:
    total = 0.0
    k = 0
    while k < n:
        u = math.sin(a + k)
        total = total + u * u * b
        k += 1
    return total


MERGED = [sum_of_terms, scaled_afterwards, with_continue, nested, counted]


def recurrence(a: float, b: float, n: int) -> float:
    y = b
    for _ in range(n):
        y = math.sin(y) * a
    return y


def squared_afterwards(a: float, b: float, n: int) -> float:
    total = 0.0
    for i in range(n):
        u = math.sin(a * i)
        total = total + b * u * u
    return total * total


def left_early(a: float, b: float, n: int) -> float:
    total = 0.0
    for i in range(n):
        u = math.sin(a * i)
        if u > 0.9:
            break
        total = total + b * u * u
    return total


def also_carried(a: float, b: float, n: int) -> float:
    total, y = 0.0, a
    for i in range(n):
        y = y * b
        total = total + math.sin(y * i)
    return total


def product(a: float, b: float, n: int) -> float:
    total = 1.0
    for i in range(n):
        total = total * math.cos(a * i * b)
    return total


KEPT = [recurrence, squared_afterwards, left_early, also_carried, product]


@pytest.mark.parametrize("function", [*MERGED, *KEPT])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_gradient_is_right(function: Callable[..., float], n: int) -> None:
    """By differences and forward mode, for no iteration, one and more."""
    check_program(function, (0.4, 1.3, n), (0, 1))


@pytest.mark.parametrize("function", MERGED)
def test_no_tape(function: Callable[..., float]) -> None:
    """One loop does it."""
    source = grad(function, argnums=(0, 1)).source(0.4, 1.3, 5)
    assert "tape" not in source
    assert "reversed" not in source


@pytest.mark.parametrize("function", KEPT)
def test_tape_stays(function: Callable[..., float]) -> None:
    """What a later iteration, or the end, decides is not known in the loop."""
    source = grad(function, argnums=(0, 1)).source(0.4, 1.3, 5)
    assert "reversed" in source


def test_arrays() -> None:
    """Cotangents of arrays are added to in place."""

    def energy(x: Any, m: Any) -> Any:
        total = 0.0
        for i in range(len(x)):
            for j in range(i):
                if m[i] * m[j] == 0:
                    continue
                d = x[i] - x[j]
                total = total + m[i] * m[j] * np.exp(-np.sum(d * d))
        return total

    rng = np.random.default_rng(3)
    args = (rng.normal(size=(5, 2)), np.array([1.0, 0.0, 2.0, 0.5, 1.5]))
    check_program(energy, args, (0,))
    assert "tape" not in grad(energy).source(*args)


def test_value_is_the_primals() -> None:
    """The forward statements stand in the same order, with the same results."""
    for n in (0, 1, 7):
        value, _ = value_and_grad(nested)(0.4, 1.3, n)
        assert value == nested(0.4, 1.3, n)


def test_effects_keep_their_tape(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed after the loop is printed before anything of the reverse."""

    def talks(a: float) -> float:
        total = 0.0
        for i in range(3):
            total = total + math.sqrt(a * i)
        print("done")
        return total

    with pytest.raises(ZeroDivisionError):
        grad(talks)(0.0)
    assert capsys.readouterr().out == "done\n"


def test_derivative_again() -> None:
    """The second derivative of such a sum."""
    second = grad(grad(sum_of_terms))(0.4, 1.3, 6)
    differences = [grad(sum_of_terms)(0.4 + h, 1.3, 6) for h in (1e-5, -1e-5)]
    assert second == pytest.approx((differences[0] - differences[1]) / 2e-5, rel=1e-8)


def over_data(a: float, b: float, n: int) -> float:
    total = 0.0
    for x, y in [(0.3, 1.2), (0.7, 0.1)] * n:
        total += (a * x / (b + x) - y) ** 2
    return total


def test_elements_are_run_over_from_the_first_on() -> None:
    """Nothing is carried: there is no need to turn the data round."""
    check_program(over_data, (0.4, 1.3, 3), (0, 1))
    source = grad(over_data, argnums=(0, 1)).source(0.4, 1.3, 3)
    assert "reversed" not in source and "tape" not in source
