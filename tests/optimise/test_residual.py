"""A pullback keeps nothing that it does not read."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from chainrule import differentiate, vjp
from tests.programs import NAMES, arguments, load


def kept_and_read(text: str) -> tuple[int, set[int]]:
    """Return how many entries a residual has, and which of them are read."""
    *_, fwd, bwd = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
    returned: Any = [n for n in ast.walk(fwd) if isinstance(n, ast.Return)][-1].value
    kept = len(returned.elts[1].elts)
    read: set[int] = set()
    for node in ast.walk(bwd):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "residual":
            read |= set(range(kept))
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "residual":
            assert isinstance(node.slice, ast.Constant)
            read.add(int(node.slice.value))
    return kept, read


# Halves of a recursive function hand each other a residual of their own.
STRAIGHT = [name for name in NAMES if name != "power_recursive"]


@pytest.mark.parametrize("name", STRAIGHT)
def test_all_that_is_kept_is_read(name: str) -> None:
    module = load(name)
    function, args = getattr(module, name), arguments(module)
    made = differentiate(argnums=getattr(module, "WRT", 0))(function)
    kept, read = kept_and_read(str(made.vjp.source(*args)))
    assert read == set(range(kept))


def test_what_only_the_dropped_entries_needed_is_not_computed() -> None:
    def weighted(x: Any, y: Any) -> Any:
        return np.sum(np.exp(x) * y)

    made = differentiate(argnums=(1,))(weighted)
    kept, _ = kept_and_read(str(made.vjp.source(np.ones(3), np.ones(3))))
    assert kept == 1
    value, pullback = vjp(weighted, np.ones(3), np.arange(3.0))
    again = made.vjp(np.ones(3), np.arange(3.0))
    assert again[0] == value
    np.testing.assert_array_equal(pullback(2.0)[1], again[1](2.0)[1])
