"""The generated code of every program is the one that was reviewed and committed.

`pytest tests/test_goldens.py --update-goldens` writes the files anew; read the diff.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from chainrule.pytest_plugin import GoldenDerivative
from tests.programs import (
    FIXTURES,
    NAMES,
    arguments,
    gradient,
    gradient_source,
    load,
)

GOLDEN = FIXTURES / "golden"

ALL_SOURCES = """
import json, sys
from tests.programs import NAMES, gradient_source
json.dump({name: gradient_source(name) for name in reversed(NAMES)}, sys.stdout)
"""


@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, golden_derivative: GoldenDerivative) -> None:
    """The generated gradient equals the committed file."""
    golden_derivative(
        gradient(name), *arguments(load(name)), file=GOLDEN / f"{name}.py"
    )


def test_every_golden_has_a_program() -> None:
    """No golden is left behind when a program goes away."""
    assert {path.stem for path in GOLDEN.glob("*.py")} <= set(NAMES)


def test_same_text_in_another_process() -> None:
    """The text depends on neither hash seeds nor the order of compilation."""
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    run = subprocess.run(
        [sys.executable, "-c", ALL_SOURCES],
        cwd=FIXTURES.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == {name: gradient_source(name) for name in NAMES}
