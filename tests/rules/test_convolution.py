"""Convolution and correlation against differences, in all modes."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

SIZES = [(5, 3), (3, 5), (4, 4), (5, 2), (2, 5), (1, 1), (4, 1)]


@pytest.mark.parametrize("fn", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid", None])
@pytest.mark.parametrize(("m", "n"), SIZES)
def test_modes(fn: object, mode: str | None, m: int, n: int) -> None:
    """Both sequences have derivatives, whichever is longer."""
    kwargs = {} if mode is None else {"mode": mode}
    check_rule(fn, real(m), real(n, seed=3), **kwargs)
    check_rule(fn, complex_(m), complex_(n, seed=3), **kwargs)


@pytest.mark.parametrize("fn", [np.convolve, np.correlate])
def test_other_modes_are_refused(fn: object) -> None:
    """A mode that the rule does not know is refused by name."""
    with pytest.raises(rules.Refused, match="mode=2"):
        rules.RULES.reverse[fn].template(real(4), real(2), real(3), mode=2)
