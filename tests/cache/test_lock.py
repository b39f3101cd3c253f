"""The lock of the compiler: who holds it, and the garbage collector meanwhile."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from chainrule.cache.lock import MANY, compiling, user_code


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    """Leave the garbage collector as it is."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_the_collector_waits_while_something_is_compiled() -> None:
    gc.set_threshold(700, 11, 12)
    with compiling:
        assert gc.get_threshold() == (MANY, 11, 12)
        with compiling:
            assert gc.get_threshold() == (MANY, 11, 12)
        assert gc.get_threshold() == (MANY, 11, 12)
        with user_code():
            assert gc.get_threshold() == (700, 11, 12)
        assert gc.get_threshold() == (MANY, 11, 12)
    assert gc.get_threshold() == (700, 11, 12)


@pytest.mark.parametrize("first", [0, 2 * MANY])
def test_a_collector_that_waits_longer_is_left_alone(first: int) -> None:
    gc.set_threshold(first, 11, 12)
    with compiling:
        assert gc.get_threshold() == (first, 11, 12)
    assert gc.get_threshold() == (first, 11, 12)


def test_an_error_ends_it() -> None:
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), compiling:
        raise ZeroDivisionError
    assert gc.get_threshold() == before
