"""Run a derivative once, and measure what it keeps.

In: `Facts` and `Kept` values. Out: the same values with types, entries and bytes. The
generated code is followed line by line. An array counts once, a view as what it keeps
alive, an argument not at all, for it is there anyway.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from chainrule.backend import program as p
from chainrule.inspector.facts import REVERSE, Facts, Statement
from chainrule.inspector.saved import Kept
from chainrule.inspector.values import duplicate


@dataclass
class _Measuring:
    """Follows the generated code line by line, and measures what is kept."""

    sizes: _Sizes
    kept: dict[Statement, list[Kept]] = field(default_factory=dict)
    variables: list[Kept] = field(default_factory=list)
    statements: dict[str, dict[int, Statement]] = field(default_factory=dict)
    last: dict[FrameType, Statement | None] = field(default_factory=dict)

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in self.statements or code.co_name.startswith("<"):
            return None
        self.last[frame] = None
        return self.line

    def line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "exception":
            return self.line
        file, last = frame.f_code.co_filename, self.last.get(frame)
        here = self.statements[file].get(frame.f_lineno)
        if last is not None and (here is not last or event == "return"):
            self.measure(last, "tape", frame.f_locals, None)
        self.last[frame] = here
        if here is not None and self.begins(here):
            for kept in self.variables:
                self.add(kept, frame.f_locals, None)
            self.variables = []
        if event == "return":
            del self.last[frame]
            if here is not None and arg is not None:
                self.measure(here, "residual", {}, arg)
        return self.line

    def begins(self, here: Statement) -> bool:
        """Say whether the reverse sweep of the function with both sweeps begins."""
        if (
            not self.variables
            or here.function is not self.variables[0].statement.function
        ):
            return False
        return here.sweep == REVERSE or isinstance(here.node, p.Return)

    def measure(
        self, stmt: Statement, how: str, frame: dict[str, Any], result: Any
    ) -> None:
        for kept in self.kept.get(stmt, ()):
            if kept.how == how:
                self.add(kept, frame, result)

    def add(self, kept: Kept, frame: dict[str, Any], result: Any) -> None:
        value = kept.read(frame, result)
        kept.type = describe(value)
        kept.entries = (kept.entries or 0) + 1
        kept.bytes = (kept.bytes or 0) + self.sizes.of(value)


@dataclass
class _Sizes:
    """Sizes of objects; the same memory counts once."""

    seen: dict[int, Any] = field(default_factory=dict)

    def of(self, value: Any) -> int:
        """Return the bytes that keeping this value keeps alive."""
        if isinstance(value, list | tuple):
            return sum(map(self.of, value))
        if isinstance(value, dict):
            return sum(map(self.of, value.values()))
        if isinstance(value, np.ndarray):
            while isinstance(value.base, np.ndarray):
                value = value.base
            if id(value) in self.seen:
                return 0
            self.seen[id(value)] = value
            return int(value.nbytes)
        if isinstance(value, int | float | complex | np.generic) and value is not True:
            return sys.getsizeof(value) if value is not False else 0
        return 0


def measure(facts: Facts, kept: list[Kept]) -> str:
    """Run the derivative, fill in types, entries and bytes; return why not, if so."""
    if facts.compiled.request.transform == "jvp":
        return ""
    calls, values = facts.compiled.built.calls, facts.compiled.values
    values = duplicate(values)
    sizes = _Sizes()
    sizes.of(values)
    follower = _Measuring(sizes)
    follower.variables = [each for each in kept if each.how == "variable"]
    for each in kept:
        follower.kept.setdefault(each.statement, []).append(each)
    shift = 0
    for call, (_, rendered) in zip(calls, facts.compiled.stages.printed, strict=True):
        _assign_lines(follower, call, facts, shift)
        shift += rendered.text.strip("\n").count("\n") + 3
    before = sys.gettrace()
    sys.settrace(follower)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            calls[0](*values)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    finally:
        sys.settrace(before)
    for each in kept:
        each.entries, each.bytes = each.entries or 0, each.bytes or 0
    return ""


def _assign_lines(follower: _Measuring, call: Any, facts: Facts, shift: int) -> None:
    """Tell the follower which statements the lines of one generated file are."""
    mine: dict[int, Statement] = {}
    for stmt in facts.statements:
        for line in stmt.lines:
            mine.setdefault(line - shift, stmt)
    follower.statements[call.__code__.co_filename] = mine


def describe(value: Any) -> str:
    """Return a short description of a value's type: `float64 (3, 4)`, `float`."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, list | tuple) and value:
        kinds = [describe(item) for item in value]
        if len(kinds) > 2 and len(set(kinds)) == 1:
            inner = f"{len(kinds)} times {kinds[0]}"
        else:
            inner = ", ".join(kinds)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    return type(value).__name__
