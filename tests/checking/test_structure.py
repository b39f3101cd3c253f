"""Structures of numbers as vectors, and back."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from chainrule.checking import structure


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass(frozen=True)
class Frozen:
    value: float
    name: str = "n"


class Plain:
    def __init__(self, a: float) -> None:
        self.a = a


STRUCTURES = [
    2.5,
    np.float64(2.5),
    1.0 + 2.0j,
    np.arange(6.0).reshape(2, 3),
    np.array([1 + 2j, 3 - 1j]),
    [1.0, (2.0, np.ones(2))],
    OrderedDict(b=1.0, a=2.0),
    Pair(1.0, np.zeros((0, 2))),
    Frozen(3.0),
    {"x": None, "y": "text", "z": [1.5]},
]


@pytest.mark.parametrize("x", STRUCTURES, ids=lambda x: type(x).__name__)
def test_vector_and_back(x: Any) -> None:
    """What is taken apart comes together again, with the same classes and keys."""
    vector = structure.to_vector(x)
    again = structure.from_vector(x, vector)
    assert type(again) is type(x)
    np.testing.assert_array_equal(structure.to_vector(again), vector)
    np.testing.assert_array_equal(structure.gradient_vector(x, again), vector)
    assert len(structure.names(x)) == vector.size


def test_original_is_not_changed() -> None:
    """New numbers go into copies, also of objects with attributes."""
    x = [Plain(1.0), {"a": np.ones(2)}]
    moved = structure.from_vector(x, np.array([5.0, 6.0, 7.0]))
    assert moved[0].a == 5.0 and x[0].a == 1.0  # type: ignore[attr-defined]
    np.testing.assert_array_equal(x[1]["a"], [1.0, 1.0])  # type: ignore[index]


def test_integers_become_real_only_when_they_change() -> None:
    """A count that is not varied must stay usable as a count."""
    x = {"n": 3, "index": np.array([0, 1]), "v": 2.0}
    moved = structure.from_vector(x, np.array([3.0, 0.0, 1.0, 2.5]))
    assert type(moved["n"]) is int and moved["index"].dtype.kind == "i"
    moved = structure.from_vector(x, np.array([3.5, 0.0, 1.5, 2.0]))
    assert moved["n"] == 3.5 and moved["index"].dtype == np.float64


def test_names_say_where_a_number_is() -> None:
    """Paths read like the code that reaches the number."""
    x = {"w": [np.ones((1, 2)), 1j], "p": Plain(1.0)}
    found = structure.names(x)
    assert found == [
        "['w'][0][0, 0]",
        "['w'][0][0, 1]",
        "['w'][1].real",
        "['w'][1].imag",
        "['p'].a",
    ]


@pytest.mark.parametrize(
    ("x", "gradient"),
    [
        ({"a": 1.0}, {"b": 1.0}),
        ([1.0, 2.0], (1.0, 2.0)),
        ((1.0, 2.0), (1.0,)),
        (Pair(1.0, 2.0), (1.0, 2.0)),
        (1.0, np.float64(1.0)),
        (np.array(1.0), 1.0),
        (np.ones(2, np.float32), np.ones(2)),
        (3, 3),
    ],
    ids=["keys", "class", "length", "named", "scalar", "0-d", "dtype", "integer"],
)
def test_wrong_structure_is_found(x: Any, gradient: Any) -> None:
    """Right numbers in the wrong structure are wrong."""
    with pytest.raises(structure.StructureMismatch):
        structure.gradient_vector(x, gradient)
