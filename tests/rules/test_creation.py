"""Rules of arrays made from numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import check_rule

A = np.array([0.7, -1.3, 2.1])


def test_full() -> None:
    """The fill value has the sum of the cotangents."""
    check_rule(np.full, (2, 3), 0.7)
    check_rule(np.full, (2, 3), A)
    check_rule(np.full_like, A, 0.7)
    check_rule(np.full_like, np.ones((2, 3)), A)


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [1, 2, 5])
def test_linspace(num: int, endpoint: bool) -> None:
    """Both ends have their share of every point."""
    check_rule(np.linspace, 0.7, 2.0, num, endpoint)
    check_rule(np.linspace, A, A**2, num, endpoint)
    check_rule(np.linspace, A, 3, num, endpoint, axis=-1)
    check_rule(np.linspace, 0.7, A, num, endpoint, axis=1)


def test_logspace() -> None:
    """The equivalent of `logspace` has its value."""
    check_rule(np.logspace, 0.1, 2.0, 5)
    check_rule(np.logspace, A, 2.0, 5, base=2.0, axis=-1)


def test_arange() -> None:
    """Start and step move the points, the end does not."""
    check_rule(np.arange, 0.7, 3.2, 0.45)
    check_rule(np.arange, 0.7, 3.2)
    check_rule(np.arange, 3.2)


def test_casts() -> None:
    """A cast passes the cotangent on."""
    check_rule(np.float64, 0.7)
    check_rule(np.complex128, 0.7)
    check_rule(np.complex128, 0.7 - 1j)


def test_geomspace() -> None:
    """The equivalent of `geomspace` has its value."""
    check_rule(np.geomspace, 0.1, 2.0, 5)
    check_rule(np.geomspace, np.abs(A), 2.0, 5, endpoint=False, axis=-1)


def test_bincount() -> None:
    """Each weight has the cotangent of its bin."""
    check_rule(np.bincount, np.array([2, 0, 2]), A)
    check_rule(np.bincount, np.array([2, 0, 2]), weights=A, minlength=6)


def test_open_mesh() -> None:
    """Each coordinate of an open mesh has the cotangent of its axis."""
    check_rule(np.ix_, A, A[:2])
