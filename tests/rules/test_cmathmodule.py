"""Rules of Python's `cmath`."""

from __future__ import annotations

import cmath

import pytest

from tests.rules.harness import check_rule

POINTS = (0.3 + 0.2j, -0.6 + 1.1j, 0.4 - 0.7j)
HOLOMORPHIC = """
exp log log10 sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh
""".split()


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_holomorphic(name: str) -> None:
    """Partials agree with differences at several points."""
    for z in POINTS:
        check_rule(getattr(cmath, name), z)


def test_logarithm_to_a_base() -> None:
    """Number and base have partials."""
    check_rule(cmath.log, 0.3 + 0.2j, 1.5 - 0.3j)
