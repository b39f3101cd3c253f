"""Names, views and choices of one memory: a write is seen by all that show it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad, vjp
from tests.checks import check_program

X = np.array([0.3, -1.2, 2.0, 0.7])


def alias(x: Any) -> Any:
    y = np.sin(x)
    z = y
    z[0] = x[1] * x[2]
    return np.sum(y * z)


def copy_is_another(x: Any) -> Any:
    y = np.sin(x)
    z = y.copy()
    z[0] = x[1] * x[2]
    return np.sum(y * z)


def view_shares(x: Any) -> Any:
    y = np.sin(x)
    tail = y[1:]
    tail[0] = x[0] ** 2
    y[2] = x[3] * tail[0]
    return np.sum(tail * y[:3])


def view_of_view(x: Any) -> Any:
    y = np.outer(x, x)
    y.T[0][1] = x[0] * x[1]
    y[2:][1, :2] = y[0, 2:]
    return np.sum(y[1] * x[2]) + np.sum(y[3] * x)


def swap_in_loop(x: Any, n: int) -> Any:
    old, new = x.copy(), np.zeros(4)
    for _ in range(n):
        new[1:] = old[:-1] * x[0]
        new[0] = old[3]
        old, new = new, old
    return np.sum(old * old) + np.sum(new)


def chosen_by_if(x: Any, first: bool) -> Any:
    a, b = x * 2, x * 3
    y = a if first else b
    y[0] = x[1] ** 2
    return np.sum(a * b)


def branch_writes(x: Any) -> Any:
    y = np.zeros(4)
    for i in range(4):
        if x[i] > 0:
            y[i] = x[i] ** 2
        else:
            y[i] -= x[i]
    return np.sum(y * x)


def last_write_wins(x: Any) -> Any:
    y = np.zeros(4)
    y[[0, 0, 1]] = x[:3]
    y[1] = x[3]
    y[1] = x[0] * x[3]
    return np.sum(y**2)


def helper_writes(x: Any) -> Any:
    y = np.zeros(4)

    def put(k: int, value: Any) -> None:
        y[k] = value

    put(0, x[1])
    put(2, x[1] * x[0])
    return np.sum(y * x)


PROGRAMS = [
    (alias, ()),
    (copy_is_another, ()),
    (view_shares, ()),
    (view_of_view, ()),
    (swap_in_loop, (3,)),
    (chosen_by_if, (True,)),
    (chosen_by_if, (False,)),
    (branch_writes, ()),
    (last_write_wins, ()),
    (helper_writes, ()),
]


@pytest.mark.parametrize(("f", "rest"), PROGRAMS)
def test_a_write_is_seen_by_all_that_show_the_memory(f: Any, rest: Any) -> None:
    """Value bit for bit, gradient as by differences, both modes alike."""
    check_program(f, (X, *rest), (0,))


def test_a_choice_of_a_loop_is_refused_while_the_other_is_in_sight() -> None:
    """The write is allowed where nobody sees the others any more."""

    def seen(x: Any) -> Any:
        a, b = x * 2, x * 3
        y, v = a, 1.0
        while v < x[0]:
            y, v = b, v * 2.0
        y[0] = 1.0
        return np.sum(a * b)

    def unseen(x: Any) -> Any:
        (y, b), v = (x * 2, x * 3), 1.0
        while v < x[0]:
            y, v = b, v * 2.0
        b = None
        y[0] = 1.0
        return np.sum(y * x)

    with pytest.raises(NotDifferentiable, match="CR411 `y` may be the same object"):
        grad(seen)(X)
    check_program(unseen, (X,), (0,))


def test_the_dtype_is_that_of_the_array() -> None:
    """A store rounds to the array's precision, as NumPy does; the gradient is right."""

    def f(x: Any) -> Any:
        y = np.zeros(4, np.float32)
        y[:] = x * x
        return y

    value, pullback = vjp(f, X)
    assert value.dtype == np.float32
    np.testing.assert_array_equal(value, f(X))
    (x_bar,) = pullback(np.ones(4, np.float32))
    np.testing.assert_allclose(x_bar, 2 * X, rtol=1e-6)


def test_an_index_of_an_index_is_one_index() -> None:
    """`a[i][j] = v` writes an element; the row is not taken out first."""

    def f(x: Any) -> Any:
        a = np.zeros((3, 4))
        for i in range(3):
            for j in range(4):
                a[i][j] = x[j] ** i
        return np.sum(a * a)

    assert "a[i, j] = " in str(grad(f).source(X))
    check_program(f, (X,), (0,))


def test_what_was_lost_stays_lost_in_a_later_loop() -> None:
    """A loop that writes the list again does not give the old content back."""

    def f(x: Any) -> Any:
        both = [np.zeros(2), x[:2]]
        for v in x:
            both[0 if v > 0 else 1] += v**2
        for i in range(2):
            both[i] *= 2
        return x.sum()

    with pytest.raises(NotDifferentiable, match="CR412"):
        grad(f)(np.array([0.3, -0.4, 0.5]))
