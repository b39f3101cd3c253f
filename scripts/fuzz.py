"""Search for wrong derivatives: random programs, as many as there is time for.

In: which seeds, which families of statements. Out: a table of outcomes (right, refused
by code, wrong, crash), and for each way to fail the smallest program that fails so.
Exit code 1 if any program is wrong or crashes.

    scripts/fuzz.py --seed 0 --count 10000 --jobs 2
    scripts/fuzz.py --family stores --family views
    scripts/fuzz.py --show 186        # print the program of a seed and its verdict
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.fuzz.generate import generate  # noqa: E402
from tests.fuzz.maker import FAMILIES, READING, WRITING  # noqa: E402
from tests.fuzz.search import Outcome, Report, Search, minimal, outcome, run  # noqa: E402
from tests.fuzz.shrink import form  # noqa: E402


def main() -> int:
    """Run the search and print what came of it."""
    options = _options()
    search = Search(
        options.seed, options.count, _families(options), options.jobs, options.size
    )
    if options.show is not None:
        return _show(options.show, search)
    report = run(search, None if options.only_statistics else _tell)
    print(report)
    if not options.only_statistics:
        _print_minimal(report, search, options)
    return 1 if report.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1000, help="how many programs")
    parser.add_argument("--size", type=int, default=12, help="statements, at most")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    parser.add_argument(
        "--family",
        action="append",
        choices=[*FAMILIES, "reading", "writing", "all"],
        help="statements to use; `reading` and `writing` are groups",
    )
    parser.add_argument("--without", action="append", choices=FAMILIES, default=[])
    parser.add_argument("--only-statistics", action="store_true", help="no programs")
    parser.add_argument("--refused", action="store_true", help="shrink refusals too")
    parser.add_argument("--show", type=int, metavar="SEED", help="print one program")
    parser.add_argument("--each", type=int, default=1, help="of each way to fail")
    parser.add_argument("--save", type=Path, help="a folder for the smallest programs")
    parser.add_argument("--trials", type=int, default=600, help="steps to shrink by")
    return parser.parse_args()


def _families(options: argparse.Namespace) -> tuple[str, ...]:
    groups = {"all": FAMILIES, "reading": READING, "writing": WRITING}
    names = options.family or ["all"]
    chosen = {f for name in names for f in groups.get(name, (name,))}
    return tuple(f for f in FAMILIES if f in chosen and f not in options.without)


def _show(seed: int, search: Search) -> int:
    print(generate(seed, search.families, search.size).source)
    verdict = outcome(seed, search).verdict
    print(f"# {verdict.name}\n{verdict.report}")
    return int(verdict.failed)


def _tell(found: Outcome) -> None:
    if found.verdict.failed:
        print(f"seed {found.seed}: {found.verdict.name}", flush=True)


def _print_minimal(report: Report, search: Search, options: argparse.Namespace) -> None:
    groups = dict(report.failures)
    if options.refused:
        groups |= {f"refused {code}": found for code, found in report.refusals.items()}
    for name, found in groups.items():
        seeds = ", ".join(str(o.seed) for o in found[:5])
        print(f"\n# {name}: {len(found)} programs, seeds {seeds}")
        for text in _distinct(found[: options.each], search, options.trials):
            print(text, flush=True)
            if options.save is not None:
                _save(options.save, name, text)


def _distinct(found: list[Outcome], search: Search, trials: int) -> Iterator[str]:
    """Yield the smallest programs, each with what came of it, none twice."""
    seen = set()
    for one in found:
        text = minimal(one, search, trials)
        if form(text) not in seen:
            seen.add(form(text))
            report = textwrap.indent(one.verdict.report, "# ", lambda line: True)
            yield f"{text}\n\n# seed {one.seed}: {one.verdict.name}\n{report}"


def _save(folder: Path, name: str, text: str) -> None:
    words = re.sub(r"[^a-z]+", "_", name.lower()).strip("_")
    mark = hashlib.sha256(form(text).encode()).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{words}_{mark}.py").write_text(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
