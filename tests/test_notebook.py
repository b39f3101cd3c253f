"""Notebooks: functions of cells, highlighted sources, the magic; in IPython's shell."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from IPython.utils.capture import RichOutput, capture_output
from traitlets.config import Config

from chainrule import source

ESCAPE = re.compile(r"\x1b\[[\d;]*m")


class Notebook:
    """A shell, and what its cells show."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.stdout = self.stderr = ""
        self.outputs: list[RichOutput] = []

    def run(self, cell: str) -> Any:
        """Run a cell; return the value of its last expression."""
        with capture_output() as captured:
            result = self.shell.run_cell(cell, store_history=True)
        self.stdout, self.stderr = captured.stdout, captured.stderr
        self.outputs = captured.outputs
        return result.result

    @property
    def html(self) -> str:
        """The HTML of the one output."""
        (output,) = self.outputs
        return output.data["text/html"]

    @property
    def text(self) -> str:
        """The text of the one output."""
        (output,) = self.outputs
        return output.data["text/plain"]


@pytest.fixture
def notebook(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Notebook]:
    """Return a shell with the extension, and nothing kept on disk."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    monkeypatch.setenv("COLUMNS", "100")
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell.instance(config=config)
    made = Notebook(shell)
    made.run("%load_ext chainrule\nimport numpy as np\nfrom chainrule import *")
    assert not made.stderr
    yield made
    InteractiveShell.clear_instance()


class Text(HTMLParser):
    """The text of a page, and whether its elements are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.open = "", []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_functions_of_cells(notebook: Notebook) -> None:
    """They are differentiated, also after they, or what they call, are redefined."""
    notebook.run("def helper(x):\n    return x**2")
    notebook.run("@differentiate\ndef loss(x):\n    return helper(x) + 1")
    assert notebook.run("loss.grad(3.0)") == 6.0
    assert notebook.run("loss.grad.source(3.0)").endswith("return 2 * x\n")
    notebook.run("def helper(x):\n    return 5 * x")
    assert notebook.run("loss.grad(3.0)") == 5.0
    notebook.run("@differentiate\ndef loss(x):\n    return helper(x) * 3")
    assert notebook.run("loss.grad(3.0)") == 15.0
    notebook.run("old = loss.grad\n@differentiate\ndef loss(x):\n    return x**3")
    assert notebook.run("old(3.0), loss.grad(3.0)") == (15.0, 27.0)


def test_source_is_highlighted(notebook: Notebook) -> None:
    """In a notebook as HTML that says the same as the text."""
    made = notebook.run(
        "def f(x):\n    return x if x < 1 else 2 * x\ngrad(f).source(0.5)"
    )
    page = made._repr_html_()
    assert Text(page).text.strip() == made.strip()
    assert "<span" in page and "&lt;" in page
    formatted, _ = notebook.shell.display_formatter.format(made)
    assert formatted["text/html"] == page
    assert formatted["text/plain"] == made  # no escape sequences in a notebook


def test_source_is_highlighted_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython in a terminal shows colours; in a pipe, or told not to, it does not."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    config.TerminalInteractiveShell.simple_prompt = True
    InteractiveShell.clear_instance()
    shell = TerminalInteractiveShell.instance(config=config)
    try:
        made = source.GeneratedSource("def f(x):\n    return 2 * x  # twice\n")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        plain = str(made)
        text = shell.display_formatter.format(made)[0]["text/plain"]
        assert text != plain and ESCAPE.sub("", text) == plain
        shell.colors = "nocolor"
        assert shell.display_formatter.format(made)[0]["text/plain"] == plain
        shell.colors = "linux"
        monkeypatch.setenv("NO_COLOR", "1")
        assert shell.display_formatter.format(made)[0]["text/plain"] == plain
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
        assert shell.display_formatter.format(made)[0]["text/plain"] == plain
    finally:
        TerminalInteractiveShell.clear_instance()


LOSS = """
def loss(w, X):
    h = X @ w
    return np.sum(h**2)
"""


def test_magic_with_a_call(notebook: Notebook) -> None:
    """The cell is run, and both are shown side by side, as text and as HTML."""
    notebook.run("w, X = np.ones(2), np.eye(3, 2)")
    notebook.run("%%derivative loss(w, X)\n" + LOSS.strip())
    lines = notebook.text.splitlines()
    assert lines[0].split("│")[0].strip() == "def loss(w, X):"
    assert lines[0].split("│")[1].strip() == "def loss_grad(w, X):"
    assert len({line.index("│") for line in lines}) == 1
    shown = Text(notebook.html).text
    assert shown.index("def loss(w, X):") < shown.index("def loss_grad(w, X):")
    assert "assumed" not in shown
    assert notebook.run("loss(w, X)") == 2.0


def test_line_magic_shows_a_function_that_is_there(notebook: Notebook) -> None:
    """With one `%` nothing is run; without a call there is nothing to show."""
    notebook.run("def f(x):\n    return x**2")
    notebook.run("%derivative f(3.0)")
    assert "return 2 * x" in Text(notebook.html).text
    notebook.run("%derivative")
    assert "name a call" in notebook.stderr


def test_magic_takes_variables_of_the_notebook(notebook: Notebook) -> None:
    """Without a call, and says so; else defaults and annotations hold."""
    notebook.run("w, X = np.ones(2), np.eye(3, 2)")
    notebook.run("%%derivative\n" + LOSS.strip())
    assert "assumed w = the variable w" in notebook.text
    assert "assumed X = the variable X" in Text(notebook.html).text
    assert "X.T @" in notebook.text
    notebook.run("%%derivative\ndef f(a: float, k: int = 2):\n    return a**k")
    assert "assumed a = 1.0 (from its annotation)" in notebook.text
    assert "k = " not in notebook.text


def test_magic_shows_every_function(notebook: Notebook) -> None:
    """A decorated one as decorated; one that has no derivative with the reason."""
    notebook.run(
        "%%derivative\n"
        "@differentiate(argnums=1)\n"
        "def f(x, y):\n    return x * y**2\n"
        "def g(x):\n    return eval('x')\n"
    )
    assert "def f_grad(x, y):" in notebook.text
    assert "return 2 * x * y" in notebook.text
    assert "CR105" in notebook.text and "def g(x):" in Text(notebook.html).text
    assert "<span" not in notebook.html.partition("CR105")[2]  # words, not code


def test_magic_on_functions_of_arrays(notebook: Notebook) -> None:
    """Where there is no gradient the pair of vjp is shown, unless told otherwise."""
    cell = "def f(x):\n    return np.sin(x)"
    notebook.run(f"x = np.ones(3)\n{cell}")
    notebook.run(f"%%derivative f(x)\n{cell}")
    assert "def f_fwd(x):" in notebook.text and "def f_bwd(" in notebook.text
    notebook.run(f"%%derivative --mode reverse f(x)\n{cell}")
    assert "returns one number" in notebook.stderr


def test_magic_options(notebook: Notebook) -> None:
    """What to differentiate by, and how."""
    notebook.run(
        "%%derivative --wrt y --mode forward\ndef f(x, y):\n    return x * y**2"
    )
    assert "def f_jvp(x, y, y_dot):" in notebook.text
    cell = "def f(x, y):\n    return x * y\ndef g(z):\n    return z"
    notebook.run(f"%%derivative --wrt x,y\n{cell}")
    assert "return x_bar, y_bar" in notebook.text or "return y, x" in notebook.text
    assert "def g" not in notebook.text


def test_magic_on_methods(notebook: Notebook) -> None:
    """The call may be of anything that is in the notebook by then."""
    cell = "class A:\n    k = 3.0\n    def f(self, x):\n        return self.k * x**2"
    notebook.run(f"%%derivative A().f(2.0)\n{cell}")
    assert "def f_grad(self, x):" in notebook.text


def test_magic_in_a_narrow_terminal(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One above the other where there is no room for two columns."""
    monkeypatch.setenv("COLUMNS", "30")
    notebook.run("%%derivative\ndef f(x):\n    return x**2")
    assert "│" not in notebook.text
    assert notebook.text.index("def f(x)") < notebook.text.index("def f_grad(x)")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--order 2", "there is no option --order"),
        ("--mode sideways", "--mode is one of reverse, forward, value-and-grad"),
        ("--wrt z", "the cell defines no function of z"),
        ("f(1.0", "is not a call such as"),
        ("f", "is not a call such as"),
        ("missing(1.0)", "missing: NameError"),
        ("np.pi(1.0)", "np.pi is not a function"),
        ("f(1.0, 2.0)", "the call does not fit f(x)"),
        ("f('text')", "UsageError"),
    ],
)
def test_magic_used_wrongly(notebook: Notebook, line: str, message: str) -> None:
    """A message of a few lines, no traceback."""
    notebook.run(f"%%derivative {line}\ndef f(x):\n    return x**2")
    assert message in notebook.stderr
    assert "Traceback" not in notebook.stdout + notebook.stderr


def test_magic_on_a_cell_that_fails(notebook: Notebook) -> None:
    """The cell's own error is shown, and nothing else."""
    notebook.run("%%derivative\nx = 1 / 0\ndef f(x):\n    return x**2")
    assert "ZeroDivisionError" in notebook.stdout
    assert not notebook.outputs


def test_extension_is_reloaded(notebook: Notebook) -> None:
    """It can be loaded again and unloaded."""
    notebook.run("%reload_ext chainrule")
    notebook.run("%%derivative\ndef f(x):\n    return x**2")
    assert "f_grad" in notebook.text
    notebook.run("%unload_ext chainrule")
    notebook.run("%%derivative\ndef f(x):\n    return x**2")
    assert "not found" in notebook.stderr
