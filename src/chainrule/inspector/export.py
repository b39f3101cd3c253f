"""Write derivatives as modules of their own, and say whether they are up to date.

In: the options of the command line. Out: the text of a module; a unified diff and an
exit status.
"""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path
from typing import TextIO

from chainrule.errors import CannotExport
from chainrule.inspector import choice, derivative, show
from chainrule.inspector.options import parser
from chainrule.inspector.target import UsageError
from chainrule.standalone import recipe
from chainrule.standalone.module import module_text


def module(options: argparse.Namespace, path: str, style: show.Style) -> str:
    """Return the module that the options ask for, to be written to a path."""
    chosen = choice.each(options)
    calls = []
    for made, arguments in chosen:
        for line in arguments.assumed:
            show.message(f"assumed {line}", style)
        made.source(arguments)  # refuses what cannot be compiled
        calls.append((arguments.args, arguments.kwargs))
    command = recipe.Command(tuple(_arguments(options)), path)
    try:
        return module_text(chosen[0][0].call, calls, command)
    except CannotExport as problem:
        raise derivative.Refused(str(problem)) from None


def verify(options: argparse.Namespace, style: show.Style, stream: TextIO) -> int:
    """Print how a module differs from what would be written now; 1 if it does.

    What to write is said in the module itself, unless the command line names a target.
    """
    path = options.verify
    try:
        old = Path(path).read_text(encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"cannot read {path}: {problem.strerror}") from None
    written = path
    if not options.target:
        command = recipe.read(old)
        if command is None:
            raise UsageError(
                f"{path} does not say how it was written; name the function and its"
                " arguments too: inspect-derivative TARGET --args EXPR --verify FILE"
            )
        options, written = parser().parse_args(command.argv), command.path
    new = module(options, written, style)
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        new.splitlines(keepends=True),
        path,
        "what would be written now",
    )
    diff = "".join(lines)
    stream.write(diff or f"{path} is up to date\n")
    return 1 if diff else 0


def _arguments(options: argparse.Namespace) -> list[str]:
    """Return the options that say what is written."""
    out = [options.target]
    for text in options.args or ():
        out += ["--args", text]
    if options.wrt:
        out += ["--wrt", options.wrt]
    if options.mode:
        out += ["--mode", options.mode]
    if options.order != 1:
        out += ["--order", str(options.order)]
    return out
