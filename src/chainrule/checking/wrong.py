"""What is wrong with a derivative, as a text to act on.

In: a problem, its derivative from three sides, and the entries where they differ. Out:
which side is alone, the argument, index and all three numbers of each entry, and the
lines of the function that read the argument.
"""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from typing import TYPE_CHECKING

import gast
import numpy as np

from chainrule.checking import differences, structure
from chainrule.errors import NotDifferentiable, short_path
from chainrule.frontend import source
from chainrule.target import target_of

if TYPE_CHECKING:
    from chainrule.checking.derivatives import Sides
    from chainrule.checking.differences import Vector
    from chainrule.checking.problems import Problem

SHOWN = 8
LINES = 3
HEADS = ("", "reverse", "forward", "differences")


def explain(problem: Problem, sides: Sides, bad: Sequence[int], rtol: float) -> str:
    """Return the text of a failure."""
    size = sides.adjoint.size
    names = entry_names(problem)
    shown = chosen(problem, bad)
    reverse = sides.adjoint[shown]
    forward = np.full(len(shown), np.nan)
    if sides.has_forward:
        forward = np.array([sides.forward(unit(size, i)) for i in shown])
    pairs = [sides.differences(unit(size, i)) for i in shown]
    slopes, errors = np.array(pairs).T
    _, expected, _ = differences.disagreements(reverse, slopes, errors, rtol)
    rows = [
        (
            names[i],
            f"{reverse[k]:.9g}",
            f"{forward[k]:.9g}" if sides.has_forward else "no rule",
            "unknown"
            if np.isnan(expected[k])
            else f"{slopes[k]:.9g} +- {errors[k]:.0e}",
        )
        for k, i in enumerate(shown)
    ]
    why = verdict(reverse, forward, expected, rtol)
    lines = [f"{problem.title} is wrong: {why}"]
    lines += table([HEADS, *rows])
    if len(bad) > len(rows):
        lines.append(f"  ... and {len(bad) - len(rows)} more of {size} numbers")
    lines += reads(problem, {owner(problem, i) for i in bad})
    return "\n".join(lines)


def chosen(problem: Problem, bad: Sequence[int]) -> list[int]:
    """Return the entries to show, some of each argument."""
    owners = [owner(problem, i) for i in bad]
    each = max(1, SHOWN // len(set(owners)))
    pairs = list(zip(owners, bad, strict=True))
    return [
        i for name in problem.names for i in [i for o, i in pairs if o == name][:each]
    ]


def entry_names(problem: Problem) -> list[str]:
    """Return a name for every number: `w["b"][1, 0]`."""
    pairs = zip(problem.names, problem.active, strict=True)
    return [name + where for name, x in pairs for where in structure.names(x)]


def owner(problem: Problem, entry: int) -> str:
    """Return the argument that an entry belongs to."""
    for name, x in zip(problem.names, problem.active, strict=True):
        size = structure.to_vector(x).size
        if entry < size:
            return name
        entry -= size
    raise IndexError(entry)


def verdict(reverse: Vector, forward: Vector, expected: Vector, rtol: float) -> str:
    """Say which column is alone: reverse mode, forward mode or differences."""
    if not np.all(np.isfinite(expected)):
        return "differences cannot confirm it (a jump, a kink, or noise)"
    scale = np.max(np.abs([reverse, expected]), initial=1e-12)

    def agree(a: Vector, b: Vector) -> bool:
        return bool(np.all(np.abs(a - b) <= 10 * rtol * scale))

    if agree(forward, expected):
        return "forward mode and differences agree on other numbers"
    if agree(reverse, expected):
        return "reverse mode and differences agree, forward mode does not"
    if agree(reverse, forward) or np.all(np.isnan(forward)):
        return "differences give other numbers"
    return "all three ways give other numbers"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    out = []
    for first, *rest in rows:
        cells = [f"{c:>{w}}" for c, w in zip(rest, widths[1:], strict=True)]
        out.append("   ".join([f"  {first:<{widths[0]}}", *cells]).rstrip())
    return out


def reads(problem: Problem, arguments: set[str]) -> list[str]:
    """Return the first lines of the function that read the arguments, with carets."""
    try:
        found = source.load(target_of(problem.origin).base)
    except NotDifferentiable:  # a function of C has no lines
        return []
    places = _columns(found.tree, {name.partition("[")[0] for name in arguments})
    if not places:
        return []
    gutter = len(str(max(places)))
    out = [f"  {'':{gutter}}--> {short_path(found.filename)}:{min(places)}"]
    for line in sorted(places)[:LINES]:
        text = linecache.getline(found.filename, line).rstrip()
        marks = [" "] * len(text)
        for start, end in places[line]:
            marks[start:end] = "^" * (end - start)
        out.append(f"  {line:>{gutter}} | {text}")
        out.append(f"  {'':>{gutter}} | {''.join(marks).rstrip()}")
    if len(places) > LINES:
        out.append(f"  {'':>{gutter}} | ... and {len(places) - LINES} more lines")
    return out


def _columns(tree: gast.AST, names: set[str]) -> dict[int, list[tuple[int, int]]]:
    """Return where names are read: first and last column by line."""
    out: dict[int, list[tuple[int, int]]] = {}
    for node in gast.walk(tree):
        is_read = isinstance(node, gast.Name) and isinstance(node.ctx, gast.Load)
        if is_read and node.id in names:
            place = (node.col_offset, node.end_col_offset)
            out.setdefault(node.lineno, []).append(place)
    return out


def unit(size: int, i: int) -> Vector:
    """Return the direction of one coordinate."""
    out = np.zeros(size)
    out[i] = 1.0
    return out
