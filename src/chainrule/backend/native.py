"""Turn a gast tree into one of Python's `ast`, with constants that can be parsed.

In: a gast module that `emit` made (or an `ast` module). Out: an `ast` module in which
each constant is what a parser could have made: no -2, inf, or complex. Positions are
left out: the text of the tree is parsed again. A node keeps its `origin`.

gast's own translation is right for every node, and slow; the few kinds of nodes that
expressions are made of are translated here in one step.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import gast
from gast.ast3 import GAstToAst3

LOAD, STORE, DEL = ast.Load(), ast.Store(), ast.Del()
CONTEXTS: dict[type, ast.expr_context] = {
    gast.Load: LOAD,
    gast.Store: STORE,
    gast.Del: DEL,
}
OPERATORS: dict[type, Any] = {
    kind: getattr(ast, kind.__name__)()
    for base in (gast.operator, gast.unaryop)
    for kind in base.__subclasses__()
    if kind.__module__.startswith("gast")
}


def to_native(tree: Any) -> ast.Module:
    """Translate a module."""
    if isinstance(tree, ast.Module):
        out: ast.Module = Canonical().visit(tree)
        return out
    native: ast.Module = Translator().visit(tree)
    return native


class Canonical(ast.NodeTransformer):
    """Make constants that a parser could have made."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return constant(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        return node.values[0] if len(node.values) == 1 else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)
        return node


class Translator(GAstToAst3):  # type: ignore[misc]
    """gast's translation, with canonical constants and a short way for expressions."""

    def _visit(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._visit(n) for n in node]
        if not isinstance(node, ast.AST):
            return node
        quick = QUICK.get(node.__class__)
        made = self.visit(node) if quick is None else quick(self._visit, node)
        origin = getattr(node, "origin", None)
        if origin is not None:
            made.origin = origin
        return made

    def visit_Constant(self, node: Any) -> ast.expr:
        return constant(ast.Constant(node.value))

    def visit_BoolOp(self, node: Any) -> ast.AST:
        made = self.generic_visit(node)
        one: ast.AST = made.values[0] if len(made.values) == 1 else made
        return one

    def visit_JoinedStr(self, node: Any) -> ast.AST:
        """Translate an f-string: what stands between its fields is plain text."""
        parts = [
            ast.Constant(part.value)
            if isinstance(part, gast.Constant)
            else self.visit(part)
            for part in node.values
        ]
        return ast.JoinedStr(parts)


Visit = Callable[[Any], Any]
QUICK: dict[type, Callable[[Visit, Any], Any]] = {
    gast.Name: lambda visit, node: ast.Name(node.id, CONTEXTS[type(node.ctx)]),
    gast.Constant: lambda visit, node: constant(ast.Constant(node.value)),
    gast.Attribute: lambda visit, node: ast.Attribute(
        visit(node.value), node.attr, CONTEXTS[type(node.ctx)]
    ),
    gast.Call: lambda visit, node: ast.Call(
        visit(node.func), visit(node.args), visit(node.keywords)
    ),
    gast.BinOp: lambda visit, node: ast.BinOp(
        visit(node.left), OPERATORS[type(node.op)], visit(node.right)
    ),
    gast.UnaryOp: lambda visit, node: ast.UnaryOp(
        OPERATORS[type(node.op)], visit(node.operand)
    ),
    gast.Subscript: lambda visit, node: ast.Subscript(
        visit(node.value), visit(node.slice), CONTEXTS[type(node.ctx)]
    ),
    gast.Tuple: lambda visit, node: ast.Tuple(
        visit(node.elts), CONTEXTS[type(node.ctx)]
    ),
    gast.Assign: lambda visit, node: ast.Assign(visit(node.targets), visit(node.value)),
}


def constant(node: ast.Constant) -> ast.expr:
    """Return what a parser would have made of a constant."""
    value: Any = node.value
    kind: type = type(value)
    if kind is int or kind is float:
        return _number(value)
    if kind is complex:
        return _complex(value)
    if kind is tuple:
        return ast.Tuple([constant(ast.Constant(v)) for v in value], LOAD)
    if kind in (bool, str, bytes, type(None), type(...)) or isinstance(value, str):
        return node
    raise TypeError(f"{value!r} cannot be written as a literal")


def _number(value: int | float) -> ast.expr:
    if value != value or value in (math.inf, -math.inf):
        text = "nan" if value != value else "inf"
        call = ast.Call(ast.Name("float", LOAD), [ast.Constant(text)], [])
        return ast.UnaryOp(ast.USub(), call) if value < 0 else call
    if math.copysign(1, value) < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _complex(value: complex) -> ast.expr:
    plain = value.real == 0 and math.copysign(1, value.real) > 0
    if plain and math.copysign(1, value.imag) > 0 and math.isfinite(value.imag):
        return ast.Constant(value)
    parts = [_number(value.real), _number(value.imag)]
    return ast.Call(ast.Name("complex", LOAD), parts, [])
