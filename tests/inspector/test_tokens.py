"""Colouring: every character stays, and names have their roles."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.inspector.report import Name
from chainrule.inspector.tokens import Piece, pieces
from tests.programs import FIXTURES

FILES = sorted((FIXTURES / "language").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_nothing_is_lost(file: Path) -> None:
    """The pieces of a line are the line."""
    lines = file.read_text(encoding="utf-8").split("\n")
    made = pieces(lines, [{}] * len(lines))
    assert ["".join(p.text for p in line) for line in made] == lines


def test_kinds() -> None:
    """Keywords, numbers, strings, comments are told apart; attributes are no names."""
    roles = {"x": Name("primal", "f", "x", "active", True)}
    [line] = pieces(["    return x.x + 1.5 if x else 'a'  # x"], [roles])
    assert [piece for piece in line if piece.kind] == [
        Piece("return", "keyword"),
        Piece("x", "active", True),
        Piece("1.5", "number"),
        Piece("if", "keyword"),
        Piece("x", "active", True),
        Piece("else", "keyword"),
        Piece("'a'", "string"),
        Piece("# x", "comment"),
    ]


def test_strings_of_several_lines() -> None:
    """Each line of a long string is a string."""
    made = pieces(["x = '''a", "b", "c''' + y"], [{}] * 3)
    assert [[p.text for p in line if p.kind == "string"] for line in made] == [
        ["'''a"],
        ["b"],
        ["c'''"],
    ]


@pytest.mark.parametrize("text", ["f(lambda x: x", "'''open", "    x)", "a $ b"])
def test_parts_of_programs(text: str) -> None:
    """What is no program by itself keeps its text."""
    [line] = pieces([text], [{}])
    assert "".join(piece.text for piece in line) == text
