"""The report in a terminal: beside the primal, roles, stages, statistics, the check.

In: a `Report`, a style and a stream. Out: text on the stream. Without colours nothing
is lost: what a colour says is also said in words or by a suffix.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.text import Text

from chainrule.inspector import show
from chainrule.inspector.report import (
    Compared,
    DerivativeLine,
    Name,
    PrimalLine,
    Report,
    describe_saved,
    heading,
    quantity,
    ranges,
    size,
)
from chainrule.inspector.tokens import pieces

TWO_COLUMNS = 72
STYLES = {
    "keyword": "bold",
    "string": "green",
    "number": "green",
    "comment": "dim",
    "active": "blue",
    "cotangent": show.COTANGENT,
    "tangent": show.TANGENT,
    "removed": "dim strike",
}
COMPARED = (
    "argument",
    "entries",
    "largest error",
    "at",
    "derivative",
    "differences",
)
ROLES = {
    "active": "depends on what is differentiated, and the result depends on it",
    "cotangent": "derivative of the result by a value",
    "tangent": "derivative of a value along the direction",
    "saved": "kept by the forward sweep for the reverse sweep",
    "inactive": "has no derivative",
    "removed": "computed no more",
    "helper": "neither the user's nor a derivative",
}


def side_by_side(report: Report, style: show.Style, stream: TextIO) -> None:
    """Print each line of the primal beside what became of it, or above it where there
    is no room.
    """
    console = style.console(stream)
    lefts = _painted(report.primal, "primal", report)
    rights = _painted(report.derivative, "derivative", report)
    longest = max(len(line.text) for line in report.primal)
    room = min(longest, console.width // 2 - 6) if console.width >= TWO_COLUMNS else 0
    below = _beside(report)
    first = report.primal[0].function
    for line, left in zip(report.primal, lefts, strict=True):
        if line.function != first:
            first = line.function
            console.print(Text(f"\n{'':4}called: {first}", "dim"), soft_wrap=True)
        head = _numbered(line.number, left)
        tails = [_numbered(n, rights[n - 1]) for n in below.get(line.key, ())]
        notes = _notes(line)
        if line.became and not tails and line.statement == line.key:
            notes.insert(0, f"in {ranges(line.became)}")
        for note in notes:
            parts = textwrap.wrap(f"({note})", max(24, console.width - room - 12))
            tails += [Text(f"     {part}", "dim italic") for part in parts]
        if len(line.text) > room:
            console.print(head, soft_wrap=True)
            head = Text("")
        for tail in tails or [Text("")]:
            gap = " " * (room + 7 - len(head))
            joined = Text.assemble(head, gap, tail) if tail else head
            if joined:
                console.print(joined, soft_wrap=True)
            head = Text("")


def _numbered(number: int, text: Text) -> Text:
    return Text.assemble((f"{number:4} ", "dim"), text)


def _beside(report: Report) -> dict[int, list[int]]:
    """Return the lines of the derivative that stand beside each line of the primal.

    A line from several places stands beside the one of its outermost operation.
    """
    out: dict[int, list[int]] = {}
    at = 1
    for line in report.derivative:
        text = line.text.strip()
        if line.origins:
            at = line.origins[0]
        if text and not text.startswith("#"):
            out.setdefault(at, []).append(line.number)
    return out


def _notes(line: PrimalLine) -> list[str]:
    if line.saved:
        return [f"saves {describe_saved(saved)}" for saved in line.saved]
    return [line.why] if line.why else []


def _painted(
    lines: Sequence[PrimalLine] | Sequence[DerivativeLine], side: str, report: Report
) -> list[Text]:
    roles: list[Mapping[str, Name]] = [report.roles(side, n.function) for n in lines]
    out = []
    for line in pieces([n.text for n in lines], roles):
        text = Text()
        for piece in line:
            kind = STYLES.get(piece.kind, "")
            text.append(piece.text, f"{kind} underline" if piece.saved else kind)
        out.append(text)
    return out


def roles(report: Report, style: show.Style, stream: TextIO) -> None:
    """Print the derivative with its names coloured, and a table of all names."""
    console = style.console(stream)
    for text in _painted(report.derivative, "derivative", report):
        console.print(text, soft_wrap=True)
    stream.write("\n")
    rows = []
    for role, meaning in ROLES.items():
        names = [
            n for n in report.names if n.role == role or (role == "saved" and n.saved)
        ]
        found = [
            ", ".join(dict.fromkeys(n.name for n in names if n.side == side))
            for side in ("primal", "derivative")
        ]
        if any(found):
            rows.append((role, *found, meaning))
    show.table(("role", "primal", "derivative", "meaning"), rows, style, stream)


def stages(
    report: Report, names: Sequence[str], style: show.Style, stream: TextIO
) -> None:
    """Print the stages of these names."""
    parts = [f"# {s.name}\n{s.text}" for s in report.stages if s.name in names]
    show.code("\n\n".join(parts), style, stream)


def statistics(report: Report, style: show.Style, stream: TextIO) -> None:
    """Print how large the stages are and how long they took, and what is saved."""
    stream.write(f"{heading(report)}\n\n")
    rows = [
        (
            stage.name,
            "" if stage.statements is None else str(stage.statements),
            "" if stage.numpy_calls is None else str(stage.numpy_calls),
            "" if stage.milliseconds is None else f"{stage.milliseconds:.1f} ms",
        )
        for stage in report.stages
    ]
    heads = ("stage", "statements", "NumPy calls", "time")
    show.table(heads, rows, style, stream)
    if not report.saved:
        stream.write("\nnothing is saved\n")
        return
    stream.write("\n")
    kept = [
        (
            saved.name,
            str(line.number),
            saved.type,
            saved.how,
            "" if saved.entries is None else str(saved.entries),
            "" if saved.bytes is None else size(saved.bytes),
        )
        for line in report.primal
        for saved in line.saved
    ]
    heads = ("saved", "line", "type", "kept in", "entries", "size")  # type: ignore[assignment]
    show.table(heads, kept, style, stream)
    total = "" if report.not_run else f", {size(report.bytes)}"
    stream.write(f"\n{quantity(len(kept), 'value')} saved{total}\n")
    if report.not_run:
        stream.write(f"not run, sizes are unknown: {report.not_run}\n")


def checked(
    title: str, rows: Sequence[Compared], style: show.Style, stream: TextIO
) -> None:
    """Print the comparison with differences, and the verdict."""
    stream.write(f"{title}\n\n")
    cells = [compared(row) for row in rows]
    show.table(COMPARED, cells, style, stream)
    stream.write(f"\n{verdict(rows)}\n")


def compared(row: Compared) -> tuple[str, ...]:
    """Return the comparison of one argument as text, in the order of `COMPARED`."""
    if not row.entries:
        return row.name, "0", "", "", "", ""
    error = "unknown" if row.error is None else f"{row.error:.1e}"
    other = "unknown" if row.differences is None else f"{row.differences:.7g}"
    number = f"{row.derivative:.7g}"
    return row.name, str(row.entries), error, row.at, number, other


def verdict(rows: Sequence[Compared]) -> str:
    """Say whether a derivative agrees with differences."""
    bad = [row for row in rows if not row.ok]
    wrong = [row.name for row in bad if row.differences is not None]
    unknown = [row.name for row in bad if row.differences is None]
    parts = [f"differs in {', '.join(wrong)}"] if wrong else []
    if unknown:
        whys = [row.why for row in bad if row.why]
        noise = "there is a jump, a kink or noise at these arguments"
        why = whys[0] if whys else f"{noise}; give others with --args"
        parts.append(f"differences cannot confirm {', '.join(unknown)}: {why}")
    return "\n".join(parts) or "agrees"
