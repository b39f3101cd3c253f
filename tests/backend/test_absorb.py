"""Names of the user's stay, but where they say no more than what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from tests.checks import check_program

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.5]])


def normalised(x: Any, c: float) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean
    var = (centred**2).mean(axis=-1, keepdims=True)
    return np.sum(np.sin(centred) / np.sqrt(var + 0.01)) * c


def meaningful(x: Any, c: float) -> Any:
    near = x[0] * c
    far = x[1] - c
    gap = np.exp(near) - np.exp(far)
    return np.sum(np.sin(gap * c) * gap)


def rebound(x: Any, c: float) -> Any:
    y = x * c
    z = np.sin(y)
    y = x + c
    w = np.cos(y) * z
    return np.sum(w * w * y)


def reads_what_changes(x: Any, c: float) -> Any:
    first = x[0] * 1.0
    scale = first[1] * c
    first[1] = 3.0 * c
    centred = first - scale
    return np.sum(centred**2 * first)


def returned(x: Any, c: float) -> Any:
    r = x @ np.ones(3) - c
    return np.sum(r**2)


PROGRAMS = [normalised, meaningful, rebound, reads_what_changes, returned]


@pytest.mark.parametrize("function", PROGRAMS)
def test_gradient(function: Callable[..., Any]) -> None:
    """Right in both modes."""
    check_program(function, (X, 0.8), (0, 1))


def test_what_is_read_once_is_written_there() -> None:
    """In what has a name itself, in a function of one argument, in a result."""
    source = grad(normalised).source(X, 0.8)
    assert "centred = x - x.mean(axis=-1, keepdims=True)" in source
    assert "np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 0.01)" in source
    source = grad(returned).source(X, 0.8)
    assert "r =" not in source


def test_names_stay_where_they_help() -> None:
    """Elsewhere a name is what the reader knows."""
    source = grad(meaningful).source(X, 0.8)
    assert "gap = exp - exp2" in source
    source = grad(reads_what_changes).source(X, 0.8)
    assert source.index("scale =") < source.index("first[1] =")
