"""Where things are in a text.

In: lines of a file, nodes, code objects. Out: which of several functions on a line is
meant, the block that starts on a line, the text of a node, columns in characters.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import tokenize
import types
from collections.abc import Sequence
from typing import TypeVar

import gast

T = TypeVar("T")
Found = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def first_line(node: Found) -> int:
    """Return the line that `co_firstlineno` holds: that of the first decorator."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def enclosing(
    candidates: Sequence[tuple[Found, T]], code: types.CodeType
) -> list[tuple[Found, T]]:
    """Return the smallest candidate whose body holds the positions of the code.

    All candidates, when the interpreter keeps no positions (`-X no_debug_ranges`).
    """
    found = _range(code)
    if found is None:
        return list(candidates)
    start, end = found
    around = [c for c in candidates if _start(c[0]) <= start and end <= _end(c[0])]
    return sorted(around, key=lambda c: _start(c[0]))[-1:]


Point = tuple[int, int]


def _range(code: types.CodeType) -> tuple[Point, Point] | None:
    starts: list[Point] = []
    ends: list[Point] = []
    for line, end_line, column, end_column in code.co_positions():
        if None not in (line, end_line, column, end_column) and end_column:
            starts.append((line or 0, column or 0))
            ends.append((end_line or 0, end_column))
    return (min(starts), max(ends)) if starts else None


def _start(node: Found) -> Point:
    body = node.body if isinstance(node, ast.Lambda) else node.body[0]
    return body.lineno, body.col_offset


def _end(node: Found) -> Point:
    body = node.body if isinstance(node, ast.Lambda) else node.body[-1]
    return body.end_lineno or body.lineno, body.end_col_offset or 0


def block_at(lines: Sequence[str], first: int) -> tuple[str, int]:
    """Return the block of code that starts on a line, and by how much it is indented.

    Lines that begin with the prompts of a doctest lose them.
    """
    rest = list(lines[first - 1 :])
    if not rest:
        return "", 0
    bare = rest[0].lstrip()
    indent = len(rest[0]) - len(bare)
    if bare.startswith((">>> ", "... ")):
        indent += 4
        rest = [line[indent:] or "\n" for line in rest if line.strip()]
    try:
        block = inspect.getblock(rest)
    except (SyntaxError, tokenize.TokenError):
        return "", 0
    return textwrap.dedent("".join(block)), indent


def segment(lines: Sequence[str], node: Found, indent: int = 0) -> str:
    """Return the text of a function, without decorators and indentation."""
    end_line = node.end_lineno or node.lineno
    part = list(lines[node.lineno - 1 : end_line])
    if not isinstance(node, ast.Lambda):
        prompts = ("", ">>>", "...")
        part = [x[indent:] if x[:indent].strip() in prompts else x for x in part]
        return textwrap.dedent("".join(part))
    stop = (node.end_col_offset or 0) + indent
    part[-1] = part[-1].encode()[:stop].decode()
    part[0] = part[0].encode()[node.col_offset + indent :].decode()
    return "".join(part)


def to_characters(tree: gast.AST, lines: Sequence[str], indent: int = 0) -> None:
    """Turn columns, which parsers count in bytes, into characters; add `indent`."""
    if not indent and all(line.isascii() for line in lines):
        return
    for node in gast.walk(tree):
        if getattr(node, "end_lineno", None) is None:
            continue
        node.col_offset = _column(lines, node.lineno, node.col_offset, indent)
        node.end_col_offset = _column(
            lines, node.end_lineno, node.end_col_offset, indent
        )


def _column(lines: Sequence[str], line: int, column: int, indent: int) -> int:
    column += indent
    text = lines[line - 1] if line <= len(lines) else ""
    if text.isascii():
        return column
    return len(text.encode()[:column].decode(errors="ignore"))
