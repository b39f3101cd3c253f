"""Code that the user puts into the reverse sweep, against cotangents made by hand."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from chainrule import (
    NotDifferentiable,
    grad,
    hessian,
    jvp,
    on_cotangent,
    value_and_grad,
    vjp,
)
from chainrule.checking.differences import numerical_gradient

LIMIT = 0.5
SEEN: list[Any] = []
log = logging.getLogger("tests.surgery")


def clip(g: Any) -> Any:
    """Clip at a global limit."""
    return np.clip(g, -LIMIT, LIMIT)


def record(g: Any) -> None:
    """Keep a cotangent, which the language has no word for."""
    SEEN.append(g)


def halve_and_record(g: Any) -> Any:
    """Keep a cotangent and return half of it."""
    SEEN.append(g)
    return g / 2


class Scale:
    """A model with state."""

    def __init__(self) -> None:
        self.factor = 2.0
        self.seen: list[Any] = []

    def scale(self, g: Any) -> Any:
        """Scale by an attribute."""
        return g * self.factor

    def keep(self, g: Any) -> None:
        """Change an attribute's value."""
        self.seen.append(g)


def differences(f: Any, x: Any) -> Any:
    """Return the gradient by differences, of the shape of the argument."""
    return numerical_gradient(f, (x,)).vector.reshape(np.shape(x))


def through(inner: Any, change: Any, outer: Any, x: Any) -> Any:
    """Return the gradient of `outer(inner(x))` with a change between, by differences.

    The adjoint of `inner` is applied by differentiating its product with a constant.
    """
    h_bar = change(differences(outer, inner(x)))
    return differences(lambda x: float(np.sum(h_bar * inner(x))), x)


def test_the_value_is_the_value() -> None:
    """In plain Python, and in the forward sweep, nothing happens."""

    def loud(x: Any) -> Any:
        return on_cotangent(x * x, lambda g: print("called", g))

    assert loud(3.0) == 9.0
    x = np.ones(2)
    assert on_cotangent(x, clip) is x


@pytest.mark.parametrize(
    "change",
    [
        clip,
        lambda g: g * 0.1,
        lambda g: np.where(g > 0, g, 0.0),
        lambda g: g / (1 + np.linalg.norm(g)),
        lambda g: 0.25,
        np.sign,
    ],
)
def test_the_cotangent_is_changed(change: Any) -> None:
    """What comes back is the cotangent of the value."""
    x = np.linspace(-1, 2, 4)

    def inner(x: Any) -> Any:
        return np.sin(x) * x

    def outer(h: Any) -> Any:
        return np.sum(h**3)

    def f(x: Any) -> Any:
        return outer(on_cotangent(inner(x), change))

    expected = through(inner, lambda g: change(g) + np.zeros(4), outer, x)
    np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-6, atol=1e-8)
    value, gradient = value_and_grad(f)(x)
    assert value == f(x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def test_the_statements_are_in_the_code() -> None:
    """The user's own statements stand in the reverse sweep, not a call."""

    def f(x: Any) -> Any:
        h = x * x

        def change(h_bar: Any) -> Any:
            norm = np.linalg.norm(h_bar)
            if norm > 1:
                h_bar = h_bar / norm
            return h_bar

        h = on_cotangent(h, change)
        return np.sum(h**2)

    text = grad(f).source(np.ones(3))
    assert "norm = np.linalg.norm(h_bar)" in text
    assert "if norm > 1:" in text
    assert "on_cotangent" not in text and "change" not in text


def test_all_uses_are_added_up_first() -> None:
    """The code runs once, when all contributions are there."""

    def f(x: Any) -> Any:
        h = on_cotangent(x * x, record)
        return h * h + 3 * h + np.sin(h)

    SEEN.clear()
    grad(f)(2.0)
    seen = list(SEEN)
    h = 4.0
    assert len(seen) == 1
    assert seen[0] == pytest.approx(2 * h + 3 + np.cos(h))


def test_in_a_loop_in_reverse_order(capsys: pytest.CaptureFixture[str]) -> None:
    """Each iteration has its own values; effects come from the last to the first."""

    def f(x: Any, n: int) -> Any:
        for i in range(n):
            x = np.sin(x)

            def watch(x_bar: Any) -> None:
                print(i, round(float(x), 6))
                assert x_bar > 0, "not positive"

            x = on_cotangent(x, watch)
        return x

    values = [np.sin(0.3), np.sin(np.sin(0.3)), np.sin(np.sin(np.sin(0.3)))]
    plain = differences(lambda x: f(x, 3), 0.3)
    assert grad(f)(0.3, 3) == pytest.approx(plain)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{i} {round(float(values[i]), 6)}" for i in (2, 1, 0)]


def test_an_assertion_about_a_cotangent() -> None:
    """A failing assertion raises in the derivative only."""

    def f(x: Any) -> Any:
        def check(h_bar: Any) -> None:
            assert abs(h_bar) < 10, f"too large: {h_bar}"

        return 5 * on_cotangent(x * x, check) ** 2

    assert f(7.0) == 5 * 49.0**2
    assert grad(f)(0.5) == pytest.approx(20 * 0.5**3)
    with pytest.raises(AssertionError, match="too large: 490.0"):
        grad(f)(7.0)


def test_in_branches() -> None:
    """Only the branch that was taken has the code, or other code."""

    def f(x: Any, flag: Any) -> Any:
        y = x * x
        if flag > 0:
            y = on_cotangent(y, lambda g: 0.5 * g)
        elif flag < 0:
            y = on_cotangent(y, lambda g: g + x)
        return y**2

    assert grad(f)(2.0, 1.0) == pytest.approx(0.5 * 32.0)
    assert grad(f)(2.0, -1.0) == pytest.approx((8.0 + 2.0) * 4.0)
    assert grad(f)(2.0, 0.0) == pytest.approx(32.0)


def test_in_inlined_functions_and_recursion() -> None:
    """A helper's code is used at each of its calls."""

    def layer(w: Any, h: Any) -> Any:
        return on_cotangent(w * h, clip)

    def net(w: Any, x: Any) -> Any:
        return layer(w, layer(w, x)) * 3

    # 3 is clipped to 0.5; then 0.5 * w is below the limit
    assert grad(net)(0.8, 2.0) == pytest.approx(0.5 * 1.6 + 0.4 * 2.0)

    def power(x: Any, n: int) -> Any:
        if n == 0:
            return x
        return power(on_cotangent(2 * x, lambda g: g * x), n - 1)

    def by_hand(x: float, n: int) -> float:
        values = [x * 2**k for k in range(n)]
        bar = 1.0
        for value in reversed(values):
            bar = 2 * (bar * value)
        return bar

    assert grad(power)(0.7, 3) == pytest.approx(by_hand(0.7, 3))


def test_in_a_while_loop_that_is_left_early() -> None:
    """The last iteration may have other code than those before."""

    def f(x: Any) -> Any:
        while x < 10:
            x = x * x
            if x > 50:
                x = on_cotangent(x, lambda g: g / x)
                break
            x = on_cotangent(x, lambda x_bar: min(x_bar, 3.0))
        return x

    assert grad(f)(9.0) == pytest.approx(2 * 9.0 / 81.0)
    # 1.5, 2.25, 5.1, 25.6: the cotangents 2 * 5.1 and 2 * 2.25 * 3 are both above 3
    assert grad(f)(1.5) == pytest.approx(2 * 1.5 * 3.0)


def test_values_are_those_at_the_call() -> None:
    """A name that is assigned again later has the value it had."""

    def f(x: Any) -> Any:
        k = 2.0 * x
        h = on_cotangent(x * x, lambda g: g * k)
        k = 100.0
        return h * k

    assert grad(f)(3.0) == pytest.approx(100.0 * 6.0 * 6.0)


def test_globals_and_attributes_stay_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the code reads from outside is read at each call."""

    def f(x: Any) -> Any:
        return on_cotangent(3 * x, clip)

    assert grad(f)(1.0) == pytest.approx(1.5)
    monkeypatch.setitem(globals(), "LIMIT", 0.25)
    assert grad(f)(1.0) == pytest.approx(0.75)
    model = Scale()

    def g(x: Any) -> Any:
        return on_cotangent(3 * x, model.scale)

    made = grad(g)
    assert made(1.0) == pytest.approx(6.0)
    model.factor = 4.0
    assert made(1.0) == pytest.approx(12.0)


def test_logging(caplog: pytest.LogCaptureFixture) -> None:
    """A logger's methods are written out like `print`."""

    def f(x: Any) -> Any:
        def tell(h_bar: Any) -> None:
            log.info("cotangent %s", h_bar)

        return 4 * on_cotangent(x * x, tell)

    with caplog.at_level(logging.INFO, "tests.surgery"):
        grad(f)(3.0)
    assert caplog.messages == ["cotangent 4.0"]
    assert "log.info('cotangent %s', 4.0)" in grad(f).source(3.0)


def test_a_function_that_keeps_what_it_is_given_gets_memory_of_its_own() -> None:
    """A list outside is filled where the cotangent is made; nobody writes into it."""

    def f(x: Any) -> Any:
        h = on_cotangent(x * x, halve_and_record)
        return np.sum(h * h) + np.sum(on_cotangent(h, record))

    x = np.array([1.0, 2.0])
    text = grad(f).source(x)
    assert "SEEN.append(" in text and "record" not in text
    for _ in range(2):
        SEEN.clear()
        np.testing.assert_allclose(grad(f)(x), (2 * x**2 + 1) / 2 * 2 * x)
        np.testing.assert_allclose(SEEN[0], np.ones(2))
        np.testing.assert_allclose(SEEN[1], 2 * x**2 + 1)
    model = Scale()
    grad(lambda x: on_cotangent(2 * x, model.keep))(3.0)
    assert model.seen == [1.0]
    np.testing.assert_allclose(hessian(f)(x), np.diag(6 * x**2 + 1))


def test_only_where_a_cotangent_comes_by() -> None:
    """A value that is not differentiated has none; nor has one that is not used."""

    def f(x: Any, y: Any) -> Any:
        return x * on_cotangent(y * y, record)

    SEEN.clear()
    assert grad(f)(2.0, 3.0) == 9.0
    assert SEEN == []
    assert grad(f, argnums=(0, 1))(2.0, 3.0) == (9.0, 12.0)
    assert SEEN == [2.0]


def test_pullbacks_run_it_each_time() -> None:
    """A pullback that is called twice runs the code twice."""
    _, pull = vjp(lambda x: on_cotangent(2 * x, record), 5.0)
    SEEN.clear()
    assert [pull(1.0), pull(3.0)] == [(2.0,), (6.0,)]
    assert SEEN == [1.0, 3.0]


def test_dtypes_are_kept() -> None:
    """A change in another precision is brought back to that of the value."""

    def f(x: Any) -> Any:
        return np.sum(on_cotangent(2 * x, lambda g: g.astype(np.float64) * 0.1))

    found = grad(f)(np.ones(3, np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.2, rtol=1e-6)


def test_second_order_differentiates_the_code_as_it_stands() -> None:
    """The derivative of the derivative is that of the changed program."""

    def f(x: Any) -> Any:
        h = np.exp(x)
        h = on_cotangent(h, lambda g: np.minimum(g, 20.0) * h)
        return np.sum(h**3)

    x = np.linspace(0, 1.2, 3)
    rows = [differences(lambda x, k=k: grad(f)(x)[k], x) for k in range(3)]
    np.testing.assert_allclose(hessian(f)(x), rows, rtol=1e-5, atol=1e-6)
    twice = grad(lambda x: np.sum(grad(f)(x)))(x)
    np.testing.assert_allclose(twice, np.sum(rows, axis=0), rtol=1e-5, atol=1e-6)


def test_forward_mode() -> None:
    """Code that only watches changes no tangent; a change is refused."""

    def watched(x: Any) -> Any:
        return on_cotangent(x * x, record)

    SEEN.clear()
    assert jvp(watched, (3.0,), (1.0,)) == (9.0, 6.0)
    assert SEEN == []
    with pytest.raises(NotDifferentiable, match="CR306 on_cotangent changes"):
        jvp(lambda x: on_cotangent(x * x, clip), (3.0,), (1.0,))
    constant = jvp(lambda x, y: x * on_cotangent(y, clip), (3.0, 2.0), (1.0, None))
    assert constant == (6.0, 2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g[None, :], "of another shape"),
        (lambda g: (g, g), "returns tuple"),
        (lambda g: g * 1j, "complex numbers for real ones"),
        (lambda g: g if np.sum(g) > 0 else None, "None on some paths"),
        ("clip", "needs a function, not 'clip'"),
        (None, "needs a function, not None"),
    ],
)
def test_what_cannot_be_a_cotangent_is_refused(change: Any, message: str) -> None:
    """The shape and the kind of what comes back must be those of the value."""

    def f(x: Any) -> Any:
        return np.sum(on_cotangent(x * x, change))

    with pytest.raises(NotDifferentiable, match=f"CR310 .*{message}"):
        grad(f)(np.ones(3))


def test_a_shape_that_is_known_late_is_checked_late() -> None:
    """Sizes that the compiler cannot tell are compared at run time."""

    def f(x: Any, n: int) -> Any:
        return np.sum(on_cotangent(x * x, lambda g: 2 * g[:n]))

    np.testing.assert_allclose(grad(f)(np.ones(3), 3), 4.0)
    np.testing.assert_allclose(hessian(f)(np.ones(3), 3), 4 * np.eye(3))
    twice = grad(lambda x, n: np.sum(grad(f)(x, n) ** 2))
    np.testing.assert_allclose(twice(np.ones(3), 3), 2 * 4.0 * 4.0)
    with pytest.raises(ValueError, match=r"shape \(2,\) came back .* \(3,\)"):
        grad(f)(np.ones(3), 2)


def test_misuse_is_refused() -> None:
    """A result that is not used, a container, a missing function."""

    def unused(x: Any) -> Any:
        on_cotangent(x, clip)
        return x

    with pytest.raises(NotDifferentiable, match="CR310 the result .* is not used"):
        grad(unused)(2.0)
    with pytest.raises(NotDifferentiable, match="CR310 .* one number or one array"):
        grad(lambda x: on_cotangent((x, x), clip)[0])(2.0)
    with pytest.raises(TypeError):
        on_cotangent(2.0)  # type: ignore[call-arg]


def test_it_is_the_same_memory() -> None:
    """As in plain Python, the result shows what is written to the value later."""

    def before(x: Any) -> Any:
        h = x * x
        y = on_cotangent(h, lambda g: 2 * g)
        h[0] = 7.0
        return np.sum(y * x)

    def through_it(x: Any) -> Any:
        h = x * x
        y = on_cotangent(h, lambda g: 2 * g)
        y[0] = 7.0
        return np.sum(h * x)

    x = np.array([1.0, 2.0, 3.0])
    value, gradient = value_and_grad(before)(x)
    assert value == before(x) == 42.0
    np.testing.assert_allclose(gradient, [7.0, 4 + 2 * 8, 9 + 2 * 18])
    value, gradient = value_and_grad(through_it)(x)
    assert value == through_it(x) == 42.0
    np.testing.assert_allclose(gradient, [7.0, 4 + 8, 9 + 18])


def test_writes_into_the_cotangent() -> None:
    """The code may write into the cotangent, if it returns it."""

    def f(x: Any) -> Any:
        def change(g: Any) -> Any:
            g[g > 5] = 0.0
            g *= 2
            return g

        return np.sum(on_cotangent(x, change) ** 2)

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(grad(f)(x), [4.0, 8.0, 0.0])
    np.testing.assert_allclose(x, [1.0, 2.0, 3.0])

    def lost(x: Any) -> Any:
        def change(g: Any) -> None:
            g *= 2

        return np.sum(on_cotangent(x, change) ** 2)

    with pytest.raises(NotDifferentiable, match="CR310 .* returns nothing"):
        grad(lost)(x)


def test_writes_to_the_program_are_refused() -> None:
    """What the code would change, the function itself does not change."""

    def array(x: Any) -> Any:
        total = np.zeros(3)

        def change(g: Any) -> Any:
            total[0] = 1.0
            return g

        return np.sum(on_cotangent(x, change) * total)

    def name(x: Any) -> Any:
        k = 1.0

        def change(g: Any) -> Any:
            nonlocal k
            k = 2.0
            return g

        return np.sum(on_cotangent(x, change) * k)

    for f in (array, name):
        with pytest.raises(NotDifferentiable):
            grad(f)(np.ones(3))
