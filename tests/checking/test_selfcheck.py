"""The check of first calls: wrong derivatives are caught, right ones pass."""

from __future__ import annotations

import copy
import importlib
import math
import random
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import (
    DifferentiationWarning,
    WrongDerivative,
    differentiate,
    grad,
    hessian,
    jacobian,
    on_cotangent,
    rules,
    stop_gradient,
    value_and_grad,
)
from fixtures.cases import CASES, Case
from tests.checks import quiet
from tests.programs import NAMES, arguments, load

LANGUAGE = Path(__file__).parent.parent.parent / "fixtures" / "language"
for _path in sorted(LANGUAGE.glob("[a-z]*.py")):
    importlib.import_module(f"fixtures.language.{_path.stem}")
SAMPLE = [case for case in CASES if case.raises is None][::20]


def off(x: Any) -> Any:
    """A function whose rule below is wrong by two in a hundred."""
    return np.sin(x)


@rules.elementwise(off)
def _off(x: Any, out: Any) -> Any:
    return 1.02 * np.cos(x)


def loss(w: Any, x: Any, k: float = 2.0) -> Any:
    h = off(w * x)
    return np.sum(h * h) * k


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DifferentiationWarning)
        yield


W, X = np.array([0.3, 0.7, 1.1]), np.array([1.0, 2.0, 0.5])


def test_wrong_rule() -> None:
    """The report names function, argument, index, both values, and the line."""
    f = differentiate(check=True)(loss)
    with pytest.raises(WrongDerivative) as problem:
        f.grad(W, X)
    text = str(problem.value)
    assert "the gradient of `loss` is wrong" in text
    assert "w[0]" in text and "differences" in text
    assert "h = off(w * x)" in text and "test_selfcheck.py:" in text
    right = 4 * X * np.sin(W * X) * np.cos(W * X)
    assert f"{1.02 * right[0]:.6f}"[:-1] in text and f"{right[0]:.6f}"[:-1] in text


def test_wrong_again() -> None:
    """Who goes on after the error does not get the wrong number silently."""
    f = grad(loss, check=True)
    for _ in range(2):
        with pytest.raises(WrongDerivative):
            f(W, X)


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f.value_and_grad(W, X),
        lambda f: f.vjp(W, X)[1](1.0),
        lambda f: f.jvp((W, X), (W, X)),
        lambda f: f.jacobian(W, X),
        lambda f: f.hessian(W, X),
        lambda f: f.hvp(W, X, W),
        lambda f: grad(loss, argnums=(0, 1), check=True)(W, X),
        lambda f: grad(lambda p: loss(p["w"], X), check=True)({"w": W}),
        lambda f: grad(loss, check=True)(W.astype(np.float32), X.astype(np.float32)),
        lambda f: jacobian(lambda w: off(w) * X, check=True)(W),
    ],
)
def test_every_derivative(call: Callable[[Any], Any]) -> None:
    """Whatever is asked for is checked."""
    with pytest.raises(WrongDerivative):
        call(differentiate(check=True)(loss))


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`CHAINRULE_CHECK=1` checks everything that is compiled, `0` nothing."""

    def f(x: float) -> float:
        return off(x) * 3.0

    monkeypatch.setenv("CHAINRULE_CHECK", "0")
    assert grad(f)(0.5) == pytest.approx(3.06 * math.cos(0.5))

    def g(x: float) -> float:
        return off(x) * 4.0

    monkeypatch.setenv("CHAINRULE_CHECK", "1")
    with pytest.raises(WrongDerivative):
        grad(g)(0.5)


RUNS: list[Any] = []


def counted(x: Any) -> Any:
    RUNS.append(None)
    return np.square(x)


@rules.elementwise(counted)
def _counted(x: Any, out: Any) -> Any:
    return 2 * x


def test_only_the_first_call() -> None:
    """The function runs for the first call of each specialisation, and only then."""
    checked = value_and_grad(lambda x: np.sum(counted(x)), check=True)
    plain = value_and_grad(lambda x: np.sum(counted(x)))

    def runs(f: Any, x: Any) -> int:
        RUNS.clear()
        f(x)
        return len(RUNS)

    for x in (W, 2.0):
        assert runs(checked, x) >= runs(plain, x) + 4
        assert runs(checked, x) == runs(plain, x) == runs(checked, 2 * x) == 1


def test_source_does_not_run_the_function() -> None:
    """Only calls are checked; to look at the text is none."""

    def f(x: float) -> float:
        return off(x) * 5.0

    made = grad(f, check=True)
    assert "np.cos(x)" in made.source(0.5)
    with pytest.raises(WrongDerivative):
        made(0.5)


def test_arguments_are_written_once() -> None:
    """A function that writes into its argument writes once, into what was passed."""

    def f(x: Any, log: list[float]) -> Any:
        x[0] = x[0] * 2.0
        log.append(1.0)
        return np.sum(x * x)

    x, log = np.array([1.0, 2.0]), [0.0]
    gradient = grad(f, check=True)(x, log)
    assert np.allclose(gradient, [8.0, 4.0])
    assert x.tolist() == [2.0, 2.0] and log == [0.0, 1.0]


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: abs(x), 0.0),
        (lambda x: max(x, 2 * x), 0.0),
        (lambda x: np.max(x), np.ones(3)),
        (lambda x: np.sum(np.maximum(x, 0.0)), np.zeros(3)),
        (lambda x: np.sum(np.abs(x)) + np.sum(x**2), np.array([0.0, 1.0, -2.0])),
        (lambda x: np.sum(np.where(x > 0, x, 0.0 * x)), np.zeros(4)),
        (lambda x: 0.0 * x, 3.0),
        (lambda x: 1e-12 * x + 1e6, 3.0),
        (lambda x: np.sum(np.sort(x) * np.arange(4.0)), np.array([1.0, 1.0, 0.0, 2.0])),
        (lambda x: np.floor(x) * x, 2.5),
        (lambda x: np.log(x), 1e-8),
        (lambda x: np.exp(50 * x), 3.0),
        (lambda x: 1e-30 * x**3, 1e12),
        (lambda x: np.sum(x), np.zeros((0, 3))),
        (lambda x: x * 2.0, float("inf")),
        (lambda x: np.real(x * x) + np.imag(x), 1.0 + 2.0j),
        (lambda x: np.sum(np.abs(x) ** 2), np.array([1.0 + 2.0j, 3.0])),
        (lambda x: np.sum(np.tanh(x) ** 3), np.linspace(-1, 1, 7, dtype=np.float32)),
        (lambda x: np.sum(x**3), np.arange(4)),
        (lambda x: x**3, 5),
        (lambda x: x["a"] * x["n"], {"a": 2.0, "n": 3}),
        (lambda x: sum(x[0]) * x[1][0], ([1.0, 2.0], (3.0,))),
        (lambda x: x * stop_gradient(np.exp(x)), 2.0),
        (lambda x: on_cotangent(x * x, lambda bar: 0.5 * bar), 2.0),
        (lambda x: grad(lambda y: y**3 * x)(x), 2.0),
    ],
)
def test_no_false_alarm(f: Callable[[Any], Any], x: Any) -> None:
    """Ties, kinks, flat and steep functions, all kinds of arguments: no complaint."""
    given = copy.deepcopy(x)
    assert repr(grad(f, check=True)(x)) == repr(grad(f)(given))


@dataclass
class Line:
    """A record."""

    slope: Any
    name: str = "line"


def test_objects() -> None:
    """Dataclasses and methods are checked like everything else."""
    f = grad(lambda line, x: np.sum(line.slope * x), check=True)
    assert np.allclose(f(Line(W), X).slope, X)
    with pytest.raises(WrongDerivative):
        grad(lambda line: np.sum(off(line.slope)), check=True)(Line(W))


@pytest.mark.parametrize("op", [np.sin, off])
def test_single_precision_only(op: Any) -> None:
    """A function that refuses double precision is checked in its own."""

    def f(x: Any) -> Any:
        if x.dtype != np.float32:
            raise TypeError("single precision only")
        return np.sum(op(x))

    made, x = grad(f, check=True), W.astype(np.float32)
    if op is off:
        with pytest.raises(WrongDerivative):
            made(x)
    else:
        assert np.allclose(made(x), np.cos(x), rtol=1e-5)


def test_a_jump_is_said() -> None:
    """Where differences do not settle there is one warning, and the derivative."""

    def f(x: float) -> float:
        return 5.0 * x if x == 1.0 else 2.0 * x

    made = grad(f, check=True)
    with pytest.warns(DifferentiationWarning, match="f is not checked: diff") as told:
        assert made(1.0) == 5.0
        assert made(1.0) == 5.0
    assert len(told) == 1 and told[0].filename == __file__


def test_not_reproducible() -> None:
    """What is another number at every call is not checked, and said so once."""

    def f(x: Any) -> Any:
        return np.sum(x * np.random.default_rng().normal(size=3))

    made = grad(f, check=True)
    with pytest.warns(
        DifferentiationWarning, match="differs from call to call"
    ) as told:
        made(W)
        made(W)
    assert len(told) == 1


def test_the_stream_of_random_numbers() -> None:
    """Checking draws no numbers from generators that the program uses."""

    def f(x: Any) -> Any:
        return np.sum(x * np.random.normal(size=3))

    def run(check: bool) -> tuple[Any, float, float]:
        np.random.seed(3)
        random.seed(3)
        return grad(f, check=check)(W).tolist(), np.random.normal(), random.random()

    assert run(True) == run(False)
    rng = np.random.default_rng(3)
    grad(lambda x, r: np.sum(x * r.normal(size=3)), check=True)(W, rng)
    again = np.random.default_rng(3)
    again.normal(size=3)
    assert rng.normal() == again.normal()


def test_prints_once(capsys: pytest.CaptureFixture[str]) -> None:
    """What the function prints is printed by the call, not by the check."""

    def f(x: float) -> float:
        print("x is", x)
        return x * x

    value_and_grad(f, check=True)(2.0)
    assert capsys.readouterr().out == "x is 2.0\n"


def test_exceptions_pass() -> None:
    """An exception of the function itself comes as without a check."""

    def f(x: float) -> float:
        if x < 0:
            raise ValueError("negative")
        return math.sqrt(x)

    made = grad(f, check=True)
    with pytest.raises(ValueError, match="negative"):
        made(-1.0)
    assert made(4.0) == 0.25


def test_threads() -> None:
    """Two threads may make the first call at once."""

    def f(x: Any) -> Any:
        return np.sum(np.sin(x) ** 2)

    made, found = grad(f, check=True), []
    pool = [threading.Thread(target=lambda: found.append(made(W))) for _ in range(4)]
    for each in pool:
        each.start()
    for each in pool:
        each.join()
    assert len(found) == 4 and all(np.array_equal(found[0], g) for g in found)


def test_second_order() -> None:
    """A derivative of a derivative is checked, and lets a right one through."""
    f = hessian(lambda x: np.sum(np.sin(x) * x), check=True)
    assert np.allclose(f(W), np.diag(2 * np.cos(W) - W * np.sin(W)))


@pytest.mark.parametrize("name", NAMES[::4])
def test_programs(name: str) -> None:
    """Programs pass, and their gradients are what they are without a check."""
    module = load(name)
    f, wrt = getattr(module, name), getattr(module, "WRT", 0)
    found = grad(f, argnums=wrt, check=True)(*arguments(module))
    assert repr(found) == repr(grad(f, argnums=wrt)(*arguments(module)))


@pytest.mark.parametrize("case", SAMPLE, ids=[case.name for case in SAMPLE])
def test_language(case: Case) -> None:
    """Programs of all kinds pass without a false alarm."""
    with quiet():
        value_and_grad(case.function, argnums=case.wrt, check=True)(*case.arguments())
