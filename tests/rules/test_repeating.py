"""Tiling, repeating and padding against differences."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

CASES = [
    (np.tile, (3,), (2,), {}),
    (np.tile, (3,), ((2, 2),), {}),
    (np.tile, (2, 3), (2,), {}),
    (np.tile, (2, 3), ((2, 1),), {}),
    (np.tile, (2, 3), ([3, 1, 2],), {}),
    (np.tile, (), (4,), {}),
    (np.tile, (0, 2), ((2, 2),), {}),
    (np.tile, (1, 1), ((2, 3),), {}),
    (np.repeat, (3,), (2,), {}),
    (np.repeat, (2, 3), (2,), {}),
    (np.repeat, (2, 3), (2,), {"axis": 0}),
    (np.repeat, (2, 3), (2,), {"axis": -1}),
    (np.repeat, (3,), ([1, 0, 2],), {}),
    (np.repeat, (2, 3), (np.array([1, 0, 2]),), {"axis": 1}),
    (np.repeat, (2, 2), ([1, 0, 2, 1],), {}),
    (np.repeat, (), (4,), {}),
    (np.resize, (3,), ((2, 4),), {}),
    (np.resize, (2, 3), (4,), {}),
    (np.pad, (3,), (1,), {}),
    (np.pad, (3,), (0,), {}),
    (np.pad, (3,), ((0, 2),), {}),
    (np.pad, (2, 3), (((1, 2), (0, 1)),), {}),
    (np.pad, (2, 3), (((1, 2),),), {}),
    (np.pad, (2, 3), ((1, 0),), {"mode": "constant", "constant_values": 5.0}),
    (np.pad, (2, 3), (((1, 0), (0, 2)), "edge"), {}),
    (np.pad, (3, 4), (((1, 2), (3, 0)), "reflect"), {}),
    (np.pad, (3, 4), (2, "symmetric"), {}),
    (np.pad, (3, 4), (5, "wrap"), {}),
    (np.pad, (4,), ((2, 1), "wrap"), {}),
    (np.lib.stride_tricks.sliding_window_view, (4,), (2,), {}),
    (np.lib.stride_tricks.sliding_window_view, (3, 4), ((2, 3),), {}),
    (np.lib.stride_tricks.sliding_window_view, (3, 4), (2,), {"axis": 1}),
]


@pytest.mark.parametrize(("fn", "shape", "args", "kwargs"), CASES)
def test_repeated_elements(fn: object, shape: tuple, args: tuple, kwargs: dict) -> None:
    """The cotangents of all copies are added."""
    check_rule(fn, real(*shape), *args, **kwargs)
    check_rule(fn, complex_(*shape), *args, **kwargs)


@pytest.mark.parametrize("mode", ["mean", "maximum", "linear_ramp", "empty"])
def test_other_padding_is_refused(mode: str) -> None:
    """A mode that the rule does not know is refused by name."""
    with pytest.raises(rules.Refused, match=mode):
        rules.RULES.reverse[np.pad].template(real(5), real(3), 1, mode)
    with pytest.raises(rules.Refused, match=mode):
        rules.RULES.forward[np.pad].template(real(3), 1, mode)
