"""The user's side of a report: the lines of the function and of what was inlined.

In: a function, and the places that the generated code comes from. Out: `Section`s, one
for each function of the user's that the derivative is made of, the function itself
first; and for each line the statement that it belongs to.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chainrule
from chainrule.backend.render import own_lines
from chainrule.frontend.source import load
from chainrule.inspector.facts import Place
from chainrule.ir.nodes import Loc

PACKAGE = str(Path(chainrule.__file__).parent)
SILENT = (ast.FunctionDef, ast.ClassDef, ast.Pass, ast.Import, ast.ImportFrom)
SILENT += (ast.Global, ast.Nonlocal, ast.AsyncFunctionDef)  # type: ignore[assignment]


@dataclass
class Section:
    """The text of one function; `starts` maps each line to where its statement starts.

    `trees` are the statements by that line, without what leaves no trace in any case.
    """

    name: str
    file: str
    first: int
    lines: list[str]
    starts: dict[int, int] = field(default_factory=dict)
    trees: dict[int, ast.stmt] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    inlined: bool = False

    def holds(self, place: Place) -> bool:
        """Say whether a place is in this text."""
        file, line = place
        return file == self.file and self.first <= line < self.first + len(self.lines)


def sections(function: Callable[..., Any], locs: Iterable[Loc]) -> list[Section]:
    """Return the function's own text and that of each function that was inlined."""
    source = load(function)
    lines = source.text.rstrip().split("\n")
    out = [_section(source.qualname, source.filename, source.first_line, lines)]
    for loc in sorted(locs, key=lambda loc: (loc.file, loc.line)):
        if loc.file.startswith(PACKAGE) or loc.file.startswith("<chainrule"):
            continue
        if not any(section.holds((loc.file, loc.line)) for section in out):
            out += _around(loc)
    return out


def _around(loc: Loc) -> Iterator[Section]:
    """Yield the function around a place, the innermost that is one by itself."""
    lines = linecache.getlines(loc.file)
    try:
        module = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return
    found = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.Lambda)
        and node.lineno <= loc.line <= (node.end_lineno or node.lineno)
    ]
    if not found:
        return
    node = max(found, key=lambda n: n.lineno)
    last = node.end_lineno or node.lineno
    text = [line.rstrip("\n") for line in lines[node.lineno - 1 : last]]
    name = loc.function or getattr(node, "name", "<lambda>")
    section = _section(name, loc.file, node.lineno, text)
    section.inlined = True
    yield section


def _section(name: str, file: str, first: int, lines: list[str]) -> Section:
    section = Section(name, file, first, lines)
    for number in range(first, first + len(lines)):
        section.starts[number] = number
    text = "\n".join(lines)
    indent = len(text) - len(text.lstrip(" "))
    if indent:
        text = "if True:\n" + text
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a lambda within a statement
        return section
    ast.increment_lineno(tree, first - 1 - bool(indent))
    for stmt in ast.walk(tree):
        if isinstance(stmt, ast.FunctionDef) and not section.parameters:
            section.parameters = [
                n.arg for n in ast.walk(stmt.args) if isinstance(n, ast.arg)
            ]
        if not isinstance(stmt, ast.stmt) or stmt.lineno < first:
            continue
        for line in own_lines(stmt):
            section.starts[line] = stmt.lineno
        if not isinstance(stmt, SILENT) and not _is_text(stmt):
            section.trees.setdefault(stmt.lineno, stmt)
    return section


def _is_text(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant)


def called(stmt: ast.stmt) -> list[str]:
    """Return the last part of the name of each function that a statement calls."""
    out = []
    for node in own_nodes(stmt):
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(func, ast.Attribute):
            out.append(func.attr)
        elif isinstance(func, ast.Name):
            out.append(func.id)
    return out


def own_nodes(stmt: ast.AST) -> Iterator[ast.AST]:
    """Yield the expressions of a statement, not the statements inside it."""
    for child in ast.iter_child_nodes(stmt):
        if not isinstance(child, ast.stmt):
            yield child
            yield from own_nodes(child)
