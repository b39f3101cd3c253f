"""What a user sees when a derivative cannot be made: diagnostics and their exceptions.

In: a code of `codes.py`, a place, and words. Out: `NotDifferentiable`, a `SyntaxError`
whose message is the whole picture, so that plain Python, pytest and IPython show it:

    chainrule.NotDifferentiable: CR104 write to a global array
      --> model.py:41:5
       |
    41 |     TABLE[i] = x * x
       |     ^^^^^^^^^^^^^^^^ `TABLE` is a module-level array
       = help: pass the array as an argument

Wording: the message says what is not possible, the label why in a clause, the help what
to do; the user's own names in backticks, lower case, no full stop.
"""

from __future__ import annotations

import linecache
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.ir.nodes import Loc


class DifferentiationWarning(UserWarning):
    """Something legal that is probably not meant, as a gradient that is always zero."""


class WrongDerivative(ArithmeticError):
    """A derivative that differences contradict; the check of its first call says it."""

    __module__ = "chainrule"


class CannotExport(ValueError):
    """A derivative needs what cannot be written into a module of its own."""


class InternalError(RuntimeError):
    """Our own mistake, never the user's program."""

    def __init__(
        self, message: str, loc: Loc | None = None, code: str = "CR901"
    ) -> None:
        self.code = code
        self.loc = loc
        at = f" at {place(loc)}" if loc else ""
        super().__init__(
            f"{code} {message}{at}\n(a mistake of chainrule, not of your program)"
        )


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: what (`message`), where, why (`label`), what to do (`help`)."""

    code: str
    message: str
    loc: Loc | None = None
    label: str = ""
    help: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return render(self)


class NotDifferentiable(SyntaxError):
    """A construct, callee or type that has no derivative here, with all the reasons.

    The first diagnostic fills the fields of `SyntaxError`, except `text`: the
    message holds the source line already, and tools would print it twice.
    """

    __module__ = "chainrule"

    # Set where the user's own program raises: calling it shows the true exception.
    primal_fails = False

    def __init__(
        self, diagnostics: Sequence[Diagnostic], context: Sequence[str] = ()
    ) -> None:
        self.diagnostics = tuple(diagnostics)
        self.context = tuple(context)
        text = self._text()
        loc = diagnostics[0].loc
        if loc is None:
            super().__init__(text)
        else:
            end = (loc.end_line, loc.end_column + 1) if loc.end_line else (None, None)
            super().__init__(text, (loc.file, loc.line, loc.column + 1, None, *end))

    @property
    def code(self) -> str:
        """The code of the first diagnostic."""
        return self.diagnostics[0].code

    def add_context(self, note: str) -> NotDifferentiable:
        """Add a last `= note:` that says what was being done; return the exception."""
        if note not in self.context:
            self.context += (note,)
            self.msg = self._text()
            self.args = (self.msg, *self.args[1:])
        return self

    def _text(self) -> str:
        *first, last = self.diagnostics
        parts = [*map(render, first), render(last, self.context)]
        return "\n\n".join(parts)

    def __str__(self) -> str:
        return self.msg

    def __reduce__(self) -> tuple[Any, ...]:
        return NotDifferentiable, (self.diagnostics, self.context)


def not_differentiable(
    code: str,
    loc: Loc | None,
    message: str,
    *,
    label: str = "",
    help: str = "",
    notes: Sequence[str] = (),
) -> NotDifferentiable:
    """Return the exception for one problem, to be raised."""
    return NotDifferentiable(
        [Diagnostic(code, message, loc, label, help, tuple(notes))]
    )


def while_differentiating(name: str, loc: Loc | None, wrt: Sequence[str] = ()) -> str:
    """Return the note `while differentiating loss (model.py:33) with respect to x`."""
    at = f" ({short_path(loc.file)}:{loc.line})" if loc else ""
    to = f" with respect to {', '.join(wrt)}" if wrt else ""
    return f"while differentiating {name}{at}{to}"


def render(diagnostic: Diagnostic, context: Sequence[str] = ()) -> str:
    """Return the text of a diagnostic: header, place, source, carets, help, notes."""
    lines = [f"{diagnostic.code} {diagnostic.message}"]
    notes = [*diagnostic.notes, *context]
    gutter = "  "
    loc = diagnostic.loc
    if loc is not None:
        gutter = " " * max(len(str(loc.line)), 2)
        lines.append(f"{gutter}--> {place(loc)}")
    source = "" if loc is None else linecache.getline(loc.file, loc.line).rstrip()
    if loc is not None and source:
        lines.append(f"{gutter} |")
        lines.append(f"{loc.line:>{len(gutter)}} | {source}")
        marks = f"{_carets(loc, source)} {diagnostic.label}".rstrip()
        lines.append(f"{gutter} | {marks}")
    elif diagnostic.label:
        notes.insert(0, diagnostic.label)
    for word, text in [("help", diagnostic.help), *(("note", n) for n in notes)]:
        if text:
            start = f"{gutter} = {word}: "
            lines.append(start + text.replace("\n", "\n" + " " * len(start)))
    return "\n".join(lines)


def excerpt(loc: Loc) -> list[str]:
    """Return a line of the user's and the marks below it, as in a traceback."""
    source = linecache.getline(loc.file, loc.line).rstrip()
    if not source.strip():
        return []
    indent = len(source) - len(source.lstrip())
    marks = _carets(loc, source)[indent:] if loc.end_line else ""
    lines = [source.strip()]
    if " " in marks or 0 < len(marks) < len(lines[0]):
        lines.append(marks)
    return [f"    {line}" for line in lines]


def place(loc: Loc) -> str:
    """Return `model.py:41:5`: the column counts from 1, as editors do."""
    return f"{short_path(loc.file)}:{loc.line}:{loc.column + 1}"


def short_path(file: str) -> str:
    """Return a path relative to the working directory when the file lies below it."""
    if file.startswith("<"):
        return file
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive on Windows
        return file
    return file if relative.startswith(os.pardir) else relative


def _carets(loc: Loc, source: str) -> str:
    """Return the marks below `source`, the first line of the place."""
    start = min(loc.column, len(source))
    end = loc.end_column if loc.end_line == loc.line else len(source)
    before, marked = source[:start], source[start : max(end, start + 1)]
    padding = "".join("\t" if c == "\t" else " " * _width(c) for c in before)
    return padding + "^" * max(sum(map(_width, marked)), 1)


def _width(char: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
