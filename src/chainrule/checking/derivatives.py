"""A derivative checked from three sides: reverse mode, forward mode, differences.

In: a function, arguments, what to differentiate by. Out: `Outcome`: whether the three
agree, and if not a text that names the numbers that differ and where they are read.

Everything is a derivative along a direction: reverse mode gives one vector whose inner
product with the direction it is, forward mode and differences give it at once. An entry
of a gradient is the direction of one coordinate. A value that is not one real number is
contracted with a fixed random cotangent first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.checking import differences, structure, wrong
from chainrule.checking.differences import Vector
from chainrule.checking.problems import (
    Problem,
    Wrt,
    direction,
    following,
    is_real_number,
    pose,
)
from chainrule.errors import NotDifferentiable

NO_FORWARD_RULE = "CR306"
ALTERED = (
    "cannot be compared with differences: `on_cotangent` changes a cotangent on the"
    " way, or another value is stopped; check the function without that"
)
STOPPED = "cannot be compared with differences: `stop_gradient` is used; check order=1"
# So many entries are compared one by one; of more, a sample and a random direction.
ENTRIES = 100
# Rounding that a sum of products may gather, as a multiple of the machine epsilon.
ROUNDING = 2000


@dataclass(frozen=True)
class Outcome:
    """What came of a check; `worst` is the largest error relative to the gradient."""

    ok: bool
    text: str
    names: tuple[str, ...]
    entries: int = 0
    worst: float = 0.0
    transform: str = "grad"


@dataclass(frozen=True)
class Sides:
    """The same derivative from three sides, as functions of a direction."""

    adjoint: Vector
    forward: Callable[[Vector], float]
    differences: Callable[[Vector], tuple[float, float]]

    @functools.cached_property
    def has_forward(self) -> bool:
        """Whether there is a forward mode: a rule may be for reverse mode only."""
        try:
            self.forward(np.ones_like(self.adjoint))
        except NotDifferentiable as error:
            if error.code != NO_FORWARD_RULE:
                raise
            return False
        return True

    def reverse(self, along: Vector) -> float:
        """Return the derivative along a direction by reverse mode."""
        return float(self.adjoint @ along)


def check(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    *,
    wrt: Wrt = None,
    order: int = 1,
    rtol: float | None = None,
) -> Outcome:
    """Compare the derivatives of a function up to an order, and say what differs."""
    if order < 1:
        raise ValueError(f"order is 1 for first derivatives, not {order}")
    problem = pose(f, tuple(args), kwargs or {}, wrt)
    transform = "grad" if is_real_number(problem.value()) else "vjp"
    outcome = check_first(problem, rtol)
    entries, worst = outcome.entries, outcome.worst
    for _ in range(order - 1):
        if not outcome.ok:
            break
        if problem.held.values:
            text = f"{problem.title} is right, but the next one {STOPPED}"
            return replace(outcome, ok=False, text=text)
        problem = following(problem)
        outcome = check_first(problem, rtol)
        entries, worst = entries + outcome.entries, max(worst, outcome.worst)
    return replace(outcome, entries=entries, worst=worst, transform=transform)


def check_first(problem: Problem, rtol: float | None) -> Outcome:
    """Compare the first derivative of a problem from all sides."""
    value = problem.value()
    refusal = _cannot_check(problem, value)
    if refusal:
        return Outcome(False, refusal, problem.names)
    found, value_bar, bars = reverse(problem, value)
    if not _same_value(value, found):
        text = f"{problem.title}: the derivative's own value is {found!r}, the"
        return Outcome(False, f"{text} function gives {value!r}", problem.names)
    rtol = differences.default_rtol(list(bars)) if rtol is None else rtol
    try:
        parts = [
            structure.gradient_vector(x, bar)
            for x, bar in zip(problem.active, bars, strict=True)
        ]
        sides = three_sides(problem, value_bar, np.concatenate(parts))
        sizes = [p.size for p in parts]
        return compare(problem, sides, sizes, rtol, _epsilon(value, bars))
    except structure.StructureMismatch as mismatch:
        text = f"{problem.title} is not built as it should be: {mismatch}"
        return Outcome(False, text, problem.names)


def compare(
    problem: Problem, sides: Sides, sizes: list[int], rtol: float, epsilon: float
) -> Outcome:
    """Compare entries with differences, and a random direction with forward mode."""
    size = sides.adjoint.size
    entries = np.arange(size)
    if size > ENTRIES:
        entries = np.sort(np.random.default_rng(2).choice(size, ENTRIES, replace=False))
    bad, worst = _entries_that_differ(sides, sizes, entries, rtol)
    v = direction(size, 0)
    scale = float(np.abs(sides.adjoint * v).sum()) + 1e-12
    limit = max(ROUNDING * epsilon, 1e-3 * rtol) * scale
    if not bad and sides.has_forward:
        if not abs(sides.forward(v) - sides.reverse(v)) <= limit:
            bad = [_locate(lambda d: sides.forward(d) - sides.reverse(d), v)]
    if not bad and entries.size < size:
        slope, error = sides.differences(v)
        if not abs(slope - sides.reverse(v)) <= rtol * scale + 10 * error:
            bad = [_locate(lambda d: sides.differences(d)[0] - sides.reverse(d), v)]
    if not bad:
        agree = "1 number agrees" if size == 1 else f"{size} numbers agree"
        text = f"{agree} ({worst:.0e})"
        return Outcome(True, text, problem.names, size, worst)
    if problem.held.altered:
        text = f"{problem.title} {ALTERED}"
    else:
        text = wrong.explain(problem, sides, bad, max(rtol, 10 * limit / scale))
    return Outcome(False, text, problem.names, size, worst)


def _entries_that_differ(
    sides: Sides, sizes: list[int], entries: Any, rtol: float
) -> tuple[list[int], float]:
    """Return the entries that differ from differences, argument by argument."""
    size = sides.adjoint.size
    pairs = [sides.differences(wrong.unit(size, i)) for i in entries]
    slopes, errors = np.array(pairs, dtype=float).reshape(-1, 2).T
    bad: list[int] = []
    worst, start = 0.0, 0
    for count in sizes:
        inside = (start <= entries) & (entries < start + count)
        found = sides.adjoint[entries[inside]]
        off, _, error = differences.disagreements(
            found, slopes[inside], errors[inside], rtol
        )
        bad += entries[inside][off].tolist()
        worst = max(worst, error)
        start += count
    return bad, worst


def _locate(difference: Callable[[Vector], float], along: Vector) -> int:
    """Return a coordinate where two derivatives differ, by halving the direction."""
    places = np.arange(along.size)
    while places.size > 1:
        halves = np.array_split(places, 2)
        off = [abs(difference(_restricted(along, half))) for half in halves]
        places = halves[int(np.argmax(np.nan_to_num(off, nan=np.inf)))]
    return int(places[0])


def _restricted(along: Vector, places: Any) -> Vector:
    out = np.zeros_like(along)
    out[places] = along[places]
    return out


def reverse(problem: Problem, value: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return value, cotangent of the value, and cotangents of the active arguments."""
    args = map(structure.fresh, problem.args)
    if is_real_number(value):
        found, bars = problem.derivatives.value_and_grad(*args)
        found = found[0] if problem.has_aux else found
        several = len(problem.wrt) > 1
        return found, 1.0, bars if several else (bars,)
    found, pullback, *_ = problem.derivatives.vjp(*args)
    value_bar = structure.map_numbers(_cotangent, value)
    all_bars = pullback(value_bar)
    return found, value_bar, tuple(all_bars[i] for i in problem.wrt)


def three_sides(problem: Problem, value_bar: Any, adjoint: Vector) -> Sides:
    """Return the three functions of a direction."""
    wide = tuple(map(structure.promote, problem.active))
    point = structure.to_vector(wide)

    def forward(along: Vector) -> float:
        tangents: list[Any] = [None] * len(problem.args)
        parts = structure.tangent(problem.active, along)
        for i, part in zip(problem.wrt, parts, strict=True):
            tangents[i] = part
        args = tuple(map(structure.fresh, problem.args))
        with differences.quiet():
            out = problem.derivatives.jvp(args, tuple(tangents))
        return inner(value_bar, out[1])

    def by_differences(along: Vector) -> tuple[float, float]:
        def phi(t: float) -> Vector:
            moved = structure.from_vector(wide, point + t * along)
            return np.array([inner(value_bar, problem.value(moved))])

        size = float(np.max(np.abs(point * (along != 0)), initial=0.0))
        slope, error = differences.derivative(phi, size)
        return float(slope[0]), float(error[0])

    return Sides(adjoint, forward, by_differences)


def inner(value_bar: Any, value: Any) -> float:
    """Return the real inner product of a cotangent with a value or its tangent."""
    bars = [bar for _, bar in structure.numbers(value_bar)]
    parts = [part for _, part in structure.numbers(value)]
    shapes, expected = [list(map(np.shape, each)) for each in (parts, bars)]
    if shapes != expected:
        raise structure.StructureMismatch(
            f"the tangent {value!r} is not built like the value"
        )
    total = 0.0
    for bar, part in zip(bars, parts, strict=True):
        if np.asarray(bar).dtype.kind in "fc":
            total += float(structure.coordinates(bar) @ _like(bar, part))
    return total


def _like(bar: Any, part: Any) -> Vector:
    """Return the coordinates of a part, with imaginary ones where the cotangent has."""
    if np.iscomplexobj(bar):
        part = np.asarray(part, dtype=np.complex128)
    return structure.coordinates(part)


def _cotangent(leaf: Any) -> Any:
    """Return a random cotangent of a float or complex leaf; integers have none."""
    if np.asarray(leaf).dtype.kind in "iu":
        return leaf
    vector = direction(structure.coordinates(leaf).size, 1)
    return structure.from_coordinates(leaf, vector)


def _cannot_check(problem: Problem, value: Any) -> str:
    """Say why nothing can be checked at this value, or nothing."""
    leaves = [leaf for _, leaf in structure.numbers(value)]
    if not leaves:
        kind = type(value).__name__
        return f"{problem.title}: the function returns no number but a {kind}"
    if not all(np.all(np.isfinite(leaf)) for leaf in leaves):
        return (
            f"{problem.title} cannot be checked: its value there is {value!r};"
            " choose arguments for which it is finite"
        )
    return ""


def _same_value(value: Any, found: Any) -> bool:
    a, b = structure.to_vector(value), structure.to_vector(found)
    if a.shape != b.shape:
        return False
    scale = float(np.max(np.abs(a), initial=0.0))
    return bool(np.all(np.abs(a - b) <= ROUNDING * _epsilon(value, found) * scale))


def _epsilon(*results: Any) -> float:
    """Return the precision of the least precise number."""
    dtypes = [np.asarray(leaf).dtype for _, leaf in structure.numbers(list(results))]
    known = [float(np.finfo(d).eps) for d in dtypes if d.kind in "fc"]
    return max(known, default=float(np.finfo(np.float64).eps))
