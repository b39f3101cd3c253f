"""Which values may be one memory, on IR by hand."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.analysis.memory import Aliases
from chainrule.ir import prims
from chainrule.ir.nodes import Value
from chainrule.types.lattice import ArrayT, Type
from tests.backend.build import Builder, function

ROW = ArrayT(np.dtype(float), (3,))
ROWS: dict[str, Type] = dict.fromkeys(["x", "y", "a", "b"], ROW)
Found = dict[str, Value]


def test_a_store_is_the_array_and_a_sum_is_not() -> None:
    """In-place updates and views keep the root; arithmetic makes new memory."""
    found: Found = {}

    def make(b: Builder, x: Value) -> Value:
        found["sum"] = b.op(operator.add, x, x, type=ROW)
        found["set"] = b.op(prims.index_set, found["sum"], 0, 1.0, type=ROW)
        found["view"] = b.op(operator.getitem, found["set"], slice(1, 3), type=ROW)
        found["copy"] = b.op(prims.copy_value, found["view"], type=ROW)
        return found["copy"]

    f = function("f", "x", make, types=ROWS)
    aliases = Aliases(f)
    assert aliases.may(found["sum"], found["set"])
    assert aliases.may(found["view"], found["sum"])
    assert not aliases.may(found["copy"], found["view"])
    assert not aliases.may(f.params[0], found["sum"])
    assert aliases.is_foreign(f.params[0])
    assert not aliases.is_foreign(found["view"])


def carried(swap: bool, same: bool) -> tuple[Any, Aliases]:
    """Return a loop that hands on two arrays, crosswise or not, and its aliases."""

    def make(b: Builder, x: Value) -> Value:
        one = b.op(prims.copy_value, x, type=ROW)
        two = one if same else b.op(prims.copy_value, x, type=ROW)

        def body(b: Builder, a: Value, c: Value) -> Any:
            return (False, c, a) if swap else (False, a, c)

        loop = b.loop({"a": one, "b": two}, body, types=ROWS)
        loops.append(loop)
        return loop.outs[0]

    loops: list[Any] = []
    aliases = Aliases(function("f", "x", make, types=ROWS))
    return loops[0], aliases


def test_a_swap_keeps_two_arrays_apart() -> None:
    """Either may be either of the two, but never both the same one."""
    for swap in (False, True):
        loop, aliases = carried(swap, same=False)
        assert not aliases.may(*loop.body.params)
        assert not aliases.may(*loop.outs)
        loop, aliases = carried(swap, same=True)
        assert aliases.may(*loop.body.params)
        assert aliases.may(*loop.outs)


def test_one_that_takes_the_place_of_the_other() -> None:
    """`a = b` in the body: after one iteration they are one array."""
    loops: list[Any] = []

    def make(b: Builder, x: Value) -> Value:
        one = b.op(prims.copy_value, x, type=ROW)
        two = b.op(prims.copy_value, x, type=ROW)
        loops.append(
            b.loop({"a": one, "b": two}, lambda b, a, c: (False, c, c), types=ROWS)
        )
        return loops[0].outs[0]

    aliases = Aliases(function("f", "x", make, types=ROWS))
    assert aliases.may(*loops[0].body.params)
