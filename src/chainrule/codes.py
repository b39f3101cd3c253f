"""The stable codes of all diagnostics: the text of `inspect-derivative --explain`.

In: a code. Out: its title, why it exists, an example that triggers it, what to do. They
are in `codes.txt`. A code keeps its meaning for ever, also when no longer raised.

CR1xx language, CR2xx source, CR3xx callees, rules and keywords, CR4xx mutation,
CR5xx types and arguments, CR6xx numbers, CR9xx mistakes of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Code:
    """What is to be said about one code."""

    title: str
    why: str
    example: str
    fix: str
    text: str


# What may be possible for the integers, sizes and lengths at hand, if not for all.
OF_COUNTS = frozenset(
    f"CR{n}"
    for n in (107, 112, 301, 302, 303, 307, *range(401, 419), 501, 502, 505, 507)
)


# What may be possible where sets, and keys of dicts, are lists that the run fills.
OF_KEYS = frozenset({"CR404", "CR501", "CR502", "CR505"})


def explain(code: str) -> str:
    """Return the long text of a code, or a line that lists the codes there are."""
    entry = CODES.get(code.upper())
    if entry is None:
        return f"no such code: {code}\nthe codes are {', '.join(CODES)}"
    return entry.text


def _read() -> dict[str, Code]:
    """Read `codes.txt`, where each entry starts with a line `CR101 title`."""
    text = Path(__file__).with_name("codes.txt").read_text("utf-8")
    found: dict[str, Code] = {}
    for entry in re.split(r"^(?=CR\d{3} )", text, flags=re.MULTILINE)[1:]:
        head, rest = entry.strip().split("\n", 1)
        why, example = rest.split("\n\nexample:\n\n")
        example, fix = example.split("\n\nwhat to do: ")
        name, title = head.split(" ", 1)
        texts = (" ".join(why.split()), dedent(example), " ".join(fix.split()))
        found[name] = Code(title, *texts, entry.strip())
    return found


CODES = _read()
