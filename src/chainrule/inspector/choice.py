"""What the options of the command line ask for: a derivative, and values.

In: the options. Out: the derivative that they name, and the arguments it is made for;
several of these where `--args` is given several times.
"""

from __future__ import annotations

import argparse

from chainrule.inspector import derivative, target, values
from chainrule.inspector.target import UsageError

Choice = tuple[derivative.Derivative, values.Arguments]


def only(options: argparse.Namespace) -> Choice:
    """Return the derivative and the arguments where there is one set of them."""
    if options.args and len(options.args) > 1:
        raise UsageError("several --args are for --export; give one")
    return each(options)[0]


def each(options: argparse.Namespace) -> list[Choice]:
    """Return the derivative with every set of arguments."""
    found = target.find(options.target)
    wrt = values.active(found, options.wrt) or derivative.default_wrt(found)
    names = (wrt,) if isinstance(wrt, str) else wrt
    out = []
    for text in options.args or [None]:
        arguments = values.choose(found, text, names)
        mode = derivative.mode_of(options.mode, options.order, names, arguments)
        out.append((derivative.of(found, mode, wrt, options.order), arguments))
    return out
