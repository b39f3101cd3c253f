"""The text computes what the IR means, for random IR."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from chainrule.backend.emit import emit
from chainrule.backend.render import render, same
from chainrule.ir.evaluate import evaluate
from chainrule.ir.show import show
from chainrule.ir.verify import verify
from tests.backend.random_ir import (
    STATE,
    countdown,
    random_array_function,
    random_function,
)

POINTS = ((0.3, 0.7), (-1.0, 0.5))


def outcome(run: Callable[..., Any], *args: float) -> str:
    """Return the result, or the error, of a run from the same state."""
    STATE["count"] = 0
    try:
        return repr(run(*args))
    except OverflowError:
        return "overflow"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_text_means_the_ir(seed: int) -> None:
    """Running the printed text gives what evaluating the IR gives."""
    f = random_function(seed)
    verify(f)
    want = [outcome(lambda *a: evaluate(f, *a), *point) for point in POINTS]
    text = render(emit(f).tree).text
    scope: dict[str, Any] = {"math": math, "countdown": countdown}
    exec(text, scope)
    got = [outcome(scope["f"], *point) for point in POINTS]
    assert got == want, show(f, types=False) + text


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_writing_in_place_is_not_noticed(seed: int) -> None:
    """Updates in place give what functional updates give, and spare the arguments."""
    f = random_array_function(seed)
    text = render(emit(f).tree).text
    scope: dict[str, Any] = {"math": math, "np": np, "countdown": countdown}
    exec(text, scope)
    point = np.array([0.3, 0.7, -0.2]), np.array([1.0, -0.5, 0.1])
    given_point = [x.copy() for x in point]
    with np.errstate(all="ignore"):
        STATE["count"] = 0
        want = evaluate(f, *(x.copy() for x in point))
        STATE["count"] = 0
        got = scope["f"](*given_point)
    np.testing.assert_array_equal(got, want, show(f, types=False) + text)
    np.testing.assert_array_equal(given_point, point)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_printing_leaves_the_ir_alone(seed: int) -> None:
    """A function can be printed twice, and its IR is the same afterwards."""
    f = random_function(seed)
    before = show(f)
    first, second = (render(emit(f).tree).text for _ in range(2))
    assert first == second
    assert show(f) == before


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_printed_text_prints_as_itself(seed: int) -> None:
    """Text that is parsed and printed again means the same tree."""
    text = render(emit(random_function(seed)).tree).text
    again = render(ast.parse(text))
    assert again.engine == "astor"
    assert same(ast.parse(text), ast.parse(again.text))
