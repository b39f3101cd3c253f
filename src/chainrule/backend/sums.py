"""Assign a long sum in steps: `x_bar = x_bar + a + b`, then `x_bar += c`.

In: a variable, and the tree of a sum that begins with it. Out: the same sum, added up
in the same order, as one assignment for each line that it fills.
"""

from __future__ import annotations

import ast
from typing import Any

import gast

from chainrule.backend.spell import Node, target

WIDTH = 80


def in_steps(name: str, value: Node, number: bool) -> list[Node]:
    """Return the assignments of a sum; a `number` may be added to in place."""
    first, terms = _terms(value)
    if len(terms) < 3 or not isinstance(first, gast.Name) or first.id != name:
        return []
    widths = [_width(term) + 3 for _, term in terms]
    start = 2 * len(name) + 3
    if start + sum(widths) <= WIDTH:
        return []
    lines: list[list[tuple[Any, Node]]] = []
    width = WIDTH
    for term, wide in zip(terms, widths, strict=True):
        if width + wide > WIDTH:
            lines.append([])
            width = start
        lines[-1].append(term)
        width += wide
    if any(_reads(term, name) for line in lines[1:] for _, term in line):
        return []  # it would be read when it has changed
    return [_assigned(name, line, number) for line in lines]


def _reads(node: Node, name: str) -> bool:
    names = (n for n in gast.walk(node) if isinstance(n, gast.Name))
    return any(n.id == name for n in names)


def _terms(value: Node) -> tuple[Node, list[tuple[Any, Node]]]:
    """Return what a sum begins with, and what is added or taken away, in order."""
    terms: list[tuple[Any, Node]] = []
    while isinstance(value, gast.BinOp) and isinstance(value.op, gast.Add | gast.Sub):
        terms.insert(0, (value.op, value.right))
        value = value.left
    return value, terms


def _assigned(name: str, line: list[tuple[Any, Node]], number: bool) -> Node:
    if number and len(line) == 1:
        return gast.AugAssign(target(name), *line[0])
    value = gast.Name(name, gast.Load(), None, None)
    for op, term in line:
        value = gast.BinOp(value, op, term)
    return gast.Assign([target(name)], value, None)


def _width(node: Node) -> int:
    return len(ast.unparse(gast.gast_to_ast(node)))
