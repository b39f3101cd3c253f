"""What the command line of `inspect-derivative` may say.

In: nothing. Out: the parser, and with it the help, which is all there is to learn.
"""

from __future__ import annotations

import argparse
from typing import NoReturn

from chainrule import __version__
from chainrule.inspector import derivative
from chainrule.inspector.target import UsageError

DESCRIPTION = """\
Show the derivative of a function as the Python code that chainrule makes of it.

TARGET is module:function, module:Class.method or path/to/file.py:function;
as in pytest, :: does too.
The module is imported, which runs it.
"""
EPILOG = """\
Types. The derivative is made for the types of the arguments. They come from
--args, which is written like the arguments of a call and sees the module's
globals; what it leaves out comes from defaults and annotations, else a float is
taken. Standard error says what was assumed.

examples:
  inspect-derivative model.py:loss --args "w=np.ones(3), X=np.eye(3), y=1.0"
  inspect-derivative model.py:loss -s              beside the primal
  inspect-derivative model.py:loss --stats         sizes, and what is saved
  inspect-derivative model.py:loss --wrt w,b --check
  inspect-derivative model.py:loss --html loss.html
  inspect-derivative model.py:loss --watch         live in the browser
  inspect-derivative model.py --list               what is decorated there
  inspect-derivative model.py:loss --export grad_loss.py
  inspect-derivative --verify grad_loss.py         is it up to date?
  inspect-derivative --explain CR401

exit status: 0 fine, 1 not differentiable, check failed or not up to date,
2 wrong usage, 3 internal error
"""


class Parser(argparse.ArgumentParser):
    """A parser that leaves it to `main` to end the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    out = Parser(
        prog="inspect-derivative",
        usage="inspect-derivative TARGET [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    out.add_argument("target", metavar="TARGET", nargs="?")
    add = out.add_argument_group("what to differentiate").add_argument
    add(
        "--args",
        metavar="EXPR",
        action="append",
        help='arguments, as in "w=np.ones(3), x=2.0"; several times for --export',
    )
    add(
        "--wrt",
        metavar="NAMES",
        help="parameters, by name or number: w,b (default: as decorated, else the"
        " first)",
    )
    add(
        "--mode",
        choices=derivative.MODES,
        help="reverse (default): the gradient; forward: value and tangent;"
        " value-and-grad: both at once; vjp: the pair of functions with the forward"
        " and the reverse sweep",
    )
    add(
        "--order",
        type=int,
        choices=(1, 2),
        default=1,
        help="2: the derivative, in that mode, of the gradient",
    )
    add = out.add_argument_group("what to show (default: the derivative)").add_argument
    add("-s", "--side-by-side", action="store_true", help="beside the primal, linked")
    add("--roles", action="store_true", help="which names are active, saved, ...")
    add(
        "--stage",
        metavar="NAME",
        action="append",
        default=[],
        help=f"{', '.join(derivative.STAGES)} or all; may be given several times",
    )
    add("--stats", action="store_true", help="statements, calls, bytes saved, times")
    add("--json", action="store_true", help="all of this, for programs")
    add("--html", metavar="FILE", help="all of this as one page; - for the output")
    add("--watch", action="store_true", help="serve the page, live as files change")
    add("--port", type=int, default=0, help="of --watch (default: a free one)")
    add("--list", action="store_true", help="decorated functions and their state")
    add("--explain", metavar="CODE", help="say what a code such as CR401 means")
    add = out.add_argument_group("modules that run without chainrule").add_argument
    add("--export", metavar="FILE", help="write the derivative as a module")
    add("--verify", metavar="FILE", help="say whether such a module is up to date")
    add = out.add_argument_group("is it right").add_argument
    add("--check", action="store_true", help="compare with finite differences")
    add = out.add_argument_group("output").add_argument
    add("--output", metavar="FILE", help="write there instead of standard output")
    add(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto heeds NO_COLOR and FORCE_COLOR",
    )
    add("--width", type=_width, metavar="N", help="columns of tables and messages")
    add("--version", action="version", version=f"chainrule {__version__}")
    return out


def _width(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if number < 20:
        raise argparse.ArgumentTypeError("the least width is 20")
    return number
