"""Importing chainrule is cheap: what a user may never need is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATER = ("numpy", "rich", "astor", "gast", "scipy", "argparse")


@pytest.mark.parametrize("name", LATER)
def test_import_is_lazy(name: str) -> None:
    """`import chainrule` imports neither the printer nor what the command needs."""
    program = f"import chainrule, sys; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_compiling_does_not_import_rich() -> None:
    """Only the command needs rich."""
    program = (
        "import sys\n"
        "from tests.programs import gradient_source\n"
        "assert gradient_source('square')\n"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
