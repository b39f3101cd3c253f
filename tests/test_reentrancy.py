"""Threads, processes, and compilations within compilations."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import grad, rules, value_and_grad
from chainrule.rules.registry import RULES

ARGUMENTS = [
    1.5,
    3,
    np.float32(2),
    np.ones(3),
    np.ones((1, 3)),
    np.ones((3, 1)),
    np.ones((2, 3, 4)),
    np.ones(3, np.float32),
    np.arange(4),
    np.ones((0, 2)),
]


@pytest.fixture
def often() -> Iterator[None]:
    """Let threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def square(x: Any) -> Any:
    return x * x


@pytest.mark.usefixtures("often")
def test_threads_with_different_types() -> None:
    """More types than are kept, from many threads, each in its own order."""

    def f(x: Any) -> Any:
        return np.sum(square(x)) + np.sum(np.sin(square(x)))

    def work(seed: int) -> None:
        for i in np.random.default_rng(seed).permutation(2 * len(ARGUMENTS)):
            x = ARGUMENTS[i % len(ARGUMENTS)]
            value, gradient = value_and_grad(f)(x)
            wide = np.asarray(x, float)
            wanted = 2 * wide + 2 * wide * np.cos(wide**2)
            assert np.allclose(gradient, wanted, rtol=1e-5)
            assert np.shape(gradient) == np.shape(x)
            kind = np.asarray(x).dtype
            assert np.asarray(gradient).dtype == (kind if kind.kind == "f" else float)
            assert np.isclose(value, np.sum(wide**2 + np.sin(wide**2)), rtol=1e-5)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))


def quartic(x: Any) -> Any:
    return x**4


def in_threads(x: Any) -> Any:
    """A function with a rule that waits for threads which have to compile."""
    with ThreadPoolExecutor(2) as pool:
        slopes = list(pool.map(grad(quartic), [float(np.sum(x)), 2.0]))
    return x * 0 + slopes[0]


@rules.elementwise(in_threads)
def _in_threads(x: Any, out: Any) -> Any:
    return 12 * x**2


def test_waiting_for_threads_that_compile() -> None:
    """The compiler runs functions with rules; they must not wait for it for ever."""
    found: list[Any] = []
    f = grad(lambda x: in_threads(x) * 2.0)
    thread = threading.Thread(target=lambda: found.append(f(3.0)), daemon=True)
    thread.start()
    thread.join(60)
    assert found == [216.0]


def root(x: Any) -> Any:
    return np.sqrt(x)


@pytest.fixture
def rule_of_root() -> Iterator[None]:
    """While a test runs, `root` has a rule that differentiates."""

    @rules.reverse(root)
    def _root(x: Any) -> Any:
        y = root(x)
        slope = grad(lambda t: t * t)(y)

        def pullback(y_bar: Any) -> Any:
            return y_bar / slope

        return y, pullback

    yield
    del RULES.reverse[root]
    RULES.changed()


def test_rule_that_differentiates(rule_of_root: None) -> None:
    """A rule may call a derivative, and is compiled while that is."""
    assert grad(lambda x: root(x) * 3.0)(4.0) == 0.75


class Spring:
    def __init__(self, stiffness: float) -> None:
        self.stiffness = stiffness

    @property
    def force(self) -> Any:
        return grad(lambda x: self.stiffness * x**2)(2.0)


def test_property_that_differentiates() -> None:
    """A property may call a derivative."""
    assert grad(lambda x, s: x * s.force)(2.0, Spring(3.0)) == 12.0
    assert grad(lambda x: x * grad(lambda y: y**3 * x)(x))(2.0) == 6 * 2.0 * 2**2 * 2


def test_redefinition_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each function is differentiated as it was when it was defined, or as it is."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "defined_twice.py"
    text = "def f(x):\n    return {} * x\n\nfirst = f\n\n"
    text += "def f(x):\n    return {} * x * x\n"
    path.write_text(text.format(2, 3))
    module: Any = importlib.import_module("defined_twice")
    assert grad(module.first)(5.0) == 2.0 and grad(module.f)(5.0) == 30.0
    path.write_text(text.format(7, 11) + "# changed\n")
    os.utime(path, (2e9, 2e9))
    assert grad(module.f)(np.ones(1)[0]) == 6.0  # the code that runs is the old one
    module = importlib.reload(module)
    assert grad(module.first)(5.0) == 7.0 and grad(module.f)(5.0) == 110.0
    before, module.f = grad(module.f), module.first
    assert before(5.0) == 110.0 and grad(module.f)(5.0) == 7.0
    del sys.modules["defined_twice"]


MAIN = """
import multiprocessing
import pickle
import numpy as np
from chainrule import differentiate, grad, hessian, value_and_grad

@differentiate
def loss(w, k):
    return np.sum(w**3) * k

def plain(w):
    return np.sum(w**4)

other = differentiate(check=True)(plain)

class Model:
    def __init__(self, k):
        self.k = k

    @differentiate
    def loss(self, w):
        return np.sum(self.k * w**2)

    @differentiate(argnums=1)
    def second(self, w):
        return np.sum(self.k * w**2)

def call(f, args):
    return f(*args)

JOBS = [
    (loss, 2.0), (loss.grad, 2.0), (loss.hessian, 2.0), (loss.value_and_grad, 2.0),
    (grad(plain),), (hessian(plain),), (other,), (other.grad,), (plain,),
    (Model(3.0).loss.grad,), (value_and_grad(plain, argnums=(0,)),), (grad(np.sum),),
]

if __name__ == "__main__":
    w = np.arange(3.0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for f, *rest in JOBS:
            mine, theirs = f(w, *rest), pool.apply(call, (f, (w, *rest)))
            pairs = zip(mine, theirs) if isinstance(mine, tuple) else [(mine, theirs)]
            assert all(np.array_equal(a, b) for a, b in pairs), f
    assert pickle.loads(pickle.dumps(plain)) is plain
    print(len(JOBS), "agree")
"""


def test_other_processes(tmp_path: Path) -> None:
    """Functions and derivatives of a script go to processes that are started anew."""
    script = tmp_path / "script.py"
    script.write_text(MAIN)
    out = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert out.stdout == "12 agree\n", out.stderr


def test_errors_leave_nothing_locked() -> None:
    """After a refusal in one thread others can compile."""

    def refused(x: Any) -> Any:
        return eval("x * x")

    def attempt(f: Callable[[Any], Any]) -> str:
        try:
            return str(grad(f)(2.0))
        except Exception as error:
            return type(error).__name__

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(attempt, [refused, lambda x: x * x] * 4))
    assert found == ["NotDifferentiable", "4.0"] * 4
