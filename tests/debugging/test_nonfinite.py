"""`debug="nan"` names the line whose derivative is not finite, and the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import differentiate, grad, value_and_grad


def helper(z: Any) -> Any:
    """Be infinite in the derivative at zero."""
    return np.sqrt(z)


def message(f: Any, *args: Any, **options: Any) -> str:
    """Return what the gradient raises; it is not finite without `debug` either."""
    with np.errstate(all="ignore"):
        plain = grad(f, **options)(*args)
        assert not np.isfinite(plain).all()
        with pytest.raises(FloatingPointError) as caught:
            grad(f, debug="nan", **options)(*args)
        with pytest.raises(FloatingPointError) as again:
            value_and_grad(f, debug="nan", **options)(*args)
    text = str(caught.value)
    assert str(again.value).splitlines()[:5] == text.splitlines()[:5]
    return text


def test_an_infinity_of_the_reverse_sweep() -> None:
    """The value is finite, the derivative of `sqrt` at 0 is not."""

    def f(x: Any) -> Any:
        return np.sum(3 * np.sqrt(x))

    text = message(f, np.array([1.0, 0.0, 4.0]))
    assert text.startswith("CR601 the gradient of `f` holds inf")
    assert "return np.sum(3 * np.sqrt(x))" in text
    assert "^^^^^^^^^^ the derivative of this is the first to give inf" in text
    assert "in the reverse sweep" in text
    assert "/ 0 = inf at [1]" in text


def test_a_nan_says_where_its_infinity_comes_from() -> None:
    """Zero times infinity: both places are named."""

    def f(x: Any) -> Any:
        y = np.exp(-x)
        return np.log(1 - 1 / (1 + y))

    text = message(f, 1000.0)
    assert "y = np.exp(-x)" in text
    assert " = nan, where " in text and "y = 0" in text
    assert "inf was first at " in text and "1 / 0 = inf" in text


def test_a_nan_of_the_forward_sweep() -> None:
    """An overflow of the function itself is found there."""

    def f(x: Any) -> Any:
        return np.exp(x) * 2.0

    text = message(f, np.float64(1000.0))
    assert "^^^^^^^^^ this is the first to give inf" in text
    assert "in the forward sweep: np.exp(x) = inf, where x = 1000" in text


def test_inlined_helpers_loops_and_recursion() -> None:
    """The line may be in another function, an iteration, or a level of a recursion."""

    def loop(x: Any, n: int) -> Any:
        for k in range(n):
            x = helper(x - k) * 2.0
        return x

    assert "return np.sqrt(z)" in message(loop, 0.0, 1)

    def level(x: Any, n: int) -> Any:
        if n == 0:
            return helper(x)
        return level(x * 0.5, n - 1)

    assert "return np.sqrt(z)" in message(level, np.float64(0.0), 3)


def test_values_of_several_dimensions() -> None:
    """A matrix operation is not taken apart."""

    def f(x: Any) -> Any:
        return np.sum(np.linalg.inv(x))

    text = message(f, np.array([[1e-320, 0.0], [0.0, 1.0]]))
    assert "np.linalg.inv(x) = " in text
    assert "where x = float64 of shape (2, 2)" in text


def test_an_argument_that_is_not_finite() -> None:
    """The argument is to blame."""

    def f(x: Any) -> Any:
        return np.sum(x * x)

    text = message(f, np.array([1.0, np.nan]))
    assert "the argument `x` holds nan" in text


def test_finite_gradients_are_returned() -> None:
    """Infinities on the way are no fault where the gradient is finite."""

    def f(s: Any, m: Any) -> Any:
        return np.sum(np.exp(np.where(m, s, -np.inf)))

    s, m = np.array([0.0, 1.0]), np.array([True, False])
    np.testing.assert_allclose(grad(f, debug="nan")(s, m), [1.0, 0.0])
    value, gradient = value_and_grad(f, debug="nan")(s, m)
    assert value == 1.0
    np.testing.assert_allclose(gradient, [1.0, 0.0])


def test_as_a_decorator() -> None:
    """Methods, several arguments and values handed through; code that is the same."""

    class Model:
        @differentiate(argnums=(0, 1), has_aux=True, debug="nan")
        def f(self, x: Any, y: Any) -> Any:
            return np.sqrt(x) * y, "more"

        @differentiate(argnums=(0, 1), has_aux=True)
        def g(self, x: Any, y: Any) -> Any:
            return np.sqrt(x) * y, "more"

    model: Any = Model()
    assert model.f.grad(4.0, 1.0) == ((0.25, 2.0), "more")
    with np.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="of `f` holds inf"):
            model.f.grad(0.0, 1.0)
    text = model.f.grad.source(4.0, 1.0)
    assert text == model.g.grad.source(4.0, 1.0).replace("g_grad", "f_grad")
    _, pull, _ = model.f.vjp(4.0, 1.0)
    assert pull(1.0) == (0.25, 2.0)


def test_what_is_printed_is_not_printed_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second run is silent."""

    def f(x: Any) -> Any:
        print("running")
        return np.sqrt(x)

    with pytest.raises(FloatingPointError), np.errstate(all="ignore"):
        grad(f, debug="nan")(np.float64(0.0))
    assert capsys.readouterr().out == "running\n"


def test_the_option_is_checked() -> None:
    """There is one thing to debug."""
    with pytest.raises(TypeError, match='debug must be "nan" or None'):
        grad(helper, debug="inf")
