"""A page for every derivative that tests checked, and a page that lists them.

In: a folder, and for each check the function, its arguments and what came out. Out:
files of HTML, each complete in itself; `index.html` links them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from chainrule.checking import goldens, structure
from chainrule.checking.differences import quiet
from chainrule.derivative import Derivative
from chainrule.inspector import collect, page, target, values
from chainrule.inspector import derivative as derivatives

MODES = {
    "grad": ("reverse", 1),
    "value_and_grad": ("value-and-grad", 1),
    "vjp": ("vjp", 1),
    "jacobian": ("vjp", 1),
    "jvp": ("forward", 1),
    "hessian": ("forward", 2),
    "hvp": ("forward", 2),
}


@dataclass(frozen=True)
class Checked:
    """One check of one derivative: its row in the list."""

    test: str
    what: str
    function: str
    wrt: str
    ok: bool
    text: str
    page: str


def add(
    folder: Path,
    test: str,
    what: str,
    call: tuple[Any, tuple[Any, ...], dict[str, Any], Any],
    outcome: tuple[bool, str],
    *,
    transform: str = "grad",
    number: int = 0,
) -> Checked:
    """Write the page of a check; `number` tells the checks of one test apart.

    `call` is the function, its arguments, and what to differentiate by. A derivative
    that cannot be shown gets a page that says why.
    """
    function, args, kwargs, wrt = call
    name = str(getattr(getattr(function, "function", function), "__name__", "function"))
    names, text = "", ""
    try:
        with quiet():
            made = goldens.derivative(function, wrt, transform)
            args = _of_function(made, args)
            chosen = made.target.wrt(made.options, len(args))
            names = ", ".join(chosen)
            text = goldens.code(made, args, kwargs)
            text = _page(made, args, kwargs, chosen)
    except Exception as problem:
        # What has no text beside it, as a function of C has none, is shown alone.
        why = f"{type(problem).__name__}: {problem}"
        text = _alone(name, why, text) if text else page.error_page(name, why)
    file = file_name(test, number)
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath(file).write_text(text, encoding="utf-8")
    return Checked(test, what, name, names, *outcome, file)


def file_name(test: str, number: int) -> str:
    """Return the name of a page, different for each test."""
    readable = re.sub(r"\W+", "-", test).strip("-")[-80:]
    mark = f"{zlib.crc32(test.encode()):08x}"
    return f"{readable}-{mark}{f'-{number + 1}' if number else ''}.html"


def write(folder: Path, rows: Sequence[Checked]) -> Path:
    """Write the list, what went wrong first; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    ordered = sorted(rows, key=lambda row: (row.ok, row.test, row.page))
    path.write_text(_list(ordered), encoding="utf-8")
    return path


def _of_function(made: Derivative[..., Any], args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of the function among those of its derivative."""
    if made.transform == "jvp" and [type(a) for a in args] == [tuple, tuple]:
        return tuple(args[0])
    if made.transform == "hvp":
        try:
            target.of(made.function).signature.bind(*args)
        except TypeError:
            return args[:-1]  # the last one is the vector
    return args


def _page(
    made: Derivative[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    names: tuple[str, ...],
) -> str:
    found = target.of(made.function)
    mode, order = MODES[made.transform]
    wrt = names if len(names) > 1 else names[0]
    shown = derivatives.of(found, mode, wrt, order)
    fresh = tuple(map(structure.fresh, args))
    return page.page(collect.collect(shown, values.given(found, fresh, kwargs)))


def _list(rows: Sequence[Checked]) -> str:
    wrong = sum(not row.ok for row in rows)
    count = f"{len(rows)} derivative{'' if len(rows) == 1 else 's'} checked"
    result = f"{wrong} failed" if wrong else "all as they should be"
    body = "\n".join(map(_row, rows))
    heads = "".join(f"<th>{head}</th>" for head in ("function", "by", "check", "test"))
    return _document(
        "Derivatives",
        f"<p>{count}, {result}.</p>\n<table>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>",
    )


def _alone(name: str, why: str, code: str) -> str:
    """Return a page with the code of a derivative and nothing beside it."""
    reason = f"<p>Its primal cannot be shown beside it:</p>\n<pre>{escape(why)}</pre>"
    return _document(f"{name}: derivative", f"<pre>{escape(code)}</pre>\n{reason}")


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"{body}\n</body>\n</html>\n"
    )


def _row(row: Checked) -> str:
    mark = "agrees" if row.ok else "fails"
    first, _, rest = row.text.partition("\n")
    detail = escape(first)
    if rest:
        detail = f"<details><summary>{detail}</summary><pre>{escape(rest)}</pre>"
        detail += "</details>"
    return (
        f'<tr class="{mark}"><td><a href="{escape(row.page)}">{escape(row.function)}'
        f"</a></td><td>{escape(row.wrt)}</td>"
        f"<td><b>{escape(row.what)} {mark}</b> {detail}</td>"
        f"<td><code>{escape(row.test)}</code></td></tr>"
    )


STYLE = """\
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto;
  padding: 0 1em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4em .8em .4em 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
td { overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; }
pre { overflow-x: auto; font-size: 13px; }
.agrees b { color: light-dark(#17692f, #6fce86); }
.fails b { color: light-dark(#a8200d, #ff9385); }
@media (max-width: 40em) {
  thead { display: none; }
  tr { display: block; padding: .6em 0;
    border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
  td { display: block; border: 0; padding: 0; }
}
"""
