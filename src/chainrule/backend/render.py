"""Print a gast tree as text and prove that the text means the tree.

In: a gast module that `emit` made. Out: `Rendered`: the text, and for each of its lines
and expressions the place in the user's text that it comes from. astor's text is parsed
again and compared node by node; where it differs (or astor fails) the text is that of
`ast.unparse`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import gast

from chainrule.backend.generator import is_remark, to_text
from chainrule.backend.layout import layout
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
    native = tree if isinstance(tree, ast.Module) else gast.gast_to_ast(tree)
    native = Canonical().visit(native)
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
    """Compare two trees, comments and positions left out."""
    if isinstance(a, ast.AST):
        if type(a) is not type(b):
            return False
        if isinstance(a, ast.Constant):
            return _same_constant(a.value, b.value)  # type: ignore[attr-defined]
        return all(same(getattr(a, f, None), getattr(b, f, None)) for f in a._fields)
    if isinstance(a, list):
        if a and isinstance(a[0], ast.stmt):
            a = [s for s in a if not is_remark(s)]
        if not isinstance(b, list):
            return not a and b is None
        return len(a) == len(b) and all(map(same, a, b))
    if a is None:
        return b is None or b == []
    return bool(a == b)


def _same_constant(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a is b or repr(a) == repr(b))


class Canonical(ast.NodeTransformer):
    """Make constants that a parser could have made: no -2, inf, or complex."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        value: Any = node.value
        kind: type = type(value)
        if kind is int or kind is float:
            return _number(value)
        if kind is complex:
            return _complex(value)
        if kind is tuple:
            return ast.Tuple(
                [self.visit(ast.Constant(v)) for v in value],
                ast.Load(),
            )
        if kind in (bool, str, bytes, type(None), type(...)) or _is_text(value):
            return node
        raise TypeError(f"{value!r} cannot be written as a literal")

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return node.values[0] if len(node.values) == 1 else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)
        return node


def _is_text(value: Any) -> bool:
    """Say whether a constant is the text of a comment."""
    return isinstance(value, str)


def _number(value: int | float) -> ast.expr:
    if value != value or value in (math.inf, -math.inf):
        text = "nan" if value != value else "inf"
        load = ast.Load()
        call = ast.Call(ast.Name("float", load), [ast.Constant(text)], [])
        return ast.UnaryOp(ast.USub(), call) if value < 0 else call
    if math.copysign(1, value) < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _complex(value: complex) -> ast.expr:
    plain = value.real == 0 and math.copysign(1, value.real) > 0
    if plain and math.copysign(1, value.imag) > 0 and math.isfinite(value.imag):
        return ast.Constant(value)
    parts = [_number(value.real), _number(value.imag)]
    return ast.Call(ast.Name("complex", ast.Load()), parts, [])
