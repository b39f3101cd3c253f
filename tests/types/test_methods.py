"""Methods of arrays, numbers and opaque objects."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest

from chainrule.ir import prims
from chainrule.ir.nodes import Const
from chainrule.types.infer import Unknown, infer
from chainrule.types.lattice import (
    BOOL,
    FLOAT,
    INT,
    STR,
    ArrayT,
    ListT,
    OpaqueT,
    ScalarT,
    Sym,
)
from chainrule.types.methods import METHODS, MUTATING, infer_method, normalise

F8 = np.dtype(float)


class Pack:
    """Writes a primitive by running it."""

    def apply(self, fn: Any, *args: Any) -> Any:
        return fn(*args)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "fn", "rest"),
    [
        ("reshape", [2, 3], {}, np.reshape, [(2, 3)]),
        ("reshape", [(2, 3)], {}, np.reshape, [(2, 3)]),
        ("transpose", [1, 0], {}, np.transpose, [(1, 0)]),
        ("transpose", [], {}, np.transpose, []),
        ("astype", [np.float32], {"copy": False}, prims.astype, [np.float32]),
        ("astype", [], {"dtype": np.float32}, prims.astype, [np.float32]),
        ("clip", [0.0, 1.0], {}, np.clip, [0.0, 1.0]),
        ("copy", [], {}, prims.copy_value, []),
        ("sum", [0], {}, np.sum, [0]),
    ],
)
def test_arguments_are_arranged(
    name: str, args: list[Any], kwargs: dict[str, Any], fn: Any, rest: list[Any]
) -> None:
    """A method becomes the function that takes the same after the array."""
    assert normalise(name, args, kwargs, Pack()) == (fn, rest, {})


def test_a_missing_bound_is_none() -> None:
    """`x.clip(max=1.0)` has no lower bound."""
    found = normalise("clip", [], {"max": 1.0}, Pack())
    assert found is not None
    fn, (low, high), named = found
    assert fn is np.clip and isinstance(low, Const) and low.value is None
    assert high == 1.0 and named == {}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_methods_exist(name: str) -> None:
    """Every method in the table is one that arrays have, now or in an older NumPy."""
    assert hasattr(np.ndarray, name) or name == "ptp"


def test_unknown_methods_are_not_found() -> None:
    """A view of the same bytes as other numbers is not supported."""
    assert normalise("view", [np.int64], {}, Pack()) is None
    assert normalise("byteswap", [], {}, Pack()) is None


@pytest.mark.parametrize(
    ("kind", "cls"),
    [
        ("array", np.ndarray),
        ("list", list),
        ("dict", dict),
        ("OrderedDict", collections.OrderedDict),
        ("Counter", collections.Counter),
        ("set", set),
    ],
)
def test_mutating_methods_are_methods(kind: str, cls: type) -> None:
    """What is said to write is a method, in this NumPy or an older one."""
    elsewhere = {"itemset"}  # of older arrays
    assert all(hasattr(cls, name) for name in MUTATING[kind] - elsewhere)
    assert not MUTATING[kind] & METHODS.keys()


@pytest.mark.parametrize("cls", [np.random.Generator, np.random.RandomState])
def test_generators_give_the_layout_asked_for(cls: type) -> None:
    """A sample has the shape of `size`, or of the parameters, or is a number."""
    n = ScalarT("int", dim=Sym("n"))
    v = ArrayT(F8, (Sym("m", never_one=True),))
    assert infer_method(cls, "normal", (), {}) == FLOAT
    assert infer_method(cls, "normal", (0.0, 1.0, n), {}) == ArrayT(F8, (Sym("n"),))
    assert infer_method(cls, "normal", (v,), {}) == v
    assert infer_method(cls, "permutation", (v,), {}) == v
    with pytest.raises(Unknown):
        infer_method(cls, "shuffle", (v,), {})


def test_inference_leaves_the_global_generator_alone() -> None:
    """Types of `np.random` functions are found without drawing from its state."""
    before = np.random.get_state(legacy=False)["state"]["pos"]  # type: ignore[call-overload]
    assert infer(np.random.randn, (3, 5), {}) == ArrayT(F8, (3, 5))
    assert np.random.get_state(legacy=False)["state"]["pos"] == before  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("cls", "name", "expected"),
    [
        (str, "upper", STR),
        (str, "split", ListT(None, STR)),
        (str, "startswith", BOOL),
        (str, "find", INT),
        (float, "is_integer", BOOL),
        (int, "bit_length", INT),
        (complex, "conjugate", ScalarT("complex")),
        (set, "union", OpaqueT(set)),
    ],
)
def test_methods_without_derivative(cls: type, name: str, expected: Any) -> None:
    """Methods of strings, Python numbers and sets have types."""
    assert infer_method(cls, name, (), {}) == expected
