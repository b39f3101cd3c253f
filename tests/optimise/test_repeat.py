"""What is as short as its name is written where it is used, and is the same there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program


def elements(u: Any, c: float) -> Any:
    w = u * c
    return w[0] * w[1] + math.sin(c * w[0]) * w[1]


def written_later(u: Any, c: float) -> Any:
    w = u * c
    s = math.sin(w[0]) * w[1] + c * w[0]
    w[0] = 5.0 * c
    return s + np.sum(w) * c


def written_through_a_view(u: Any, c: float) -> Any:
    z = u * c
    w = z[1:]
    s = np.sin(w[0]) * c + np.cos(w[0])
    z[1] = 5.0 * c
    return s + np.sum(z) * c


def written_through_a_choice(u: Any, c: float) -> Any:
    z = u * c
    w = z if c > 0 else z[1:]
    s = np.sin(w[1]) * c + np.cos(w[1])
    z[1] = 5.0 * c
    return s + np.sum(z) * c


def written_in_a_loop(u: Any, c: float) -> Any:
    w = u * 1.0
    s = 0.0
    for _ in range(3):
        s = s + np.sin(w[0]) * w[1] + w[0] * w[1]
        w[0] = w[1] * c
    return s


def formulas(u: Any, c: float) -> Any:
    s = u[0]
    for _ in range(4):
        s = s + 0.5 * c * math.sin(s) + 0.5 * c * math.cos(1 - s**2)
    return s


def before_the_variable_changes(u: Any, c: float) -> Any:
    y = u * 1.0
    for _ in range(3):
        k = np.array([y[1], c * (1 - y[0] ** 2) * y[1] - y[0], y[2]])
        y = y + 0.1 * k
    return np.sum(y**2)


PROGRAMS = [
    elements,
    written_later,
    written_through_a_view,
    written_through_a_choice,
    written_in_a_loop,
    formulas,
    before_the_variable_changes,
]


@pytest.mark.parametrize("function", PROGRAMS)
def test_gradient(function: Callable[..., Any]) -> None:
    """Right in both modes, with respect to both arguments."""
    check_program(function, (np.array([0.7, -0.4, 0.3]), 0.8), (0, 1))


def test_elements_and_formulas_are_written_as_the_user_did() -> None:
    """No names for what is as short as a name; they are on no tape."""
    source = grad(before_the_variable_changes).source(np.ones(3), 0.8)
    assert "c * (1 - y[0] ** 2)" in source
    assert "tape.append((product_c, y[1], y[0]))" in source
    source = grad(formulas).source(np.ones(3), 0.8)
    assert "s = s + 0.5 * c * math.sin(s) + 0.5 * c * math.cos(1 - s**2)" in source
    assert "tape.append(s)" in source


def seen_through_a_view(u: Any, c: float) -> Any:
    z = u * 2
    w = z[1:]
    s = np.sin(c * w[0]) * w[0]
    z[1] = 5.0 * c
    return s + np.sum(z) * c


def test_what_is_written_is_read_once() -> None:
    """The element as it was before the store has a name."""
    check_program(seen_through_a_view, (np.array([0.7, -0.4, 0.3]), 0.8), (1,))
    source = grad(seen_through_a_view, argnums=1).source(np.ones(3), 0.8)
    read, written = source.index("w[0]"), source.index("z[1] =")
    assert read < written and source.count("w[0]") == 1, source


def with_an_array(u: Any, c: float) -> Any:
    s = 0.0
    for _ in range(3):
        s = s + np.sum(np.sin(u * s + c) / (1 + s)) * (1 + s)
    return s


def test_only_numbers_are_computed_again() -> None:
    """An array that two operations read is computed once."""
    check_program(with_an_array, (np.array([0.7, -0.4, 0.3]), 0.8), (0, 1))
    source = grad(with_an_array, argnums=(0, 1)).source(np.ones(3), 0.8)
    assert source.count("u * s + c") <= 2, source


def filled(u: Any, c: float) -> Any:
    x = np.zeros((5, 3))
    x[0] = u
    for i in range(1, 5):
        v = np.array([x[i - 1, 1], -c * x[i - 1, 0], x[i - 1, 2] * x[i - 1, 0]])
        x[i] = x[i - 1] + c * v
    return np.sum(x[:, 0] ** 2) + np.sum(x[-1])


def test_places_are_written_where_they_are_read() -> None:
    """`x[i - 1, 0]` is the same in both sweeps; what is subtracted has no sign."""
    check_program(filled, (np.array([0.7, -0.4, 0.3]), 0.8), (0, 1))
    source = grad(filled, argnums=(0, 1)).source(np.ones(3), 0.8)
    reverse = source[source.index("_bar") :]
    assert "parts" not in source and "minus" not in source
    assert "x_bar[i - 1, 0] -= v_bar[1] * c" in reverse and "* -c" not in reverse


def negative_unsigned(u: Any, c: float) -> Any:
    n = np.arange(3, dtype=np.uint8)
    return np.sum(u * -n) * c - np.sum(u) * -c


def test_the_sign_of_an_integer_is_part_of_it() -> None:
    """The negative of an unsigned integer is another one."""
    check_program(negative_unsigned, (np.array([0.7, -0.4, 0.3]), 0.8), (0, 1))
