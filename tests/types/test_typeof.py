"""Types of values at run time."""

from __future__ import annotations

import dataclasses
import enum
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from chainrule.types.lattice import (
    ArrayT,
    DictT,
    ListT,
    ObjT,
    OpaqueT,
    RangeT,
    ScalarT,
    Sym,
    TupleT,
)
from chainrule.types.typeof import type_of

F8 = np.dtype(float)
P = ("p",)
Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class Layer:
    """A dataclass with an array, and a place for itself."""

    w: Any
    scale: float = 1.0
    parent: Any = None


class Slotted:
    """A class with slots."""

    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1.5


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, ScalarT("float")),
        (True, ScalarT("bool")),
        (2j, ScalarT("complex")),
        (3, ScalarT("int", dim=Sym((P,)))),
        (np.float32(1), ScalarT("float", np.dtype("f4"))),
        (np.bool_(True), ScalarT("bool", np.dtype(bool))),
        (np.float64(1), ScalarT("float", F8)),
        (np.ones(()), ArrayT(F8, ())),
        (np.ones((3, 1)), ArrayT(F8, (Sym((P, 0)), 1))),
        (np.ones((0, 2), int), ArrayT(np.dtype(int), (Sym((P, 0)), Sym((P, 1))))),
        (range(4), RangeT(Sym((P,)))),
        (range(1, 4), RangeT()),
        ((1.0, "a"), TupleT((ScalarT("float"), OpaqueT(str)))),
        (Point(1.0, 2.0), TupleT((ScalarT("float"),) * 2, Point)),
        ([1.0, 2.0], ListT((ScalarT("float"),) * 2)),
        ([1.0] * 5, ListT(None, ScalarT("float"))),
        ([1.0] * 4 + [None], ListT((*[ScalarT("float")] * 4, OpaqueT(type(None))))),
        ({"a": 1.0}, DictT((("a", ScalarT("float")),))),
        (np.random.default_rng(0), OpaqueT(np.random.Generator)),
    ],
)
def test_type_of_value(value: Any, expected: Any) -> None:
    """A type says class, dtype, rank, which sizes are 1, and layout."""
    assert type_of(value, P) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        slice(1, 2),
        F8,
        np.sin,
        len,
        float,
        Colour.RED,
        np,
        test_type_of_value,
    ],
)
def test_constants_stay_themselves(value: Any) -> None:
    """What only the value describes is returned as it is."""
    assert type_of(value, P) is value


def test_sizes_of_arguments_are_not_one() -> None:
    """A size that is not 1 says so, and the guard checks it."""
    t = type_of(np.ones((3, 1)), P)
    assert t.dims[0].never_one and t.dims[1] == 1


def test_paths_name_sizes_inside_containers() -> None:
    """Every array in a container has names of its own."""
    t = type_of({"a": [np.ones(2), np.ones(2)]}, P)
    first, second = t.items[0][1].items
    assert first.dims == (Sym((("p", "a", 0), 0)),)
    assert second.dims == (Sym((("p", "a", 1), 0)),)


def test_long_lists_of_like_arrays_have_one_element_type() -> None:
    """A list of five arrays has one type for all; nothing links their sizes."""
    t = type_of([np.ones(k) for k in (2, 3, 4, 5, 6)], P)
    assert t.items is None and t.elem.dtype == F8 and len(t.elem.dims) == 1


def test_objects_have_the_types_of_their_attributes() -> None:
    """Dataclasses and slotted classes show the attributes that are set."""
    t = type_of(Layer(np.ones(2)), P)
    assert isinstance(t, ObjT) and t.cls is Layer
    assert dict(t.attrs)["w"] == ArrayT(F8, (Sym((("p", "w"), 0)),))
    assert dict(type_of(Slotted(), P).attrs) == {"a": ScalarT("float")}


def test_cycles_are_cut() -> None:
    """An object that contains itself has a finite type."""
    layer = Layer(1.0)
    layer.parent = layer
    assert dict(type_of(layer, P).attrs)["parent"] == OpaqueT(Layer)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    "value",
    [
        np.ones((1, 1)).view(np.matrix),
        np.ma.masked_array([1.0]),
        np.array([None]),
        np.array(["a"]),
        np.zeros(1, [("a", float)]),
        np.datetime64("2020-01-01"),
    ],
)
def test_what_holds_no_numbers_is_refused(value: Any) -> None:
    """Subclasses of arrays and other dtypes are refused with the reason."""
    with pytest.raises(ValueError, match="subclass|does not hold numbers|not a number"):
        type_of(value, P)
