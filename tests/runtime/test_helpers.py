"""Helpers of generated code: transposes of broadcasting, zeros and sums."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule.runtime.helpers import (
    add,
    cotangent_for,
    cotangent_or,
    project,
    unbroadcast,
    zeros_like,
)

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Layer:
    """A container of one array and a label."""

    w: Any
    label: Any = None


SHAPES = [
    ((3, 4), ()),
    ((3, 4), (4,)),
    ((3, 4), (1,)),
    ((3, 4), (3, 1)),
    ((3, 4), (1, 1)),
    ((2, 3, 4), (3, 1)),
    ((3, 4), (3, 4)),
    ((0, 4), (1, 4)),
    ((), ()),
]


@pytest.mark.parametrize(("out", "shape"), SHAPES)
def test_unbroadcast_is_the_transpose_of_broadcasting(
    out: tuple[int, ...], shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    """The dot products of cotangent and tangent agree on both sides."""
    g, dot = rng.normal(size=out), rng.normal(size=shape)
    bar = unbroadcast(np.asarray(g), np.zeros(shape))
    assert bar.shape == shape
    np.testing.assert_allclose(
        np.vdot(bar, dot), np.vdot(g, np.broadcast_to(dot, out)), rtol=1e-12, atol=1e-12
    )


def test_unbroadcast_spreads_a_smaller_cotangent() -> None:
    """The cotangent of a sum is one number: it reaches every element."""
    assert np.array_equal(unbroadcast(2.0, np.zeros((2, 3))), np.full((2, 3), 2.0))


@pytest.mark.parametrize(
    "like",
    [1.0, 2, 1j, np.float32(1), np.zeros(2, "f4"), np.zeros(2, "i8"), np.zeros(())],
)
def test_cotangents_are_what_the_argument_is(like: Any) -> None:
    """A float for a float, float32 for float32, float64 for integers, real for real."""
    bar = unbroadcast(np.full((5, 2), 1 + 2j), like)
    if isinstance(like, int | float | complex):
        assert type(bar) is (complex if isinstance(like, complex) else float)
        return
    assert type(bar) is type(like) and bar.shape == like.shape
    assert bar.dtype == (like.dtype if like.dtype.kind == "f" else np.float64)


def test_project_copies() -> None:
    """The result shares no memory with the cotangent."""
    g = np.ones(3)
    assert not np.shares_memory(project(g, np.zeros(3)), g)


def test_zeros_have_the_structure() -> None:
    """Numbers and arrays become zeros, everything else None."""
    x = {
        "w": [np.ones((2, 3), "f4"), 2, 3.0],
        "p": Point(1j, np.arange(2)),
        "rest": ("a", None, True),
        "layer": Layer(np.ones(2), "name"),
    }
    zeros = zeros_like(x)
    assert zeros["w"][0].dtype == np.float32 and not zeros["w"][0].any()
    assert zeros["w"][1:] == [0.0, 0.0] and type(zeros["w"][1]) is float
    assert type(zeros["p"]) is Point and zeros["p"].x == 0j
    assert zeros["p"].y.dtype == np.float64
    assert zeros["rest"] == (None, None, None)
    assert type(zeros["layer"]) is Layer and zeros["layer"].label is None
    assert type(zeros_like(OrderedDict(a=1.0))) is OrderedDict


def test_sums_of_structures() -> None:
    """Leaves are added, containers are new, None is zero."""
    a = {"w": [np.ones(2), 1.0], "p": Point(1.0, None), "l": Layer(np.ones(1))}
    b = {"w": [np.ones(2), 2.0], "p": Point(2.0, 3.0), "l": Layer(np.ones(1))}
    out = add(a, b)
    assert np.array_equal(out["w"][0], [2.0, 2.0]) and out["w"][1] == 3.0
    assert out["p"] == Point(3.0, 3.0)
    assert np.array_equal(out["l"].w, [2.0])
    assert a["w"][1] == 1.0 and out["w"] is not a["w"]
    assert add(None, 1.0) == 1.0 and add(1.0, None) == 1.0


def test_sums_of_unlike_structures_are_errors() -> None:
    """Lists of other lengths are never added in part."""
    with pytest.raises(ValueError):
        add([1.0], [1.0, 2.0])


def test_cotangent_for_checks_the_shape() -> None:
    """It is the cotangent itself, or the error says both shapes."""
    g = np.ones(3)
    assert cotangent_for(g, np.zeros(3)) is g
    with pytest.raises(ValueError, match=r"\(3,\) came back .* \(2,\)"):
        cotangent_for(g, np.zeros(2))


def test_cotangent_or_takes_what_was_given() -> None:
    """None leaves the cotangent; else dtype and shape are those of the cotangent."""
    g = np.ones(3, np.float32)
    assert cotangent_or(None, g) is g
    assert cotangent_or([1, 2, 3], g).dtype == np.float32
    assert cotangent_or(2.5, 1.0) == 2.5
    with pytest.raises(ValueError, match="came back"):
        cotangent_or(np.ones(2), g)
