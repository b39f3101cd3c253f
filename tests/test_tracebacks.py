"""Errors in generated code, as a user meets them: tracebacks, and the debugger."""

from __future__ import annotations

import importlib
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from chainrule import grad, jvp, vjp

HELPER = """\
import numpy as np

def whiten(z, cov):
    centred = z - z.mean()
    return np.linalg.solve(cov, centred)
"""

MODEL = """\
import math
import numpy as np
from chainrule import on_cotangent
from helper_of_tracebacks import whiten

def loss(w, cov):
    h = np.sin(w)
    z = whiten(h, cov)
    return z @ z

def root(x):
    t = 2 * math.sqrt(x)
    return t + 1.0

def quotient(x):
    y = x ** 3
    return y / (x - 2.0)

def descend(x, n):
    if n == 0:
        return 10.0 / x
    return descend(x - 1.0, n - 1) * x

def roots(x, n):
    if n == 0:
        return x
    y = math.sqrt(x)
    return roots(y - 1.0, n - 1) * x

def checked(x):
    def check(h_bar):
        assert h_bar < 0, "positive"
    return 3 * on_cotangent(x * x, check)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the model, which calls a helper of another file."""
    folder = tmp_path_factory.mktemp("tracebacks")
    (folder / "helper_of_tracebacks.py").write_text(HELPER)
    (folder / "model_of_tracebacks.py").write_text(MODEL)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("model_of_tracebacks")
    sys.path.remove(str(folder))


def shown(call: Callable[[], Any]) -> str:
    """Return the traceback of a call that raises, as Python prints it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test reads all of it
        call()
    return "".join(traceback.format_exception(caught.value))


def note(text: str) -> list[str]:
    """Return the note at the end of a traceback: place, line, marks."""
    lines = text.rstrip().splitlines()
    start = max(k for k, line in enumerate(lines) if ", from " in line)
    return lines[start:]


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f, *args: grad(f)(*args),
        lambda f, *args: vjp(f, *args),
        lambda f, *args: jvp(f, args, (np.ones(2), np.zeros((2, 2)))),
    ],
)
def test_an_inlined_helper_of_another_file(model: ModuleType, derivative: Any) -> None:
    """Both are shown: the line of the derivative, and the helper's line."""
    text = shown(lambda: derivative(model.loss, np.ones(2), np.zeros((2, 2))))
    assert "np.linalg.solve(cov, h - h.mean())" in text.split("LinAlgError")[0]
    place, line, marks = note(text)
    assert place.startswith("derivative of loss, from ")
    assert place.endswith("helper_of_tracebacks.py:5 in whiten")
    assert line == "    return np.linalg.solve(cov, centred)"
    assert marks.strip() == "^" * len("np.linalg.solve(cov, centred)")
    assert line[marks.index("^") :] == "np.linalg.solve(cov, centred)"


def test_the_reverse_sweep(model: ModuleType) -> None:
    """An error of an adjoint names the operation whose adjoint it is."""
    assert model.root(0.0) == 1.0
    text = shown(lambda: grad(model.root)(0.0))
    place, line, marks = note(text)
    assert place.endswith("model_of_tracebacks.py:12 in root")
    assert line[marks.index("^") : marks.rindex("^") + 1] == "math.sqrt(x)"


def test_the_expression_counts_not_the_statement(model: ModuleType) -> None:
    """A statement of the derivative may come from several lines."""
    text = shown(lambda: grad(model.quotient)(2.0))
    place, line, marks = note(text)
    assert place.endswith(":17 in quotient")
    assert line[marks.index("^") : marks.rindex("^") + 1] == "y / (x - 2.0)"


def test_recursion(model: ModuleType) -> None:
    """Both halves of a pair of functions know their lines."""
    forward = shown(lambda: grad(model.descend)(2.0, 2))
    assert "in descend_fwd" in forward
    assert note(forward)[0].endswith(":21 in descend")
    backward = shown(lambda: grad(model.roots)(0.0, 1))
    assert "in roots_bwd" in backward
    assert note(backward)[0].endswith(":27 in roots")


def test_pullbacks(model: ModuleType) -> None:
    """A pullback's error has the user's line too."""
    _, pull = vjp(model.root, 0.0)
    place, *_ = note(shown(lambda: pull(1.0)))
    assert place.startswith("pullback, from ") and place.endswith(":12 in root")


def test_the_users_own_code_in_the_reverse_sweep(model: ModuleType) -> None:
    """An assertion about a cotangent fails at its own line."""
    _, pull = vjp(model.checked, 1.0)
    text = shown(lambda: pull(1.0))
    assert "AssertionError: positive" in text
    assert note(text)[1] == '    assert h_bar < 0, "positive"'


def test_the_debugger_steps_through_generated_code(
    model: ModuleType, tmp_path: Path
) -> None:
    """`pdb` steps into the derivative, lists its text and shows its variables."""
    folder = Path(str(model.__file__)).parent
    script = tmp_path / "debugged.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        "import numpy as np\n"
        "from chainrule import grad\n"
        "from model_of_tracebacks import loss\n"
        "made, w, cov = grad(loss), np.ones(2) / 2, 2 * np.eye(2)\n"
        "made(w, cov)\n"
        "breakpoint()\n"
        "made(w, cov)\n"
    )

    def debug(*commands: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, str(script)],
            input="\n".join(commands),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout.split("(Pdb) ")

    # where `breakpoint()` stops, and so the number of steps, is the Python version's
    stepped = debug(*["step"] * 8)
    steps = next(i for i, shown in enumerate(stepped) if "-> h = np.sin(w)" in shown)
    assert any("# call the derivative" in shown for shown in stepped[:steps])
    assert "--Call--" in stepped[steps - 1]
    assert "-> def loss_grad(w, cov):" in stepped[steps - 1]
    out = debug(*["step"] * steps, "list", "next", "p h.shape", "where", "continue")
    listed, moved, shape, where = out[steps + 1 : steps + 5]
    assert "2  ->\t    h = np.sin(w)" in listed
    assert "    z_bar = 2 * np.linalg.solve(cov, h - h.mean())" in listed
    assert "-> z_bar = 2 * np.linalg.solve(cov, h - h.mean())" in moved
    assert shape.startswith("(2,)")
    assert "loss_grad()\n-> z_bar = 2 * np.linalg.solve(cov, h - h.mean())" in where
