"""Functions that call themselves and write, where their callers cannot be told."""

from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad

X = np.array([0.5, 1.3])


def passed_twice(x: Any) -> Any:
    def rec(a: Any, b: Any) -> None:
        a[0] = a[0] + b[1] * 2
        if np.sum(a) < 20:
            rec(b, a)

    y = x * 1.0
    rec(y, y)
    return np.sum(y)


def argument_and_variable(x: Any) -> Any:
    y = x * 1.0

    def rec(a: Any) -> None:
        y[0] += a[1]
        if y[0] < 5:
            rec(a)

    rec(y[:])
    return np.sum(y)


class Two:
    def __init__(self, x: Any) -> None:
        self.a, self.b = x * 1, x * 2

    def swap(self) -> None:
        self.a, self.b = self.b, self.a * 0.5
        if np.sum(self.a) > 0.3:
            self.swap()


def objects_swapped(x: Any) -> Any:
    two = Two(x)
    two.swap()
    return np.sum(two.a**2) + np.sum(two.b)


def variable_written(x: Any) -> Any:
    y = x * 1.0

    def rec(n: int) -> None:
        nonlocal y
        y = y * 0.5
        y[0] += n
        if np.sum(y) < 9:
            rec(n + 1)

    rec(0)
    return np.sum(y)


@pytest.mark.parametrize(
    "program", [passed_twice, argument_and_variable, objects_swapped]
)
def test_two_names_for_what_is_written_are_refused(program: Any) -> None:
    with pytest.raises(NotDifferentiable, match="CR417"):
        grad(program)(X)


def test_a_new_object_of_a_variable_may_be_written() -> None:
    h = 1e-6
    found = grad(variable_written)(X)
    for k, step in enumerate(np.eye(2) * h):
        change = variable_written(X + step) - variable_written(X - step)
        assert abs(found[k] - change / (2 * h)) < 1e-6


def either_argument(x: Any) -> Any:
    def rec(a: Any, b: Any) -> Any:
        if np.sum(a) > 3:
            return a
        return rec(b * 1.0, a * 1.5)

    y, z = x * 1, x * 2
    chosen = rec(y, z)
    chosen[0] = 1.0
    return np.sum(y) + np.sum(z) + np.sum(chosen)


def test_a_write_to_a_result_that_may_be_an_argument_is_refused() -> None:
    with pytest.raises(NotDifferentiable, match="CR413"):
        grad(either_argument)(X)
