"""Rules of our own primitives for containers."""

from __future__ import annotations

import numpy as np

from chainrule.ir import prims
from chainrule.rules import RULES
from tests.rules.harness import check_rule
from tests.rules.samples import real


def test_unpack() -> None:
    """An array or a tuple that is unpacked gets the cotangents of its parts."""
    check_rule(prims.unpack, real(3), 3)
    check_rule(prims.unpack, real(2, 3), 2)
    check_rule(prims.unpack, (1.0, real(2)), 2)


def test_containers() -> None:
    """Each item has its own cotangent."""
    check_rule(prims.make_tuple, 1.0, real(2))
    check_rule(prims.make_list, 1.0, real(2))
    keys, values = ("a", "b"), (1.0, 2.0)
    bars = {"a": 3.0, "b": 4.0}
    template = RULES.reverse[prims.make_dict].template
    assert template(bars, keys, *values) == (3.0, 4.0)


def test_lists() -> None:
    """A list that grows has the new element's cotangent at its end."""
    check_rule(prims.list_append, [1.0, 2.0], 3.0)
    check_rule(prims.list_init, [1.0, 2.0])
    check_rule(prims.list_append, [real(2)], real(2))


def test_list_init_gives_zeros_of_the_right_shape() -> None:
    """The element that was dropped has a cotangent of its own shape."""
    bars = RULES.reverse[prims.list_init].template([np.ones(2)], [real(2), real(3)])
    assert [b.shape for b in bars] == [(2,), (3,)]
    assert not bars[1].any()
