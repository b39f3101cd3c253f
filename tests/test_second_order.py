"""Derivatives of derivatives: what is generated is in the language that is accepted.

The oracle is the difference of first derivatives, which other tests compare with
differences of the function itself.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from chainrule import grad, hvp
from chainrule.checking import structure
from chainrule.checking.differences import (
    compare,
    numerical_gradient,
    numerical_tangent,
)
from fixtures.cases import CASES, Case
from tests.checks import quiet, random_tangent
from tests.programs import NAMES, arguments, load

THEMES = ("branches", "loops", "functions", "arrays", "values")
for _theme in THEMES:
    importlib.import_module(f"fixtures.language.{_theme}")


def _plain(case: Case) -> bool:
    themed = case.name.partition(".")[0] in THEMES
    return themed and case.expected is None and case.raises is None


def _argument(case: Case) -> Any:
    return case.arguments()[case.wrt[0]]


NUMBERS = [c for c in CASES if _plain(c) and type(_argument(c)) is float]
ARRAYS = [
    c
    for c in CASES
    if _plain(c)
    and isinstance(_argument(c), np.ndarray)
    and _argument(c).dtype == np.float64
]


@pytest.mark.parametrize("case", NUMBERS, ids=[c.name for c in NUMBERS])
def test_second_derivative(case: Case) -> None:
    """`grad(grad(f))` of a number agrees with the differences of `grad(f)`."""
    args, position = case.arguments(), case.wrt[0]
    first = grad(case.function, argnums=position)
    with quiet():
        estimate = numerical_gradient(first, args, position)
        second = grad(first, argnums=position)(*args)
    result = compare(second, estimate, 1e-5, "second derivative")
    assert result, str(result)


@pytest.mark.parametrize("case", ARRAYS, ids=[c.name for c in ARRAYS])
def test_hessian_vector_product(case: Case) -> None:
    """`hvp(f)` agrees with the difference of gradients along the vector."""
    args, position = case.arguments(), case.wrt[0]
    _check_product(case.function, args, position)


@pytest.mark.parametrize("name", NAMES)
def test_hessian_vector_product_of_programs(name: str) -> None:
    """The scientists' programs have second derivatives, whatever their structure."""
    module = load(name)
    position = getattr(module, "WRT", (0,))[0]
    _check_product(getattr(module, name), arguments(module), position)


def _check_product(function: Any, args: tuple[Any, ...], position: int) -> None:
    direction = random_tangent(args[position], np.random.default_rng(5))
    first = grad(function, argnums=position)

    def gradient(x: Any) -> Any:
        return first(*args[:position], x, *args[position + 1 :])

    with quiet():
        estimate = numerical_tangent(gradient, (args[position],), (direction,))
        product = hvp(function, argnums=position)(*args, direction)
    size = np.max(np.abs(structure.to_vector(gradient(args[position]))), initial=1e-12)
    result = compare(product, estimate, 1e-5, "Hessian times vector")
    off = structure.to_vector(product) - estimate.vector
    assert result or np.max(np.abs(off)) < 1e-7 * size, str(result)
