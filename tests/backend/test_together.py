"""Assignments that an expert writes on one line: tuples, chains, fields, sums."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule import grad
from tests.checks import check_program


def fibonacci(a: float, b: float, n: int) -> float:
    total = 0.0
    for _ in range(n):
        a, b = b * a, a + b * 0.5
        total = total + (a - b) ** 2
    return total


def apart(a: float, b: float, n: int) -> float:
    total = 0.0
    for _ in range(n):
        a = b * a
        b = a + b * 0.5
        total = total + (a - b) ** 2
    return total


def test_a_tuple_stays_a_tuple() -> None:
    """What the user assigned at once reads the old values, under their own names."""
    check_program(fibonacci, (0.7, 0.9, 4), (0, 1))
    source = grad(fibonacci, argnums=(0, 1)).source(0.7, 0.9, 4)
    assert "a, b = b * a, a + b * 0.5" in source
    assert "a_in, b_in = a, b" in source


def test_statements_stay_statements() -> None:
    """One after the other reads the new value."""
    check_program(apart, (0.7, 0.9, 4), (0, 1))
    assert "a = b * a" in grad(apart, argnums=(0, 1)).source(0.7, 0.9, 4)


def test_swap_with_a_call_that_prints(capsys: Any) -> None:
    """Effects keep their order."""

    def noisy(a: float, b: float) -> float:
        for _ in range(2):
            print(a)
            a, b = b * a, a * a
        return a * b

    check_program(noisy, (0.7, 0.9), (0, 1))


def scale(a: float, b: float, c: float, n: int) -> float:
    total = 1.0
    for k in range(n):
        total = total * (a + b * k) - c * total * total
    return total


def test_cotangents_that_start_at_zero_share_a_line() -> None:
    """From three on."""
    source = grad(scale, argnums=(0, 1, 2)).source(0.5, 0.2, 0.1, 3)
    assert "b_bar = a_bar = c_bar = 0.0" in source
    assert "b_bar = 0.0\n    a_bar = 0.0" in grad(scale, argnums=(0, 1)).source(
        0.5, 0.2, 0.1, 3
    )
    check_program(scale, (0.5, 0.2, 0.1, 3), (0, 1, 2))


class Weights(NamedTuple):
    W: Any
    U: Any


def recurrent(p: Weights, xs: Any) -> Any:
    h = np.zeros(p.W.shape[0])
    for x in xs:
        h = np.tanh(p.W @ h + p.U @ x)
    return np.sum(h)


def test_fields_are_unpacked_and_sums_written_in_place() -> None:
    """All fields of a named tuple on one line; arrays of their own are added to."""
    rng = np.random.default_rng(0)
    p = Weights(rng.normal(size=(3, 3)), rng.normal(size=(3, 2)))
    xs = rng.normal(size=(4, 2))
    source = grad(recurrent).source(p, xs)
    assert "W, U = p" in source
    assert "W_bar += " in source and "U_bar += " in source
    kept = [w.copy() for w in p]
    gradient = grad(recurrent)(p, xs)
    assert type(gradient) is Weights
    assert all(np.array_equal(w, k) for w, k in zip(p, kept, strict=True))
    for name in Weights._fields:

        def of_one(w: Any, name: str = name) -> Any:
            return recurrent(p._replace(**{name: w}), xs)

        numeric = np.zeros_like(getattr(p, name))
        for place in np.ndindex(numeric.shape):
            for sign in (1, -1):
                moved = getattr(p, name).copy()
                moved[place] += sign * 1e-6
                numeric[place] += sign * of_one(moved) / 2e-6
        assert np.allclose(getattr(gradient, name), numeric, rtol=1e-6, atol=1e-8)


class Backwards(NamedTuple):
    W: Any
    U: Any

    def __iter__(self) -> Any:
        return iter((self[1], self[0]))


def test_fields_of_a_tuple_with_its_own_iteration_are_read_by_name() -> None:
    """Unpacking would run the user's `__iter__`."""
    rng = np.random.default_rng(0)
    p = Backwards(rng.normal(size=(3, 3)), rng.normal(size=(3, 2)))
    source = grad(recurrent).source(p, rng.normal(size=(4, 2)))
    assert "= p\n" not in source


def both(w: Any, xs: Any) -> Any:
    first = np.zeros_like(w)
    for x in xs:
        first = first + w * x
    return np.sum(first * first), first


def test_a_container_that_is_made_before_a_write_keeps_what_it_holds() -> None:
    """In-place sums do not reach what the caller gets beside the gradient."""
    w, xs = np.array([0.5, -1.0]), np.array([[1.0, 2.0], [3.0, 0.5]])
    gradient, aux = grad(both, has_aux=True)(w, xs)
    assert np.allclose(aux, w * xs.sum(axis=0))
    assert np.allclose(gradient, 2 * aux * xs.sum(axis=0))


def test_stores_that_the_user_wrote_as_one() -> None:
    """`y[0] = y[1] = 1.0` stays one statement."""

    def started(a: float) -> Any:
        y = np.zeros(4)
        y[0] = y[1] = 1.0
        y[2] = a
        y[3] = 1.0
        return np.sum(y * y * a)

    source = grad(started).source(0.5)
    assert "y[0] = y[1] = 1.0" in source
    assert "    y[3] = 1.0" in source
    check_program(started, (0.5,), (0,))


def damped(a: float, b: float, n: int) -> float:
    for _ in range(n):
        u = a + 0.5 * b * np.sin(a * b)
        v = a + 0.5 * b * np.sin(u * b) * np.cos(u * u * b)
        a = v + b * np.sin(v * b) * np.cos(v * v * b)
    return a


def test_a_long_sum_is_added_up_in_its_variable() -> None:
    """There is no name for what it is half way."""
    check_program(damped, (0.7, 0.9, 4), (0, 1))
    source = grad(damped, argnums=(0, 1)).source(0.7, 0.9, 4)
    assert source.count("b_bar += ") + source.count("b_bar = b_bar + ") > 1
    assert "total" not in source


def stages(r: float, k: float, n: int) -> float:
    y = 0.4
    for _ in range(n):
        first_stage = r * y * (1 - y / k)
        second_stage = r * (y + first_stage) * (1 - first_stage / k)
        third_stage = r * (y + second_stage) * (1 - second_stage / k)
        y = y + (first_stage + 2 * second_stage + third_stage) / 6
    return y


def test_a_long_sum_is_assigned_in_steps() -> None:
    """No line is too long, and none is broken for a sum of cotangents."""
    check_program(stages, (1.3, 2.0, 4), (0, 1))
    source = grad(stages, argnums=(0, 1)).source(1.3, 2.0, 4)
    assert "_bar = (\n" not in source
    assert max(map(len, source.splitlines())) <= 88
