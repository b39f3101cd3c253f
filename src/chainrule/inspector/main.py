"""The command `inspect-derivative`: what is asked for is made and shown.

In: the arguments of a command line. Out: an exit status: 0 fine, 1 not differentiable,
check failed or a module not up to date, 2 wrong usage, 3 a mistake of ours.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from chainrule import codes
from chainrule.errors import NotDifferentiable
from chainrule.inspector import (
    check,
    choice,
    collect,
    derivative,
    export,
    listing,
    page,
    show,
    terminal,
    watch,
)
from chainrule.inspector.options import parser
from chainrule.inspector.report import Report, title
from chainrule.inspector.target import UsageError

FINE, REFUSED, USAGE, INTERNAL = range(4)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    style = show.Style()
    try:
        argv = sys.argv[1:] if argv is None else list(argv)
        options = parser().parse_args(argv)
        style = show.Style(options.color, options.width)
        with warnings.catch_warnings():
            warnings.showwarning = lambda text, *rest: show.message(
                f"warning: {text}", style
            )
            return run(options, style, argv)
    except UsageError as problem:
        show.message(f"error: {problem}{problem.hint}", style)
        return USAGE
    except (NotDifferentiable, derivative.Refused) as problem:
        mark = "error: " if isinstance(problem, derivative.Refused) else ""
        show.message(f"{mark}{problem}", style)
        return REFUSED
    except BrokenPipeError:
        return FINE
    except Exception as problem:
        show.message("".join(traceback.format_exception(problem)), style)
        show.message("error: this is a mistake of chainrule; please report it", style)
        return INTERNAL


def run(options: argparse.Namespace, style: show.Style, argv: Sequence[str]) -> int:
    """Do what the options ask for, on standard output or in a file."""
    if options.watch:
        return watch.serve(options.target, argv, options.port, style)
    out = sys.stdout
    # what the function prints is no part of the answer
    with contextlib.redirect_stdout(sys.stderr):
        if options.output in (None, "-"):
            return answer(options, style, out)
        text = io.StringIO()
        status = answer(options, style, text)
    write(text.getvalue(), options.output)
    return status


def answer(options: argparse.Namespace, style: show.Style, stream: TextIO) -> int:
    """Do what the options ask for."""
    if options.explain:
        return explain(options.explain, stream)
    if options.verify:
        return export.verify(options, style, stream)
    if not options.target:
        raise UsageError(
            "name a function: inspect-derivative module:function (--help has the rest)"
        )
    if options.export:
        write(export.module(options, options.export, style), options.export)
        return FINE
    if options.list:
        states = listing.states(options.target)
        show.table(listing.HEADS, [s.cells() for s in states], style, stream)
        return REFUSED if any(state.refused for state in states) else FINE
    stages = derivative.stage_names(options.stage)
    chosen, arguments = choice.only(options)
    for line in arguments.assumed:
        show.message(f"assumed {line}", style)
    rows = check.check(chosen, arguments) if options.check else None
    if wants_report(options):
        made = replace(collect.collect(chosen, arguments), check=rows)
        views(made, options, stages, style, stream)
    elif rows is None:
        show.code(chosen.source(arguments).strip("\n"), style, stream)
    if rows is None:
        return FINE
    if not options.json:
        terminal.checked(subject(chosen), rows, style, stream)
    return FINE if all(row.ok for row in rows) else REFUSED


def subject(chosen: derivative.Derivative) -> str:
    """Return what is checked."""
    return title(chosen.target.name, chosen.wrt, chosen.mode, chosen.order)


def wants_report(options: argparse.Namespace) -> bool:
    """Say whether more than the text of the derivative is asked for."""
    views = ("side_by_side", "roles", "stage", "stats", "json", "html")
    return any(getattr(options, view) for view in views)


def views(
    made: Report,
    options: argparse.Namespace,
    stages: Sequence[str],
    style: show.Style,
    stream: TextIO,
) -> None:
    """Show the views of a report that are asked for, a blank line between two."""
    if options.html:
        text = page.page(made)
        if options.html == "-":
            stream.write(text)
        else:
            write(text, options.html)
    if options.json:
        json.dump(made.to_dict(), stream, indent=2)
        stream.write("\n")
    shown = [
        (options.side_by_side, terminal.side_by_side),
        (options.roles, terminal.roles),
        (bool(stages), lambda r, s, o: terminal.stages(r, stages, s, o)),
        (options.stats, terminal.statistics),
    ]
    parts = [render for wanted, render in shown if wanted]
    for k, render in enumerate(parts):
        if k:
            stream.write("\n")
        render(made, style, stream)
    if parts and options.check:
        stream.write("\n")


def explain(code: str, stream: TextIO) -> int:
    """Print what a code means."""
    if code.upper() not in codes.CODES:
        raise UsageError(codes.explain(code).replace("\n", "; "))
    stream.write(codes.explain(code) + "\n")
    return FINE


def write(text: str, path: str) -> None:
    """Write a file."""
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror}") from None
