"""The command line of `inspect-derivative`.

In: the arguments. Out: an exit status: 0 fine, 1 not differentiable or check failed, 2
wrong usage, 3 a mistake of ours.
"""

from __future__ import annotations

import argparse
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from chainrule import __version__, codes
from chainrule.errors import NotDifferentiable
from chainrule.inspector import check, derivative, show, target, values
from chainrule.inspector.target import UsageError

FINE, REFUSED, USAGE, INTERNAL = range(4)

DESCRIPTION = """\
Show the derivative of a function as the Python code that chainrule makes of it.

TARGET is module:function, module:Class.method or path/to/file.py:function.
The module is imported, which runs it.
"""
EPILOG = """\
examples:
  inspect-derivative model.py:loss --args "w=np.ones(3), X=np.eye(3), y=1.0"
  inspect-derivative model:loss --wrt w,b --check
  inspect-derivative --explain CR401

exit status: 0 fine, 1 not differentiable or check failed, 2 wrong usage,
3 internal error
"""


class Parser(argparse.ArgumentParser):
    """A parser that leaves it to `main` to end the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    out = Parser(
        prog="inspect-derivative",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    out.add_argument("target", metavar="TARGET", nargs="?")
    add = out.add_argument_group("what to differentiate").add_argument
    add("--args", metavar="EXPR", help='arguments, as in "w=np.ones(3), x=2.0"')
    add("--wrt", metavar="NAMES", help="parameters, by name or number: w,b")
    add("--mode", choices=derivative.MODES, default="reverse")
    add = out.add_argument_group("what to show").add_argument
    add(
        "--stage",
        metavar="NAME",
        action="append",
        default=[],
        help=f"{', '.join(derivative.STAGES)} or all; may be given several times",
    )
    add("--check", action="store_true", help="compare with finite differences")
    add("--explain", metavar="CODE", help="say what a code such as CR401 means")
    add = out.add_argument_group("output").add_argument
    add("--output", metavar="FILE", help="write there instead of standard output")
    add("--color", choices=("auto", "always", "never"), default="auto")
    add("--width", type=_width, metavar="N", help="columns of tables and messages")
    add("--version", action="version", version=f"chainrule {__version__}")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    style = show.Style()
    try:
        options = parser().parse_args(argv)
        style = show.Style(options.color, options.width)
        with warnings.catch_warnings():
            warnings.showwarning = lambda text, *rest: show.message(
                f"warning: {text}", style
            )
            return run(options, style)
    except UsageError as problem:
        show.message(f"error: {problem}", style)
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


def run(options: argparse.Namespace, style: show.Style) -> int:
    """Do what the options ask for."""
    if options.explain:
        return explain(options.explain)
    if not options.target:
        raise UsageError("name a function: inspect-derivative module:function")
    found = target.find(options.target)
    wrt = values.active(found, options.wrt)
    chosen = derivative.of(found, options.mode, wrt)
    arguments = values.choose(found, options.args, chosen.wrt)
    for line in arguments.assumed:
        show.message(f"assumed {line}", style)
    stages = derivative.stage_names(options.stage)
    if stages:
        made = chosen.stages(arguments)
        parts = (f"# {name}\n{made[name].strip()}" for name in stages)
        write("\n\n".join(parts), options.output, style)
    elif not options.check:
        write(chosen.source(arguments).strip("\n"), options.output, style)
    if not options.check:
        return FINE
    return report(chosen, check.check(chosen, arguments), style)


def explain(code: str) -> int:
    """Print what a code means."""
    if code.upper() not in codes.CODES:
        raise UsageError(codes.explain(code).replace("\n", "; "))
    print(codes.explain(code))
    return FINE


def write(text: str, output: str | None, style: show.Style) -> None:
    """Write code to a file, or print it."""
    if output is None or output == "-":
        show.code(text, style)
        return
    try:
        Path(output).write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"cannot write {output}: {problem.strerror}") from None


def report(
    chosen: derivative.Derivative, rows: list[check.Row], style: show.Style
) -> int:
    """Print the comparison with differences and return the status."""
    active = ", ".join(chosen.wrt)
    print(f"{chosen.target.name}, with respect to {active}, {chosen.mode} mode\n")
    show.table(check.HEADS, [row.cells() for row in rows], style)
    wrong = [row.name for row in rows if not row.ok]
    print(f"\ndiffers in {', '.join(wrong)}" if wrong else "\nagrees")
    return REFUSED if wrong else FINE


def _width(text: str) -> int:
    number = int(text)
    if number < 20:
        raise argparse.ArgumentTypeError("the least width is 20")
    return number
