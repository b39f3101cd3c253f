"""Print: generated code, tables and diagnostics, with colours where they are wanted.

In: text and numbers. Out: the same on a stream. Without colours what is written is
exactly the text, so that it can be saved, compared and run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

# colours by number follow the terminal's own theme, light or dark
COTANGENT = "magenta"
TANGENT = "cyan"


@dataclass(frozen=True)
class Style:
    """How to print: colours `auto`, `always` or `never`, and the width of tables."""

    color: str = "auto"
    width: int | None = None

    def console(self, stream: TextIO) -> Console:
        """Return rich's console for a stream."""
        colored = self.colored(stream)
        return Console(
            file=stream,
            width=self.width or (None if stream.isatty() else 88),
            force_terminal=colored,
            no_color=not colored,
            color_system="standard" if colored else None,
            highlight=False,
            emoji=False,
            markup=False,
        )

    def colored(
        self, stream: TextIO, environment: Mapping[str, str] | None = None
    ) -> bool:
        """Say whether to colour: the option, NO_COLOR, FORCE_COLOR, the terminal."""
        known = os.environ if environment is None else environment
        if self.color != "auto":
            return self.color == "always"
        if known.get("NO_COLOR"):
            return False
        if known.get("FORCE_COLOR"):
            return True
        return stream.isatty() and known.get("TERM") != "dumb"


def code(text: str, style: Style, stream: TextIO | None = None) -> None:
    """Print Python code; cotangents and tangents stand out."""
    stream = stream or sys.stdout
    if not style.colored(stream):
        stream.write(text if text.endswith("\n") else text + "\n")
        return
    painted = Syntax("", "python", theme="ansi_dark").highlight(text.rstrip("\n"))
    painted.rstrip()
    painted.highlight_regex(r"\b\w+_bar\b", COTANGENT)
    painted.highlight_regex(r"\b\w+_dot\b", TANGENT)
    style.console(stream).print(painted, soft_wrap=True)


def message(text: str, style: Style, stream: TextIO | None = None) -> None:
    """Print a diagnostic in the manner of rustc."""
    stream = stream or sys.stderr
    painted = Text(text)
    painted.highlight_regex(r"(?m)^(error|CR\d+).*$", "bold")
    painted.highlight_regex(r"(?m)^(error\b|CR\d+)", "bold red")
    painted.highlight_regex(r"(?m)^ *(-->|\||\d+ \|)", "blue")
    painted.highlight_regex(r"(?m)^ *\| *(?P<red>\^.*)$")
    painted.highlight_regex(r"(?m)^ *= (help|note):", "bold cyan")
    style.console(stream).print(painted, soft_wrap=True)


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    style: Style,
    stream: TextIO | None = None,
) -> None:
    """Print rows below their heads: numbers to the right, all else to the left.

    Columns of words are broken into lines where there is no room. Where not even words
    have room, each row is a paragraph.
    """
    stream = stream or sys.stdout
    console = style.console(stream)
    grid = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    needed = 3 * (len(heads) - 1)
    for i, head in enumerate(heads):
        column = [head, *(row[i] for row in rows)]
        textual = i == 0 or not any(re.match(r"[-\d]", cell) for cell in column)
        words = " ".join(column).split() if textual else column
        width = max(map(len, words), default=0)
        side: JustifyMethod = "left" if textual else "right"
        grid.add_column(head, justify=side, no_wrap=not textual, min_width=width)
        needed += width
    for row in rows:
        grid.add_row(*row)
    with console.capture() as shown:
        if needed <= console.width:
            console.print(grid)
        else:
            _paragraphs(heads, rows, console)
    for line in shown.get().splitlines():
        stream.write(line.rstrip() + "\n")


def _paragraphs(
    heads: Sequence[str], rows: Sequence[Sequence[str]], console: Console
) -> None:
    """Print a table of rows as paragraphs: a line for each cell that is not empty."""
    for row in rows:
        console.print(Text(row[0], "bold"))
        for head, cell in list(zip(heads, row, strict=True))[1:]:
            if cell:
                console.print(Padding(Text(f"{head}: {cell}"), (0, 0, 0, 2)))
