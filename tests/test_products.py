"""Products with Jacobians and Hessians, compiled: structure of tangents, and code."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import hvp, jvp


def scaled(x: Any, k: float = 2.0) -> Any:
    return np.sum(x**3) * k


def starred(*parts: Any) -> Any:
    return np.sum(parts[0] ** 2) * parts[1]


def test_hvp_shows_the_code_of_its_own_call_and_of_the_functions() -> None:
    """The vector is no argument of the function, also where that has a default left."""
    x, v = np.ones(3), np.arange(3.0)
    text = hvp(scaled).source(x)
    assert ".sum()" not in text  # `k` is a number there, not the vector
    for args in ((x, v), (x, 3.0), (x, 3.0, v)):
        assert hvp(scaled).source(*args) == text, args
    assert hvp(starred).source(x, 2.0, v) == hvp(starred).source(x, 2.0)
    both = hvp(scaled, argnums=(0, 1))
    assert both.source(x, 3.0, (v, 1.0)) == both.source(x, 3.0)


def test_a_part_that_stays_fixed_has_no_tangent() -> None:
    """It is left out, not multiplied by zero: an infinity beside it does no harm."""
    x = np.array([np.inf, 1.0])
    assert hvp(starred)(x, 2.0, np.array([0.0, 1.0])).tolist() == [0.0, 4.0]


def test_tangents_of_integers_are_zeros_of_their_own_kind() -> None:
    def several(x: Any) -> Any:
        return int(x), x > 1, np.argmax([x]), None, x * 2

    value, tangent = jvp(several, (1.5,), (1.0,))
    assert value == (1, True, 0, None, 3.0)
    assert tangent == (0, False, 0, None, 2.0)
    kinds = [type(part) for part in value]
    assert [type(part) for part in tangent] == kinds
