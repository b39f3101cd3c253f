"""The command as a whole: what it prints where, and its exit status."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.inspector import derivative
from chainrule.inspector.main import FINE, INTERNAL, REFUSED, USAGE, main

MODEL = """
import numpy as np
from chainrule import differentiate, on_cotangent, stop_gradient

def square(x: float) -> float:
    return x ** 2

def loss(w: np.ndarray, b: float, x: float = 2.0) -> float:
    return np.sum(np.tanh(w * x + b) ** 2)

@differentiate(argnums=1)
def decorated(w, b):
    return w * b * b

class Model:
    gain = 3.0

    def loss(self, x: float) -> float:
        return self.gain * x * x

def writes(x: np.ndarray) -> float:
    global LAST
    LAST = x
    return LAST.sum()

def raises(x: float) -> float:
    raise ValueError("never")

def vector(x: np.ndarray) -> np.ndarray:
    return 2 * x

def constant(x: float) -> float:
    return 3.0

def product(a, b):
    return a @ b

def jump(x: float) -> float:
    return 2 * x if x <= 1 else 2 * x + 5

def shifted(x: float, n: int = 3, k: float = 2.0) -> float:
    return x**n * k**2

def matrix(a, b):
    return np.sum(a @ b)

def stopped(x: float) -> float:
    return x**2 * stop_gradient(x)

def halved(x: float) -> float:
    return on_cotangent(x**2, lambda x_bar: 0.5 * x_bar)

def talks(x: float) -> float:
    print("hello", x)
    return x * x

def kink(x: float) -> float:
    return 2 * x if x > 0 else 0 * x
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    """Return the command, run in a folder with a model: status, output, messages."""
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    before = set(sys.modules)

    def call(*argv: str) -> tuple[int, str, str]:
        status = main(argv)
        out, err = capsys.readouterr()
        return status, out, err

    yield call
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) == str(tmp_path / "model.py"):
            del sys.modules[name]


def execute(text: str, name: str) -> Any:
    """Run generated code by itself and return a function of it."""
    namespace: dict[str, Any] = {"np": np}
    exec(text, namespace)
    return namespace[name]


def test_default(run: Run) -> None:
    """The gradient is printed as code that runs, and what was assumed is said."""
    status, out, err = run("model.py:square")
    assert status == FINE
    assert execute(out, "square_grad")(5.0) == 10.0
    assert err == "assumed x = 1.0 (from its annotation)\n"


def test_given_arguments_say_nothing(run: Run) -> None:
    """With all arguments given there is nothing on standard error."""
    status, out, err = run("model:square", "--args", "x=3.0")
    assert (status, err) == (FINE, "")
    assert out.startswith("def square_grad(x):\n")


def test_wrt(run: Run) -> None:
    """`--wrt` chooses by name, several give a tuple."""
    _, one, _ = run("model.py:loss", "--wrt", "b")
    _, two, _ = run("model.py:loss", "--wrt", "w,b")
    assert "w_bar" not in one
    given = np.array([0.1, 0.2]), 0.5, 2.0
    w_bar, b_bar = execute(two, "loss_grad")(*given)
    assert b_bar == pytest.approx(execute(one, "loss_grad")(*given))
    assert w_bar.shape == (2,)


def test_decorated(run: Run) -> None:
    """A decorated function is differentiated as its decorator says."""
    _, out, _ = run("model.py:decorated", "--args", "2.0, 3.0")
    assert execute(out, "decorated_grad")(2.0, 3.0) == 12.0
    _, out, _ = run("model.py:decorated", "--args", "2.0, 3.0", "--wrt", "w")
    assert execute(out, "decorated_grad")(2.0, 3.0) == 9.0


def test_method(run: Run) -> None:
    """A method is differentiated with respect to its first argument after `self`."""
    status, out, err = run("model.py:Model.loss")
    assert status == FINE
    assert "self = Model()" in err
    assert "x" in out


@pytest.mark.parametrize(
    ("mode", "name"), [("forward", "x_dot"), ("value-and-grad", "return")]
)
def test_mode(run: Run, mode: str, name: str) -> None:
    """Other modes give other functions."""
    status, out, _ = run("model.py:square", "--mode", mode)
    assert status == FINE
    assert name in out
    assert out != run("model.py:square")[1]


@pytest.mark.parametrize("mode", derivative.MODES)
def test_check_agrees(run: Run, mode: str) -> None:
    """The check prints a line for each argument and says that they agree."""
    status, out, _ = run("model.py:loss", "--wrt", "w,b", "--check", "--mode", mode)
    assert status == FINE
    assert out.splitlines()[0] == f"loss, with respect to w, b, {mode} mode"
    assert re.search(r"^w +\d+ +[\d.e-]+ +w(\[\d\])? +", out, re.MULTILINE)
    assert re.search(r"^b +1 +", out, re.MULTILINE)
    assert out.endswith("\nagrees\n")


def test_check_differs(run: Run) -> None:
    """A derivative that is another one is shown beside the differences; status 1."""
    status, out, _ = run("model.py:kink", "--check", "--args", "0.0")
    assert status == REFUSED
    assert re.search(r"^x +1 +1.0e\+00 +x +0 +1 *$", out, re.MULTILINE)
    assert out.endswith("\ndiffers in x\n")


def test_check_that_differences_cannot_confirm(run: Run) -> None:
    """At a jump there is no number to compare with, and that is what is said."""
    status, out, _ = run("model.py:jump", "--check", "--args", "1.0")
    assert status == REFUSED
    assert re.search(r"^x +1 +unknown +x +2 +unknown$", out, re.MULTILINE)
    assert "differences cannot confirm x: there is a jump" in out
    status, out, _ = run("model.py:jump", "--check", "--args", "1.0", "--json")
    [row] = json.loads(out)["check"]
    assert row["differences"] is None and not row["ok"]


@pytest.mark.parametrize("mode", ["reverse", "forward", "vjp"])
def test_check_takes_what_is_stopped_for_a_constant(run: Run, mode: str) -> None:
    """Differences are taken with the value that `stop_gradient` has there."""
    status, out, _ = run("model.py:stopped", "--check", "--mode", mode)
    assert (status, out.splitlines()[-1]) == (FINE, "agrees")


def test_check_of_another_derivative_on_purpose(run: Run) -> None:
    """A cotangent that is changed, and a second derivative of what is stopped."""
    for argv in (("model.py:halved",), ("model.py:stopped", "--order", "2")):
        status, out, _ = run(*argv, "--check")
        assert status == REFUSED
        assert "cannot confirm x: stop_gradient or on_cotangent is used" in out


def test_check_of_the_gradient_by_several(run: Run) -> None:
    """A default before the parameter is filled in, to pass both by position."""
    argv = "model.py:shifted", "--wrt", "x,k", "--order", "2", "--check"
    status, out, err = run(*argv)
    assert status == FINE, err
    assert "assumed n = 3 (its default)" in err
    assert out.endswith("\nagrees\n")


def test_what_the_function_prints_is_no_part_of_the_answer(run: Run) -> None:
    """It goes to standard error, so that programs can read the answer."""
    status, out, err = run("model.py:talks", "--check", "--json")
    assert status == FINE
    assert json.loads(out)["check"][0]["ok"]
    assert "hello" not in out.partition('"primal"')[0] and "hello 1.0" in err


def test_two_colons_do_as_one(run: Run) -> None:
    """The function may be named as pytest names tests."""
    assert run("model.py::square")[:2] == run("model.py:square")[:2]


def test_assumed_arguments_that_do_not_fit(run: Run) -> None:
    """The function's own error, and how to give others."""
    status, _, err = run("model.py:matrix")
    assert status == USAGE
    assert "matrix raises TypeError for these arguments" in err
    assert err.endswith('give others: --args "a=..., b=..."\n')


def test_output(run: Run) -> None:
    """`--output` writes what would be printed."""
    status, out, _ = run("model.py:square", "--output", "made.py")
    assert (status, out) == (FINE, "")
    assert Path("made.py").read_text() == run("model.py:square")[1]


def test_colour(run: Run) -> None:
    """Colours on demand, otherwise none where nobody looks."""
    assert "\x1b[" in run("model.py:square", "--color", "always")[1]
    assert "\x1b[" not in run("model.py:square")[1]


def test_refusal(run: Run) -> None:
    """What has no derivative is shown as a diagnostic on standard error."""
    status, out, err = run("model.py:writes")
    assert (status, out) == (REFUSED, "")
    assert "\nCR106 " in err
    assert "--> model.py:24:12" in err
    assert "return LAST" in err


def test_no_gradient(run: Run) -> None:
    """A result that has no gradient is refused in one line."""
    status, out, err = run("model.py:vector", "--args", "np.ones(3)")
    assert (status, out) == (REFUSED, "")
    assert err.startswith("error: grad needs a function that returns one number")
    assert err.count("\n") == 1


@pytest.mark.filterwarnings("default")
def test_warning(run: Run) -> None:
    """A warning of the compiler is one line on standard error."""
    status, out, err = run("model.py:constant", "--args", "x=1.0")
    assert status == FINE
    assert execute(out, "constant_grad")(1.0) == 0.0
    assert err.startswith("warning: constant does not depend on")
    assert err.count("\n") == 1


@pytest.mark.parametrize("code", ["CR401", "cr104"])
def test_explain(run: Run, code: str) -> None:
    """A code is explained, in capitals or not."""
    status, out, _ = run("--explain", code)
    assert status == FINE
    assert out.startswith(code.upper())
    assert "what to do" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "name a function: inspect-derivative module:function (--help has"),
        (("model.py:square", "--width", "x"), "'x' is no number"),
        (("model.py:loss", "--wrt", "w,w"), "--wrt names a parameter twice: w, w"),
        (("model.py",), "not of the form"),
        (("model.py:squar",), "did you mean square?"),
        (("model.py:square", "--wrt", "y"), "no parameter 'y'"),
        (("model.py:square", "--args", "y=1"), "does not fit"),
        (("model.py:square", "--mode", "sideways"), "invalid choice"),
        (("model.py:square", "--stage", "nowhere"), "no stage 'nowhere'"),
        (("model.py:square", "--nonsense"), "unrecognized arguments"),
        (("model.py:square", "--width", "3"), "the least width is 20"),
        (("model.py:square", "--output", "no/such/place.py"), "cannot write"),
        (("model.py:raises", "--check"), "raises ValueError"),
        (("model.py:product",), "raises TypeError for these arguments"),
        (("--explain", "CR000"), "no such code"),
    ],
)
def test_wrong_usage(run: Run, argv: tuple[str, ...], message: str) -> None:
    """A wrong command line gives one line and status 2."""
    status, out, err = run(*argv)
    assert (status, out) == (USAGE, "")
    assert err.splitlines()[-1].startswith("error: ")
    assert message in err


def test_internal_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours says so, with its traceback and status 3."""

    def broken(*args: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(derivative, "of", broken)
    status, _, err = run("model.py:square")
    assert status == INTERNAL
    assert "RuntimeError: planted" in err
    assert "mistake of chainrule" in err


@pytest.mark.parametrize("name", derivative.STAGES)
def test_stage(run: Run, name: str) -> None:
    """Each stage can be shown by itself."""
    status, out, _ = run("model.py:square", "--stage", name)
    assert status == FINE
    assert "square" in out


def test_all_stages(run: Run) -> None:
    """`all` shows every stage in order, each under its name."""
    _, out, _ = run("model.py:square", "--stage", "all")
    heads = re.findall(r"^# (\w+)", out, re.MULTILINE)
    assert heads == list(derivative.STAGES)


def test_as_a_program(run: Run, tmp_path: Path) -> None:
    """`python -m chainrule.inspector` is the command."""
    made = subprocess.run(
        [sys.executable, "-m", "chainrule.inspector", "model.py:square"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (made.returncode, made.stdout) == (FINE, run("model.py:square")[1])


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the version of the package."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert re.fullmatch(r"chainrule \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)
