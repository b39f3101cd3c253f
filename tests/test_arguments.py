"""Arguments: integers as reals, tangents and cotangents like what they belong to."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule.arguments import as_real, carries_derivative, conform, leaves, map_leaves

Point = namedtuple("Point", "x y")


@dataclass
class Layer:
    """A container."""

    w: Any
    n: Any = 1


def test_nothing_is_copied_that_does_not_change() -> None:
    """A structure of reals is handed through as the same object."""
    x = {"a": [1.0, (np.ones(2), Point(1.0, 2.0))], "b": Layer(1.0, 2.0)}
    assert map_leaves(as_real, x) is x


def test_containers_keep_their_class() -> None:
    """Named tuples, ordered dicts and dataclasses stay such."""
    x = OrderedDict(p=Point(1, 2.0), layer=Layer(3), rest=[4, (5,)])
    out = map_leaves(as_real, x)
    assert type(out) is OrderedDict and list(out) == ["p", "layer", "rest"]
    assert out["p"] == Point(1.0, 2.0) and type(out["p"].x) is float
    assert type(out["layer"]) is Layer and type(out["layer"].w) is float
    assert type(out["rest"][1]) is tuple and type(x["rest"][0]) is int


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (1.0, True),
        (1, False),
        (True, False),
        (np.float32(1), True),
        (np.arange(3), False),
        ([1, {"a": (1j,)}], True),
        ("a", False),
        (None, False),
    ],
)
def test_what_carries_a_derivative(x: Any, expected: bool) -> None:
    """Floating-point numbers do, wherever they are; integers and the rest do not."""
    assert carries_derivative(x) is expected


def test_tangents_take_class_and_dtype() -> None:
    """A tangent is converted to what its primal is, deep in containers too."""
    like = {"w": [np.ones(2, "f4"), 1.0], "p": Point(np.float32(1), 1j), "n": 3}
    dot = {"p": (1, 2.0), "w": ([1, 2], np.float64(3)), "n": None}
    out = conform(like, dot, "the tangent")
    assert list(out) == list(like)
    assert out["w"][0].dtype == np.float32 and type(out["w"][1]) is float
    assert type(out["p"]) is Point and type(out["p"].x) is np.float32
    assert type(out["p"].y) is complex and out["n"] is None


@pytest.mark.parametrize(
    ("like", "dot", "error"),
    [
        (np.ones(2), np.ones(3), ValueError),
        (np.ones(2), 1.0, ValueError),
        (1.0, np.ones(1), ValueError),
        (1.0, 1j, TypeError),
        (1.0, "a", TypeError),
        (1.0, None, TypeError),
        ([1.0], [1.0, 2.0], TypeError),
        ([1.0], 1.0, TypeError),
        ({"a": 1.0}, {"b": 1.0}, TypeError),
        ({"a": 1.0}, [1.0], TypeError),
    ],
)
def test_other_structures_are_refused(like: Any, dot: Any, error: type) -> None:
    """What NumPy would broadcast or ignore is an error that says where."""
    with pytest.raises(error, match="the tangent"):
        conform(like, dot, "the tangent")


def test_leaves_are_in_order() -> None:
    """Leaves come in the order in which a structure is written."""
    assert leaves({"b": [1, (2, 3)], "a": Layer(4, 5)}) == [1, 2, 3, 4, 5]
