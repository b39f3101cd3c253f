"""Rules of parts of complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule

X = np.array([[0.7, -1.3, 2.1], [0.4, 1.9, -0.6]])
Z = X + 1j * X[::-1]


@pytest.mark.parametrize("fn", [np.real, np.imag, np.conj, np.angle, np.absolute])
def test_parts(fn: Any) -> None:
    """Parts of complex and of real numbers have cotangents of the operand's kind."""
    check_rule(fn, Z)
    check_rule(fn, X)
    check_rule(fn, Z[0, :1])
    check_rule(fn, Z[0, 0])


@pytest.mark.parametrize("deg", [False, True])
def test_angle(deg: bool) -> None:
    """The angle may be in degrees."""
    check_rule(np.angle, Z, deg)
    check_rule(np.angle, Z, deg=deg)
