"""Rules of the helpers that generated code calls."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.runtime import helpers
from tests.rules.harness import check_rule
from tests.rules.samples import real

SHAPES = [((2, 3), (3,)), ((2, 3), (2, 1)), ((3,), (3,)), ((2, 3), ()), ((3,), (2, 3))]


@pytest.mark.parametrize(("have", "want"), SHAPES)
def test_unbroadcast(have: tuple, want: tuple) -> None:
    """What was summed is spread, what was spread is summed."""
    check_rule(helpers.unbroadcast, real(*have), np.ones(want), wrt=("g",))


def test_project_and_add() -> None:
    """Projection is the identity; a sum hands its cotangent to both terms."""
    check_rule(helpers.project, real(3), np.ones(3), wrt=("g",))
    check_rule(helpers.cotangent_for, real(3), np.ones(3), wrt=("g",))
    check_rule(helpers.add, real(3), real(3, seed=2))
    check_rule(helpers.add, [1.0, real(2)], [2.0, real(2)])
