"""Diagnostics show the place, the reason and the remedy, in every tool."""

from __future__ import annotations

import copy
import linecache
import os
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pytest

from chainrule.errors import (
    Diagnostic,
    DifferentiationWarning,
    InternalError,
    NotDifferentiable,
    not_differentiable,
    short_path,
    while_differentiating,
)
from chainrule.ir.nodes import Loc

TEXT = """\
def loss(x, TABLE):
    TABLE[i] = x * x
\ty = "日本" + é(x)
    return (x +
            y)
"""


@pytest.fixture(autouse=True)
def _model() -> None:
    lines = TEXT.splitlines(keepends=True)
    linecache.cache["model.py"] = (len(TEXT), None, lines, "model.py")
    long = ["pass\n"] * 1000
    linecache.cache["long.py"] = (5000, None, long, "long.py")


def test_a_diagnostic_shows_place_line_carets_help_and_notes() -> None:
    """The layout is that of the charter."""
    error = not_differentiable(
        "CR104",
        Loc("model.py", 2, 4, 2, 20),
        "write to a global array",
        label="`TABLE` is a module-level array",
        help="pass the array as an argument,\nor copy it first",
        notes=["this is a note"],
    )
    error.add_context(while_differentiating("loss", Loc("model.py", 1), ["x", "y"]))
    assert str(error) == textwrap.dedent("""\
        CR104 write to a global array
          --> model.py:2:5
           |
         2 |     TABLE[i] = x * x
           |     ^^^^^^^^^^^^^^^^ `TABLE` is a module-level array
           = help: pass the array as an argument,
                   or copy it first
           = note: this is a note
           = note: while differentiating loss (model.py:1) with respect to x, y""")


def test_the_fields_of_syntax_error_are_set() -> None:
    """Tools find file, line and columns, which count from 1."""
    error = not_differentiable("CR401", Loc("model.py", 2, 4, 2, 20), "no")
    assert isinstance(error, SyntaxError)
    assert (error.filename, error.lineno, error.offset) == ("model.py", 2, 5)
    assert (error.end_lineno, error.end_offset) == (2, 21)
    assert error.code == "CR401"


def test_without_a_place_the_label_is_a_note() -> None:
    """Nothing is lost when there is no line to show."""
    error = not_differentiable("CR204", None, "no", label="why", help="what to do")
    assert str(error) == "CR204 no\n   = help: what to do\n   = note: why"
    assert error.lineno is None


def test_without_a_text_the_place_is_still_named() -> None:
    """A line that cannot be read leaves out the picture only."""
    error = not_differentiable("CR101", Loc("<gone>", 7, 2), "no", label="why")
    assert str(error) == "CR101 no\n  --> <gone>:7:3\n   = note: why"


@pytest.mark.parametrize(
    ("loc", "marks"),
    [
        (Loc("model.py", 3, 5, 3, 9), "\t    ^^^^^^ why"),
        (Loc("model.py", 3, 12, 3, 16), "\t" + " " * 13 + "^^^^ why"),
        (Loc("model.py", 4, 11, 5, 14), " " * 11 + "^^^^ why"),
        (Loc("model.py", 1), "^" * 19 + " why"),
        (Loc("model.py", 1, 4, 1, 4), "    ^ why"),
        (Loc("model.py", 1, 90, 1, 99), " " * 19 + "^ why"),
    ],
)
def test_carets_mark_what_is_meant(loc: Loc, marks: str) -> None:
    """Tabs, wide characters and places of several lines are marked where they show."""
    shown = str(not_differentiable("CR101", loc, "no", label="why"))
    assert shown.splitlines()[-1] == "   | " + marks


def test_the_margin_is_as_wide_as_the_line_number() -> None:
    """Long line numbers move everything."""
    error = not_differentiable(
        "CR101", Loc("long.py", 1000, 0, 1000, 4), "no", help="h"
    )
    assert str(error) == (
        "CR101 no\n    --> long.py:1000:1\n     |\n1000 | pass\n     | ^^^^\n"
        "     = help: h"
    )


def test_several_diagnostics_are_one_exception() -> None:
    """The first is in the fields, all are in the text, the context comes last."""
    first = Diagnostic("CR401", "one", Loc("model.py", 2, 4, 2, 9))
    second = Diagnostic("CR102", "two", None, help="mend it")
    error = NotDifferentiable([first, second], ["while testing"])
    assert error.lineno == 2
    assert str(error).split("\n\n") == [
        str(first),
        "CR102 two\n   = help: mend it\n   = note: while testing",
    ]


def test_a_context_is_added_once() -> None:
    """A recursive function does not repeat itself in the notes."""
    error = not_differentiable("CR401", None, "no")
    assert error.add_context("here").add_context("here") is error
    assert str(error).count("here") == 1


def test_a_copy_says_the_same() -> None:
    """Exceptions travel between processes."""
    error = not_differentiable("CR401", Loc("model.py", 2, 4), "no").add_context("here")
    kind, arguments = error.__reduce__()
    assert str(kind(*arguments)) == str(error)
    assert copy.deepcopy(error).diagnostics == error.diagnostics


def test_a_traceback_shows_the_line_once() -> None:
    """Python prints the place and our picture, no second copy of the line."""
    error = not_differentiable("CR401", Loc("model.py", 2, 4, 2, 20), "no", label="why")
    assert "".join(traceback.format_exception_only(error)) == (
        '  File "model.py", line 2\n'
        "chainrule.NotDifferentiable: CR401 no\n"
        "  --> model.py:2:5\n"
        "   |\n"
        " 2 |     TABLE[i] = x * x\n"
        "   |     ^^^^^^^^^^^^^^^^ why\n"
    )


SCRIPT = """\
from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Loc

def test_it():
    raise not_differentiable("CR401", Loc(__file__, 4, 4, 4, 11), "no", label="why")

if __name__ == "__main__":
    test_it()
"""
PICTURE = """\
chainrule.NotDifferentiable: CR401 no
  --> script.py:4:5
   |
 4 | def test_it():
   |     ^^^^^^^ why
"""


@pytest.mark.parametrize(
    "command",
    [
        ["script.py"],
        ["-m", "pytest", "-p", "no:cacheprovider", "-q", "script.py"],
        ["-m", "IPython", "--no-banner", "--colors=nocolor", "script.py"],
    ],
    ids=["python", "pytest", "ipython"],
)
def test_every_tool_shows_the_picture(tmp_path: Path, command: list[str]) -> None:
    """Plain Python, pytest and IPython print the whole diagnostic."""
    (tmp_path / "script.py").write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )
    shown = [
        line.removeprefix("E").removeprefix("   ").rstrip()
        for line in (run.stdout + run.stderr).splitlines()
    ]
    text = "\n".join(line.strip() for line in shown)
    for line in PICTURE.removeprefix("chainrule.").splitlines():
        assert line.strip() in text


def test_paths_below_the_working_directory_are_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other paths, and names that are no paths, stay as they are."""
    monkeypatch.chdir(tmp_path)
    assert short_path(str(tmp_path / "a" / "b.py")) == os.path.join("a", "b.py")
    assert short_path(str(tmp_path.parent / "b.py")) == str(tmp_path.parent / "b.py")
    assert short_path("<chainrule f>") == "<chainrule f>"


def test_internal_errors_do_not_blame_the_program() -> None:
    """They have a code and a place, and are no SyntaxError."""
    error = InternalError("two definitions of %x1", Loc("model.py", 2, 4))
    assert str(error) == (
        "CR901 two definitions of %x1 at model.py:2:5\n"
        "(a mistake of chainrule, not of your program)"
    )
    assert not isinstance(error, SyntaxError)


def test_warnings_have_their_own_category() -> None:
    """Users can filter ours."""
    assert issubclass(DifferentiationWarning, UserWarning)
