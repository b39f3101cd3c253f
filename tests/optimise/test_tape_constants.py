"""No tape holds a number that is the same in every iteration."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import grad
from tests.checks import check_program


class Momentum:
    """An optimiser whose settings are attributes, as its state is."""

    def __init__(self, w: Any) -> None:
        self.rate, self.decay = 0.1, 0.9
        self.w, self.m = w, np.zeros_like(w)

    def step(self, gradient: Any) -> None:
        self.m *= self.decay
        self.m += gradient
        self.w = self.w - self.rate * self.m


def trained(w: Any, steps: int) -> Any:
    optimiser = Momentum(w)
    for _ in range(steps):
        optimiser.step(np.sin(optimiser.w))
    return np.sum(optimiser.w**2)


def test_settings_are_written_where_they_are_read() -> None:
    text = str(grad(trained).source(np.ones(3), 4))
    saved = [line for line in text.splitlines() if "tape.append" in line]
    assert saved and not any("0.1" in line or "0.9" in line for line in saved), text
    check_program(trained, (np.array([0.4, -1.1, 2.0]), 4), (0,))


def test_numbers_that_differ_stay_on_the_tape() -> None:
    def f(x: Any, n: int) -> Any:
        rate = 0.5
        for _ in range(n):
            x = rate * np.sin(x)
            rate = 0.25
        return np.sum(x)

    check_program(f, (np.array([0.4, -1.1]), 3), (0,))
