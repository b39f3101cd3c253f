"""The names that a piece of Python text needs from outside.

In: the text of functions and classes. Out: its free names, what of a module it reads,
and the text with some of these replaced.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Mapping

FUTURE = "from __future__ import annotations\n"


def free_names(text: str) -> list[str]:
    """Return the names that are read, or assigned as globals, and not defined in the
    text, in order.

    Names in annotations are left out: nothing evaluates them.
    """
    table = symtable.symtable(FUTURE + text, "<text>", "exec")
    own = {s.get_name() for s in table.get_symbols() if s.is_assigned()}
    found = {
        s.get_name()
        for s in table.get_symbols()
        if s.is_referenced() and not s.is_assigned()
    }
    tables = list(table.get_children())
    while tables:
        inner = tables.pop()
        tables += inner.get_children()
        for symbol in inner.get_symbols():
            used = symbol.is_referenced() or symbol.is_declared_global()
            if symbol.is_global() and used:
                found.add(symbol.get_name())
    order = [n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)]
    return [n for n in dict.fromkeys(order) if n in found - own]


def annotation_names(text: str) -> set[str]:
    """Return the names that only annotations use."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        for part in ("annotation", "returns"):
            inner = getattr(node, part, None)
            if isinstance(inner, ast.AST):
                names = (n.id for n in ast.walk(inner) if isinstance(n, ast.Name))
                found.update(names)
    return found - set(free_names(text))


def paths(text: str, root: str) -> list[str]:
    """Return the dotted paths that begin with a name, the longest of each."""
    found: list[str] = []

    def visit(node: ast.AST) -> None:
        path = dotted(node)
        if path is None:
            for child in ast.iter_child_nodes(node):
                visit(child)
        elif path.partition(".")[0] == root:
            found.append(path)

    visit(ast.parse(text))
    return list(dict.fromkeys(found))


def dotted(node: ast.AST) -> str | None:
    """Return a name and the attributes read from it as text."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else None
    return None if inner is None else f"{inner}.{node.attr}"  # type: ignore[attr-defined]


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return the text with other names for some dotted paths."""
    out = text.encode()
    starts = [0]
    for line in out.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    places = []
    for node in ast.walk(ast.parse(text)):
        path = dotted(node)
        if isinstance(node, ast.Attribute) and path is not None and path in changes:
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            places.append((start, end, changes[path]))
    for start, end, new in sorted(places, reverse=True):
        out = out[:start] + new.encode() + out[end:]
    return out.decode()


def without(text: str, decorators: set[str]) -> str:
    """Return the text of a class or function without some of its decorators."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        for item in getattr(node, "decorator_list", ()):
            called = item.func if isinstance(item, ast.Call) else item
            if dotted(called) in decorators:
                for number in range(item.lineno - 1, item.end_lineno or item.lineno):
                    lines[number] = ""
    return "".join(lines)
