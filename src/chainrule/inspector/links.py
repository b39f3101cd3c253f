"""Link the two texts, line by line, both ways.

In: `Facts`, what is kept, and the sections of the user's text. Out: the lines of the
derivative with the statements they come from; for each line of the user's what it
became, what it saved, or why it vanished.
"""

from __future__ import annotations

import ast
import re

from chainrule.backend import program as p
from chainrule.inspector import primal
from chainrule.inspector.facts import Facts, Place, Statement
from chainrule.inspector.primal import Section
from chainrule.inspector.report import (
    DerivativeLine,
    PrimalLine,
    Saved,
)
from chainrule.inspector.saved import Kept
from chainrule.inspector.vanished import reason
from chainrule.ir.nodes import Function, Loc, Value


def primal_lines(texts: list[Section]) -> list[PrimalLine]:
    out: list[PrimalLine] = []
    for section in texts:
        for number, text in enumerate(section.lines, section.first):
            key = len(out) + 1
            start = key - (number - section.starts[number])
            line = PrimalLine(key, section.name, section.file, number, text, start)
            out.append(line)
    return out


def _start(place: Place, texts: list[Section]) -> Place:
    """Return where the statement at a place begins."""
    for section in texts:
        if section.holds(place):
            return section.file, section.starts[place[1]]
    return place


def derivative_lines(
    facts: Facts, texts: list[Section], keys: dict[Place, int]
) -> list[DerivativeLine]:
    """Return the lines of the derivative, each with the statements it comes from."""
    source = facts.compiled.built.source.rstrip("\n").split("\n")
    origins: dict[int, dict[int, None]] = {n: {} for n in range(1, len(source) + 1)}
    sweeps: dict[int, str] = {}
    functions = {function: name for name, function in facts.functions.items()}
    named = dict.fromkeys(origins, "")
    following: dict[int, None] = {}
    for stmt in reversed(facts.statements):
        mine = [_start((loc.file, loc.line), texts) for loc in _places(stmt)]
        whole = _whole(stmt.function, texts)
        mine = [whole[1] if place == whole[0] else place for place in mine]
        found = dict.fromkeys(keys[place] for place in mine if place in keys)
        if isinstance(stmt.tree, ast.Return):
            found = found or {keys[whole[1]]: None}
        else:
            found = found or _written_alike(stmt, texts, keys) or following
            found = found or {keys[whole[1]]: None}
            following = found
        for line in stmt.lines:
            sweeps[line], named[line] = stmt.sweep, functions[stmt.function]
            if not source[line - 1].lstrip().startswith("#"):
                origins[line] |= found
    return [
        DerivativeLine(n, text, named[n], tuple(origins[n]), sweeps.get(n, ""))
        for n, text in enumerate(source, 1)
    ]


def _whole(function: Function, texts: list[Section]) -> tuple[Place, Place]:
    """Return the place that stands for a whole function, and where it is defined.

    What is made for a call stands at the call, its halves come from the function.
    """
    loc = function.loc
    name = re.sub(r"(_fwd|_bwd|_jvp|_grad|_value_and)+$", "", function.name)
    named = [s for s in texts if s.name.rpartition(".")[2] == name]
    section = named[0] if named else texts[0]
    place = (loc.file, loc.line) if loc is not None else ("", 0)
    return place, (section.file, section.first)


def _places(stmt: Statement) -> list[Loc]:
    """Return where a statement comes from; what saves, from what it saves."""
    if isinstance(stmt.node, p.Append):
        items = [v.loc for v in stmt.node.items if isinstance(v, Value)]
        return [*stmt.places, *(loc for loc in items if loc is not None)]
    return stmt.places


def _written_alike(
    stmt: Statement, texts: list[Section], keys: dict[Place, int]
) -> dict[int, None]:
    """Return the user's statements of the very text: `total = 0.0` has no operation."""
    if not isinstance(stmt.tree, ast.Assign | ast.Break | ast.Continue):
        return {}
    text = ast.unparse(stmt.tree)
    return {
        keys[section.file, line]: None
        for section in texts
        for line, tree in section.trees.items()
        if ast.unparse(tree) == text
    }


def became_of(
    lines: list[PrimalLine], derivative: list[DerivativeLine], texts: list[Section]
) -> dict[int, tuple[int, ...]]:
    """Return what each line became; all lines of a statement became the same."""
    became: dict[int, set[int]] = {line.key: set() for line in lines}
    for made in derivative:
        for key in made.origins:
            became[key].add(made.number)
    keys = {(line.file, line.number): line.key for line in lines}
    _through_calls(became, keys, texts)
    return {
        keys[section.file, number]: tuple(sorted(became[keys[section.file, start]]))
        for section in texts
        for number, start in section.starts.items()
    }


def kept_by(
    kept: list[Kept], texts: list[Section], keys: dict[Place, int]
) -> dict[int, list[Saved]]:
    """Return what each line saves; what is kept in two places is one value."""
    out: dict[int, dict[tuple[str, ...], Saved]] = {}
    for each in kept:
        if each.loc is not None:
            key = keys.get(_start((each.loc.file, each.loc.line), texts)) or 1
            what = each.name, each.type, each.how
            found = out.setdefault(key, {}).get(what, Saved(*what, None, None))
            out[key][what] = Saved(
                *what, _sum(found.entries, each.entries), _sum(found.bytes, each.bytes)
            )
    return {key: list(entries.values()) for key, entries in out.items()}


def _sum(one: int | None, other: int | None) -> int | None:
    known = [n for n in (one, other) if n is not None]
    return sum(known) if known else None


def reasons(
    facts: Facts,
    ran: set[Place] | None,
    became: dict[int, tuple[int, ...]],
    texts: list[Section],
    keys: dict[Place, int],
    wrt: str,
) -> dict[int, str]:
    """Return why each line vanished that did."""
    out = {}
    for section in texts:
        for number, tree in section.trees.items():
            place = section.file, number
            if not became[keys[place]]:
                out[keys[place]] = reason(facts, ran, place, section, tree, wrt)
    return out


def _through_calls(
    became: dict[int, set[int]], keys: dict[Place, int], texts: list[Section]
) -> None:
    """Let a line that only calls an inlined function become what that one became."""
    inlined = {section.name.rpartition(".")[2]: section for section in texts[1:]}
    for _ in range(len(texts)):  # calls within calls
        for section in texts:
            for number, tree in section.trees.items():
                key = keys[section.file, number]
                for name in primal.called(tree):
                    other = inlined.get(name)
                    if other is None or other is section:
                        continue
                    theirs = (keys[other.file, n] for n in other.trees)
                    became[key] = became[key].union(*(became[k] for k in theirs))
