"""Linked functions: live globals and cells, free names, tracebacks."""

from __future__ import annotations

import linecache
import traceback
import types
from typing import Any

import pytest

from chainrule.backend.link import annotate, link, origin
from chainrule.ir.nodes import Loc

NAME = "<chainrule tests.f>"


def test_globals_stay_live() -> None:
    """A global that is rebound is seen by the next call; none is added."""
    world: dict[str, Any] = {"k": 2}
    f = link("def f(x):\n    return k * x + one\n", "f", NAME, world, {"one": 1})
    assert f(3) == 7
    world["k"] = 5
    assert f(3) == 16
    assert set(world) - {"__builtins__"} == {"k"}
    assert f.__globals__ is world


def test_cells_stay_live() -> None:
    """A closure cell of the user's is shared, in callees too."""
    cell = types.CellType(2)
    text = "def g(x):\n    return k * x\n\n\ndef f(x, n=3):\n    return g(x) + k * n\n"
    f = link(text, "f", NAME, {}, {}, {"k": cell})
    assert f(1) == 8
    cell.cell_contents = 10
    assert f(1) == 40


def test_functions_may_recurse() -> None:
    """Functions of one module reach each other and themselves."""
    text = "def f(n):\n    return 1 if n == 0 else n * f(n - 1)\n"
    assert link(text, "f", NAME, {})(5) == 120


def test_tracebacks_show_the_text_and_name_the_line() -> None:
    """An error in generated code shows its text and says where it comes from."""
    lines = {2: Loc("model.py", 12, function="loss")}
    f = link("def f(x):\n    return 1 / x\n", "f", NAME, {}, lines=lines)
    with pytest.raises(ZeroDivisionError) as caught:
        f(0)
    place = origin(caught.value)
    assert place is not None and place.line == 12
    annotate(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "return 1 / x" in shown and "model.py:12 in loss" in shown
    assert linecache.getline(NAME, 2) == "    return 1 / x\n"
