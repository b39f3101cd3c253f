"""The report: all that is shown of a derivative, as plain data.

In: a derivative and arguments. Out: a `Report` of strings, numbers and tuples. The
terminal, `--json` and the page are three renderings of it; none of them asks the
compiler anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Argument:
    """An argument of the call that the derivative was made for."""

    name: str
    type: str
    active: bool


@dataclass(frozen=True)
class Saved:
    """A value that the forward sweep keeps for the reverse sweep.

    `how` says where: in a `variable`, on the `tape` of a loop, in the `residual` of a
    pair of functions. `entries` counts the values, one for each iteration or call;
    `bytes` is what they keep alive beside the arguments. Both are None if the
    derivative could not be run.
    """

    name: str
    type: str
    how: str
    entries: int | None
    bytes: int | None


@dataclass(frozen=True)
class PrimalLine:
    """A line of the user's: what became of it, what it saved, or why it vanished.

    `key` numbers the lines of the report, `number` those of the file; `statement` is
    the key of the line on which the line's statement begins. `became` holds line
    numbers of the derivative.
    """

    key: int
    function: str
    file: str
    number: int
    text: str
    statement: int = 0
    became: tuple[int, ...] = ()
    saved: tuple[Saved, ...] = ()
    why: str = ""

    @property
    def bytes(self) -> int:
        """The bytes that the line saved."""
        return sum(saved.bytes or 0 for saved in self.saved)


@dataclass(frozen=True)
class DerivativeLine:
    """A line of the derivative.

    `origins` holds the keys of the primal lines that it comes from, the one of its
    outermost operation first; `sweep` is
    `forward`, `reverse`, `tangent`, or empty for what is in no sweep.
    """

    number: int
    text: str
    function: str = ""
    origins: tuple[int, ...] = ()
    sweep: str = ""


@dataclass(frozen=True)
class Name:
    """A name in a text, and its part in the derivative.

    `side` is `primal` or `derivative`, `function` whose name it is. `role` is `active`,
    `inactive`, `cotangent`, `tangent`, `removed` (of the primal, computed no more) or
    `helper` (of the derivative, neither the user's nor a cotangent).
    """

    side: str
    function: str
    name: str
    role: str
    saved: bool = False


@dataclass(frozen=True)
class Stage:
    """What the compiler held at one stage, as text, and what it took to get there."""

    name: str
    title: str
    text: str
    statements: int | None
    numpy_calls: int | None
    milliseconds: float | None


@dataclass(frozen=True)
class Compared:
    """The entry of an argument where the derivative and differences differ most.

    `error` is relative to the largest difference. It and `differences` are None where
    differences settle on no number: at a jump, at a kink, where there is noise, and
    where they are of another function, as `why` says.
    """

    name: str
    entries: int
    error: float | None
    at: str
    derivative: float
    differences: float | None
    ok: bool
    why: str = ""


@dataclass(frozen=True)
class Report:
    """A derivative beside its primal."""

    name: str
    target: str
    file: str
    line: int
    mode: str
    order: int
    wrt: tuple[str, ...]
    arguments: tuple[Argument, ...]
    assumed: tuple[str, ...]
    primal: tuple[PrimalLine, ...]
    derivative: tuple[DerivativeLine, ...]
    names: tuple[Name, ...]
    stages: tuple[Stage, ...]
    not_run: str = ""
    check: tuple[Compared, ...] | None = None

    @property
    def source(self) -> str:
        """The text of the derivative."""
        return "\n".join(line.text for line in self.derivative)

    @property
    def saved(self) -> tuple[Saved, ...]:
        """All that is saved, in the order of the primal's lines."""
        return tuple(saved for line in self.primal for saved in line.saved)

    @property
    def bytes(self) -> int:
        """All bytes saved."""
        return sum(line.bytes for line in self.primal)

    def roles(self, side: str, function: str) -> dict[str, Name]:
        """Return the names of a function, by name."""
        return {
            n.name: n for n in self.names if n.side == side and n.function == function
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the report as what JSON can hold."""
        return {"report": 1, **asdict(self), "bytes": self.bytes}


def quantity(count: int, word: str) -> str:
    """Return `1 value`, `3 values`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def size(number: int) -> str:
    """Return a number of bytes for people: `160 bytes`, `1.2 kB`, `3.4 MB`."""
    amount = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.3g} {unit}"


def describe_saved(saved: Saved) -> str:
    """Return `e: float64 (20,), 160 bytes` or `v: float, 7 on the tape, 168 bytes`."""
    parts = [f"{saved.name}: {saved.type}"]
    if saved.entries is not None and saved.how != "variable":
        where = {"tape": "on the tape", "residual": "in the residual"}[saved.how]
        parts.append(f"{saved.entries} {where}")
    if saved.bytes == 0 and "(" in saved.type:
        parts.append("no copy")
    elif saved.bytes is not None:
        parts.append(size(saved.bytes))
    return ", ".join(parts)


def ranges(numbers: Sequence[int]) -> str:
    """Return `line 5` or `lines 2 to 4, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [str(r[0]) if len(r) == 1 else f"{r[0]} to {r[-1]}" for r in runs]
    return ("line " if len(numbers) == 1 else "lines ") + ", ".join(texts)


def heading(report: Report) -> str:
    """Return what a report is of."""
    return title(report.name, report.wrt, report.mode, report.order)


def title(name: str, wrt: Sequence[str], mode: str, order: int) -> str:
    """Return `loss, with respect to w, b, reverse mode`."""
    more = "" if order == 1 else f", order {order}"
    return f"{name}, with respect to {', '.join(wrt)}, {mode} mode{more}"


def listed(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
