"""The lattice: which types are one type, and what two of them have in common."""

from __future__ import annotations

import numpy as np

from chainrule.types.lattice import FLOAT, FLOAT64, ScalarT, join


def test_python_floats_are_not_numpy_floats() -> None:
    """To NumPy None and float64 are equal dtypes; to us they are two classes."""
    assert FLOAT != FLOAT64
    assert join(FLOAT, FLOAT64) == ScalarT("float", np.dtype(float), exact=False)
    assert join(FLOAT64, FLOAT) == join(FLOAT, FLOAT64)


def test_equal_types_have_equal_hashes() -> None:
    """A type that was made twice is found again."""
    again = ScalarT("float", np.dtype("f8"))
    assert again == FLOAT64 and hash(again) == hash(FLOAT64)
