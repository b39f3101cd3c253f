"""The refusals of `source`: no text, the wrong text, text that cannot be handled.

In: the function. Out: a `NotDifferentiable` of family CR2xx (or CR109), to be raised.
"""

from __future__ import annotations

import types
from typing import Any

from chainrule.errors import NotDifferentiable, not_differentiable, short_path
from chainrule.ir.nodes import Loc

# How functions without a text came to be, by the file name that their code carries.
ORIGINS = {
    "<stdin>": "it was typed at the plain Python prompt, which keeps no text",
    "<console>": "it was typed at a console that keeps no text",
    "<string>": "it was made by exec() or python -c, which keep no text",
    "<timed exec>": "it was defined in a %%time cell, which keeps no text",
    "<timed eval>": "it was defined in a %time line, which keeps no text",
}


def no_source(function: types.FunctionType) -> NotDifferentiable:
    """Return CR201: there is nothing to read."""
    name, file = function.__name__, function.__code__.co_filename
    first = "define it in a file or a notebook cell"
    if file.startswith("<timed"):
        first = "define it in a cell without %%time"
    return not_differentiable(
        "CR201",
        None,
        f"no source text for `{name}`",
        label=ORIGINS.get(file, f"`{short_path(file)}` cannot be read"),
        help=f"{first}, or give the text: {give_text(name)}",
    )


def not_there(function: types.FunctionType, why: str) -> NotDifferentiable:
    """Return CR202: the text does not hold the function, or holds several."""
    code = function.__code__
    return not_differentiable(
        "CR202",
        Loc(code.co_filename, code.co_firstlineno),
        f"the text of `{function.__name__}` cannot be told from its file",
        label=why,
        help=f"give the text: {give_text(function.__name__)}",
    )


def edited(function: types.FunctionType, line: int) -> NotDifferentiable:
    """Return CR203: the text is not that of the code that runs."""
    name, file = function.__name__, function.__code__.co_filename
    return not_differentiable(
        "CR203",
        Loc(file, line),
        f"{short_path(file)} was edited after `{name}` was imported",
        label=f"this text compiles to other code than the `{name}` that runs",
        help="import the module again (importlib.reload) or restart Python",
        notes=[
            "if an import hook rewrites the code, give the text: " + give_text(name)
        ],
    )


def not_python(function: Any) -> NotDifferentiable:
    """Return CR204: a builtin, a class, an object."""
    name = getattr(function, "__name__", type(function).__name__)
    kind = type(function).__name__
    return not_differentiable(
        "CR204",
        None,
        f"`{name}` is not a Python function",
        label=f"it is a {kind}, which has no text to make a derivative of",
        help=f"wrap it in a function: def g(x): return {name}(x)",
    )


def not_that(name: str, why: str) -> NotDifferentiable:
    """Return CR205: the text that the user gave does not fit."""
    return not_differentiable(
        "CR205",
        None,
        f"the source given is not that of `{name}`",
        label=why,
        help="pass the text exactly as the function was defined",
    )


def too_deep(loc: Loc) -> NotDifferentiable:
    """Return CR109: a tree that recursion cannot walk."""
    return not_differentiable(
        "CR109",
        loc,
        "expression nested too deep",
        label="every level of an expression is a level of recursion",
        help="split the expression into several statements, or use a loop",
    )


def give_text(name: str) -> str:
    """Return what to type when the text must be given."""
    name = "f" if name == "<lambda>" else name
    return f'`differentiate({name}, source="...")`'
