"""What a trace writes is what interpreting the rule writes."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from chainrule import grad, jvp
from chainrule.ir.nodes import Const, Value
from chainrule.rules import registry as rules
from chainrule.specialise.builder import Builder
from chainrule.transform import traces
from chainrule.transform.splice import Splicer
from chainrule.types import lattice as lt

FACTOR = 2.0


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> traces.Traces:
    """Begin without traces."""
    made = traces.Traces()
    monkeypatch.setattr(traces, "SHARED", made)
    return made


def many(x, y):
    """Meet every rule several times, with other constants and repeated operands."""
    a = x * y
    b = a * a
    c = b**2 / (1 + y**3)
    d = c**2 * np.sin(x) + np.sin(a) ** 0.5
    e = np.where(d > 1, d * d, d / y) * (a * c) + (b * d) * (y * y)
    f = e**x + y**1.5 + np.hypot(e, d) + np.hypot(b, c)
    return np.sum(f * np.tanh(f) / np.exp(c) + np.exp(a) / f)


def test_same_code_without_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivative does not depend on whether traces are used."""
    x, y = np.array([0.3, 0.7]), np.array([1.2, 0.4])
    with_traces = grad(many, argnums=(0, 1)).source(x, y)

    def run(self, b, rule, args, kwargs, interpret):
        return interpret(b, list(args), kwargs)

    monkeypatch.setattr(traces.Traces, "run", run)

    def many_again(x, y):
        return many(x, y)

    without = grad(many_again, argnums=(0, 1)).source(x, y)
    assert without.replace("many_again", "many") == with_traces


def test_forward_mode_uses_them_too() -> None:
    """A tangent by traces is that of differences."""
    x, y = np.array([0.3, 0.7]), np.array([1.2, 0.4])
    dx, dy = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    _, tangent = jvp(many, (x, y), (dx, dy))
    h = 1e-6
    up, down = many(x + h * dx, y + h * dy), many(x - h * dx, y - h * dy)
    assert tangent == pytest.approx((up - down) / (2 * h), rel=1e-7)


def operand(name: str, dims: lt.Dims) -> Value:
    """Return an array as an operand."""
    return Value(lt.ArrayT(np.dtype(float), dims), name)


def test_operands_of_other_types_are_interpreted_anew(shared: traces.Traces) -> None:
    """A trace is kept for the types, the constants and which operands are one."""
    b = Builder(algebra=True)
    splicer = Splicer(b)
    template = rules.RULES.reverse[operator.pow].template
    x, out = operand("x", (3,)), operand("out", (3,))
    for exponent in (*[Const(2)] * 4, Const(3), Const(2.0)):
        splicer.traced(template, [x, exponent, out], {})
    for args in ([x, x, out], [x, operand("y", (3,)), out], [x, x, x]):
        splicer.traced(template, list(args), {})
    assert len(shared.known) == 6
    assert all(isinstance(t, traces.Trace) for t in shared.known.values())


def test_a_rule_that_branches_at_run_time_has_no_trace(shared: traces.Traces) -> None:
    """`x**y` of numbers asks for the sign of x."""
    b = Builder(algebra=True)
    splicer = Splicer(b)
    template = rules.RULES.reverse[operator.pow].template
    number = lt.ScalarT("float")
    x, y, out = (Value(number, name) for name in ("x", "y", "out"))
    for _ in range(4):
        splicer.traced(template, [x, y, out], {})
    assert list(shared.known.values()) == [None]


def test_traces_serve_other_derivatives(shared: traces.Traces) -> None:
    """What was recorded for one derivative is written in another."""
    x, out = operand("x", (3,)), operand("out", (3,))
    template = rules.RULES.reverse[np.sin].template
    for _ in range(3):
        splicer = Splicer(Builder(algebra=True))
        splicer.traced(template, [x, out], {})
        assert not splicer.traces.known
    assert [type(t) for t in shared.known.values()] == [traces.Trace]


def test_what_only_the_arguments_at_hand_tell_is_not_shared(
    shared: traces.Traces,
) -> None:
    """`x[1:]` is of size 1 for some arguments, and not for others."""
    splicer = Splicer(Builder(algebra=True))
    template = rules.RULES.reverse[np.sin].template
    rest = (lt.Sym(("x", 0), -1, never_one=True),)
    splicer.traced(template, [operand("x", rest), operand("out", rest)], {})
    assert not shared.known
    assert len(splicer.traces.known) == 1


def test_rules_of_users_are_not_shared(shared: traces.Traces) -> None:
    """They may read what changes from one derivative to the next."""

    def template(x, out):
        return FACTOR * x

    splicer = Splicer(Builder(algebra=True))
    splicer.traced(template, [operand("x", (3,)), operand("out", (3,))], {})
    assert not shared.known
    assert len(splicer.traces.known) == 1


def test_sizes_of_other_names_share_a_trace(shared: traces.Traces) -> None:
    """The result of a product has the sizes of the operands at hand."""
    template = rules.RULES.reverse[np.sin].template
    for name in ("x", "w"):
        b = Builder(algebra=True)
        dims = (lt.Sym((name, 0), never_one=True),)
        args = [operand(name, dims), operand("out", dims)]
        result = Splicer(b).traced(template, args, {})
        assert isinstance(result, Value)
        assert result.type == lt.ArrayT(np.dtype(float), dims)
    assert len(shared.known) == 1


def test_operands_of_one_size_are_told_from_those_of_two(
    shared: traces.Traces,
) -> None:
    """What is broadcast depends on which sizes are equal."""
    template = rules.RULES.reverse[operator.mul].template
    x, y = (lt.Sym((name, 0), never_one=True) for name in "xy")
    for dims in ((x, x), (x, y), (y, x), (y, y)):
        args = [operand("a", dims[:1]), operand("b", dims[1:]), operand("out", (x,))]
        Splicer(Builder(algebra=True)).traced(template, args, {})
    assert len(shared.known) == 4
