"""The type of every expression of the tables fits its value, at every step, for all sizes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.types import tables
from tests.types.expressions import ProgramRaises, evaluate
from tests.types.values import SIZES, arguments

ARGUMENTS = {size: arguments(*size) for size in SIZES}


@pytest.mark.parametrize("text", tables.everything())
def test_types_fit_values(text: str) -> None:
    """Class, dtype, rank, known sizes and names of sizes are those of the value."""
    ran = 0
    for names in ARGUMENTS.values():
        np.random.seed(0)
        try:
            evaluate(text, names)
            ran += 1
        except ProgramRaises:
            continue
    assert ran >= 1
