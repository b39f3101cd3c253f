"""The views of the report in the terminal, and the list of decorated functions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chainrule.inspector import derivative
from chainrule.inspector.main import FINE, REFUSED, USAGE
from tests.inspector.test_main import Run
from tests.inspector.test_main import run as run

LOSS = ("model.py:loss", "--args", "w=np.ones(3), b=0.5")
LISTED = """
import numpy as np
from chainrule import differentiate

@differentiate
def good(w: np.ndarray): return np.sum(w ** 2)

@differentiate(argnames=("a", "b"))
def two(a: float, b: float): return a * b

class Model:
    @differentiate
    def loss(self, x: float): return x * x

@differentiate
def vector(x: np.ndarray): return 2 * x

class Odd: pass

@differentiate
def odd(x: Odd): return 1.0

@differentiate
def raises(x: float):
    raise ValueError("never")

def plain(x: float): return x
"""
BAD = """
@differentiate
def bad(x: float):
    global LAST
    LAST = x
    return LAST
"""


def plain(text: str) -> str:
    """Return a text without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_side_by_side(run: Run) -> None:
    """Each line of the primal stands beside what it became, both with numbers."""
    status, out, err = run(*LOSS, "-s")
    assert (status, err) == (FINE, "")
    lines = out.splitlines()
    assert re.search(r"^ +8 def loss\(.*\n? +1 def loss_grad\(w, b, x\):", out)
    beside = next(i for i, line in enumerate(lines) if "return np.sum(" in line)
    assert "tanh" in "".join(lines[beside : beside + 2])
    assert "saves tanh" in out


def test_side_by_side_says_everything(run: Run) -> None:
    """Every line of both texts is there exactly once, whole, whatever the width."""
    source = run(*LOSS)[1]
    for width in ("40", "200"):
        out = run(*LOSS, "-s", "--width", width)[1]
        for number, line in enumerate(source.splitlines(), 1):
            pattern = rf"(^| ){number} {re.escape(line.rstrip())}$"
            assert len(re.findall(pattern, out, re.MULTILINE)) == 1


def test_side_by_side_in_colours(run: Run) -> None:
    """Only numbers and remarks are dim, and without colours the text is the same."""
    colored = run(*LOSS, "-s", "--color", "always")[1]
    assert "\x1b[1mdef\x1b[0m loss_grad" in colored
    strip = [line.rstrip() for line in plain(colored).splitlines()]
    assert strip == [line.rstrip() for line in run(*LOSS, "-s")[1].splitlines()]


def test_why_is_said_beside(run: Run, tmp_path: Path) -> None:
    """A line that vanished has the reason beside it."""
    text = "def f(x: float):\n    n = len([1])\n    return x * x\n"
    (tmp_path / "gone.py").write_text(text)
    out = run("gone.py:f", "-s")[1]
    assert re.search(r"2 +n = len\(\[1\]\) +\((not needed|settled)", out)


def test_roles(run: Run) -> None:
    """The roles are listed in words, for both texts."""
    status, out, _ = run(*LOSS, "--roles")
    assert status == FINE
    assert out.startswith("def loss_grad(w, b, x):\n")
    table = out[out.index("\nrole ") :]
    assert re.search(r"^active +w +.*tanh", table, re.MULTILINE)
    assert re.search(r"^saved .*tanh", table, re.MULTILINE)
    assert re.search(r"^inactive +b, x +b, x", table, re.MULTILINE)


def test_roles_have_colours(run: Run) -> None:
    """Colours say the roles too, and change nothing but colours."""
    colored = run(*LOSS, "--roles", "--color", "always")[1]
    assert "\x1b[" in colored
    strip = [line.rstrip() for line in plain(colored).splitlines()]
    assert strip == [line.rstrip() for line in run(*LOSS, "--roles")[1].splitlines()]


def test_statistics(run: Run) -> None:
    """Statistics have a row for each stage and one for each value that is saved."""
    status, out, _ = run(*LOSS, "--stats")
    assert status == FINE
    assert out.splitlines()[0] == "loss, with respect to w, reverse mode"
    for stage in derivative.STAGES:
        assert re.search(rf"^{stage}\b", out, re.MULTILINE)
    assert re.search(r"^derivative +\d+ +\d+ +\d+\.\d ms", out, re.MULTILINE)
    assert re.search(r"^tanh +9 +float64 \(3,\) +variable +1 +24 bytes", out, re.M)
    assert "1 value saved, 24 bytes" in out


def test_nothing_saved(run: Run) -> None:
    """Where nothing is saved, the statistics say so."""
    out = run("model.py:square", "--args", "3.0", "--stats")[1]
    assert out.endswith("\nnothing is saved\n")


def test_json(run: Run) -> None:
    """`--json` is the report, for programs."""
    status, out, _ = run(*LOSS, "--json")
    made = json.loads(out)
    assert status == FINE
    assert made["name"] == "loss"
    source = "\n".join(line["text"] for line in made["derivative"])
    assert source + "\n" == run(*LOSS)[1]
    assert {name["role"] for name in made["names"]} >= {"active", "inactive"}


def test_json_says_what_was_assumed(run: Run) -> None:
    """What was assumed is in the report too."""
    made = json.loads(run("model.py:square", "--json")[1])
    assert made["assumed"] == ["x = 1.0 (from its annotation)"]


def test_html(run: Run) -> None:
    """`--html` writes one page, or prints it."""
    status, out, _ = run(*LOSS, "--html", "loss.html")
    assert (status, out) == (FINE, "")
    page = Path("loss.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "loss_grad" in page
    printed = run(*LOSS, "--html", "-")[1]
    without_times = re.compile(r"\d+\.\d ms")
    assert without_times.sub("", printed) == without_times.sub("", page)


def test_html_has_nothing_from_elsewhere(run: Run) -> None:
    """The page loads nothing: style and script are in it."""
    page = run(*LOSS, "--html", "-")[1]
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", page)
    assert "url(" not in page and "@import" not in page


def test_html_escapes(run: Run, tmp_path: Path) -> None:
    """What stands in the user's text is text in the page."""
    text = 'def f(x: float):\n    """<script>alert(1)</script>"""\n    return x * x\n'
    (tmp_path / "quoted.py").write_text(text)
    page = run("quoted.py:f", "--html", "-")[1]
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_views_together(run: Run) -> None:
    """Several views come one after the other, then the check."""
    out = run(*LOSS, "-s", "--stats", "--check")[1]
    at = [out.index(text) for text in ("def loss_grad", "statements", "agrees")]
    assert at == sorted(at)


@pytest.mark.parametrize("mode", derivative.MODES)
def test_second_order(run: Run, mode: str) -> None:
    """The gradient is differentiated in every mode, and agrees with differences."""
    status, out, _ = run(
        "model.py:square", "--args", "1.5", "--order", "2", "--mode", mode, "--check"
    )
    assert status == FINE
    assert out.startswith(f"square, with respect to x, {mode} mode, order 2\n")
    assert out.endswith("\nagrees\n")


def test_second_order_of_an_array(run: Run) -> None:
    """Of an array, the product with a direction is made, and standard error says so."""
    status, out, err = run(*LOSS, "--order", "2")
    assert status == FINE
    assert "w_dot" in out
    assert err.startswith("assumed --mode forward")
    status, _, err = run(*LOSS, "--order", "2", "--mode", "reverse")
    assert status == REFUSED
    assert "needs a function that returns one number" in err


def test_pair(run: Run) -> None:
    """Mode vjp is the pair of functions, of which the residual leads to the other."""
    out = run("model.py:vector", "--args", "np.ones(3)", "--mode", "vjp")[1]
    assert re.search(r"^def vector_fwd\(x\):", out, re.MULTILINE)
    assert re.search(r"^def vector_bwd\(residual, value_bar\):", out, re.MULTILINE)


def test_check_of_a_pair(run: Run) -> None:
    """A pullback is checked with a made-up cotangent, also where it is no number."""
    out = run("model.py:vector", "--args", "np.ones(3)", "--mode", "vjp", "--check")[1]
    assert re.search(r"^x +3 +[\d.e-]+ ", out, re.MULTILINE)
    assert out.endswith("\nagrees\n")


def test_list(run: Run, tmp_path: Path) -> None:
    """`--list` has every decorated function, in order, with its state."""
    (tmp_path / "listed.py").write_text(LISTED)
    status, out, _ = run("listed.py", "--list", "--width", "160")
    assert status == FINE
    rows = [re.split(r"  +", line.rstrip()) for line in out.splitlines()]
    assert [row[0] for row in rows[1:]] == [
        "good",
        "two",
        "Model.loss",
        "vector",
        "odd",
        "raises",
    ]
    states = {row[0]: row[-1] for row in rows}
    assert states["good"] == states["Model.loss"] == "differentiable"
    assert states["vector"] == "differentiable: vjp, jvp and jacobian"
    assert states["odd"].startswith("not tried: cannot make up a value")
    assert states["raises"].startswith("not tried: raises raises ValueError")
    assert rows[2][2] == "a, b"


def test_list_with_a_refusal(run: Run, tmp_path: Path) -> None:
    """A function that is refused has its code as state; status 1."""
    (tmp_path / "listed_bad.py").write_text(LISTED + BAD)
    status, out, _ = run("listed_bad", "--list", "--width", "120")
    assert status == REFUSED
    assert re.search(r"^bad +\d+ +x +CR106 ", out, re.MULTILINE)


def test_list_of_nothing(run: Run, tmp_path: Path) -> None:
    """A module without decorated functions is said to have none."""
    (tmp_path / "empty.py").write_text("x = 1\n")
    status, _, err = run("empty.py", "--list")
    assert status == USAGE
    assert "nothing in empty.py is decorated" in err


@pytest.mark.parametrize("view", ["-s", "--roles", "--stats", "--json"])
def test_pipes_get_no_colours(
    run: Run, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but text goes into a pipe; FORCE_COLOR asks for more, NO_COLOR wins."""
    assert "\x1b[" not in run(*LOSS, view)[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ("\x1b[" in run(*LOSS, view)[1]) is (view != "--json")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(*LOSS, view)[1]


def test_output_of_views(run: Run) -> None:
    """`--output` takes every view."""
    status, out, _ = run(*LOSS, "-s", "--output", "side.txt")
    assert (status, out) == (FINE, "")
    assert Path("side.txt").read_text() == run(*LOSS, "-s")[1]


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names every option, the exit statuses, and examples."""
    from chainrule.inspector.options import parser

    text = parser().format_help()
    actions: list[Any] = parser()._actions
    for action in actions:
        assert all(option in text for option in action.option_strings)
        assert action.help or action.dest == "target"
    assert "exit status: 0 fine, 1 not differentiable" in text
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("mode", derivative.MODES)
def test_a_function_that_writes_into_its_argument(
    run: Run, tmp_path: Path, mode: str
) -> None:
    """Each run has arguments of its own: what one run writes, no other sees."""
    text = (
        "import numpy as np\n\n"
        "def f(x: np.ndarray):\n"
        "    x *= 2.0\n"
        "    x[0] = 1.0\n"
        "    return np.sum(x ** 2)\n"
    )
    (tmp_path / "writing.py").write_text(text)
    status, out, _ = run("writing.py:f", "--check", "--stats", "--mode", mode)
    assert status == FINE
    assert out.endswith("\nagrees\n")


def test_a_value_that_is_saved_in_two_places_is_one(run: Run) -> None:
    """A loop that is left early has two ways to save; the entries are of both."""
    Path("leaving.py").write_text(LEAVING)
    status, out, _ = run("leaving.py:f", "--stats", "--args", "1.5, 4")
    assert status == FINE
    rows = [line.split()[0] for line in out.splitlines() if " tape " in line]
    assert rows and len(rows) == len(set(rows))


LEAVING = """
def f(a, n):
    s = 0.0
    for i in range(n):
        if s > 3:
            break
        s = s + a**i
    return s
"""
