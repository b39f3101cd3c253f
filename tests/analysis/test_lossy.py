"""A store that rounds what is differentiated is refused; others pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad


def stored(x: Any, y: Any) -> Any:
    y[0] = x
    return y.sum() * x


def added(x: Any, y: Any) -> Any:
    y[0] += x
    return y.sum() * x


def filled(x: Any, y: Any) -> Any:
    y.fill(x)
    return y.sum() * x


def through_view(x: Any, y: Any) -> Any:
    y.reshape(3, 1)[1:] = x
    return y.sum() * x


@pytest.mark.parametrize("f", [stored, filled, through_view])
@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_an_active_number_in_an_array_of_integers(f: Any, dtype: Any) -> None:
    """The message names the array and its type."""
    with pytest.raises(NotDifferentiable, match=rf"CR415 .*{np.dtype(dtype)}"):
        grad(f)(2.0, np.ones(3, dtype))


@pytest.mark.parametrize("f", [stored, added, filled, through_view])
def test_an_array_of_floats_carries_it(f: Any) -> None:
    """The same programs are right where nothing is rounded."""
    y, h = np.ones(3), 1e-6
    slope = (f(2.0 + h, y.copy()) - f(2.0 - h, y.copy())) / (2 * h)
    assert grad(f)(2.0, y.copy()) == pytest.approx(slope, rel=1e-7)


def test_constants_may_be_rounded() -> None:
    """What does not depend on the argument loses no derivative."""

    def f(x: Any, v: float) -> Any:
        y = np.array([1, 2, 3])
        y[0] = v
        return y.sum() * x

    assert grad(f)(2.0, 3.7) == 8.0
