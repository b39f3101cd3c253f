"""The evaluator, the verifier and the printer of the IR."""

from __future__ import annotations

import operator

import pytest

from chainrule.ir.evaluate import evaluate
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    Function,
    Handler,
    If,
    Iter,
    Loop,
    Try,
    Value,
)
from chainrule.ir.show import show
from chainrule.ir.verify import IRError, verify
from chainrule.types.lattice import BOOL, FLOAT, TapeT


def value(hint: str | None = None) -> Value:
    return Value(FLOAT, hint)


def powers() -> Function:
    """Make a function that multiplies until a limit and keeps what it saw."""
    x, items, y, out = value("x"), value("items"), value("y"), value("y")
    product, stop = value("y"), Value(BOOL)
    tape, stopped, result = Value(TapeT((FLOAT,))), Value(BOOL), value()
    item = value("item")
    body = Block(
        (y,),
        [
            Apply(product, operator.mul, (y, item)),
            Apply(stop, operator.gt, (product, Const(10.0))),
        ],
        (stop, product, y),
    )
    loop = Loop((Iter(items, (item,)),), (x,), body, (out,), None, tape, stopped)
    parts = Apply(result, lambda *a: a, (out, tape, stopped))
    return Function("f", (x, items), Block((), [loop, parts], (result,)))


def test_evaluate_runs_loops() -> None:
    """A loop stops after the iteration that says so; the tape has each iteration."""
    verify(powers())
    assert evaluate(powers(), 2.0, [3.0, 4.0, 5.0]) == (24.0, [(2.0,), (6.0,)], True)
    assert evaluate(powers(), 2.0, []) == (2.0, [], False)


def test_evaluate_catches() -> None:
    """A handler takes over where the body failed."""
    x, ratio, out = value("x"), value(), value("y")
    body = Block((), [Apply(ratio, operator.truediv, (Const(1.0), x))], (ratio,))
    handler = Handler(Const(ZeroDivisionError), None, Block((), [], (Const(-1.0),)))
    f = Function("f", (x,), Block((), [Try(body, (handler,), (out,))], (out,)))
    verify(f)
    assert evaluate(f, 2.0) == 0.5
    assert evaluate(f, 0.0) == -1.0


def test_evaluate_refuses_undefined() -> None:
    """What a path leaves undefined fails when it is used, not before."""
    x, out, result = value("x"), value("y"), value()
    choice = If(x, Block((), [], (Const(1.0),)), Block((), [], (UNDEF,)), (out,))
    use = Apply(result, operator.neg, (out,))
    f = Function("f", (x,), Block((), [choice, use], (result,)))
    assert evaluate(f, True) == -1.0
    with pytest.raises(UnboundLocalError):
        evaluate(f, False)


def test_verify_finds_what_is_not_defined() -> None:
    """A value of one branch is not seen behind the `If`."""
    x, inner, out = value("x"), value(), value()
    then = Block((), [Apply(inner, operator.neg, (x,))], ())
    use = Apply(out, operator.neg, (inner,))
    choice = If(x, then, Block())
    with pytest.raises(IRError, match="not defined"):
        verify(Function("f", (x,), Block((), [choice, use], (out,))))


def test_verify_counts_results() -> None:
    """Both branches give one result for each out."""
    x, out = value("x"), value()
    choice = If(x, Block((), [], (x,)), Block(), (out,))
    with pytest.raises(IRError, match="else-block has 0 results, 1 expected"):
        verify(Function("f", (x,), Block((), [choice], (out,))))


def test_verify_wants_single_definitions() -> None:
    """No value is defined twice."""
    x, out = value("x"), value()
    twice = [Apply(out, operator.neg, (x,)) for _ in range(2)]
    with pytest.raises(IRError, match="defined twice"):
        verify(Function("f", (x,), Block((), list(twice), (out,))))


def test_show_is_stable() -> None:
    """The dump numbers values by appearance: made twice, it is the same text."""
    text = show(powers())
    assert text == show(powers())
    assert text.split("\n")[0] == "function f(%x.0: float, %items.1: float)"
    assert "next %" in text and "tape %" in text
