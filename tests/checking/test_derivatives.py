"""The check of a derivative: what passes, what fails, and what the failure says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import (
    NotDifferentiable,
    differentiate,
    on_cotangent,
    rules,
    stop_gradient,
)
from chainrule.checking.derivatives import ENTRIES, check, inner
from chainrule.checking.structure import StructureMismatch
from chainrule.rules.registry import RULES

W = np.linspace(0.2, 1.4, 6).reshape(2, 3)


def three_times(x):
    return 3 * x


def cube(x):
    return x**3


def quadruple(x):
    return 4 * x


@pytest.fixture(autouse=True)
def wrong_rules() -> Any:
    """Enter wrong rules for the functions above, and forget them afterwards."""
    functions = (three_times, cube, quadruple)

    @rules.reverse(three_times)  # no forward mode
    def _(x):
        return 3 * x, lambda y_bar: 3.1 * y_bar

    @rules.elementwise(cube)  # both modes wrong in the same way
    def _(x, out):
        return 2 * x**2

    @rules.reverse(quadruple)
    def _(x):
        return 4 * x, lambda y_bar: 4 * y_bar

    @rules.forward(quadruple)
    def _(x, x_dot):
        return 5 * x_dot

    yield
    for function in functions:
        del RULES.reverse[function]
        RULES.forward.pop(function, None)
    RULES.changed()


def test_right_derivatives_pass() -> None:
    """Numbers, arrays, containers, several arguments, any order."""

    def loss(p, x):
        return np.sum(np.sin(p["w"] @ x) ** 2) + p["b"] ** 3

    parameters = {"w": W, "b": 2.0}
    outcome = check(loss, (parameters, np.ones(3)), wrt=("p", "x"), order=3)
    assert outcome.ok, outcome.text
    assert outcome.names == ("p", "x")
    assert outcome.entries == 3 * 10
    assert outcome.worst < 1e-9


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (np.sin, (1.0,)),
        (np.cumsum, (np.arange(3.0),)),
        (lambda x: np.outer(x, x) * (1 + 2j), (np.array([1 + 2j, 3 - 1j]),)),
        (lambda x: {"a": x * 2, "n": 3}, (W,)),
        (lambda *a: a[0] * a[1], (3.0, 4.0)),
        (lambda x: x**3, (3,)),
        (lambda x: np.sum(x**3), (W.astype(np.float32),)),
        (lambda x: abs(x), (0.0,)),
    ],
)
def test_values_of_every_kind(f: Any, args: Any) -> None:
    """Functions of NumPy, arrays, complex numbers, dicts, integers, kinks."""
    outcome = check(f, args)
    assert outcome.ok, outcome.text


def test_what_the_decorator_says_holds() -> None:
    """`argnums` and `has_aux` are those of the decorated function."""

    @differentiate(argnums=(0, 1), has_aux=True)
    def loss(x, y, label="none"):
        return x * y**2, label

    outcome = check(loss, (3.0, 4.0), {"label": "a"}, order=2)
    assert outcome.ok, outcome.text
    assert outcome.names == ("x", "y")


def test_arguments_by_keyword() -> None:
    """A parameter passed by name, or left to its default, can be differentiated by."""

    def f(x, y=2.0, *, k=2):
        return x * y**k

    for wrt, kwargs in (("y", {"y": 3.0}), ("y", {}), ("x", {"k": 3})):
        outcome = check(f, (1.5,), kwargs, wrt=wrt)
        assert outcome.ok, outcome.text
    with pytest.raises(ValueError, match="`k` cannot be passed by position"):
        check(f, (1.5,), {"k": 2.5}, wrt="k")


@pytest.mark.parametrize("wrt", [(), ("x", 0), (0, 0)])
def test_wrt_names_each_once(wrt: Any) -> None:
    """Nothing, or the same argument twice, is a mistake of the test."""
    with pytest.raises(ValueError, match="must name each argument once"):
        check(lambda x: x**2, (1.0,), wrt=wrt)


def test_order_starts_at_one() -> None:
    """There is no derivative of order zero to check."""
    with pytest.raises(ValueError, match="order is 1"):
        check(lambda x: x, (1.0,), order=0)


def test_failure_names_what_is_wrong() -> None:
    """Argument, index, all numbers, and the lines that read the argument."""

    def loss(p, x):
        scaled = three_times(p["w"]) * x
        return np.sum(scaled)

    outcome = check(loss, ({"w": W, "b": 1.0}, 2.0), wrt=("p", "x"))
    assert not outcome.ok
    lines = outcome.text.splitlines()
    assert lines[0] == (
        "the derivative of `loss` with respect to p, x is wrong:"
        " differences give other numbers"
    )
    assert lines[1].split() == ["reverse", "forward", "differences"]
    name, index, reverse, *forward, slope, _, _ = lines[2].split()
    assert (name, index) == ("p['w'][0,", "0]")
    assert (reverse, forward, slope) == ("6.2", ["no", "rule"], "6")
    assert "tests/checking/test_derivatives.py:" in outcome.text
    assert 'scaled = three_times(p["w"]) * x' in outcome.text
    assert "x[" not in outcome.text  # the other argument is right


def test_failure_says_who_is_alone() -> None:
    """Forward mode and differences are two witnesses."""
    both = check(lambda x: np.sum(cube(x)), (W,))
    assert "differences give other numbers" in both.text
    forward = check(lambda x: np.sum(quadruple(x)), (W,))
    assert "forward mode does not" in forward.text
    row = forward.text.splitlines()[2].split()
    assert row[2:5] == ["4", "5", "4"]


def test_tangent_of_another_shape_is_wrong() -> None:
    """It is found before anything is broadcast."""
    with pytest.raises(StructureMismatch, match="not built like the value"):
        inner({"a": W}, {"a": np.ones(3)})


def test_many_wrong_numbers_are_not_all_shown() -> None:
    """Eight rows are enough to see a pattern."""
    outcome = check(lambda x: np.sum(three_times(x)), (np.arange(20.0),))
    assert "... and 12 more of 20 numbers" in outcome.text


def test_large_arguments_are_sampled_but_all_count() -> None:
    """One wrong entry among thousands is found, by forward mode or by differences."""
    x = np.linspace(0.1, 1.0, 20 * ENTRIES)
    assert check(lambda x: np.sum(np.sin(x) ** 2), (x,)).ok

    def one_wrong(x):
        return np.sum(x[:1321]) + three_times(x[1321]) + np.sum(x[1322:])

    def one_wrong_forward(x):
        return np.sum(x[:1321]) + quadruple(x[1321]) + np.sum(x[1322:])

    for f in (one_wrong, one_wrong_forward):
        outcome = check(f, (x,))
        assert not outcome.ok
        assert "x[1321]" in outcome.text


def test_second_derivative_alone_may_be_wrong() -> None:
    """The message says of which order it speaks."""

    def slope_off(x):
        return x**2

    @rules.elementwise(slope_off)
    def _(x, out):
        return three_times(x) * (2 / 3)

    outcome = check(slope_off, (1.5,), order=2)
    assert not outcome.ok
    assert "the second derivative of `slope_off`" in outcome.text


def test_nothing_to_check_is_a_failure() -> None:
    """A value that is not finite, or no number, proves nothing."""
    with np.errstate(all="ignore"):
        outcome = check(lambda x: np.log(x), (-1.0,))
    assert not outcome.ok and "choose arguments" in outcome.text
    outcome = check(lambda x: "text", (1.0,))
    assert not outcome.ok and "no number" in outcome.text


def test_jump_is_not_confirmed() -> None:
    """Where differences say nothing only zero passes."""
    outcome = check(lambda x: x if x > 1 else 2 * x, (1.0,))
    assert not outcome.ok
    assert "cannot confirm" in outcome.text and "unknown" in outcome.text


def test_what_is_stopped_is_a_constant_for_differences_too() -> None:
    """`stop_gradient` has the value that it has at the arguments."""

    def stopped(x: Any) -> Any:
        return np.sum(stop_gradient(x) * x)

    x = np.array([1.0, 2.0])
    assert check(stopped, (x,)).ok
    outcome = check(stopped, (x,), order=2)
    assert not outcome.ok and "the next one cannot be compared" in outcome.text


def test_a_cotangent_that_is_changed_is_not_what_differences_give() -> None:
    """The failure says so; code that only watches is no obstacle."""

    def changed(x: Any, change: Any) -> Any:
        return np.sum(on_cotangent(x**2, change))

    seen: list[Any] = []

    def watch(x_bar: Any) -> None:
        seen.append(x_bar)

    x = np.array([1.0, 2.0])
    assert check(changed, (x, watch)).ok and seen
    outcome = check(changed, (x, lambda x_bar: 0.5 * x_bar))
    assert not outcome.ok and "`on_cotangent` changes a cotangent" in outcome.text


def test_arguments_are_not_changed() -> None:
    """The check passes copies."""
    x = np.arange(3.0)
    before = x.copy()
    check(lambda x: np.sum(x**2), (x,))
    assert np.array_equal(x, before)


def test_exceptions_pass_through() -> None:
    """The function's own exceptions, and refusals, are not failures of a check."""

    def refused(x):
        return eval("x")

    with pytest.raises(NotDifferentiable):
        check(refused, (1.0,))
    with pytest.raises(ZeroDivisionError):
        check(lambda x: x / 0, (1.0,))


def test_tolerance_can_be_chosen() -> None:
    """What is off by three per cent passes at four, and fails at one."""
    f = lambda x: np.sum(three_times(x))
    assert check(f, (W,), rtol=0.04).ok
    assert not check(f, (W,), rtol=0.01).ok
