"""Every rule through the compiler: in a real function, in both modes, twice.

The calls are those that the other tests of this folder check. The oracles are the
primal, its differences, forward against reverse mode, and for the second derivative the
differences of the first.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import grad
from chainrule.checking.differences import compare, numerical_gradient
from chainrule.rules.registry import RULES
from tests.checks import check_forward, estimates, gradients, quiet
from tests.rules.collected import Example, examples
from tests.rules.harness import map_arrays
from tests.rules.wrapped import Program, program, spelling

MOST = 5
EXAMPLES = {name: e for fn, e in examples().items() if (name := spelling(fn))}
# A tuple of unknown length; vectors of two elements, which NumPy is about to refuse;
# points on the knots, where differences are of no use.
OTHERWISE = {"np.unstack", "np.cross", "np.interp"}
NAMES = sorted(set(EXAMPLES) - OTHERWISE)


def some(items: list[Example], most: int) -> list[Example]:
    """Return at most so many of the examples, from all parts of the list."""
    step = max(1, -(-len(items) // most))
    return items[::step]


def fits(example: Example) -> bool:
    """Say whether an argument is no tuple of arrays and slices or flags."""
    values = [v for a in example.args for v in (a if isinstance(a, tuple) else (a,))]
    arrays = [v for v in values if isinstance(v, np.ndarray)]
    mixed = any(isinstance(v, slice | bool) for v in values) and len(arrays) > 1
    return not mixed


def finite(x: Any) -> Any:
    """Return an argument without NaN, of which differences know nothing,
    nor of ties.
    """

    def replaced(a: Any) -> Any:
        numbers = 0.7 + 0.013 * np.arange(a.size).reshape(a.shape)
        return np.where(np.isnan(a), numbers, a).astype(a.dtype)

    return map_arrays(x, lambda a: replaced(a) if a.dtype.kind in "fc" else a)


def programs(name: str, most: int, change: Callable[[Any], Any]) -> list[Program]:
    """Return programs for some calls of a primitive, with changed arguments."""
    made = []
    for e in some([e for e in EXAMPLES[name] if fits(e)], most):
        changed = Example(
            e.fn, tuple(change(finite(a)) for a in e.args), e.kwargs, e.wrt
        )
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            one = program(changed)
        if one is not None:
            made.append(one)
    return made


def check(one: Program, folder: Path, rtol: float | None = None) -> None:
    """Check value, gradient and tangent of one program."""
    f = one.load(folder)["f"]
    with quiet():
        value = f(*one.values)
        found, gradient = gradients(f, one.values, one.wrt)
        again, _ = gradients(f, one.values, one.wrt)
    tolerance = 1e-12 if np.result_type(value) == np.float64 and rtol is None else 1e-4
    np.testing.assert_allclose(found, value, tolerance, err_msg=one.text)
    assert type(found) is type(again)
    wanted = estimates(f, one.values, one.wrt)
    for position, g, estimate in zip(one.wrt, gradient, wanted, strict=True):
        result = compare(g, estimate, rtol, f"gradient of argument {position}")
        assert result, f"{result}\n{one.text}"
    if rtol is None:
        check_forward(f, one.values, one.wrt, found, gradient)


def same(x: Any) -> Any:
    """Return an argument as it is."""
    return x


@pytest.mark.parametrize("name", NAMES)
def test_derivative(name: str, tmp_path: Path) -> None:
    """Gradient and tangent of a program that calls the primitive are right."""
    for one in programs(name, MOST, same):
        check(one, tmp_path)


def is_real(x: Any) -> bool:
    """Say whether an argument is a real number or array."""
    return not isinstance(x, list | tuple) and np.isrealobj(x)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_twice(name: str, tmp_path: Path) -> None:
    """So is the gradient of a weighted sum of the gradient."""
    for one in programs(name, 2, same):
        real = [k for k in one.wrt if is_real(one.values[k])]
        if not real:
            continue
        k, point = real[0], one.values[real[0]]
        weight = np.random.default_rng(2).uniform(0.5, 1.5, np.shape(point))
        params = ", ".join(f"x{i}" for i in range(len(one.values)))
        more = (
            f"\n\ndef g({params}):\n"
            f"    return np.sum(V * grad(f, argnums={k})({params}))\n"
        )
        one.weights["V"] = weight if np.shape(point) else float(weight)
        g = one.load(tmp_path, more)["g"]
        with quiet():
            estimate = numerical_gradient(g, one.values, k)
            second = grad(g, argnums=k)(*one.values)
        result = compare(second, estimate, 1e-5, "second derivative")
        assert result, f"{result}\n{one.text}{more}"


def single(x: Any) -> Any:
    """Return arguments in single precision."""
    return map_arrays(x, lambda a: a.astype(SINGLE.get(a.dtype.kind, a.dtype)))


SINGLE = {"f": np.float32, "c": np.complex64}


@pytest.mark.parametrize("name", NAMES)
def test_single_precision(name: str, tmp_path: Path) -> None:
    """The gradient of a float32 array is a float32 array."""
    for one in programs(name, 2, single):
        check(one, tmp_path, rtol=5e-3)


def numpy_scalar(x: Any) -> Any:
    """Return NumPy's scalars for Python's floats, and other memory for arrays."""
    if isinstance(x, list | tuple):
        return type(x)(map(numpy_scalar, x))
    if isinstance(x, np.ndarray) and x.ndim:
        return np.asfortranarray(np.repeat(x, 2, axis=-1))[..., ::2]
    return np.float64(x) if type(x) is float else x


@pytest.mark.parametrize("name", NAMES)
def test_other_kinds_of_arguments(name: str, tmp_path: Path) -> None:
    """NumPy's scalars and strided arrays have the same derivatives."""
    for one in programs(name, 2, numpy_scalar):
        check(one, tmp_path)


def test_rules_are_met() -> None:
    """Every rule that a program can reach has an example under one of its names."""
    met = {RULES.reverse[fn].template for fn in examples()}
    spelled = {fn for fn in RULES.reverse if spelling(fn) is not None}
    missing = {fn.__name__ for fn in spelled if RULES.reverse[fn].template not in met}
    # Their own tests reduce the result to what does not depend on rank or phase.
    assert missing <= {"eig", "lstsq"}
