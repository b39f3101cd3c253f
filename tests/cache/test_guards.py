"""Guards: they accept what inference saw, and every test in them refuses something."""

from __future__ import annotations

import ast
import math
import types
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from chainrule.cache.guards import Guard, make_guard
from chainrule.request import Attribute, Input, Known
from chainrule.types.lattice import consumed, maybe_one
from tests.fake_pipeline import param

Point = namedtuple("Point", "x y")
Other = namedtuple("Other", "x y")


@dataclass
class Model:
    """An object with state."""

    scale: Any = 1.0
    steps: Any = 3


class SubModel(Model):
    """Another class with the same attributes."""


def helper(x: float) -> float:
    """Return the argument."""
    return x


def run(guard: Guard, text: str, **arguments: Any) -> bool:
    """Evaluate a guard; to raise is to miss."""
    namespace = dict(guard.namespace)
    exec(guard.helpers, namespace)
    try:
        return bool(eval(text, namespace, arguments))
    except Exception:
        return False


def guard_of(value: Any, sizes: bool = True) -> Guard:
    """Return the guard of a parameter `x`; with `sizes` inference used all of them."""
    item = param("x", value)
    with consumed() as never_one:
        if sizes:
            use_sizes(item.type)
    return make_guard([item], never_one, {"x": value}, "_k")


def use_sizes(t: Any) -> None:
    """Ask of all dimensions in a type whether they may be 1."""
    for dim in getattr(t, "dims", None) or ():
        maybe_one(dim)
    for part in getattr(t, "items", None) or getattr(t, "attrs", None) or ():
        use_sizes(part[1] if type(part) is tuple else part)


def weakened(text: str) -> list[str]:
    """Return the guard with one conjunct after the other made always true."""
    tree = ast.parse(text, mode="eval").body
    parts = tree.values if isinstance(tree, ast.BoolOp) else [tree]
    texts = [ast.unparse(part) for part in parts]
    return [
        " and ".join([*texts[:i], f"(({texts[i]}) or True)", *texts[i + 1 :]])
        for i in range(len(texts))
    ]


def array(*shape: int, dtype: str = "f8") -> np.ndarray:
    """Return an array of zeros."""
    return np.zeros(shape, dtype)


class NotAList:
    """Has a length and elements, but is no container that Python knows."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]

    def __iter__(self) -> Any:
        return iter(self.items)


# value, values that hit, values that miss: each test is the only one to refuse some
CASES: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "float": (1.0, [2.0, math.nan], [1, True, 1j, np.float64(1), array(), None, "1"]),
    "int": (3, [4], [3.0, True, np.int64(3)]),
    "bool": (True, [False], [1, 0, np.bool_(True)]),
    "complex": (1j, [2j], [1.0]),
    "numpy scalar": (np.float32(1), [np.float32(2)], [1.0, np.float64(1), array()]),
    "none": (None, [None], [0, False]),
    "string": ("a", ["a"], ["b", None, np.str_("a")]),
    "array": (
        array(3, 4),
        [array(2, 2), np.zeros((5, 6)).T, array(0, 3)],
        [
            array(3, 4, dtype="f4"),
            array(3, 4, dtype="i8"),
            array(3),
            array(3, 4, 2),
            array(1, 4),
            array(3, 1),
            np.ma.zeros((3, 4)),
            0.0,
        ],
    ),
    "row": (array(1, 4), [array(1, 5)], [array(2, 4), array(1, 1), array(4)]),
    "rank 0": (array(), [array()], [np.float64(0), array(3)]),
    "tuple": (
        (1.0, array(3)),
        [(2.0, array(4))],
        [(1.0,), (1.0, array(3), 1.0), (1, array(3)), [1.0, array(3)], (1.0, array(1))]
        + [(1.0, array(3, 1)), (1.0, array(3, dtype="f4")), (1.0, [0.0] * 3)]
        + [NotAList(1.0, array(3)), (1.0, np.ma.zeros(3))],
    ),
    "named tuple": (Point(1.0, 2.0), [Point(3.0, 4.0)], [Other(1.0, 2.0), (1.0, 2.0)]),
    "short list": (
        [1.0, 2.0],
        [[3.0, 4.0]],
        [[1.0], [1.0, 2.0, 3.0], (1.0, 2.0), [1, 2.0], [1.0, 2]],
    ),
    "long list": (
        [1.0] * 6,
        [[1.0] * 7, [2.0] * 5],
        [[1.0] * 5 + [1], (1.0,) * 6, [None] * 6, NotAList(1.0)],
    ),
    "layers": (
        [(array(3, 4), array(4))] * 6,
        [[(array(2, 2), array(2))] * 8],
        [
            [(array(3, 4), array(4))] * 5 + [(array(3, 4), array(4, 4))],
            [(array(3, 4),)] * 6,
            [(array(3, 4), array(4, dtype="f4"))] * 6,
        ],
    ),
    "dict": (
        {"w": array(3), "b": 1.0},
        [{"w": array(4), "b": 2.0}],
        [
            {"b": 1.0, "w": array(3)},
            {"w": array(3)},
            {"w": array(3), "b": 1.0, "c": 1.0},
            OrderedDict(w=array(3), b=1.0),
            {"w": array(3), "b": 1},
            {"w": array(3, 1), "b": 1.0},
            {"w": array(1), "b": 1.0},
            {"w": array(3, dtype="f4"), "b": 1.0},
            {"w": np.ma.zeros(3), "b": 1.0},
        ],
    ),
    "dict of int": ({1: 1.0}, [{1: 2.0}], [{True: 1.0}, {1.0: 1.0}, {2: 1.0}, {1: 1}]),
    "object": (
        Model(1.0, 3),
        [Model(2.0, 4)],
        [
            SubModel(1.0, 3),
            Model(1, 3),
            Model(1.0, 3.0),
            types.SimpleNamespace(scale=1.0),
        ],
    ),
    "range": (range(3), [range(5)], [[0, 1, 2], 3]),
}


@pytest.mark.parametrize("name", CASES)
def test_guard_accepts_the_types_and_nothing_else(name: str) -> None:
    """A guard holds for its own argument and for equal types, and fails for others."""
    value, hits, misses = CASES[name]
    guard = guard_of(value)
    assert run(guard, guard.text, x=value)
    assert all(run(guard, guard.text, x=hit) for hit in hits)
    assert not [miss for miss in misses if run(guard, guard.text, x=miss)]


@pytest.mark.parametrize("name", ["float", "array", "tuple", "short list", "dict"])
def test_every_conjunct_refuses_something(name: str) -> None:
    """A guard has no test to spare: without any one, some other value passes."""
    value, _, misses = CASES[name]
    guard = guard_of(value)
    for text in weakened(guard.text):
        assert any(run(guard, text, x=miss) for miss in misses), text


def test_sizes_that_nobody_used_are_not_tested() -> None:
    """An array of another size 1 passes when inference did not rely on it."""
    guard = guard_of(array(3, 4), sizes=False)
    assert run(guard, guard.text, x=array(1, 1))
    assert "shape" not in guard.text


def test_only_the_used_size_is_tested() -> None:
    """Of a bias, the one size that meets another operand is tested, not both."""
    item = param("x", array(3, 4))
    with consumed() as never_one:
        maybe_one(item.type.dims[1])
    guard = make_guard([item], never_one, {"x": array(3, 4)}, "_k")
    assert run(guard, guard.text, x=array(1, 4))
    assert not run(guard, guard.text, x=array(3, 1))


def test_consumed_sizes_reach_the_outer_collection() -> None:
    """What an inner compilation relied on, the outer one relied on too."""
    dims = param("x", array(3, 4)).type.dims
    with consumed() as outer:
        with consumed() as inner:
            maybe_one(dims[0])
        maybe_one(dims[1])
    assert inner == {dims[0].key}
    assert outer == {dims[0].key, dims[1].key}


def test_an_array_that_was_unpickled_passes_the_second_look() -> None:
    """Its dtype is equal to the built-in one, but not the same object."""
    value = array(3)
    item = param("x", value)
    copy = np.zeros(3, np.dtype("f8", copy=True))
    exact = make_guard([item], (), {"x": value}, "_k")
    loose = make_guard([item], (), {"x": value}, "_k", exact=False)
    assert not run(exact, exact.text, x=copy)
    assert run(loose, loose.text, x=copy)
    assert not run(loose, loose.text, x=array(3, dtype="f4"))


KNOWN: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "int": (1, [1], [2, 1.0, True]),
    "true": (True, [True], [1, 1.0, False]),
    "float": (0.5, [0.5], [0.25, np.float64(0.5)]),
    "zero": (0.0, [0.0], [-0.0, 0, False]),
    "minus zero": (-0.0, [-0.0], [0.0]),
    "nan": (math.nan, [float("nan")], [0.0]),
    "complex": (1j, [1j], [1.0, -1j]),
    "string": ("sum", ["sum"], ["mean", b"sum"]),
    "none": (None, [None], [0]),
    "function": (helper, [helper], [math.sin, lambda x: x]),
    "class": (Model, [Model], [SubModel]),
    "module": (math, [math], [np]),
    "tuple": ((1, 2), [(1, 2)], [(1,), (1, 2, 3), [1, 2], (1, True), (2, 1)]),
    "list": ([1, [2.0]], [[1, [2.0]]], [[1, [2]], [1], (1, [2.0])]),
    "dict": ({"a": 1}, [{"a": 1}], [{"a": 1.0}, {"b": 1}, {"a": 1, "b": 1}]),
    "set": ({1, 2}, [{2, 1}], [{1}, frozenset({1, 2})]),
    "slice": (slice(1, None), [slice(1, None)], [slice(1, 2), slice(True, None)]),
    "range": (range(3), [range(3)], [range(4)]),
    "dtype": (np.dtype("f4"), [np.dtype("f4")], [np.dtype("f8"), np.float32]),
    "numpy scalar": (np.float32(1), [np.float32(1)], [np.float32(2), np.float64(1), 1]),
    "array": (array(2), [array(2)], [array(3), array(2, dtype="i8"), np.ones(2)]),
    "bound method": (CASES.get, [CASES.get], [{}.get, CASES.items]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_constants_must_stay_what_they_are(name: str) -> None:
    """A constant is the same object, or equal, of the same class and sign."""
    value, hits, misses = KNOWN[name]
    item = Input("param", "x", (), Known(value))
    guard = make_guard([item], (), {"x": value}, "_k")
    assert run(guard, guard.text, x=value)
    assert all(run(guard, guard.text, x=hit) for hit in hits)
    assert not [miss for miss in misses if run(guard, guard.text, x=miss)]


def test_a_constant_list_that_is_written_to_misses() -> None:
    """The guard compares with a copy, not with the list itself."""
    value = [1, {"a": 2}]
    item = Input("param", "x", (), Known(value))
    guard = make_guard([item], (), {"x": value}, "_k")
    value[1]["a"] = 3
    assert not run(guard, guard.text, x=value)


def test_globals_stay_live() -> None:
    """A global that is rebound, deleted, or hides a builtin is a miss."""
    owner: dict[str, Any] = {"rate": 0.5, "f": helper}
    inputs = [
        Input("global", "rate", (), param("rate", 0.5).type, owner),
        Input("global", "f", (), Known(helper), owner),
        Input("global", "len", (), Known(len), owner),
    ]
    guard = make_guard(inputs, (), {}, "_k")
    assert run(guard, guard.text)
    for name, value in {"rate": 1, "f": len, "len": helper}.items():
        before = dict(owner)
        owner[name] = value
        assert not run(guard, guard.text), name
        owner.clear()
        owner.update(before)
    owner["rate"] = 0.75
    assert run(guard, guard.text)
    del owner["f"]
    assert not run(guard, guard.text)


def test_cells_stay_live() -> None:
    """A captured variable of another type, or without a value, is a miss."""
    cell = types.CellType(1.0)
    item = Input("cell", "k", (), param("k", 1.0).type, cell)
    guard = make_guard([item], (), {}, "_k")
    cell.cell_contents = 2.0
    assert run(guard, guard.text)
    cell.cell_contents = 2
    assert not run(guard, guard.text)
    del cell.cell_contents
    assert not run(guard, guard.text)


def test_attributes_of_outside_objects_stay_live() -> None:
    """An attribute that inference read is tested on the object it was read from."""
    model = Model(1.0, 3)
    item = Input("attribute", "steps", (), Known(3), model)
    guard = make_guard([item], (), {}, "_k")
    model.scale = None
    assert run(guard, guard.text)
    model.steps = 4
    assert not run(guard, guard.text)


def test_paths_lead_through_keys_and_attributes() -> None:
    """A constant deep in an argument is tested there, and its parents are not."""
    value = {"model": Model(1.0, 3), "rest": object()}
    path = ("model", Attribute("steps"))
    guard = make_guard([Input("param", "x", path, Known(3))], (), {"x": value}, "_k")
    assert run(guard, guard.text, x=value)
    assert run(guard, guard.text, x={"model": Model(None, 3)})
    assert not run(guard, guard.text, x={"model": Model(1.0, 4)})
    assert not run(guard, guard.text, x={})


def test_a_method_is_tested_by_its_function() -> None:
    """A method of an argument passes for other objects, but not when replaced."""

    class Net:
        def layer(self) -> int:
            return 1

    net = Net()
    inputs = [
        Input("param", "x", (), param("x", net).type),
        Input("param", "x", (Attribute("layer"),), Known(net.layer)),
    ]
    guard = make_guard(inputs, (), {"x": net}, "_k")
    assert run(guard, guard.text, x=Net())
    other = Net()
    other.layer = lambda: 2
    assert not run(guard, guard.text, x=other)


def test_code_that_is_swapped_misses() -> None:
    """A helper whose code or defaults are replaced in place is another helper."""

    def callee(x: float, k: float = 1.0) -> float:
        return x * k

    item = Input("global", "callee", (), Known(callee), {"callee": callee})
    guard = make_guard([item], (), {}, "_k")
    assert run(guard, guard.text)
    callee.__defaults__ = (2.0,)
    assert not run(guard, guard.text)
    again = make_guard([item], (), {}, "_k")
    assert run(again, again.text)
    callee.__code__ = helper.__code__
    assert not run(again, again.text)


def test_attributes_of_numpy_are_trusted() -> None:
    """`np.sin` costs no test: only the name `np` is tested."""
    owner = {"np": np}
    inputs = [
        Input("global", "np", (), Known(np), owner),
        Input("global", "np", (Attribute("sin"),), Known(np.sin), owner),
    ]
    assert "sin" not in make_guard(inputs, (), {}, "_k").text


def test_a_list_with_a_joined_type_is_accepted_on_request() -> None:
    """Dicts in a list may hold arrays of several dtypes: a join covers them all."""
    value = [{"w": array(3, dtype="f4" if i else "f8")} for i in range(6)]
    item = param("x", value)
    exact = make_guard([item], (), {"x": value}, "_k")
    joined = make_guard([item], (), {"x": value}, "_k", joined=True)
    assert not run(exact, exact.text, x=value)
    assert run(joined, joined.text, x=value)
    value[2] = {"w": array(3, dtype="c16")}
    assert not run(joined, joined.text, x=value)
