"""Print a gast tree as text and prove that the text means the tree.

In: a gast module that `emit` made. Out: `Rendered`: the text, and for each of its lines
and expressions the place in the user's text that it comes from. astor's text is parsed
again and compared node by node; where it differs (or astor fails) the text is that of
`ast.unparse`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

import gast

from chainrule.backend.generator import is_remark, to_text
from chainrule.backend.layout import layout
from chainrule.backend.native import to_native
from chainrule.ir.nodes import Loc

Span = tuple[int, int, int, int]


class Rendered(NamedTuple):
    """Generated text; `lines` maps its line numbers to the user's places.

    `spans` does so for expressions: from line and column to line and column, as
    tracebacks count them. `tree` is what a parser makes of the text.
    """

    text: str
    lines: dict[int, Loc]
    engine: str
    spans: dict[Span, Loc]
    tree: ast.Module


def render(tree: Any) -> Rendered:
    """Print a gast (or ast) module."""
    native = to_native(tree)
    pairs = None
    try:
        text, engine = to_text(native, layout), "astor"
        parsed = ast.parse(text)
        pairs = _matched(native, parsed)
    except (SyntaxError, NotImplementedError, AttributeError, KeyError, ValueError):
        pass
    if pairs is None:
        text = ast.unparse(ast.fix_missing_locations(_bare(native))) + "\n"
        parsed, engine = ast.parse(text), "ast.unparse"
        pairs = _matched(native, parsed)
        if pairs is None:
            raise AssertionError(f"no printer reproduces the tree:\n{text}")
    lines: dict[int, Loc] = {}
    spans: dict[Span, Loc] = {}
    for made, node in pairs:
        if isinstance(node, ast.expr):
            start, end = (node.lineno, node.col_offset), (node.end_lineno or 0,)
            spans[*start, *end, node.end_col_offset or 0] = made.origin
        else:
            lines.update(dict.fromkeys(own_lines(node), made.origin))
    return Rendered(text, lines, engine, spans, parsed)


def sources(tree: Any, text: str) -> dict[int, list[Loc]]:
    """Return the user's places of all that stands on each line of a rendered tree.

    A line may hold operations from several places: what was nested in its expression.
    """
    out: dict[int, list[Loc]] = {}
    for made, stmt in printed_statements(tree, text):
        places = dict.fromkeys(_origins(made))
        for line in own_lines(stmt):
            out.setdefault(line, []).extend(places)
    return out


def printed_statements(tree: Any, text: str) -> Iterator[tuple[Any, ast.stmt]]:
    """Yield each statement of a rendered tree, and what the text has for it."""
    return zip(_statements(tree), _statements(ast.parse(text)), strict=True)


def _origins(node: Any) -> Iterator[Loc]:
    """Yield the places of a statement and its expressions, its body left out."""
    origin = getattr(node, "origin", None)
    if origin is not None:
        yield origin
    for child in gast.iter_child_nodes(node):
        if not isinstance(child, gast.stmt | gast.ExceptHandler | gast.match_case):
            yield from _origins(child)


def own_lines(stmt: Any) -> range:
    """Return the lines of a statement's own text, its body left out."""
    body = getattr(stmt, "body", None)
    end = body[0].lineno - 1 if body else stmt.end_lineno
    return range(stmt.lineno, max(int(stmt.lineno), int(end)) + 1)


def _statements(tree: Any) -> Iterator[Any]:
    """Yield the statements of a tree that are not comments, outermost first."""
    for name in ("body", "handlers", "orelse", "finalbody"):
        for stmt in getattr(tree, name, ()):
            if not is_remark(stmt):
                yield stmt
                yield from _statements(stmt)


def _bare(tree: ast.Module) -> ast.Module:
    """Return the tree without its comments."""

    class Strip(ast.NodeTransformer):
        def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
            return None if is_remark(node) else node

    out: ast.Module = Strip().visit(tree)
    return out


def same(a: Any, b: Any) -> bool:
    """Compare two trees, comments and positions left out.

    Where a name stands says whether it is read or assigned: `ctx` is not compared.
    """
    return _matched(a, b) is not None


def _matched(a: Any, b: Any) -> list[tuple[Any, Any]] | None:
    """Return the nodes with an origin and their like in the other tree.

    None if the trees are not the same. An expression comes before those inside it.
    """
    found = []
    stack = [(a, b)]
    while stack:
        a, b = stack.pop()
        if not isinstance(a, ast.AST):
            if a != b:
                return None
            continue
        if a.__class__ is not b.__class__:
            return None
        if getattr(a, "origin", None) is not None:
            found.append((a, b))
        if isinstance(a, ast.Name):
            if a.id != b.id:  # type: ignore[attr-defined]
                return None
            continue
        if isinstance(a, ast.Constant):
            if not _same_constant(a.value, b.value):  # type: ignore[attr-defined]
                return None
            continue
        for name in a._fields:
            mine, other = getattr(a, name, None), getattr(b, name, None)
            if isinstance(mine, list):
                if mine and isinstance(mine[0], ast.stmt):
                    mine = [s for s in mine if not is_remark(s)]
                if len(mine) != len(other or ()):
                    return None
                stack += zip(mine, other or (), strict=True)
            elif isinstance(mine, ast.AST):
                if name != "ctx":
                    stack.append((mine, other))
            elif not (mine == other or (mine is None and other == [])):
                return None
    return found


def _same_constant(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a is b or repr(a) == repr(b))
