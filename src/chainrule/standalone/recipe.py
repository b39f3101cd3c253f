"""The command that writes a module again, kept in its docstring.

In: a derivative and the arguments of a call, or a module that was written. Out: a
`Command`, or nothing where no command line says the same.
"""

from __future__ import annotations

import ast
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.derivative import Derivative
from chainrule.errors import short_path
from chainrule.standalone.literals import sample

PROGRAM = "inspect-derivative"
MODES = {
    "grad": "reverse",
    "value_and_grad": "value-and-grad",
    "vjp": "vjp",
    "jvp": "forward",
}
WIDTH = 88


@dataclass(frozen=True)
class Command:
    """The arguments of `inspect-derivative`, and the file that it writes."""

    argv: tuple[str, ...]
    path: str

    def lines(self) -> list[str]:
        """Return the commands that write and verify, indented and wrapped."""
        written = [PROGRAM, *self.argv, "--export", self.path]
        verified = [PROGRAM, "--verify", self.path]
        return [*_wrapped(written), *_wrapped(verified)]


def read(text: str) -> Command | None:
    """Return the command in the docstring of a module."""
    try:
        doc = ast.get_docstring(ast.parse(text), clean=False) or ""
    except SyntaxError:
        return None
    joined = doc.replace("\\\n", " ")
    for line in joined.splitlines():
        words = _split(line)
        if words[:1] == [PROGRAM] and words[-2:-1] == ["--export"]:
            return Command(tuple(words[1:-2]), words[-1])
    return None


def of_call(
    made: Derivative[Any, Any],
    path: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Command | None:
    """Return the command for a derivative that a program asked for."""
    target, options = made.target, made.options
    label = _label(target.base)
    given = target.passed(args, kwargs)
    plain = not target.args and not target.kwargs and target.parent is None
    if label is None or not plain or made.transform not in MODES:
        return None
    wrt = _wrt(made, len(args), given)
    known = target.base.__globals__
    values = [sample(x, known) for x in (*args, *kwargs.values())]
    if wrt is None or None in values:
        return None
    named = [f"{n}={v}" for n, v in zip(given[len(args) :], values[len(args) :])]  # noqa: B905
    text = ", ".join([*map(str, values[: len(args)]), *named])
    argv = [label, "--args", text, "--wrt", wrt]
    if options.has_aux and not _decorated_with_aux(target.base):
        return None
    if made.transform != "grad":
        argv += ["--mode", MODES[made.transform]]
    return Command(tuple(argv), path)


def _label(function: Any) -> str | None:
    """Return how a command line names a function, or None."""
    if not all(part.isidentifier() for part in function.__qualname__.split(".")):
        return None
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    if getattr(found, "__wrapped__", found) is not function:
        return None
    file = function.__code__.co_filename
    if function.__module__ == "__main__" or "." not in function.__module__:
        if not os.path.isfile(file):
            return None
        return f"{short_path(file)}:{function.__qualname__}"
    return f"{function.__module__}:{function.__qualname__}"


def _wrt(made: Derivative[Any, Any], passed: int, given: Sequence[str]) -> str | None:
    """Return `--wrt`, which is a tuple where it has a comma."""
    options = made.options
    if options.argnums is None and options.argnames is None:
        names = tuple(given)
    else:
        names = made.target.wrt(options, passed)
    if not all(name.isidentifier() for name in names):
        return None
    several = len(names) > 1
    if made.transform in ("grad", "value_and_grad") and several != options.as_tuple:
        return None
    return ",".join(names)


def _decorated_with_aux(function: Any) -> bool:
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return bool(getattr(getattr(found, "options", None), "has_aux", False))


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _wrapped(words: Sequence[str]) -> list[str]:
    """Return a command, continued on further lines as a shell wants it."""
    lines, line = [], "   "
    pairs: list[str] = []
    for word in map(shlex.quote, words):
        if pairs and pairs[-1].startswith("--") and " " not in pairs[-1]:
            pairs[-1] += f" {word}"
        else:
            pairs.append(word)
    for part in pairs:
        if line.strip() and len(line) + len(part) + 3 > WIDTH:
            lines.append(line + " \\")
            line = "       "
        line += f" {part}"
    return [*lines, line]
