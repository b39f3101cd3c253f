"""Arguments that share memory: what is written into one is seen by the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad, hvp, value_and_grad

Views = Callable[[Any], tuple[Any, ...]]
LINE = np.array([0.5, -1.2, 2.0, 0.8, 1.1, -0.4])
TABLE = LINE[[0, 1, 2, 3, 4, 5, 2, 0, 1]].reshape(3, 3) + 0.3


def ends(x: Any, y: Any) -> Any:
    x[0] = y[1] * 2
    y[-1] = x[1] ** 2
    return (x * y).sum() + x[0] * 3


def scaled(x: Any, y: Any) -> Any:
    x *= 2
    y[0] = x[1]
    return (x * np.sin(y)).sum()


def swept(x: Any, y: Any) -> Any:
    for i in range(1, len(x)):
        x[i] += 0.5 * y[i - 1]
        if y[i] > 0:
            y[i] *= x[0]
    return (x * x).sum() + y.sum()


def raveled(x: Any, y: Any) -> Any:
    y.ravel()[1] = 0.78
    y.flat[2] *= x[0]
    x.reshape(-1)[2] *= y[0]
    return (x * np.sin(y)).sum()


def chosen(x: Any, y: Any) -> Any:
    z = x if x[0] > 0.6 else y
    z[1] = x[0] ** 2
    z[2] *= y[0]
    return (x * np.sin(y)).sum() + z[1]


def untouched(x: Any, y: Any) -> Any:
    return (x * np.sin(y)).sum()


def shifted(m: Any) -> tuple[Any, ...]:
    return m[:4], m[2:]


def turned(m: Any) -> tuple[Any, ...]:
    return m[::-1][:4], m[:4]


def strided(m: Any) -> tuple[Any, ...]:
    return m[::2], m[:3]


def twice(m: Any) -> tuple[Any, ...]:
    return m, m


def transposed(m: Any) -> tuple[Any, ...]:
    return m, m.T


def blocks(m: Any) -> tuple[Any, ...]:
    return m[:2, :2], m[1:, 1:]


CASES = [
    *(
        (f, LINE, v)
        for f in (ends, scaled, swept, raveled, chosen)
        for v in (shifted, turned, strided)
    ),
    *((f, LINE, twice) for f in (ends, scaled, swept, untouched)),
    *((f, TABLE, v) for f in (scaled, untouched) for v in (twice, transposed, blocks)),
]


@pytest.mark.parametrize(("f", "memory", "views"), CASES)
def test_gradients_add_up_to_that_of_the_memory(
    f: Any, memory: Any, views: Views
) -> None:
    """Value and memory as the function leaves them; differences in each number."""
    mine, plain = memory.copy(), memory.copy()
    value, parts = value_and_grad(f, argnums=(0, 1))(*views(mine))
    assert value == f(*views(plain))
    assert np.array_equal(mine, plain)
    total = np.zeros_like(memory)
    for view, part in zip(views(total), parts, strict=True):
        view += part
    for place in np.ndindex(memory.shape):
        step = np.zeros_like(memory)
        step[place] = 1e-6
        more, less = f(*views(memory + step)), f(*views(memory - step))
        assert np.isclose(total[place], (more - less) / 2e-6, atol=1e-7)


@pytest.mark.parametrize(("f", "memory", "views"), CASES)
def test_hessians_add_up_too(f: Any, memory: Any, views: Views) -> None:
    """Along one direction, against differences of the gradient."""
    along = np.cos(np.arange(memory.size, dtype=float)).reshape(memory.shape)
    mine, plain = memory.copy(), memory.copy()
    parts = hvp(f, argnums=(0, 1))(*views(mine), views(along))
    f(*views(plain))
    assert np.array_equal(mine, plain)

    def slope(m: Any) -> list[Any]:
        return list(grad(f, argnums=(0, 1))(*views(m)))

    h = 1e-6
    more, less = slope(memory + h * along), slope(memory - h * along)
    for part, a, b in zip(parts, more, less, strict=True):
        assert np.allclose(part, (a - b) / (2 * h), atol=1e-6)


def test_other_overlaps_are_other_derivatives() -> None:
    """What was made for arrays apart, or for another offset, is not used."""
    made = grad(ends, argnums=(0, 1))
    for views in (shifted, turned, lambda m: (m[:4].copy(), m[2:].copy()), shifted):
        first = made(*views(LINE.copy()))
        again = grad(ends, argnums=(0, 1))(*views(LINE.copy()))
        assert all(np.array_equal(p, q) for p, q in zip(first, again, strict=True))
    assert len({made.source(*v(LINE.copy())) for v in (shifted, turned)}) == 2
