"""`--export` and `--verify` as a user meets them: files, messages and exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule.inspector.main import FINE, REFUSED, USAGE

MODEL = """
import numpy as np
from chainrule import differentiate, grad

@differentiate
def loss(w, x, scale=2.0):
    return np.sum(np.tanh(w * x)) * scale

def vector(x: np.ndarray) -> np.ndarray:
    return 2 * x

big = np.arange(5000.0)

def opaque(x: float) -> float:
    return x * np.sum(big)

if __name__ == "__main__":
    loss.grad.export("by_method.py", np.ones(3), 2.0)
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return the command, run as a program in a folder with a model."""
    (tmp_path / "model.py").write_text(MODEL)

    def call(*argv: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "chainrule.inspector", *argv]
        out = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env=os.environ
        )
        return out.returncode, out.stdout, out.stderr

    return call


def test_export_and_verify(run: Run, tmp_path: Path) -> None:
    """A module is written, found up to date, and no longer so after a change."""
    given = ("--args", "np.ones(3), 2.0", "--args", "w=1.0, x=3, scale=0.5")
    assert run("model.py:loss", *given, "--export", "made.py") == (FINE, "", "")
    text = (tmp_path / "made.py").read_text()
    assert "or (w: float, x: int, scale: float)" in text
    assert run("--verify", "made.py") == (FINE, "made.py is up to date\n", "")
    (tmp_path / "model.py").write_text(MODEL.replace("np.tanh", "np.sin"))
    status, out, _ = run("--verify", "made.py")
    assert status == REFUSED
    assert out.startswith("--- made.py\n+++ what would be written now\n")
    assert "\n+    " in out and "np.cos" in out


def test_remarks_do_not_make_a_module_stale(run: Run, tmp_path: Path) -> None:
    """Comments, docstrings and blank lines change no derivative: they change nothing;
    code does, also where the derivative is the same.
    """
    run("model.py:loss", "--args", "1.0, 2.0", "--export", "made.py")
    line = "    return np.sum(np.tanh(w * x)) * scale"
    remarks = f'    """Loss.\n\n    Of w.\n    """\n    # a remark\n\n{line}  # another'
    (tmp_path / "model.py").write_text(MODEL.replace(line, remarks))
    assert run("--verify", "made.py") == (FINE, "made.py is up to date\n", "")
    (tmp_path / "model.py").write_text(MODEL.replace(line, f"    pass\n{line}"))
    status, out, _ = run("--verify", "made.py")
    assert status == REFUSED
    assert "-(SHA-256 of its code: " in out


def test_edited(run: Run, tmp_path: Path) -> None:
    """A module that somebody edited is not what the compiler writes."""
    run("model.py:loss", "--args", "1.0, 2.0", "--export", "made.py")
    made = tmp_path / "made.py"
    made.write_text(made.read_text().replace("scale=2.0", "scale=3.0"))
    status, out, _ = run("--verify", "made.py")
    assert status == REFUSED
    assert "-def loss_grad(w, x, scale=3.0):\n+def loss_grad(w, x, scale=2.0):" in out


def test_options_are_kept(run: Run) -> None:
    """Mode, parameters and arguments with quotes are found in the docstring."""
    options = ("--args", """1.0, x={'a': 2.0}["a"]""", "--wrt", "w,x")
    options += ("--mode", "value-and-grad", "--export", "made.py")
    assert run("model.py:loss", *options)[0] == FINE
    assert run("--verify", "made.py")[0] == FINE


def test_written_by_a_program(run: Run, tmp_path: Path) -> None:
    """What `.export` writes can be verified from the command line."""
    subprocess.run([sys.executable, "model.py"], cwd=tmp_path, check=True)
    assert run("--verify", "by_method.py") == (FINE, "by_method.py is up to date\n", "")


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (("model.py:opaque", "--export", "a.py"), REFUSED, "`big`"),
        (("model.py:vector", "--export", "a.py"), REFUSED, "returns one number"),
        (("model.py:loss", "--export", "no/such/a.py"), USAGE, "cannot write"),
        (("--verify", "none.py"), USAGE, "cannot read none.py"),
        (("--verify", "model.py"), USAGE, "does not say how it was written"),
        (("model.py:loss", "--args", "1.", "--args", "2."), USAGE, "for --export"),
    ],
)
def test_wrong_usage(
    run: Run, argv: tuple[str, ...], status: int, message: str
) -> None:
    """One line says what is wrong."""
    found, out, err = run(*argv)
    assert (found, out) == (status, "")
    assert message in err.splitlines()[-1]
