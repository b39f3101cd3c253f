"""Programs that this release must refuse: which code, on which line, with what help."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad, jvp, value_and_grad
from chainrule.codes import CODES
from tests.checks import quiet, random_tangent, same_bits, snapshot

FOLDER = Path(__file__).parent.parent / "fixtures" / "rejected"
MESSAGES = FOLDER / "messages.txt"
WRITES = ("CR104", "CR106")
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def marks(name: str) -> list[tuple[int, str]]:
    """Return the lines marked with a code (or the start of one)."""
    lines = (FOLDER / f"{name}.py").read_text().splitlines()
    found = [(i, re.search(r"# (CR\d*)$", line)) for i, line in enumerate(lines, 1)]
    return [(i, match[1]) for i, match in found if match]


@pytest.mark.parametrize("name", NAMES)
def test_program_is_refused_where_it_is_marked(name: str) -> None:
    """Every marked line is reported with its code, at the first call and later."""
    module = importlib.import_module(f"fixtures.rejected.{name}")
    function, args = getattr(module, name), module.arguments()
    before = snapshot(args)
    for _ in range(2):
        with quiet(), pytest.raises(NotDifferentiable) as caught:
            value_and_grad(function)(*args)
        problems = [(d.loc.line if d.loc else 0, d) for d in caught.value.diagnostics]
        assert all(d.code in CODES for _, d in problems), str(caught.value)
        for line, code in marks(name):
            hits = [d for at, d in problems if d.code.startswith(code)]
            assert hits, f"no {code}, but\n{caught.value}"
            if hits[0].loc is not None:
                at = [d.loc.line for d in hits if d.loc is not None]
                assert line in at, f"not line {line}, but\n{caught.value}"
        assert all(d.help or d.label for _, d in problems), str(caught.value)
    assert same_bits(args, before), "refusing changed the arguments"


def refusal(name: str) -> str:
    """Return what a user reads, without the place where the fixtures are."""
    module = importlib.import_module(f"fixtures.rejected.{name}")
    with quiet(), pytest.raises(NotDifferentiable) as caught:
        value_and_grad(getattr(module, name))(*module.arguments())
    return re.sub(r"(?<=[ (])[^ (]*[/\\\\](?=\w+\.py:)", "", str(caught.value))


def test_messages_are_the_ones_that_were_reviewed(
    request: pytest.FixtureRequest,
) -> None:
    """What is said of writes is in one file; `--update-goldens` writes it anew."""
    names = [
        n for n in NAMES if any(c[:3] == "CR4" or c in WRITES for _, c in marks(n))
    ]
    text = "\n\n".join(map(refusal, names)) + "\n"
    if request.config.getoption("--update-goldens"):
        MESSAGES.write_text(text, "utf-8")
    assert text == MESSAGES.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_program_is_refused_in_forward_mode(name: str) -> None:
    """What reverse mode refuses because of the language, forward mode refuses too."""
    module = importlib.import_module(f"fixtures.rejected.{name}")
    function, args = getattr(module, name), module.arguments()
    direction = random_tangent(args[0], np.random.default_rng(0))
    tangents = (direction, *(None for _ in args[1:]))
    with quiet(), pytest.raises(NotDifferentiable):
        jvp(function, args, tangents)


@pytest.mark.parametrize("name", NAMES)
def test_decorating_never_raises(name: str) -> None:
    """A refusal comes when the derivative is asked for, not when it is declared."""
    module = importlib.import_module(f"fixtures.rejected.{name}")
    assert callable(grad(getattr(module, name)))


def test_every_file_marks_a_line() -> None:
    """A program without a mark would assert nothing about the place."""
    assert all(marks(name) for name in NAMES)
