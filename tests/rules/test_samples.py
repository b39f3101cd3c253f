"""Means and variances of the module `statistics`."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule

DATA = [0.7, -1.3, 2.1, 0.4]
FUNCTIONS = [
    *(statistics.mean, statistics.fmean, statistics.variance),
    *(statistics.pvariance, statistics.stdev, statistics.pstdev),
]


@pytest.mark.parametrize("fn", FUNCTIONS)
def test_lists_and_arrays(fn: Any) -> None:
    """Every element of a list, a tuple or a vector has its cotangent."""
    for data in (DATA, tuple(DATA), np.array(DATA)):
        check_rule(fn, data)
