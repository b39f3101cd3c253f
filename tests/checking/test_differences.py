"""Derivatives by differences against derivatives known from calculus."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from chainrule.checking.differences import (
    compare,
    complex_step_gradient,
    numerical_gradient,
    numerical_tangent,
    oracle,
)


def test_gradient_of_a_number_is_exact_to_ten_digits() -> None:
    """Extrapolation gains what the truncation of one step loses."""
    estimate = numerical_gradient(math.sin, (1.2,))
    assert abs(estimate.value - math.cos(1.2)) < 1e-10
    assert isinstance(estimate.value, float)


def test_error_estimate_bounds_the_error() -> None:
    """The stated error is not smaller than a tenth of the true one."""
    for x in np.linspace(0.1, 3.0, 20):
        estimate = numerical_gradient(lambda v: math.exp(math.sin(3 * v)), (x,))
        true = 3 * math.cos(3 * x) * math.exp(math.sin(3 * x))
        assert abs(estimate.value - true) <= 10 * estimate.error


def test_gradient_has_the_structure_of_the_argument() -> None:
    """Dicts, lists, tuples, dataclasses and arrays come back as they are."""

    @dataclass
    class Parameters:
        w: np.ndarray
        layers: list[tuple[float, int]]
        name: str

    p = Parameters(np.array([[1.0, 2.0]]), [(3.0, 4)], "model")
    found = numerical_gradient(
        lambda q: np.sum(q.w**2) + q.layers[0][0] * q.layers[0][1], (p,)
    ).value
    assert isinstance(found, Parameters) and found.name == "model"
    np.testing.assert_allclose(found.w, [[2.0, 4.0]], rtol=1e-8)
    np.testing.assert_allclose(found.layers[0], (4.0, 3.0), rtol=1e-8)


def test_complex_gradient_is_steepest_ascent() -> None:
    """For |z|**2 it is 2 z: real and imaginary derivatives as one number."""
    value = numerical_gradient(lambda z: abs(z) ** 2, (1.0 + 2.0j,)).value
    assert abs(value - (2.0 + 4.0j)) < 1e-9


def test_single_precision_is_derived_in_double() -> None:
    """The rounding of float32 does not spoil the differences."""
    x = np.array([0.3, 1.7], dtype=np.float32)
    estimate = numerical_gradient(lambda v: np.sum(np.exp(v)), (x,))
    np.testing.assert_allclose(estimate.value, np.exp(x.astype(float)), rtol=1e-9)


def test_integers_that_cannot_vary_are_unknown() -> None:
    """A loop count has no derivative; zero passes the comparison, a number fails."""

    def f(p: dict[str, float]) -> float:
        return float(sum(p["x"] for _ in range(p["n"])))  # type: ignore[call-overload]

    estimate = numerical_gradient(f, ({"x": 2.0, "n": 3},))
    assert math.isnan(estimate.value["n"])
    assert compare({"x": 3.0, "n": 0.0}, estimate)
    assert not compare({"x": 3.0, "n": 1.0}, estimate)


def test_jump_is_not_confirmed() -> None:
    """At a discontinuity every gradient fails, with words that say why."""
    estimate = numerical_gradient(lambda x: x * round(x), (1.5,))
    result = compare(2.0, estimate)
    assert not result and "cannot confirm" in str(result)


def test_complex_step_is_exact() -> None:
    """No subtraction, so no cancellation."""
    x = np.array([0.5, 1.5])
    found = complex_step_gradient(lambda v: np.sum(np.sin(v) * v), (x,))
    np.testing.assert_allclose(found, np.cos(x) * x + np.sin(x), rtol=1e-15)
    assert complex_step_gradient(math.sin, (1.0,)) is None


def test_oracle_distrusts_the_complex_step_where_it_is_wrong() -> None:
    """`abs` is not analytic; differences overrule."""
    estimate = oracle(lambda x: np.sum(np.abs(x)), (np.array([-1.0, 2.0]),))
    assert estimate.method == "central differences"
    np.testing.assert_allclose(estimate.value, [-1.0, 1.0], rtol=1e-8)
    assert oracle(lambda x: np.sum(x**3), (np.ones(2),)).method == "complex step"


def test_tangent_has_the_structure_of_the_value() -> None:
    """A direction in the arguments gives a direction in the results."""
    x = np.array([1.0, 2.0])
    found = numerical_tangent(
        lambda v, k: {"a": v * k, "b": v.sum()}, (x, 3.0), (np.array([1.0, -1.0]), 2.0)
    ).value
    np.testing.assert_allclose(found["a"], [5.0, 1.0], rtol=1e-9)
    assert abs(found["b"]) < 1e-9


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (np.array([2.0, 4.1]), "[1]: 4.1, expected 4"),
        (np.array([[2.0, 4.0]]), "shape"),
        (np.array([2.0, 4.0], dtype=np.float32), "dtype"),
        (None, "not a number"),
        ([2.0, 4.0], "not a number"),
    ],
)
def test_comparison_says_what_is_wrong(gradient: object, words: str) -> None:
    """A wrong number, shape, dtype and structure are each named."""
    estimate = numerical_gradient(lambda v: np.sum(v**2), (np.array([1.0, 2.0]),))
    result = compare(gradient, estimate)
    assert not result and words in str(result)


def test_comparison_accepts_the_right_gradient() -> None:
    """The report of success says how many numbers were compared, and how well."""
    estimate = numerical_gradient(lambda v: np.sum(v**2), (np.array([1.0, 2.0]),))
    result = compare(np.array([2.0, 4.0]), estimate)
    assert result and "2 numbers agree" in str(result)


def test_function_must_return_one_number() -> None:
    """An array has no gradient."""
    with pytest.raises(TypeError, match="one real number"):
        numerical_gradient(lambda v: v, (np.ones(2),))


def test_printing_is_silenced(capsys: pytest.CaptureFixture[str]) -> None:
    """A function that prints is not heard hundreds of times."""

    def f(x: float) -> float:
        print("called")
        return x

    numerical_gradient(f, (1.0,))
    assert capsys.readouterr().out == ""
