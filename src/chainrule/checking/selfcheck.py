"""The first call of a derivative, verified in one random direction.

In: a derivative that was just compiled, and the arguments of its first call. Out:
nothing where differences agree; `WrongDerivative` where they settle on another number;
a warning where nothing can be said (the function is not reproducible, or differences do
not settle).

The function runs a few times more, on copies of the arguments, in silence, and with the
global random generators set back after each run.
"""

from __future__ import annotations

import contextlib
import copy
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.arguments import conform
from chainrule.checking import structure
from chainrule.checking.derivatives import check, inner
from chainrule.checking.differences import Vector, quiet
from chainrule.checking.held import Held, holding
from chainrule.checking.problems import direction
from chainrule.checking.slopes import DOUBLE, Slope, judge
from chainrule.errors import DifferentiationWarning, WrongDerivative
from chainrule.transform.derive import outside

if TYPE_CHECKING:
    from chainrule.cache.specialisations import Dispatcher

Calls = tuple[Callable[..., Any], ...]
NAMES = {
    "grad": "gradient",
    "value_and_grad": "gradient",
    "vjp": "pullback",
    "jvp": "tangent",
}
_busy: ContextVar[bool] = ContextVar("busy", default=False)


class NotChecked(Exception):
    """Nothing can be said about this derivative; the message says why."""


def verify(made: Dispatcher, calls: Calls, values: tuple[Any, ...]) -> bool:
    """Verify a derivative at its first arguments; False inside another check."""
    if _busy.get():
        return False
    token = _busy.set(True)
    try:
        with quiet(), _generators():
            verdict = _verdict(made, calls, values[: len(made.parameters.names)])
        if verdict == "wrong":
            raise WrongDerivative(_report(made, values))
    except NotChecked as reason:
        name = getattr(made.base, "__name__", "the function")
        warnings.warn(
            f"the {NAMES[made.request.transform]} of {name} is not checked: {reason}",
            DifferentiationWarning,
            stacklevel=outside(),
        )
    finally:
        _busy.reset(token)
    return True


@dataclass
class Trial:
    """The function as a function of its active arguments, on fresh copies."""

    made: Dispatcher
    values: tuple[Any, ...]
    held: Held

    def copies(self) -> tuple[Any, ...]:
        """Return copies of all arguments, which share what the arguments share."""
        try:
            return copy.deepcopy(self.values)
        except Exception as problem:
            raise NotChecked(f"its arguments cannot be copied ({problem})") from None

    def value(self, active: Sequence[Any] | None = None) -> Any:
        """Return the value, for other active arguments."""
        values = self.copies()
        if active is not None:
            values = self.made.replaced(values, active)
        with holding(self.held), _generators():
            out = self.made.primal(values)
        return out[0] if self.made.request.has_aux else out


def _verdict(made: Dispatcher, calls: Calls, values: tuple[Any, ...]) -> str:
    """Return `right`, `wrong`, or `skipped` where the call itself will raise."""
    trial = Trial(made, values, Held())
    try:
        value, again = trial.value(), trial.value()
    except NotChecked:
        raise
    except Exception:
        return "skipped"
    if not _same(value, again):
        raise NotChecked("its value differs from call to call")
    active = made.active(trial.copies())
    along = _scaled_direction(active)
    bar = structure.map_numbers(_cotangent, value)
    try:
        with _generators():
            slope = _derivative(made, calls, trial.copies(), (active, along), bar)
    except structure.StructureMismatch:
        return "wrong"
    except Exception:
        return "skipped"
    phi, epsilon = _line(trial, active, along, bar, value)
    verdict = judge(phi, slope, epsilon)
    if verdict == "wrong" and trial.held.altered:
        return "skipped"  # the user put another cotangent there
    if verdict == "unknown":
        raise NotChecked(
            "differences do not settle at these arguments (a jump, a kink, or noise)"
        )
    return verdict


def _derivative(
    made: Dispatcher,
    calls: Calls,
    values: tuple[Any, ...],
    where: tuple[list[Any], Vector],
    bar: Any,
) -> Slope:
    """Return the derivative along the direction, as the generated code has it."""
    active, along = where
    transform, several = made.request.transform, len(made.request.wrt) > 1
    if transform == "jvp":
        parts = structure.tangent(active, along)
        dots = [conform(x, d, "a tangent") for x, d in zip(active, parts, strict=True)]
        out = calls[0](*values, *dots)
        terms = np.array([inner(bar, out[1])])
        return Slope(terms, _epsilon(out))
    if transform == "vjp":
        out, residual = calls[0](*values)
        out = out[0] if made.request.has_aux else out
        bars = calls[1](residual, conform(out, bar, "a cotangent"))
    else:
        out = calls[0](*values)
        if transform == "value_and_grad":
            out = out[1]
        elif made.request.has_aux:
            out = out[0]
        bars = out if several else (out,)
    parts = [_vector(x, g) for x, g in zip(active, bars, strict=True)]
    return Slope(np.concatenate(parts) * along, _epsilon(bars))


def _vector(x: Any, bar: Any) -> Vector:
    """Return the coordinates of a gradient in the order of those of its argument."""
    if structure.is_number(x):
        size = structure.coordinates(x).size
        if bar is None:
            return np.zeros(size)
        found = structure.coordinates(bar)
        if np.iscomplexobj(x) and not np.iscomplexobj(bar):
            found = structure.coordinates(np.asarray(bar, complex))
        if found.size != size:
            raise structure.StructureMismatch(f"{found.size} numbers for {size}")
        return found
    parts = [np.zeros(0)]
    for key, part in structure.children(x) or ():
        if isinstance(bar, dict | list | tuple) and not hasattr(bar, str(key)):
            inside = None if not bar else bar[key]
        else:
            inside = None if bar is None else getattr(bar, str(key), None)
        parts.append(_vector(part, inside))
    return np.concatenate(parts)


def _line(
    trial: Trial, active: list[Any], along: Vector, bar: Any, value: Any
) -> tuple[Callable[[float], float], float]:
    """Return the function along the direction and its precision, double if it can be.

    A function may refuse other dtypes than those of its arguments.
    """

    def wide(moved: list[Any]) -> list[Any]:
        return moved

    def narrow(moved: list[Any]) -> list[Any]:
        pairs = zip(active, moved, strict=True)
        return [conform(x, m, "an argument") for x, m in pairs]

    here = inner(bar, value)
    point = structure.to_vector(active)
    start = structure.promote(active)
    for kind, epsilon in ((wide, DOUBLE), (narrow, _epsilon(active))):

        def phi(t: float, kind: Callable[..., Any] = kind) -> float:
            moved = structure.from_vector(start, point + t * along)
            return inner(bar, trial.value(kind(moved)))

        try:
            there = phi(0.0)
        except Exception:
            continue
        if not np.isfinite(here) or abs(there - here) <= 1e-2 * abs(here) + 1e-6:
            return phi, epsilon
    raise NotChecked("it does not run at arguments next to the given ones")


def _scaled_direction(active: list[Any]) -> Vector:
    """Return a random direction, of the size of every array; integers stay."""
    parts = [np.zeros(0)]
    for _, leaf in structure.numbers(active):
        vector = structure.coordinates(leaf)
        size = float(np.sqrt(np.mean(vector**2))) if vector.size else 0.0
        fixed = np.asarray(leaf).dtype.kind in "iu" or not np.isfinite(size)
        scale = 2.0 ** np.round(np.log2(size)) if size else 1.0
        parts.append(np.full(vector.size, 0.0 if fixed else scale))
    scales = np.concatenate(parts)
    return direction(scales.size, 0) * scales


def _cotangent(leaf: Any) -> Any:
    """Return the cotangent of a part of the value: 1 for one real number."""
    if np.asarray(leaf).dtype.kind in "iu":
        return leaf
    size = structure.coordinates(leaf).size
    vector = np.ones(1) if size == 1 else direction(size, 1)
    return structure.from_coordinates(leaf, vector)


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(
        structure.to_vector(a), structure.to_vector(b), equal_nan=True
    )


def _epsilon(results: Any) -> float:
    """Return the precision of the least precise number."""
    dtypes = [np.asarray(leaf).dtype for _, leaf in structure.numbers(results)]
    known = [float(np.finfo(d).eps) for d in dtypes if d.kind in "fc"]
    return max(known, default=float(np.finfo(np.float64).eps))


@contextlib.contextmanager
def _generators() -> Iterator[None]:
    """Set the global random generators back at the end."""
    ours, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)


def _report(made: Dispatcher, values: tuple[Any, ...]) -> str:
    """Return the text of the error: every argument, both values, the primal lines."""
    request = made.request
    name = getattr(made.base, "__name__", "the function")
    head = (
        f"the {NAMES[request.transform]} of `{name}` is wrong in a random direction;"
        " this is a mistake of a rule, or of chainrule"
    )
    args, kwargs = made.call_of(copy.deepcopy(values[: len(made.parameters.names)]))
    try:
        with quiet(), _generators():
            found = check(request.function, args, kwargs, wrt=request.wrt)
    except Exception:
        return f"{head} (with respect to {', '.join(request.wrt)})"
    if found.ok:
        return f"{head} (with respect to {', '.join(request.wrt)})"
    return f"{head}\n{found.text}"
