"""Rules that users write: what they return is believed only where it can be right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import DifferentiationWarning, NotDifferentiable, grad, jvp, rules
from chainrule.checking.differences import compare, numerical_gradient
from chainrule.rules.registry import RULES

X, Y = np.array([1.0, 2.0]), np.array([3.0, 4.0])


def product(x, y):
    return x * y


def cube(x):
    return x**3


def of_product(x, y):
    return np.sum(product(x, y) ** 2)


def of_cube(x):
    return np.sum(cube(x))


def by_pullback(pull: Callable[[Any, Any, Any], Any]) -> None:
    @rules.reverse(product)
    def _(x, y):
        def pullback(out_bar):
            return pull(x, y, out_bar)

        return product(x, y), pullback


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """No test leaves a rule behind."""
    yield
    for fn in (product, cube):
        for side in (RULES.reverse, RULES.forward):
            side.pop(fn, None)
    RULES.changed()


@pytest.mark.parametrize(
    ("pull", "message"),
    [
        (lambda x, y, g: (g * y).sum(), "returns np.float64, not a tuple of 2"),
        (lambda x, y, g: (g * y, g * x, g), "returns a tuple of 3, not a tuple of 2"),
        (lambda x, y, g: (g * y,), "returns a tuple of 1, not a tuple of 2"),
        (lambda x, y, g: ((g * y).sum(), g * x), "a cotangent of another shape"),
        (lambda x, y, g: ((g * y,), g * x), "as the cotangent of a value"),
        (lambda x, y, g: ("x", g * x), "returns 'x' as the cotangent"),
    ],
)
def test_what_is_no_cotangent_is_refused_at_the_call(pull, message):
    by_pullback(pull)
    with pytest.raises(NotDifferentiable, match="CR311") as caught:
        grad(of_product, argnums=(0, 1))(X, Y)
    text = str(caught.value)
    assert message in text
    assert "return np.sum(product(x, y) ** 2)" in text  # the user's line
    assert "see the rule, " in text


def test_a_shape_that_only_the_run_decides_is_checked_then():
    for pull, shape in (
        (lambda x, y, g: ((g * y)[y > 3.5], g * x), "1,"),
        (lambda x, y, g: (np.ones((3, 1)), g * x), "3, 1"),
    ):
        by_pullback(pull)
        with pytest.raises(ValueError, match=rf"cotangent of shape \({shape}\) for an"):
            grad(of_product)(X, Y)


@pytest.mark.parametrize(("x", "y"), [(X, Y), (X, 3.0), (2.0, Y), (X, np.ones((3, 2)))])
def test_a_cotangent_may_be_larger_and_is_summed_down(x, y):
    by_pullback(lambda x, y, g: (g * y, g * x))
    found = grad(of_product, argnums=(0, 1))(x, y)
    for k in (0, 1):
        estimate = numerical_gradient(of_product, (x, y), k)
        assert compare(found[k], estimate), f"argument {k}"


def test_none_is_no_derivative_and_a_single_one_may_be_in_a_tuple():
    by_pullback(lambda x, y, g: (None, g * x))
    np.testing.assert_array_equal(grad(of_product, (0, 1))(X, Y)[0], [0.0, 0.0])

    @rules.reverse(cube)
    def _(x):
        return cube(x), lambda out_bar: (3 * x**2 * out_bar,)

    np.testing.assert_array_equal(grad(of_cube)(X), 3 * X**2)


def test_partials_are_counted_too():
    @rules.elementwise(cube)
    def _(x, out):
        return (3 * x**2,)

    np.testing.assert_array_equal(grad(of_cube)(X), 3 * X**2)

    @rules.elementwise(product)
    def _(x, y, out):
        return y

    with pytest.raises(NotDifferentiable, match="not a tuple of 2"):
        grad(of_product)(X, Y)
    with pytest.raises(NotDifferentiable, match="not a tuple of 2"):
        jvp(of_product, (X, Y), (X, Y))


def test_a_tangent_has_the_shape_of_the_result():
    @rules.forward(cube)
    def _(x, x_dot):
        return np.outer(3 * x**2, x_dot)

    with pytest.raises(NotDifferentiable, match="a tangent of another shape"):
        jvp(cube_twice, (X,), (X,))

    @rules.forward(cube)
    def _(x, x_dot):
        return (3 * x**2 * x_dot)[x > 1.5]

    with pytest.raises(ValueError, match=r"tangent of shape \(1,\) for a result"):
        jvp(cube_twice, (X,), (X,))

    @rules.forward(cube)
    def _(x, x_dot):
        return 3 * x**2 * x_dot

    np.testing.assert_allclose(jvp(cube_twice, (X,), (X,))[1], 6 * X**3)
    with pytest.raises(NotDifferentiable, match="no rule for reverse mode"):
        grad(of_cube)(X)


def cube_twice(x):
    return 2 * cube(x)


def test_a_rule_that_replaces_another_is_used_from_then_on():
    """What was compiled with the old one is forgotten."""

    @rules.elementwise(cube)
    def _(x, out):
        return 2 * x

    assert grad(of_cube)(X).tolist() == [2.0, 4.0]

    @rules.elementwise(cube)
    def _(x, out):
        return 3 * x**2

    assert grad(of_cube)(X).tolist() == [3.0, 12.0]
    rules.inactive(cube)
    with pytest.warns(DifferentiationWarning, match="does not depend"):
        assert grad(of_cube)(X).tolist() == [0.0, 0.0]
    RULES.inactive.discard(cube)


def test_a_checked_derivative_can_be_differentiated_again():
    @rules.reverse(cube)
    def _(x):
        return cube(x), lambda out_bar: (3 * x**2 * out_bar)[x > 0]

    def slope(x):
        return np.sum(grad(of_cube)(x) ** 2)

    assert compare(grad(slope)(X), numerical_gradient(slope, (X,)))
