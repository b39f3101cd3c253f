"""Random programs are right or refused; and the judge sees what is wrong.

`scripts/fuzz.py` runs as many as there is time for; here are the first ones.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tests.fuzz import trial
from tests.fuzz.generate import generate
from tests.fuzz.judge import judge, load
from tests.fuzz.maker import FAMILIES, READING
from tests.fuzz.search import Report, Search, run
from tests.fuzz.shrink import shrink

CHUNK = 20


@pytest.mark.parametrize("seed", range(0, 80, CHUNK))
def test_programs_that_only_read_are_right(seed: int) -> None:
    """No program is wrong, crashes or is refused; few prove nothing."""
    report = run(Search(seed, CHUNK, READING, size=5))
    _check(report)
    assert report.outcomes["right"] == report.judged, str(report)


@pytest.mark.parametrize("seed", range(0, 80, CHUNK))
def test_programs_that_write_are_right(seed: int) -> None:
    """No program is wrong or crashes, few are refused or prove nothing."""
    report = run(Search(seed, CHUNK, FAMILIES, size=6))
    _check(report)
    assert report.outcomes["right"] >= 0.9 * report.judged, str(report)


def _check(report: Report) -> None:
    failures = [(o.seed, o.verdict) for f in report.failures.values() for o in f]
    assert not failures, failures
    assert report.judged >= 0.8 * CHUNK, str(report)


def test_a_seed_is_a_program() -> None:
    """The same seed gives the same text, other seeds other texts."""
    texts = [generate(seed).source for seed in range(40)]
    assert texts == [generate(seed).source for seed in range(40)]
    assert len(set(texts)) == 40


def test_programs_hold_every_kind_of_statement() -> None:
    """Each family takes part in many programs, and the programs run."""
    found = [generate(seed) for seed in range(400)]
    text = "\n".join(program.source for program in found)
    for pattern in (
        r"\w\[\w+\] = ", r"\[1:\] \+= ", r"\[\[.*\]\] [*+-]= ", r"out=", r"np\.add\.at",
        r"\.sort\(\)", r"\.T\b", r"\.reshape\(", r"\.append\(", r"\.pop\(", r"del \w",
        r"setdefault", r"nonlocal", r"yield", r"@dataclass", r"super\(\)", r"break",
        r"continue", r"while ", r"for .* in zip", r"elif", r"np\.copyto", r"\.fill\(",
    ):  # fmt: skip
        assert re.search(pattern, text), pattern
    raised = 0
    for program in found:
        module = load(program.source, f"tried_{program.seed}")
        try:
            with np.errstate(all="ignore"):
                module.f(*module.arguments())
        except (IndexError, ValueError, OverflowError):
            raised += 1
    assert raised <= 8


PROGRAM = """
import numpy as np

def f(a, u, n):
    y = np.sin(u) * a
    for i in range(n):
        y = y * np.cos(y) + 0.1 * u
    if a < 5.0:
        z = a * a
    return np.sum(y) + z

def arguments():
    return 0.7, np.array([0.3, -0.8]), 2
"""


def test_a_right_program_is_right() -> None:
    """All checks pass, also of second order."""
    assert judge(PROGRAM, second=True).name == "right"


@pytest.mark.parametrize(
    ("entry", "what"),
    [("jvp", "jvp"), ("value_and_grad", "value_and_grad"), ("grad", "grad against"),
     ("vjp", "pullback"), ("hvp", "second")],
)  # fmt: skip
def test_a_wrong_number_is_seen(
    entry: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A derivative that is wrong by a thousandth is called wrong."""
    right = getattr(trial, entry)

    def off(x: Any) -> Any:
        return (
            tuple(map(off, x))
            if isinstance(x, tuple)
            else x
            if x is None
            else 1.001 * x
        )

    def wrong(f: Any, *args: Any, **options: Any) -> Any:
        out = right(f, *args, **options)
        if entry == "jvp":
            return out[0], off(out[1])
        if entry == "vjp":
            return out[0], lambda bar: off(out[1](bar))
        if entry == "value_and_grad":
            return lambda *a: (lambda v, g: (v, off(g)))(*out(*a))
        return lambda *a: off(out(*a))

    monkeypatch.setattr(trial, entry, wrong)
    verdict = judge(PROGRAM, second=entry == "hvp")
    assert verdict.failed
    assert what in verdict.name or entry in verdict.name


def test_an_argument_that_changes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradient function may write what the function writes, and nothing else."""
    right = trial.value_and_grad

    def writes(f: Any, **options: Any) -> Any:
        def call(a: Any, u: Any, n: Any) -> Any:
            out = right(f, **options)(a, u, n)
            u[0] += 1e-9
            return out

        return call

    monkeypatch.setattr(trial, "value_and_grad", writes)
    assert judge(PROGRAM).name == "wrong value_and_grad arguments"


def test_shared_memory_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gradient that is an argument's memory is called wrong."""
    program = PROGRAM.replace("np.sum(y) + z", "np.sum(u) + np.sum(u * u) * 0.5 + z")

    def alias(f: Any, **options: Any) -> Any:
        return lambda a, u, n: (f(a, u, n), (2 * a, u))

    monkeypatch.setattr(trial, "value_and_grad", alias)
    monkeypatch.setattr(trial, "jvp", lambda f, args, dots: (f(*args), 0.0))
    name = judge(program).name
    assert name == "wrong value_and_grad shares memory"


def test_programs_that_raise_prove_nothing() -> None:
    """A program that fails, never ends, or jumps is not held against chainrule."""
    assert judge(PROGRAM.replace("np.sin(u)", "u[7]")).kind == "primal"
    jumps = PROGRAM.replace("np.sin(u)", "np.floor(1e13 * u)")
    assert judge(jumps).kind == "untame"


def test_ties_prove_nothing() -> None:
    """Differences give the mean of the slopes on both sides of a tie."""
    largest = PROGRAM.replace("np.sum(y)", "np.max(np.cos(u))")
    assert judge(largest).kind == "right"
    assert judge(largest.replace("0.3, -0.8", "0.8, -0.8")).kind == "untame"


def test_a_refusal_has_its_code() -> None:
    """What is refused is counted by code."""
    verdict = judge(PROGRAM.replace("np.sin(u)", "np.frombuffer(u.tobytes())"))
    assert verdict.kind == "refused"
    assert re.fullmatch(r"CR\d{3}", verdict.what)


def test_shrinking_keeps_what_fails() -> None:
    """Of a program, only what is needed for the failure is left."""
    small = shrink(PROGRAM, lambda text: "np.cos(" in text and "def f" in text)
    assert "np.cos(" in small
    assert len(small) < len(PROGRAM) / 2


def test_report_counts() -> None:
    """The table names every outcome and every family."""
    report = run(Search(3, 4, READING))
    assert sum(report.outcomes.values()) == 4
    assert "4 programs" in str(report)
    assert isinstance(report, Report)
