"""`CHAINRULE_LOG` and the four loggers behind it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from chainrule.debugging import log

SCALE = 2.0


def helper(z: Any) -> Any:
    """Read a global."""
    return np.exp(z) * SCALE


def other(z: Any) -> Any:
    """Stand in for the helper."""
    return z * 1.0


def messages(caplog: pytest.LogCaptureFixture, topic: str) -> list[str]:
    """Return the messages of a topic since the last time."""
    found = [r.getMessage() for r in caplog.records if r.name == f"chainrule.{topic}"]
    caplog.clear()
    return found


def test_cache(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hits, misses with their reason, and what is built."""

    def loss(w: Any, X: Any) -> Any:
        return np.sum(helper(X @ w))

    caplog.set_level(logging.DEBUG, "chainrule.cache")
    made, w, X = grad(loss), np.ones(3), np.ones((2, 3))
    made(w, X)
    first, built = messages(caplog, "cache")
    assert first == "grad of loss: miss, the first call"
    assert built.startswith("grad of loss: built specialisation 0 in ")
    np.testing.assert_allclose(made(w, X), grad(loss)(w, X))
    assert messages(caplog, "cache") == ["grad of loss: hit of specialisation 0"] * 2
    made(w.astype(np.float32), X)
    assert messages(caplog, "cache")[0].endswith(
        "miss of specialisation 0: argument w is float32 array of rank 1,"
        " was float64 array of rank 1"
    )
    monkeypatch.setitem(globals(), "SCALE", 3)
    made(w, X)
    assert any(
        m.endswith("miss of specialisation 0: global SCALE is int, was float")
        for m in messages(caplog, "cache")
    )
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    monkeypatch.setitem(globals(), "helper", other)
    made(w, X)
    reasons = messages(caplog, "cache")
    assert any("global helper is other (" in r and "was helper (" in r for r in reasons)


def test_sizes(caplog: pytest.LogCaptureFixture) -> None:
    """Broadcasting relies on which axes have length 1."""

    def f(a: Any, b: Any) -> Any:
        return np.sum(a * b)

    caplog.set_level(logging.DEBUG, "chainrule.cache")
    made = grad(f)
    made(np.ones((2, 3)), np.ones((2, 3)))
    messages(caplog, "cache")
    made(np.ones((1, 3)), np.ones((2, 3)))
    assert (
        "argument a is of length 1 along axis 0, was of several entries"
        in (messages(caplog, "cache")[0])
    )


def test_guards(caplog: pytest.LogCaptureFixture) -> None:
    """What a derivative relies on, in words and as the test."""

    def f(x: Any) -> Any:
        return np.sum(helper(x))

    caplog.set_level(logging.DEBUG, "chainrule.guards")
    grad(f)(np.ones(3))
    found = messages(caplog, "guards")
    assert "grad of f 0 relies on argument x: float64 array of rank 1" in found
    assert "grad of f 0 relies on global SCALE: float" in found
    assert "grad of f 0 relies on global np: the same module numpy" in found
    assert any("tests type(x) is" in m and "x.ndim == 1" in m for m in found)


def test_rules(caplog: pytest.LogCaptureFixture) -> None:
    """Each rule with its place, and the line where it is written out."""

    def f(x: Any) -> Any:
        return np.sum(np.exp(x))

    caplog.set_level(logging.DEBUG, "chainrule.rules")
    grad(f)(np.ones(3))
    line = f.__code__.co_firstlineno + 1
    found = messages(caplog, "rules")
    [exp] = [m for m in found if m.startswith("exp (rules/exponential.py:")]
    assert exp.endswith(f"test_log.py:{line}:23")


def test_stages(caplog: pytest.LogCaptureFixture) -> None:
    """Every pass with its IR, and the text."""

    def f(x: Any) -> Any:
        return np.sum(np.exp(x))

    caplog.set_level(logging.DEBUG, "chainrule.stages")
    grad(f)(np.ones(3))
    found = [m.partition("\n") for m in messages(caplog, "stages")]
    names = [name for name, _, _ in found]
    assert names == ["specialised", "primal", "derivative", "optimised", "text"]
    assert "exp(" in found[0][2] and found[-1][2].startswith("def f_grad(x):")


def test_nobody_asked(caplog: pytest.LogCaptureFixture) -> None:
    """A program that logs everything of its own does not get our messages."""
    caplog.set_level(logging.DEBUG)
    grad(lambda x: x * x)(3.0)
    assert not [r for r in caplog.records if r.name.startswith("chainrule")]


def run(topics: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the variable set."""
    program = (
        "from chainrule import grad, rules\n"
        "import numpy as np\n"
        "made = grad(np.sin)\n"
        "print(made(0.0), made(0.0))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "CHAINRULE_LOG": topics},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_the_variable() -> None:
    """The topics that are named go to standard error, the others do not."""
    done = run("cache, rules")
    assert done.stdout == "1.0 1.0\n"
    lines = done.stderr.splitlines()
    assert lines[0].startswith("chainrule.cache: grad of sin: miss, the first call")
    assert lines[-1].endswith("hit of specialisation 0")
    assert any(line.startswith("chainrule.rules: sin (") for line in lines)
    assert {line.partition(":")[0] for line in lines} == {
        "chainrule.cache",
        "chainrule.rules",
    }
    everything = run("all").stderr
    assert all(f"chainrule.{topic}: " in everything for topic in log.TOPICS)
    assert run("").stderr == ""


def test_a_slip_of_the_finger() -> None:
    """A topic that does not exist is named, and nothing fails."""
    done = run("cahce")
    assert "no topic cahce; there are stages, cache, guards, rules" in done.stderr
    assert done.stdout == "1.0 1.0\n"
