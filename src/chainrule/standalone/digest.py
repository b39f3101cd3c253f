"""What the source of a function says, as a short number.

In: the text of a function. Out: a digest that comments, docstrings, blank lines and
blanks at the ends of lines do not change: none of them changes a derivative.
"""

from __future__ import annotations

import hashlib
import io
import textwrap
import tokenize
from collections.abc import Iterator

LAYOUT = (tokenize.NL, tokenize.COMMENT)
BEGINS = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def digest(text: str) -> str:
    """Return the first 16 digits of the SHA-256 of a function's code."""
    code = "\n".join(_code(textwrap.dedent(text)))
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def _code(text: str) -> list[str]:
    """Return the lines of a text, without what is there for readers only."""
    lines = text.splitlines()
    for token in _remarks(text):
        (first, start), (last, end) = token.start, token.end
        rest = lines[last - 1][end:]
        lines[first - 1 : last] = [
            lines[first - 1][:start] + rest,
            *[""] * (last - first),
        ]
    return [line.rstrip() for line in lines if line.strip()]


def _remarks(text: str) -> Iterator[tokenize.TokenInfo]:
    """Yield comments, and strings that are statements, the last one first."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):  # a part of an expression: a lambda
        return
    statements = [t for t in tokens if t.type not in LAYOUT]
    inner = zip(statements, statements[1:], statements[2:], strict=False)
    found = [
        token
        for before, token, after in inner
        if token.type == tokenize.STRING
        and before.type in BEGINS
        and after.type == tokenize.NEWLINE
    ]
    found += [t for t in tokens if t.type == tokenize.COMMENT]
    yield from sorted(found, key=lambda token: token.start, reverse=True)
