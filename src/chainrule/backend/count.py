"""Measure generated code.

In: its text. Out: numbers of statements and of NumPy calls, which the tests compare
with those of the gradient that an expert wrote by hand.
"""

from __future__ import annotations

import ast


def count_statements(text: str) -> int:
    """Count statements; definitions, docstrings and `pass` are none."""
    return sum(map(_counts, ast.walk(ast.parse(text))))


def _counts(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return False
    skipped = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)
    return isinstance(node, ast.stmt) and not isinstance(node, skipped)


METHODS = frozenset(
    "all any argmax argmin argsort astype clip copy cumprod cumsum diagonal dot max "
    "mean min prod ravel repeat reshape round sort squeeze std sum swapaxes take trace "
    "transpose var".split()
)


def count_numpy_calls(text: str, alias: str = "np") -> int:
    """Count calls of functions of numpy, of methods of arrays, and products by `@`."""
    return sum(_is_numpy(node, alias) for node in ast.walk(ast.parse(text)))


def _is_numpy(node: ast.AST, alias: str) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return isinstance(node.op, ast.MatMult)
    if not isinstance(node, ast.Call):
        return False
    func = node.func
    method = isinstance(func, ast.Attribute) and func.attr in METHODS
    while isinstance(func, ast.Attribute):
        func = func.value
    return method or (isinstance(func, ast.Name) and func.id == alias)
