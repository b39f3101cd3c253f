"""How long a piece of generated code is, in statements and in calls.

In: source text. Out: `Counts`. What is counted is what a reader sees and NumPy
executes, not the layout: an expression nested in another costs no statement.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

OPERATORS = (ast.BinOp, ast.UnaryOp, ast.Compare)


@dataclass(frozen=True)
class Counts:
    """Statements, calls of functions and methods, and arithmetic operators."""

    statements: int
    calls: int
    operators: int


def count(source: str) -> Counts:
    """Count a text; definitions, imports and docstrings are no statements."""
    tree = ast.parse(source)
    ignored = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    statements = calls = operators = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not isinstance(node, ignored):
            statements += not _is_docstring(node)
        calls += isinstance(node, ast.Call)
        operators += isinstance(node, OPERATORS)
    return Counts(statements, calls, operators)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
