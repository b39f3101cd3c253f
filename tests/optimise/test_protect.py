"""What is read behind a store is copied once; what is not read is not copied."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import differentiate, grad
from tests.checks import check_program

X = np.array([0.3, -1.2, 2.0])


def read_before(x: Any) -> Any:
    y = np.sin(x)
    s = np.sum(y * x)
    y[0] = 2.0
    return s + np.sum(y)


def read_behind(x: Any) -> Any:
    y = np.sin(x)
    z = y * y
    y[0] = 2.0
    return np.sum(z * y)


def read_behind_often(x: Any) -> Any:
    y = np.sin(x)
    a, b, c = y * x, y * y, np.exp(y)
    y[0] = 2.0
    return np.sum(a * b * c * y)


def old_view(x: Any) -> Any:
    y = np.sin(x)
    first = y[:2]
    square = first * first
    y *= x
    return np.sum(square) * np.sum(y)


def source(f: Any) -> str:
    return str(grad(f).source(X))


def test_programs_are_right() -> None:
    """Values bit for bit, gradients as by differences."""
    for f in (read_before, read_behind, read_behind_often, old_view):
        check_program(f, (X,), (0,))


def test_what_nobody_reads_behind_the_store_is_not_copied() -> None:
    """The sine is linear in what follows: the store destroys nothing that is needed."""
    assert ".copy()" not in source(read_before)


def test_what_is_needed_is_copied_once() -> None:
    """Three products need the old content; one copy serves them."""
    assert source(read_behind).count(".copy()") <= 1
    assert source(read_behind_often).count(".copy()") <= 1


def test_an_old_content_that_is_replaced_as_a_whole_is_set_apart() -> None:
    """`y *= x` with the old `y` needed makes a new array instead of a copy."""
    assert source(old_view).count(".copy()") <= 1


def made_on_one_path(u: Any, a: float) -> Any:
    for k in range(1, 4):
        if k > 2:
            break
        if a > 0.6:
            y = np.zeros(4)
            y[0] = np.sin(u[2])
            for j in range(1, 4):
                y[j] = np.sin(y[j - 1]) * a + u[k]
            a = a - np.tanh(np.sum(np.sin(y)))
        else:
            a = a * u[1]
    return a * a + u[1]


def made_on_one_of_three(u: Any, a: float) -> Any:
    for k in range(1, 4):
        if k % 2 and a > 0.5:
            y = u * a
            y[0] = np.sin(u[2])
            a = a - np.tanh(np.sum(np.sin(y)))
        elif a < 0.2:
            y = u + a
            y[1] = np.cos(u[1])
            a = a + np.sum(np.cos(y))
        else:
            a = a * u[1]
    return a * a + u[1]


def test_what_one_path_makes_is_copied_on_that_path() -> None:
    """On the others there is nothing to copy, however deep the branch is."""
    u = np.array([0.12, 0.3, 0.29, 1.25])
    for a in (1.1, 0.3, 0.1):
        check_program(made_on_one_path, (u, a), (0, 1))
        check_program(made_on_one_of_three, (u, a), (0, 1))


def column_by_column(a: Any) -> Any:
    q = a.copy()
    for j in range(1, q.shape[1]):
        r = np.sin(q[0, 0])
        q[:, j] -= r * q[:, 0]
    return q[0, -1]


def saved_beside_a_view(u: Any, k: float) -> Any:
    for j in range(3):
        u[1:] = np.sin(u[1:]) * k * u[:-1]
    return np.sum(u)


def made_in_each_round(u: Any, k: float) -> Any:
    v = np.ones(u.size)
    for _ in range(3):
        w = np.empty_like(u)
        w[0] = k
        w[1:] = v[1:] * u[:-1]
        v = w
    return np.sum(v)


def view_of_an_outer_round(u: Any, k: float) -> Any:
    s = 0.0
    for _ in range(3):
        u[0] *= k
        for _ in range(2):
            s += np.sum(np.sin(u[:-1]))
    return s


MATRIX = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])


def test_programs_with_stores_in_loops_are_right() -> None:
    """Values bit for bit, gradients as by differences."""
    check_program(column_by_column, (MATRIX,), (0,))
    for f in (saved_beside_a_view, made_in_each_round, view_of_an_outer_round):
        check_program(f, (X, 0.7), (0, 1))


def test_no_array_is_copied_for_a_view_of_it() -> None:
    """What reads a part of the array stands before the store, in both modes."""
    for f, args in ((column_by_column, (MATRIX,)), (saved_beside_a_view, (X, 0.7))):
        reverse = str(differentiate(f).grad.source(*args))
        forward = str(differentiate(f).jvp.source(*args))
        assert "np.copy(" not in reverse
        assert "np.copy(" not in forward
        assert "u = u.copy()" not in forward


def test_what_is_saved_beside_a_view_is_not_copied_with_it() -> None:
    """The parts of the array are; the sine, and an array of this round, are not."""
    lines = str(grad(saved_beside_a_view).source(X, 0.7)).splitlines()
    [made] = [line for line in lines if "np.sin(" in line]
    assert ".copy()" not in made
    assert ".copy()" not in str(grad(made_in_each_round).source(X, 0.7))


def test_what_an_inner_loop_saves_is_copied_in_it() -> None:
    """The store of the outer loop destroys what the tape inside the tape shows."""
    assert "u = u.copy()" not in str(grad(view_of_an_outer_round).source(X, 0.7))
