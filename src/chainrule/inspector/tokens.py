"""Cut Python text into coloured pieces.

In: lines of a program, and the roles of names. Out: for each line its pieces, each with
a kind: `keyword`, `number`, `string`, `comment`, a role such as `active`, or nothing.
The terminal and the page colour the same pieces.
"""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chainrule.inspector.report import Name

Span = tuple[int, int, int, str]


@dataclass(frozen=True)
class Piece:
    """A part of a line; `saved` marks a name whose value is saved."""

    text: str
    kind: str = ""
    saved: bool = False


def pieces(
    lines: Sequence[str], roles: Sequence[Mapping[str, Name]]
) -> list[list[Piece]]:
    """Return the pieces of each line; `roles` are those that hold on each line."""
    spans: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    for row, start, end, kind in _spans("\n".join(lines) + "\n"):
        if row < len(lines):
            spans[row].append((start, end, kind))
    return [
        list(_cut(line, mine, known))
        for line, mine, known in zip(lines, spans, roles, strict=True)
    ]


def _cut(
    line: str, spans: list[tuple[int, int, str]], roles: Mapping[str, Name]
) -> Iterator[Piece]:
    at = 0
    for start, end, kind in spans:
        if start > at:
            yield Piece(line[at:start])
        text = line[start:end]
        role = roles.get(text) if kind == "name" else None
        if role is not None:
            yield Piece(text, role.role, role.saved)
        else:
            yield Piece(text, "" if kind == "name" else kind)
        at = end
    if at < len(line):
        yield Piece(line[at:])


def _spans(text: str) -> Iterator[Span]:
    """Yield row, first and last column and kind of each token that has a kind."""
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = _kind(token, before)
            before = token.string
            if kind:
                yield from _rows(token, kind)
    except (tokenize.TokenError, SyntaxError):  # a part of a program, as a lambda is
        return


def _rows(token: tokenize.TokenInfo, kind: str) -> Iterator[Span]:
    """Yield the part of a token on each of its rows."""
    (first, start), (last, end) = token.start, token.end
    for row, line in enumerate(token.string.split("\n"), first):
        left = start if row == first else 0
        yield row - 1, left, end if row == last else left + len(line), kind


def _kind(token: tokenize.TokenInfo, before: str) -> str:
    if token.type == tokenize.NAME:
        if keyword.iskeyword(token.string):
            return "keyword"
        return "" if before == "." else "name"
    kinds = {
        tokenize.NUMBER: "number",
        tokenize.STRING: "string",
        tokenize.COMMENT: "comment",
    }
    named = tokenize.tok_name[token.type]
    return "string" if named.startswith("FSTRING") else kinds.get(token.type, "")
