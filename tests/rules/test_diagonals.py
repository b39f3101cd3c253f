"""Diagonals and triangles against differences."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

CASES = [
    (np.diag, (3,), {}),
    (np.diag, (3,), {"k": 1}),
    (np.diag, (3,), {"k": -2}),
    (np.diag, (3, 3), {}),
    (np.diag, (3, 4), {"k": 1}),
    (np.diag, (4, 3), {"k": -1}),
    (np.diag, (2, 4), {"k": 3}),
    (np.diag, (0, 0), {}),
    (np.diagflat, (2, 2), {}),
    (np.diagflat, (3,), {"k": -1}),
    (np.diagonal, (3, 4), {}),
    (np.diagonal, (3, 4), {"offset": -1}),
    (np.diagonal, (2, 3, 4), {}),
    (np.diagonal, (2, 3, 4), {"axis1": 1, "axis2": 2}),
    (np.diagonal, (2, 3, 4), {"offset": 1, "axis1": -1, "axis2": 0}),
    (np.trace, (3, 3), {}),
    (np.trace, (2, 4), {"offset": 1}),
    (np.trace, (4, 2), {"offset": -1}),
    (np.trace, (2, 3, 4), {}),
    (np.trace, (2, 3, 4), {"axis1": -2, "axis2": -1}),
    (np.trace, (2, 3, 4), {"axis1": 2, "axis2": 0, "offset": 1}),
    (np.tril, (3, 4), {}),
    (np.tril, (2, 3, 3), {"k": -1}),
    (np.tril, (3,), {}),
    (np.triu, (3, 4), {"k": 1}),
    (np.triu, (4, 3), {}),
]


@pytest.mark.parametrize(("fn", "shape", "kwargs"), CASES)
def test_diagonals(fn: object, shape: tuple, kwargs: dict) -> None:
    """Elements off the diagonal, or of the other triangle, have no cotangent."""
    check_rule(fn, real(*shape), **kwargs)
    check_rule(fn, complex_(*shape), **kwargs)


@pytest.mark.parametrize("name", ["diagonal", "trace", "matrix_transpose"])
def test_matrix_functions_of_numpy_2(name: str) -> None:
    """The array API's functions act on the last two axes, where NumPy has them."""
    fn = getattr(np.linalg, name, np.diagonal)
    check_rule(fn, real(2, 3, 4))
    if name != "matrix_transpose":
        check_rule(fn, real(3, 3), offset=1)
