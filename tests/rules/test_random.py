"""Rules of random numbers: derivatives with the draw held fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.rules import RULES
from tests.rules.harness import call, project

LOC = np.array([[0.3], [-1.2]])
SCALE = np.array([0.5, 1.0, 2.0])
CASES = [
    *((name, (LOC, SCALE)) for name in "normal laplace logistic gumbel".split()),
    ("uniform", (LOC, SCALE + 1)),
    ("lognormal", (LOC, SCALE)),
    ("exponential", (SCALE,)),
    ("rayleigh", (SCALE,)),
]


def drawn(owner: Any, name: str, args: Any, size: Any) -> Any:
    """Draw with a generator that always starts alike."""
    if owner is np.random:
        np.random.seed(5)
        return getattr(np.random, name)(*args, size)
    generator = np.random.default_rng(5)
    if owner is np.random.RandomState:
        generator = np.random.RandomState(5)
    return getattr(owner, name)(generator, *args, size)


@pytest.mark.parametrize(
    "owner", [np.random, np.random.Generator, np.random.RandomState]
)
@pytest.mark.parametrize(("name", "args"), CASES)
def test_pathwise(owner: Any, name: str, args: Any) -> None:
    """Moving a parameter moves the same draw as the partial says."""
    size = (4, 2, 3) if len(args) == 2 else (4, 3)
    out = drawn(owner, name, args, size)
    rule = RULES.reverse[getattr(owner, name)]
    names = [n for n in rule.parameters if n not in ("self", "size")]
    bound = {"self": None, **dict(zip(names, args, strict=True)), "size": size}
    partials = call(rule.template, bound, out=out)
    values = dict(zip(rule.wrt, partials, strict=True))
    for k, parameter in enumerate(names):
        v, h = np.cos(np.arange(args[k].size)).reshape(args[k].shape), 1e-6
        plus = (*args[:k], args[k] + h * v, *args[k + 1 :])
        minus = (*args[:k], args[k] - h * v, *args[k + 1 :])
        moved = drawn(owner, name, plus, size) - drawn(owner, name, minus, size)
        cotangent = project(values[parameter] * np.ones(size), args[k])
        np.testing.assert_allclose(np.sum(cotangent * v), np.sum(moved) / (2 * h), 1e-6)
