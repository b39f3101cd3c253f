"""Decorated functions keep their signature for type checkers."""

from __future__ import annotations

from pathlib import Path

from mypy import api

USE = Path(__file__).with_name("use.py")


def test_mypy_understands_the_interface(tmp_path: Path) -> None:
    """`mypy --strict` accepts right uses and reports each of the wrong ones."""
    options = ["--strict", "--cache-dir", str(tmp_path), "--config-file", ""]
    report, errors, status = api.run([*options, "--follow-imports=silent", str(USE)])
    assert (status, errors) == (0, ""), report
