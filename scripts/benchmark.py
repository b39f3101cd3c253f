"""How fast the derivatives are, and how fast they are made.

In: nothing (`--only NAME`, `--seconds S`). Out: two tables. The first: CPU time of our
gradient over the hand-written one of fixtures/programs, at a small and a large size;
both run in this process, in turns, on one thread; the ratio is the median of turns.
The second: the time of the first call, for functions of 10, 50 and 300 statements.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402

from chainrule import grad  # noqa: E402

PROGRAMS = Path(__file__).resolve().parent.parent / "fixtures" / "programs"
Arguments = tuple[Any, ...]


def load(path: Path) -> ModuleType:
    """Import a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def normal(*shape: int) -> Any:
    """Return the same normal numbers for the same shape."""
    return np.random.default_rng(0).normal(size=shape)


def logistic(n: int, d: int) -> Arguments:
    """Return arguments of the program `logistic`."""
    return normal(d) / np.sqrt(d), normal(n, d), (normal(n) > 0).astype(float)


def mlp(n: int, d: int, h: int) -> Arguments:
    """Return arguments of the program `mlp`."""
    params = {
        "W1": normal(d, h) / d,
        "b1": normal(h),
        "W2": normal(h, 3),
        "b2": normal(3),
    }
    return params, normal(n, d), normal(n, 3)


def mixture(n: int, k: int, d: int) -> Arguments:
    """Return arguments of the program `mixture`."""
    return normal(k), normal(k, d), 0.1 * normal(k), normal(n, d)


def lstm(n: int) -> Arguments:
    """Return arguments of the program `lstm`."""
    return normal(4 * n, 2 * n) / n, normal(n), normal(n), normal(n), normal(4 * n)


CASES: dict[str, tuple[Arguments, Arguments]] = {
    "polynomial": ((1.7,), (1.7,)),
    "double_pendulum": (
        (0.4, -0.9, 1.1, 0.3, 1.0, 2.0, 0.7, 1.2, 9.81),
        (0.4, -0.9, 1.1, 0.3, 1.0, 2.0, 0.7, 1.2, 9.81),
    ),
    "scalar_loop": ((0.9, 10, 1e9), (0.9, 10_000, 1e9)),
    "kalman_loop": ((0.2, 0.5, [0.3] * 10), (0.2, 0.5, [0.3] * 5000)),
    "logistic": (logistic(20, 4), logistic(20_000, 50)),
    "mlp": (mlp(16, 8, 8), mlp(512, 256, 256)),
    "mixture": (mixture(10, 3, 2), mixture(5000, 10, 8)),
    "lstm": (lstm(4), lstm(256)),
    "rk4": ((normal(2), 0.8, 0.05, 10), (normal(2), 0.8, 0.001, 1000)),
    "rk4_scalar": ((0.4, 1.3, 2.0, 0.1, 10), (0.4, 1.3, 2.0, 0.001, 5000)),
}


def cpu_time(function: Callable[[], Any], repeat: int) -> float:
    """Return the CPU time of one call, of several in a row."""
    start = time.process_time()
    for _ in range(repeat):
        function()
    return (time.process_time() - start) / repeat


def compare(
    ours: Callable[[], Any], theirs: Callable[[], Any], seconds: float
) -> tuple[float, float]:
    """Return the median ratio of CPU times, measured in turns, and our median time."""
    ours(), theirs()
    repeat = max(1, int(2e-3 / max(cpu_time(theirs, 3), 1e-7)))
    ratios, times = [], []
    end = time.process_time() + seconds
    while time.process_time() < end or len(ratios) < 5:
        a = cpu_time(ours, repeat)
        ratios.append(a / max(cpu_time(theirs, repeat), 1e-12))
        times.append(a)
    return statistics.median(ratios), statistics.median(times)


def print_ratios(only: str | None, seconds: float) -> None:
    """Print our gradient against the hand-written one."""
    print(f"{'gradient':18}{'size':8}{'ours':>12}{'ours / hand-written':>22}")
    for name, sizes in CASES.items():
        if only and only not in name:
            continue
        module = load(PROGRAMS / f"{name}.py")
        wrt = getattr(module, "WRT", 0)
        derivative = grad(getattr(module, name), argnums=wrt)
        for label, args in zip(("small", "large"), sizes, strict=True):
            ratio, seconds_each = compare(
                partial(derivative, *args),
                partial(module.expert_gradient, *args),
                seconds,
            )
            print(f"{name:18}{label:8}{seconds_each * 1e6:10.1f}us{ratio:20.2f}x")


def long_function(statements: int) -> str:
    """Return a function of many statements with a loop and a branch among them."""
    lines = ["import numpy as np", "", "", "def f(x, y):", "    a0 = x * y"]
    for i in range(1, statements - 1):
        form = (
            f"a{i} = np.sin(a{i - 1}) * x + {i}.5",
            f"a{i} = a{i - 1} / (1 + a{i - 1} ** 2) - y",
            f"a{i} = np.exp(-a{i - 1}) + a{max(i - 3, 0)}",
        )
        lines.append("    " + form[i % 3])
    lines.append(f"    return np.sum(a{statements - 2})")
    return "\n".join(lines) + "\n"


def print_compile_times() -> None:
    """Print the time of the first call, per number of statements."""
    print(f"\n{'statements':>10}{'first call':>14}{'per statement':>16}")
    args = normal(5), normal(5)
    with tempfile.TemporaryDirectory() as folder:
        for number, size in enumerate([10, 10, 50, 300]):
            path = Path(folder) / f"long_{number}_{size}.py"
            path.write_text(long_function(size))
            function = load(path).f
            start = time.perf_counter()
            grad(function)(*args)
            spent = time.perf_counter() - start
            if number:  # the first loads what is loaded once
                print(f"{size:10}{spent * 1e3:12.1f}ms{spent / size * 1e6:14.0f}us")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="programs whose name contains this")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each ratio")
    options = parser.parse_args()
    print_ratios(options.only, options.seconds)
    print_compile_times()


if __name__ == "__main__":
    main()
