"""Rules of arithmetic: operators, ufuncs and builtins, over types and shapes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from tests.rules.harness import check_rule, cotangents

X = np.array([[0.7, -1.3, 2.1], [0.4, 1.9, -0.6]])
Y = np.array([[1.7, 0.9, -1.1], [2.3, -0.8, 1.2]])
P = np.abs(X)
Z = X + 1j * Y
W = Y - 0.5j * X

BINARY = [
    (operator.add, X, Y),
    (operator.sub, X, Y),
    (operator.mul, X, Y),
    (operator.truediv, X, Y),
    (operator.pow, P, Y),
    (operator.mod, X, Y),
    (np.add, X, Y),
    (np.subtract, X, Y),
    (np.multiply, X, Y),
    (np.divide, X, Y),
    (np.power, P, Y),
    (np.float_power, P, Y),
    (np.mod, X, Y),
    (np.fmod, X, Y),
    (np.divmod, X, Y),
    (np.hypot, X, Y),
    (np.copysign, X, Y),
    (np.nextafter, X, Y),
]
UNARY = [
    (operator.neg, X),
    (operator.pos, X),
    (abs, X),
    (np.negative, X),
    (np.positive, X),
    (np.absolute, X),
    (np.fabs, X),
    (np.square, X),
    (np.sqrt, P),
    (np.cbrt, X),
    (np.reciprocal, X),
    (np.frexp, X),
    (np.modf, X),
]
SHAPES = [
    (slice(None), slice(None)),
    (slice(None), 0),
    (0, slice(None)),
    ((0, slice(0, 1)), slice(None)),
    ((slice(None), slice(0, 1)), (slice(0, 1), slice(None))),
    ((0, 0), slice(None)),
    (slice(0, 0), slice(0, 0)),
]


@pytest.mark.parametrize("index", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("fn", "x", "y"), BINARY, ids=lambda v: getattr(v, "__name__", "")
)
def test_binary(fn: Any, x: np.ndarray, y: np.ndarray, index: Any) -> None:
    """Partials of binary functions hold for operands that broadcast in every way."""
    check_rule(fn, np.asarray(x[index[0]]), np.asarray(y[index[1]]))


@pytest.mark.parametrize(("fn", "x"), UNARY, ids=lambda v: getattr(v, "__name__", ""))
def test_unary(fn: Any, x: np.ndarray) -> None:
    """Partials of unary functions hold for arrays, one element, none, and no axes."""
    for value in (x, x[:, :1], x[:0], x[0, 0], np.asarray(x[0, 1])):
        check_rule(fn, value)


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        (operator.add, (0.7, -1.2)),
        (operator.sub, (0.7, -1.2)),
        (operator.mul, (0.7, -1.2)),
        (operator.truediv, (0.7, -1.2)),
        (operator.pow, (0.7, -1.2)),
        (operator.pow, (0.7, 3)),
        (operator.pow, (-0.7, 3)),
        (operator.pow, (2, 0.3)),
        (operator.mod, (7.3, -1.2)),
        (operator.neg, (0.7,)),
        (pow, (1.7, 2.5)),
        (divmod, (7.3, 1.2)),
        (abs, (-0.7,)),
        (abs, (0.7 - 0.2j,)),
        (float, (0.7,)),
        (complex, (0.7, 0.2)),
        (operator.mul, (0.7 + 1j, 2.0)),
    ],
)
def test_python_numbers(fn: Any, args: Any) -> None:
    """Operators and builtins have the same derivatives on Python's numbers."""
    check_rule(fn, *args)


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        (np.multiply, (Z, W)),
        (np.multiply, (Z, X)),
        (np.divide, (X, Z)),
        (np.divide, (Z, W)),
        (np.power, (Z, W)),
        (np.power, (Z, 3)),
        (np.square, (Z,)),
        (np.sqrt, (Z,)),
        (np.reciprocal, (Z,)),
        (np.absolute, (Z,)),
        (abs, (Z,)),
        (np.negative, (Z,)),
    ],
)
def test_complex(fn: Any, args: Any) -> None:
    """Cotangents of complex operands are dL/dRe + i dL/dIm, of real ones are real."""
    check_rule(fn, *args)


def test_integer_second_operand() -> None:
    """An integer exponent or scale is data, not an operand with a derivative."""
    check_rule(np.power, X, np.array([2, -1, 3]))
    check_rule(np.power, X, 2)
    check_rule(np.ldexp, X, np.array([1, -2, 3]))


@pytest.mark.parametrize("fn", [operator.pow, np.power])
def test_power_at_zero(fn: Any) -> None:
    """At x = 0 the partials of x**y are finite where the function is smooth."""
    assert cotangents(fn, 0.0, 1.0) == [1.0, 0.0]
    assert cotangents(fn, 0.0, 2.0) == [0.0, 0.0]
    assert cotangents(fn, 0.0, 0.0)[0] == 0.0
    assert cotangents(fn, 3.0, 0.0)[0] == 0.0
    x = np.zeros(3)
    assert cotangents(fn, x, np.array([0.0, 1.0, 2.0])) == [[0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    "zero", [0.0, np.zeros(()), np.zeros(2), 0j, np.zeros(2, complex)]
)
def test_kinks(zero: Any) -> None:
    """At a kink the derivative is 0."""
    expected = np.zeros_like(zero).tolist()
    assert cotangents(abs, zero) == [expected]
    if not np.iscomplexobj(zero):
        assert cotangents(np.hypot, zero, zero) == [expected, expected]


def test_power_of_negative_base() -> None:
    """In the exponent a negative base has no derivative: NaN, without an exception."""
    assert np.isnan(cotangents(operator.pow, -2.0, 2.0)[1])
