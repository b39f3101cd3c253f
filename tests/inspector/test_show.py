"""What the command prints, with and without colours."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from chainrule.inspector import show

CODE = "def f_grad(x, y_bar):\n    # reverse sweep\n    return 2 * x * y_bar  # 100%\n"
LONG = "x = " + " + ".join(f"name_{i}" for i in range(60)) + "\n"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("text", [CODE, LONG, "x = '[bold]:smile:'\n"])
def test_plain_code_is_the_text(text: str) -> None:
    """Without colours the output is the text, to the last character."""
    out = io.StringIO()
    show.code(text, show.Style("never"), out)
    assert out.getvalue() == text


@pytest.mark.parametrize("text", [CODE, LONG, "x = '[bold]:smile:'\n"])
def test_colored_code_is_the_text_and_colours(text: str) -> None:
    """With colours the output is the text once the escape sequences are taken out."""
    out = io.StringIO()
    show.code(text, show.Style("always", width=40), out)
    assert re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()) == text


def test_cotangents_stand_out() -> None:
    """Cotangents have their own colour."""
    out = io.StringIO()
    show.code(CODE, show.Style("always"), out)
    assert "\x1b[35my_bar" in out.getvalue()


@pytest.mark.parametrize(
    ("color", "environment", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_to_colour(
    color: str, environment: dict[str, str], terminal: bool, expected: bool
) -> None:
    """The option comes first, then NO_COLOR, FORCE_COLOR and the terminal."""
    stream: Any = Terminal() if terminal else io.StringIO()
    assert show.Style(color).colored(stream, environment) is expected


def test_message_is_the_text() -> None:
    """A diagnostic keeps its layout."""
    text = (
        "CR401 write\n  --> m.py:1:2\n   |\n 1 | y[0] = x\n   | ^^^^ why\n   = help: do"
    )
    plain, colored = io.StringIO(), io.StringIO()
    show.message(text, show.Style("never"), plain)
    show.message(text, show.Style("always"), colored)
    assert plain.getvalue() == text + "\n"
    assert "\x1b[1;31mCR401" in colored.getvalue()
    assert "\x1b[31m^^^^ why" in colored.getvalue()


def test_table() -> None:
    """Columns are aligned: words to the left, numbers to the right."""
    out = io.StringIO()
    rows = [("w", "3", "1e-10"), ("bias", "12", "2e-9")]
    show.table(("argument", "entries", "error"), rows, show.Style("never"), out)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == [
        "argument   entries   error",
        "w                3   1e-10",
        "bias            12    2e-9",
    ]


def test_table_breaks_words_where_there_is_no_room() -> None:
    """Cells are broken between words, and nothing is cut off."""
    out = io.StringIO()
    rows = [("refused", "12", "`.add` changes its set in place")]
    show.table(("name", "line", "state"), rows, show.Style("never", 40), out)
    assert out.getvalue() == (
        "name      line   state\n"
        "refused     12   `.add` changes its set\n"
        "                 in place\n"
    )


def test_table_becomes_paragraphs_where_not_even_words_have_room() -> None:
    """Every cell has a line of its own, but for those that are empty."""
    out = io.StringIO()
    rows = [("specialised", "16", "6.0 ms"), ("activity", "", "")]
    show.table(("stage", "statements", "time"), rows, show.Style("never", 24), out)
    lines = ["specialised", "  statements: 16", "  time: 6.0 ms", "activity"]
    assert out.getvalue().splitlines() == lines
