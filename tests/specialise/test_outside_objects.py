"""Objects from outside whose class answers operators and built-ins in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import grad, jvp


class Strange:
    """Nothing it answers is what a number would answer."""

    def __init__(self) -> None:
        self.k = 2.0

    def __mul__(self, other: Any) -> Any:
        return other**2 * self.k

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Any:
        return other**3

    __radd__ = __add__

    def __matmul__(self, other: Any) -> Any:
        return other @ other * self.k

    def __neg__(self) -> Any:
        return self.k

    def __abs__(self) -> Any:
        return self.k * 3

    def __len__(self) -> int:
        return 3 if self.k > 1 else 5

    def __bool__(self) -> bool:
        return self.k > 1

    def __float__(self) -> float:
        return self.k

    def __getitem__(self, index: Any) -> Any:
        return self.k * index

    def __contains__(self, item: Any) -> bool:
        return bool(item == self.k)

    def __lt__(self, other: Any) -> bool:
        return self.k < other

    def __eq__(self, other: object) -> bool:
        return self.k == other

    def __hash__(self) -> int:
        return 0


class Sized:
    """Its length decides whether it is true."""

    def __init__(self) -> None:
        self.items = [1.0]

    def __len__(self) -> int:
        return len(self.items)


IT = Strange()
SIZED = Sized()
PROGRAMS: dict[str, Any] = {
    "times": lambda x: IT * x,
    "times, on the right": lambda x: x * IT,
    "plus": lambda x: IT + x,
    "plus, on the right": lambda x: x + IT,
    "at": lambda x: IT @ np.array([x, 2 * x]),
    "minus it": lambda x: -IT * x,
    "its modulus": lambda x: abs(IT) * x,
    "its length": lambda x: len(IT) * x,
    "its truth": lambda x: 2 * x if IT else 3 * x,
    "bool of it": lambda x: 2 * x if bool(IT) else 3 * x,
    "not it": lambda x: 2 * x if not IT else 3 * x,
    "float of it": lambda x: float(IT) * x,
    "an item": lambda x: IT[3] * x,
    "in it": lambda x: 2 * x if 2.0 in IT else 3 * x,
    "less": lambda x: 2 * x if IT < 1.0 else 3 * x,
    "equal": lambda x: 2 * x if IT == 2.0 else 3 * x,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_methods_are_followed_and_its_state_stays_live(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    f = PROGRAMS[name]
    derivative = grad(f)
    for k in (2.0, 0.5):
        monkeypatch.setattr(IT, "k", k)
        step = 1e-6
        slope = (f(3.0 + step) - f(3.0 - step)) / (2 * step)
        assert derivative(3.0) == pytest.approx(slope, rel=1e-7)
        assert jvp(f, (3.0,), (1.0,))[1] == pytest.approx(slope, rel=1e-7)


def test_a_length_that_changes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_length(x: Any) -> Any:
        return x * len(SIZED) if SIZED else x * 7

    derivative = grad(by_length)
    for items, slope in (([1.0], 1.0), ([1.0, 2.0], 2.0), ([], 7.0)):
        monkeypatch.setattr(SIZED, "items", items)
        assert derivative(3.0) == slope
