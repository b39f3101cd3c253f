"""Search for wrong derivatives: random programs, as many as there is time for.

In: `--examples N`, `--seed S`. Out: the smallest program whose derivative is wrong, or
how many were right. The tests run the same with a fixed seed and 150 programs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hypothesis import HealthCheck, given, seed, settings  # noqa: E402

from tests.checks import check_program  # noqa: E402
from tests.strategies import Program, programs  # noqa: E402
from tests.test_random_programs import WRT, is_smooth, load  # noqa: E402


def main() -> None:
    """Run the search and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tried = 0
    with tempfile.TemporaryDirectory() as folder:

        @seed(options.seed)
        @settings(
            max_examples=options.examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(program=programs())
        def search(program: Program) -> None:
            nonlocal tried
            f = load(program.source, Path(folder))
            if is_smooth(f, program.args):
                tried += 1
                check_program(f, program.args, WRT, rtol=1e-5)

        search()
    print(f"{tried} programs are right")


if __name__ == "__main__":
    main()
