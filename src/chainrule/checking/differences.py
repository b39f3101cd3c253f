"""Derivatives by differences: an oracle that knows nothing of the compiler.

In: a function and its arguments, of any structure. Out: its gradient or its derivative
along a direction, with an estimate of the error of each number; and the comparison of a
gradient that somebody computed against it, as a report to read.

Central differences in a sequence of steps, extrapolated as by Ridders (1982): the entry
of the tableau that agrees best with its neighbours is the answer, its disagreement the
error. Everything is evaluated in double precision, whatever the arguments are.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checking import structure

Vector = np.ndarray[Any, np.dtype[np.float64]]
FIRST_STEP = 2.0**-5
SHRINK = 4.0
LEVELS = 13
GOOD_ENOUGH = 1e-11


@dataclass(frozen=True)
class Estimate:
    """A derivative and its error; `value` and `error` are built like the argument."""

    argument: Any
    vector: Vector
    errors: Vector
    method: str = "central differences"

    @property
    def value(self) -> Any:
        """The derivative, in the structure of the argument."""
        return structure.tangent(self.argument, self.vector)

    @property
    def error(self) -> Any:
        """The estimated error, in the structure of the argument."""
        return structure.tangent(self.argument, self.errors)


@dataclass(frozen=True)
class Comparison:
    """What came out of comparing a gradient with an estimate."""

    ok: bool
    report: str
    worst: float = 0.0

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return self.report


def numerical_gradient(
    f: Callable[..., Any],
    args: Sequence[Any],
    argnum: int = 0,
    kwargs: dict[str, Any] | None = None,
) -> Estimate:
    """Return the gradient of a real function with respect to one argument.

    An integer is varied as a real number; where the function refuses that (a loop
    count) the entry is NaN and its error infinite.
    """
    original = args[argnum]
    args = [structure.promote(arg) for arg in args]
    kwargs = {name: structure.promote(arg) for name, arg in (kwargs or {}).items()}
    argument = args[argnum]
    point = structure.to_vector(argument)

    def along(i: int) -> Callable[[float], Vector]:
        def phi(t: float) -> Vector:
            moved = point.copy()
            moved[i] += t
            args[argnum] = structure.from_vector(argument, moved)
            return _real(f(*args, **kwargs))

        return phi

    pairs = [derivative(along(i), abs(point[i])) for i in range(point.size)]
    vector = np.array([float(d[0]) for d, _ in pairs])
    return Estimate(original, vector, np.array([float(e[0]) for _, e in pairs]))


def numerical_tangent(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> Estimate:
    """Return the derivative of `f` along a direction, in the structure of its value."""
    with quiet():
        value = f(*primals)
    primals = [structure.promote(arg) for arg in primals]
    points = [structure.to_vector(arg) for arg in primals]
    pairs = zip(primals, tangents, strict=True)
    directions = [structure.gradient_vector(p, structure.promote(t)) for p, t in pairs]

    def phi(t: float) -> Vector:
        moved = [p + t * d for p, d in zip(points, directions, strict=True)]
        inputs = zip(primals, moved, strict=True)
        return structure.to_vector(f(*(structure.from_vector(p, v) for p, v in inputs)))

    size = max((float(np.max(np.abs(p), initial=0.0)) for p in points), default=0.0)
    vector, errors = derivative(phi, size)
    return Estimate(value, vector, errors)


def complex_step_gradient(
    f: Callable[..., Any], args: Sequence[Any], argnum: int = 0
) -> Vector | None:
    """Return the gradient by one imaginary step, exact where the function is analytic.

    None where the function refuses complex numbers. Where it is not analytic (`abs`,
    `real`) the result is wrong without notice: believe it only beside differences.
    """
    args = [structure.promote(arg) for arg in args]
    argument = args[argnum]
    if any(
        np.asarray(leaf).dtype.kind != "f" for _, leaf in structure.numbers(argument)
    ):
        return None
    out = np.zeros(structure.to_vector(argument).size)
    for i in range(out.size):
        args[argnum] = _imaginary_step(argument, i)
        try:
            with quiet():
                value = np.asarray(f(*args))
        except Exception:
            return None
        out[i] = value.imag.item() / 1e-30 if value.size == 1 else np.nan
    return out


def oracle(f: Callable[..., Any], args: Sequence[Any], argnum: int = 0) -> Estimate:
    """Return the best gradient that does not come from rules.

    The complex step where central differences confirm it, else the differences.
    """
    estimate = numerical_gradient(f, args, argnum)
    exact = complex_step_gradient(f, args, argnum)
    if exact is None or not np.all(np.isfinite(estimate.vector)):
        return estimate
    scale = np.max(np.abs(estimate.vector), initial=1e-300)
    allowed = 10 * estimate.errors + 1e-7 * scale
    if not np.all(np.abs(exact - estimate.vector) <= allowed):
        return estimate
    return Estimate(
        estimate.argument, exact, np.full_like(exact, 1e-14 * scale), "complex step"
    )


def derivative(phi: Callable[[float], Vector], size: float) -> tuple[Vector, Vector]:
    """Return the derivative of `phi` at 0 and its error; NaN where there is none."""
    with quiet():
        base = phi(0.0)
    best = np.full(base.shape, np.nan)
    error = np.full(base.shape, np.inf)
    row: list[Vector] = []
    for level in range(LEVELS):
        step = FIRST_STEP * max(size, 0.1) / SHRINK**level
        row, previous = [_central(phi, step, base)], row
        noise = 4 * np.finfo(np.float64).eps * np.abs(base) / step
        for order, coarse in enumerate(previous):
            gain = SHRINK ** (2 * (order + 1))
            row.append((gain * row[order] - coarse) / (gain - 1))
            spread = np.maximum(abs(row[-1] - row[-2]), abs(row[-1] - coarse)) + noise
            better = spread < error
            best = np.where(better, row[-1], best)
            error = np.where(better, spread, error)
        if np.all(error <= GOOD_ENOUGH * np.abs(best)):
            break
    return best, error


def compare(
    gradient: Any, estimate: Estimate, rtol: float | None = None, name: str = "gradient"
) -> Comparison:
    """Compare a gradient with an estimate of it and say where they differ.

    The tolerance of a number is `rtol` of the largest number beside it, plus ten times
    the estimated error; where nothing could be estimated, only zero passes.
    By default `rtol` is 1e-6, or 2e-4 for a gradient in float32.
    """
    try:
        found = structure.gradient_vector(estimate.argument, gradient)
    except structure.StructureMismatch as problem:
        return Comparison(False, f"{name}: {problem}", np.inf)
    rtol = default_rtol(gradient) if rtol is None else rtol
    wrong, expected, worst = disagreements(
        found, estimate.vector, estimate.errors, rtol
    )
    names = structure.names(estimate.argument)
    lines = list(_lines(found, expected, wrong, names))
    head = (
        f"{name}: {np.sum(wrong)} of {found.size} numbers differ from {estimate.method}"
    )
    if lines:
        return Comparison(False, "\n".join([head, *lines]), worst)
    agree = f"{name}: {found.size} numbers agree with {estimate.method} ({worst:.0e})"
    return Comparison(True, agree, worst)


def default_rtol(gradient: Any) -> float:
    """Return the tolerance for the precision of a gradient."""
    return 2e-4 if _is_single(gradient) else 1e-6


def disagreements(
    found: Vector, vector: Vector, errors: Vector, rtol: float
) -> tuple[np.ndarray[Any, Any], Vector, float]:
    """Return which numbers differ from an estimate, what was expected, how far off.

    Where nothing could be estimated NaN is expected, and only zero passes.
    """
    finite = np.isfinite(vector)
    known = finite & (errors <= _largest_error(vector[finite]))
    scale = np.max(np.abs(vector[known]), initial=1e-12)
    off = np.abs(found - np.where(known, vector, 0.0))
    wrong = ~(off <= rtol * scale + 10 * np.where(known, errors, 0.0))
    worst = float(np.max(off / scale, initial=0.0))
    return wrong, np.where(known, vector, np.nan), worst


def _lines(
    found: Vector, expected: Vector, wrong: np.ndarray[Any, Any], names: list[str]
) -> Iterator[str]:
    where = np.flatnonzero(wrong)
    for i in where[:8]:
        wanted = f"expected {expected[i]:.9g}"
        if np.isnan(expected[i]):
            wanted = "which differences cannot confirm (a jump, or noise)"
        yield f"  {names[i] or 'value'}: {found[i]:.9g}, {wanted}"
    if where.size > 8:
        yield f"  ... and {where.size - 8} more"


def _largest_error(vector: Vector) -> float:
    """Return the error above which an estimate says nothing."""
    return max(1e-3 * float(np.max(np.abs(vector), initial=0.0)), 1e-8)


def _is_single(gradient: Any) -> bool:
    small = [np.asarray(leaf).dtype.itemsize for _, leaf in structure.numbers(gradient)]
    kinds = [np.asarray(leaf).dtype.kind for _, leaf in structure.numbers(gradient)]
    return any(n <= (8 if k == "c" else 4) for n, k in zip(small, kinds, strict=True))


def _central(phi: Callable[[float], Vector], step: float, base: Vector) -> Vector:
    try:
        with quiet():
            high, low = phi(step), phi(-step)
    except Exception:
        return np.full(base.shape, np.nan)
    if high.shape != base.shape or low.shape != base.shape:
        return np.full(base.shape, np.nan)
    with np.errstate(all="ignore"):
        return (high - low) / (2 * step)


def _real(value: Any) -> Vector:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind == "c":
        kind = f"dtype {array.dtype} and shape {array.shape}"
        raise TypeError(f"the function must return one real number, not {kind}")
    return array.astype(np.float64).reshape(1)


def _imaginary_step(argument: Any, i: int) -> Any:
    position = 0

    def take(leaf: Any) -> Any:
        nonlocal position
        size = np.size(leaf)
        position += size
        if not position - size <= i < position:
            return leaf
        if not isinstance(leaf, np.ndarray):
            return complex(leaf, 1e-30)
        moved = leaf.astype(np.complex128)
        moved.reshape(-1)[i - position + size] += 1e-30j
        return moved

    return structure.map_numbers(take, argument)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what a function prints and warns of when it is run many times."""
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
