"""`explain` says in words what became of a program, and its data say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import differentiate, grad, hessian, value_and_grad
from chainrule.debugging.explain import Explanation, Remark

W, X, Y = np.ones(3), np.ones((5, 3)), np.ones(5)


def sigmoid(z: Any) -> Any:
    """Save two values."""
    e = np.exp(-z)
    return 1 / (1 + e)


def loss(w: Any, X: Any, y: Any, kind: str = "l2") -> Any:
    """Have lines of every kind."""
    unused = np.sort(X)  # noqa: F841
    p = sigmoid(X @ w)
    if kind == "l1":
        scale = 2.0
    else:
        scale = 1.0
    offset = np.sum(y)
    return scale * np.mean((p - y) ** 2) + offset


def loop(x: Any, n: int) -> Any:
    """Keep a tape, and compute something again."""
    total = 0.0
    for _ in range(n):
        x = np.sin(x)
        u = 2 * x
        if x[0] > 0.5:
            total = total + np.sum(u * x)
    return total


def about(text: Any, topic: str, what: str) -> Remark:
    """Return the one remark of a topic that begins so."""
    assert isinstance(text, Explanation)
    found = [r for r in text.account.about(topic) if r.what.startswith(what)]
    assert len(found) == 1, text
    return found[0]


def line_of(function: Any, text: str) -> int:
    """Return the number of the line of a function with this text."""
    import inspect

    lines, start = inspect.getsourcelines(function)
    [k] = [k for k, line in enumerate(lines) if line.strip().startswith(text)]
    return start + k


def test_what_is_saved_and_who_reads_it() -> None:
    """Each saved value has its line, its size, and the derivative that reads it."""
    told = grad(loss).explain(W, X, Y)
    saved = about(told, "saved", "p: float64 (5,), 40 bytes")
    assert saved.line == line_of(sigmoid, "return ")
    assert f"the derivative of lines {line_of(sigmoid, 'e = ')} to " in saved.why
    assert told.startswith("loss, with respect to w, reverse mode: 1 value saved, 40")


def test_what_is_inactive_or_settled() -> None:
    """Arguments, unused lines, branches that types settle."""
    told = grad(loss).explain(W, X, Y)
    argument = about(told, "inactive", "argument X: float64 (5, 3)")
    assert argument.why == "the derivative is with respect to w"
    assert about(told, "inactive", "unused = ").why.startswith("not needed")
    offset = about(told, "inactive", "offset = ")
    assert offset.why.startswith("not active: it does not depend on w")
    assert offset.line == line_of(loss, "offset")
    branch = about(told, "folded", 'if kind == "l1"')
    assert "types and constants" in branch.why
    assert "not reached" in about(told, "folded", "scale = 2.0").why


def test_tapes_recomputation_and_run_time() -> None:
    """A loop saves on its tape; a cheap value is computed again; tests stay."""
    told = grad(loop).explain(np.ones(3), 4)
    assert "4 on the tape, 96 bytes" in told
    tape = about(told, "saved", "x: float64 (3,), 4 on the tape")
    assert tape.why.endswith("(u = 2 * x)")
    assert about(told, "saved", "x[0] > 0.5: bool").why.endswith("the same branch")
    assert about(told, "recomputed", "u = 2 * x").line == line_of(loop, "u = ")
    assert "a call decides" in about(told, "run time", "for _ in range(n)").why
    assert "values of a call decide" in about(told, "run time", "if x[0] > 0.5").why
    assert about(told, "inactive", "argument n: int")


def test_the_text() -> None:
    """It is a string that prints itself, with every topic, in lines that fit."""
    told = grad(loop).explain(np.ones(3), 4)
    assert repr(told) == str(told) == told.account.text()
    for title in ("saved for the reverse sweep", "copied: nothing", "left to run time"):
        assert f"\n\n{title}" in told
    assert max(map(len, told.splitlines())) <= 88
    for remark in told.account.remarks:
        assert " ".join(remark.what.split()[:3]) in " ".join(told.split())


def test_every_transformation() -> None:
    """Decorated functions, methods, pullbacks, forward mode and second order."""

    class Model:
        k = 3.0

        @differentiate
        def f(self, x: Any) -> Any:
            y = np.exp(x)
            return np.sum(y * self.k)

    model: Any = Model()
    told = model.f.grad.explain(np.ones(3))
    assert told.startswith("f, with respect to x, reverse mode")
    assert value_and_grad(loop).explain(np.ones(3), 2).account.about("saved")
    assert "residual" in differentiate(loop).vjp.explain(np.ones(3), 2)
    assert "forward mode" in differentiate(loop).jvp.explain(np.ones(3), 2)
    assert "order 2" in hessian(loop).explain(np.ones(3), 2)
    aux = grad(lambda x: (np.sin(x) * x, 1), has_aux=True).explain(2.0)
    assert aux.startswith("<lambda>, with respect to x")
    with pytest.raises(TypeError, match="first and second order"):
        grad(grad(grad(lambda x: x**4))).explain(2.0)
