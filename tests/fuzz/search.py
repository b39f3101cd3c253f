"""Many random programs: judged by several processes, counted, the failures shrunk.

In: `Search`, which seeds and families. Out: `Report`, which prints as a table. The same
search gives the same report.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.fuzz.generate import generate
from tests.fuzz.judge import Verdict, judge
from tests.fuzz.maker import FAMILIES
from tests.fuzz.shrink import shrink

CHUNK = 25
SECOND = 16  # one program in so many is differentiated twice


@dataclass(frozen=True)
class Search:
    """Which programs to judge."""

    seed: int = 0
    count: int = 1000
    families: tuple[str, ...] = FAMILIES
    jobs: int = 1
    size: int = 12  # statements of a program, at most


@dataclass(frozen=True)
class Outcome:
    """What came of one program."""

    seed: int
    families: tuple[str, ...]
    verdict: Verdict


@dataclass
class Report:
    """Counts of outcomes, and one of each way to fail."""

    outcomes: Counter[str] = field(default_factory=Counter)
    by_family: dict[str, Counter[str]] = field(default_factory=dict)
    failures: dict[str, list[Outcome]] = field(default_factory=dict)
    refusals: dict[str, list[Outcome]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        verdict = outcome.verdict
        self.outcomes[verdict.name if verdict.kind != "primal" else "primal"] += 1
        for family in outcome.families:
            self.by_family.setdefault(family, Counter())[verdict.kind] += 1
        if verdict.failed:
            self.failures.setdefault(verdict.name, []).append(outcome)
        if verdict.kind == "refused":
            self.refusals.setdefault(verdict.what, []).append(outcome)

    @property
    def judged(self) -> int:
        """The programs of which differences say what is right."""
        return sum(
            n for name, n in self.outcomes.items() if name[:6] not in _PROVE_NOTHING
        )

    def __str__(self) -> str:
        total = sum(self.outcomes.values())
        rate = total / max(self.seconds, 1e-9)
        lines = [f"{total} programs in {self.seconds:.0f} s, {rate:.1f} a second"]
        for name, count in sorted(self.outcomes.items(), key=lambda p: (-p[1], p[0])):
            lines.append(f"{count:8} {100 * count / max(total, 1):6.2f} %  {name}")
        refused = sum(map(len, self.refusals.values()))
        share = 100 * refused / max(self.judged, 1)
        lines.append(f"refused: {refused} of {self.judged} judged, {share:.2f} %")
        kinds = ("right", "refused", "wrong", "crash", "untame", "primal")
        lines.append(
            "family".ljust(14) + "".join(k.rjust(9) for k in kinds) + "  refused %"
        )
        for family, counts in sorted(self.by_family.items()):
            numbers = "".join(f"{counts[k]:9}" for k in kinds)
            known = sum(counts[k] for k in kinds[:4])
            lines.append(
                f"{family:14}{numbers}{100 * counts['refused'] / max(known, 1):10.2f}"
            )
        return "\n".join(lines)


_PROVE_NOTHING = ("primal", "untame")


def run(search: Search, tell: Callable[[Outcome], None] | None = None) -> Report:
    """Judge all programs of a search; `tell` hears of each outcome as it comes."""
    report = Report()
    start = time.perf_counter()
    for outcome in _outcomes(search):
        report.add(outcome)
        if tell is not None:
            tell(outcome)
    report.seconds = time.perf_counter() - start
    return report


def _outcomes(search: Search) -> Iterator[Outcome]:
    stop = search.seed + search.count
    chunks = [
        (range(first, min(first + CHUNK, stop)), search)
        for first in range(search.seed, stop, CHUNK)
    ]
    if search.jobs == 1:
        for chunk in chunks:
            yield from _judged(chunk)
        return
    context = multiprocessing.get_context("fork")
    with context.Pool(search.jobs, maxtasksperchild=16) as pool:
        for outcomes in pool.imap(_judged, chunks):
            yield from outcomes


def _judged(chunk: tuple[range, Search]) -> list[Outcome]:
    seeds, search = chunk
    return [outcome(seed, search) for seed in seeds]


def outcome(seed: int, search: Search) -> Outcome:
    """Judge the program of a seed."""
    program = generate(seed, search.families, search.size)
    verdict = judge(program.source, seed, second=seed % SECOND == 0)
    return Outcome(seed, program.families, verdict)


def minimal(outcome: Outcome, search: Search, trials: int = 600) -> str:
    """Return the smallest program that comes out as this one did."""

    def same(source: str) -> bool:
        verdict = judge(source, outcome.seed, second=outcome.seed % SECOND == 0)
        return verdict.name == outcome.verdict.name

    program = generate(outcome.seed, search.families, search.size)
    return shrink(program.source, same, trials)
