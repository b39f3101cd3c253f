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
    tracebacks count them.
    """

    text: str
    lines: dict[int, Loc]
    engine: str
    spans: dict[Span, Loc]


def render(tree: Any) -> Rendered:
    """Print a gast (or ast) module."""
    origins = [getattr(s, "origin", None) for s in _statements(tree)]
    native = to_native(tree)
    try:
        text = to_text(native, layout)
        parsed = ast.parse(text)
        engine = "astor" if same(native, parsed) else ""
    except (SyntaxError, NotImplementedError, AttributeError, KeyError, ValueError):
        engine = ""
    if not engine:
        text = ast.unparse(ast.fix_missing_locations(_bare(native))) + "\n"
        parsed, engine = ast.parse(text), "ast.unparse"
        if not same(native, parsed):
            raise AssertionError(f"no printer reproduces the tree:\n{text}")
    lines: dict[int, Loc] = {}
    for origin, stmt in zip(origins, _statements(parsed), strict=True):
        if origin is not None:
            for line in own_lines(stmt):
                lines.setdefault(line, origin)
    return Rendered(text, lines, engine, _spans(tree, parsed))


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


def _spans(tree: Any, parsed: ast.Module) -> dict[Span, Loc]:
    """Return the user's places of the expressions of a text."""
    out: dict[Span, Loc] = {}
    for made, stmt in zip(_statements(tree), _statements(parsed), strict=True):
        _pair(made, stmt, out)
    return out


def _pair(made: Any, node: Any, out: dict[Span, Loc]) -> None:
    """Enter what two trees have in common, bodies of statements left out."""
    if not isinstance(made, gast.AST) or type(made).__name__ != type(node).__name__:
        return
    origin = getattr(made, "origin", None)
    if origin is not None and isinstance(node, ast.expr):
        start, end = (node.lineno, node.col_offset), (node.end_lineno or 0,)
        out[*start, *end, node.end_col_offset or 0] = origin
    for name in node._fields:
        mine, other = getattr(made, name, None), getattr(node, name, None)
        if isinstance(mine, gast.AST):
            _pair(mine, other, out)
        elif isinstance(mine, list) and isinstance(other, list):
            for one, two in zip(mine, other, strict=False):
                if not isinstance(one, gast.stmt | gast.ExceptHandler):
                    _pair(one, two, out)


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
    stack = [(a, b)]
    while stack:
        a, b = stack.pop()
        if isinstance(a, ast.AST):
            if a.__class__ is not b.__class__:
                return False
            if isinstance(a, ast.Constant):
                if not _same_constant(a.value, b.value):  # type: ignore[attr-defined]
                    return False
                continue
            for name in a._fields:
                if name != "ctx":
                    stack.append((getattr(a, name, None), getattr(b, name, None)))
        elif isinstance(a, list):
            if a and isinstance(a[0], ast.stmt):
                a = [s for s in a if not is_remark(s)]
            if len(a) != len(b or ()):
                return False
            stack += zip(a, b or (), strict=True)
        elif not (a == b or (a is None and b == [])):
            return False
    return True


def _same_constant(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a is b or repr(a) == repr(b))
