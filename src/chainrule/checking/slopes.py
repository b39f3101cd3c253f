"""Whether a derivative along a line is what differences along that line say.

In: a function of one number, and what the derivative says at 0. Out: a verdict. One
step at which both agree is enough to be right. To be wrong, differences must settle on
another number: agree at two steps, on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainrule.checking.differences import Vector

# The step that is most often right comes first.
STEPS = (1e-5, 1e-4, 1e-6, 1e-3, 1e-7, 1e-2)
RTOL = 1e-4
SETTLED = 1e-2
DOUBLE = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Slope:
    """A derivative along a line: the sum of these terms, and their precision."""

    terms: Vector
    epsilon: float

    @property
    def value(self) -> float:
        """The derivative."""
        return float(np.sum(self.terms))

    @property
    def size(self) -> float:
        """How large it is without cancellation."""
        return float(np.linalg.norm(self.terms))

    @property
    def rtol(self) -> float:
        """How far it may be off, relative to its size."""
        return min(0.1, max(RTOL, 1e4 * self.epsilon))


@dataclass(frozen=True)
class Difference:
    """Differences at one step: on the left, on the right, and their noise."""

    left: float
    right: float
    noise: float

    @property
    def central(self) -> float:
        """The central difference."""
        return 0.5 * (self.left + self.right)


def judge(phi: Callable[[float], float], slope: Slope, epsilon: float = DOUBLE) -> str:
    """Return `right`, `wrong` or `unknown`; `epsilon` is the precision of `phi`.

    Where the value is not finite there is nothing to be said, and nothing is.
    """
    base = phi(0.0)
    if not np.isfinite(base):
        return "right"
    found: dict[float, Difference] = {}
    for step in STEPS:
        made = _difference(phi, base, step, epsilon)
        if made is not None:
            found[step] = made
            if _agrees(made, slope):
                return "right"
    rows = [found[step] for step in sorted(found, reverse=True)]
    pairs = list(zip(rows, rows[1:], strict=False))
    if any(_between(a, b, slope) for a, b in pairs) or _is_noise(rows, slope):
        return "right"
    return "wrong" if any(_settled(a, b, slope) for a, b in pairs) else "unknown"


def _difference(
    phi: Callable[[float], float], base: float, step: float, epsilon: float
) -> Difference | None:
    try:
        high, low = phi(step), phi(-step)
    except Exception:
        return None
    if not np.isfinite(high) or not np.isfinite(low):
        return None
    largest = max(abs(high), abs(low), abs(base))
    noise = 16 * epsilon * largest / step
    return Difference((base - low) / step, (high - base) / step, noise)


def _agrees(made: Difference, slope: Slope) -> bool:
    size = max(slope.size, abs(made.central))
    if made.noise > SETTLED * size and slope.size:
        return False
    return abs(made.central - slope.value) <= slope.rtol * size + made.noise


def _between(coarse: Difference, fine: Difference, slope: Slope) -> bool:
    """Say whether there is a kink, and the derivative is one of its slopes.

    At a jump, one side may still have a slope: it has to be that one.
    """
    size = max(slope.size, *map(abs, (fine.left, fine.right)))
    allowed = SETTLED * size + fine.noise + coarse.noise
    left = abs(coarse.left - fine.left) <= allowed
    right = abs(coarse.right - fine.right) <= allowed
    low, high = sorted((fine.left, fine.right))
    if allowed > 3 * SETTLED * size:
        return False  # noise
    if left and right:
        kink = high - low > allowed
        return kink and low - allowed <= slope.value <= high + allowed
    if not left and not right:
        return False
    side = fine.left if left else fine.right
    size = max(slope.size, abs(side))
    return abs(side - slope.value) <= slope.rtol * size + fine.noise


def _is_noise(rows: list[Difference], slope: Slope) -> bool:
    """Say whether differences are no more than noise around the derivative."""
    return bool(rows) and all(
        abs(row.central - slope.value) <= slope.rtol * slope.size + row.noise
        for row in rows
    )


def _settled(coarse: Difference, fine: Difference, slope: Slope) -> bool:
    """Say whether two steps give one number, from both sides, and it is another one."""
    size = max(abs(coarse.central), abs(fine.central), abs(slope.value))
    if not np.isfinite(size):
        size = max(abs(coarse.central), abs(fine.central), 1e-300)
    if max(coarse.noise, fine.noise) > SETTLED * size:
        return False
    sides = (coarse.left, coarse.right, fine.left, fine.right)
    close = max(sides) - min(sides) <= SETTLED * size + fine.noise + coarse.noise
    off = abs(fine.central - slope.value)
    return close and not off <= 2 * slope.rtol * size + fine.noise
