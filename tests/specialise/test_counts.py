"""Derivatives for the counts at hand, where there is none for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad
from tests.checks import check_program

X = np.array([0.5, -1.2, 2.0, 0.8])


def keyed(x: Any, n: int) -> Any:
    made = {}
    for i in range(n):
        made[i] = x[i % len(x)] ** i
    return sum(made.values()) * len(made)


def rolled(x: Any, n: int) -> Any:
    total = 0.0
    for i in range(n):
        total += x[i % len(x)] ** i
    return total


@pytest.mark.parametrize(("n", "size"), [(3, 4), (5, 4), (3, 2), (0, 4)])
def test_other_counts_are_other_derivatives(n: int, size: int) -> None:
    """A second call with another integer, or another size, is as right as the first."""
    x = np.linspace(0.5, 1.5, size)
    check_program(keyed, (x, n), (0,))


def test_counts_are_taken_only_where_they_must_be() -> None:
    """A loop with one layout serves all counts; one that has none, only its own."""
    for f, wanted in ((rolled, 1), (keyed, 3)):
        made = grad(f)
        texts = {made.source(X, n) for n in (2, 3, 4)}
        assert len(texts) == wanted


def test_too_many_turns_are_refused_as_before() -> None:
    """What cannot be unrolled gives the first reason, not one about unrolling."""

    def kept(x: Any, n: int) -> Any:
        made = {}
        for i in range(n):
            made[i] = x[i % len(x)]
        return sum(made.values()), made

    with pytest.raises(NotDifferentiable, match="CR502 `i` must be known"):
        grad(kept, has_aux=True)(X, 5000)


def test_too_many_turns_are_not_unrolled() -> None:
    """A dict that stays inside is two lists, where it would have too many keys."""
    source = grad(keyed).source(X / 3, 1500)
    assert "for i in range(n)" in source and len(source.splitlines()) < 40


def test_a_while_loop_of_known_turns() -> None:
    """The list decides whether the loop goes on, and is known at each turn."""

    def f(x: Any) -> Any:
        edges = {0: [1, 2], 1: [3], 2: [3], 3: []}
        todo, total = [0], 0.0
        while todo:
            at = todo.pop()
            total += x[at] * len(todo)
            for other in edges[at]:
                todo.append(other)
        return total**2

    check_program(f, (X,), (0,))


def test_zip_stops_at_the_shorter() -> None:
    """Names zipped with an array that may be longer or shorter at another call."""

    def f(x: Any) -> Any:
        total = 0.0
        for name, v in zip(("a", "b", "c"), x, strict=False):
            total += v**2 if name == "a" else v * total
        return total

    made = grad(f)
    for size in (3, 4, 2, 1, 3):
        x = np.linspace(0.5, 1.5, size)
        check_program(f, (x,), (0,))
        assert made(x).shape == (size,)
