"""Functions whose derivative a program takes, and which write into what is around them.

Such a function is refused outside of a program, so each program here has a twin: the
same without chainrule.
"""

from typing import Any

import numpy as np
import pytest

from chainrule import (
    NotDifferentiable,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
)
from chainrule.checking.differences import derivative

X = np.array([0.3, -0.7, 1.1])
V = np.array([0.4, 0.9, -0.2])


def losses_logged(x: Any) -> Any:
    log: list[Any] = []

    def loss(w: Any) -> Any:
        value = np.sum(w**3 * x)
        log.append(value)
        return value

    w = x * 0.5
    for _ in range(3):
        w = w - 0.01 * grad(loss)(w)
    return sum(log) + np.sum(w)


def descent(x: Any) -> Any:
    log: list[Any] = []
    w = x * 0.5
    for _ in range(3):
        log.append(np.sum(w**3 * x))
        w = w - 0.03 * w**2 * x
    return sum(log) + np.sum(w)


def layers_logged_then_written(x: Any) -> Any:
    log: list[Any] = []

    def loss(w: Any) -> Any:
        h = np.tanh(w)
        log.append(h)
        return np.sum(h * x)

    w = x * 0.5
    for _ in range(3):
        w = w - 0.01 * grad(loss)(w)
    log[1][0] = 3.0 * x[0]
    return sum(np.sum(h) for h in log) + np.sum(w)


def hidden_layers(x: Any) -> Any:
    log: list[Any] = []
    w = x * 0.5
    for _ in range(3):
        log.append(np.tanh(w))
        w = w - 0.01 * (1 - np.tanh(w) ** 2) * x
    log[1][0] = 3.0 * x[0]
    return sum(np.sum(h) for h in log) + np.sum(w)


def argument_logged(x: Any) -> Any:
    log: list[Any] = []

    def loss(w: Any) -> Any:
        log.append(w)
        return np.sum(w**2 * x)

    w = x * 0.5
    g = grad(loss)(w)
    w *= 2
    return sum(np.sum(h) for h in log) + np.sum(g**2)


def accumulator_around(x: Any) -> Any:
    total = 0.0

    def loss(w: Any) -> Any:
        nonlocal total
        total += np.sum(w)
        return np.sum(np.sin(w * x))

    w = x * 0.5
    for _ in range(3):
        w = w - 0.01 * grad(loss)(w)
    return total + np.sum(w)


def accumulated(x: Any) -> Any:
    total, w = 0.0, x * 0.5
    for _ in range(3):
        total += np.sum(w)
        w = w - 0.01 * np.cos(w * x) * x
    return total + np.sum(w)


def memo_filled(x: Any) -> Any:
    memo: dict[str, Any] = {}

    def loss(y: Any) -> Any:
        if "sum" not in memo:
            memo["sum"] = np.sum(y)
        return memo["sum"] * np.sum(y**2)

    return np.sum(grad(loss)(x) * x) + memo["sum"]


def variable_bound_and_written(x: Any) -> Any:
    last = x * 0

    def loss(w: Any) -> Any:
        nonlocal last
        last = w * 2
        last[0] = 5.0 * w[1]
        return np.sum(last**2)

    g = grad(loss)(x)
    return np.sum(last * x) + np.sum(g)


def bound_and_written(x: Any) -> Any:
    last = np.array([5 * x[1], 2 * x[1], 2 * x[2]])
    return np.sum(last * x) + 58 * x[1] + 8 * x[2]


def variable_bound_to_the_argument(x: Any) -> Any:
    last = x * 0
    y = x * 1

    def loss(w: Any) -> Any:
        nonlocal last
        last = w
        w[0] = 5.0 * w[1]
        return np.sum(w**2)

    g = grad(loss)(y)
    last[2] = 3 * x[0]
    return np.sum(y * x) + np.sum(g)


def argument_bound(x: Any) -> Any:
    y = np.array([5 * x[1], x[1], 3 * x[0]])
    return np.sum(y * x) + 52 * x[1] + 2 * x[2]


def argument_doubled(x: Any) -> Any:
    return np.sum(x) + np.sum((x * x) ** 2)


def sum_kept(x: Any) -> Any:
    return np.sum((np.sum(x**2) + np.sum(x) * 2 * x) * x) + np.sum(x)


PROGRAMS = [
    (losses_logged, descent),
    (layers_logged_then_written, hidden_layers),
    (argument_logged, argument_doubled),
    (accumulator_around, accumulated),
    (variable_bound_and_written, bound_and_written),
    (variable_bound_to_the_argument, argument_bound),
    (memo_filled, sum_kept),
]


@pytest.mark.parametrize(("program", "other"), PROGRAMS)
def test_what_is_around_is_written(program: Any, other: Any) -> None:
    value, gradient = value_and_grad(program)(X.copy())
    assert np.isclose(value, other(X.copy()))
    (wanted,), (error,) = derivative(lambda t: np.array([other(X + t * V)]), 1.0)
    assert abs(gradient @ V - wanted) <= 10 * error + 1e-9
    assert np.isclose(jvp(program, (X.copy(),), (V,))[1], gradient @ V)
    (wanted,), (error,) = derivative(
        lambda t: np.array([grad(program)(X + t * V) @ V]), 1.0
    )
    assert abs(hvp(program)(X.copy(), V) @ V - wanted) <= 10 * error + 1e-8


def seen_by_two_names(x: Any) -> Any:
    def loss(y: Any) -> Any:
        y[0] = y[1] * 3
        return y.sum() * x[0]

    return np.sum(grad(loss)(x))


def passed_twice(x: Any) -> Any:
    def loss(y: Any, z: Any) -> Any:
        y[0] = y[1] * 3
        return y.sum() * z[0]

    return np.sum(grad(loss)(x, x))


def views_kept(x: Any) -> Any:
    log: list[Any] = []

    def loss(y: Any) -> Any:
        h = y * 2
        log.append(h[1:])
        h[1] = y[0]
        log.append(h)
        return np.sum(h)

    return np.sum(grad(loss)(x)) + log[0][0] + log[1][1]


@pytest.mark.parametrize("program", [seen_by_two_names, passed_twice, views_kept])
def test_one_array_by_two_names_is_refused(program: Any) -> None:
    with pytest.raises(NotDifferentiable, match="CR417"):
        grad(program)(X.copy())


def test_matrices_of_derivatives_write_as_the_function_does() -> None:
    def squared(x: Any) -> Any:
        x *= x
        return np.concatenate([x, x[::-1] * 2])

    def total(x: Any) -> Any:
        return np.sum(squared(x) * np.arange(4.0))

    x = np.array([0.3, -0.7])
    wanted = np.array([[0.6, 0.0], [0.0, -1.4], [0.0, -2.8], [1.2, 0.0]])
    for _ in range(2):  # by rows, then by columns
        given = x.copy()
        assert np.allclose(jacobian(squared)(given), wanted)
        assert np.array_equal(given, x * x)
    given = x.copy()
    assert np.allclose(hessian(total)(given), np.diag([12.0, 10.0]))
    assert np.array_equal(given, x * x)
    given = x.copy()
    assert np.allclose(hvp(total)(given, x), [3.6, -7.0])
    assert np.array_equal(given, x * x)
