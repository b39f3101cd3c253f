"""Functions that are reached through classes and names: replaced, they are seen.

Tools that load modules anew put other code into functions, and other functions into
classes; a notebook may define a global of the name of a builtin.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

from chainrule import grad

X = np.array([1.0, 2.0])


def scaled(v: Any, *, by: Any = 2.0) -> Any:
    return v * by


class Base:
    def scale(self, v: Any) -> Any:
        return v * 2.0

    @classmethod
    def doubled(cls, v: Any) -> Any:
        return v * 2.0


class Layer(Base):
    def __init__(self) -> None:
        self.weight = 2.0

    def scale(self, v: Any) -> Any:
        return super().scale(v) * self.weight

    @property
    def gain(self) -> Any:
        return self.weight * 2.0

    def __call__(self, v: Any) -> Any:
        return v * self.weight

    def __matmul__(self, v: Any) -> Any:
        return v * self.weight


LAYER = Layer()
PROGRAMS: dict[str, Any] = {
    "a keyword default": lambda x: np.sum(scaled(x)),
    "a method of the class above": lambda x: np.sum(LAYER.scale(x)),
    "a class method": lambda x: np.sum(Layer.doubled(x)),
    "a property": lambda x: np.sum(x) * LAYER.gain,
    "__call__": lambda x: np.sum(LAYER(x)),
    "__call__ of an argument": lambda x, layer=LAYER: np.sum(layer(x)),
    "an operator of an argument": lambda x, layer=LAYER: np.sum(layer @ x),
}
CHANGES: dict[str, Any] = {
    "a keyword default": (scaled, "__kwdefaults__", {"by": 7.0}),
    "a method of the class above": (Base, "scale", lambda self, v: v * 7.0),
    "a class method": (Base, "doubled", classmethod(lambda cls, v: v * 7.0)),
    "a property": (Layer, "gain", property(lambda self: 7.0)),
    "__call__": (Layer, "__call__", lambda self, v: v * 7.0),
    "__call__ of an argument": (Layer, "__call__", lambda self, v: v * 7.0),
    "an operator of an argument": (Layer, "__matmul__", lambda self, v: v * 7.0),
}


def slope(f: Any) -> float:
    """Return the derivative by differences; the programs are linear."""
    return float(f(X + np.array([1.0, 0.0])) - f(X))


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_put_in_its_place_is_seen(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    f = PROGRAMS[name]
    derivative = grad(f)
    before = slope(f)
    assert derivative(X)[0] == pytest.approx(before)
    monkeypatch.setattr(*CHANGES[name])
    assert slope(f) != before
    assert derivative(X)[0] == pytest.approx(slope(f))


def test_other_code_in_the_same_function_is_seen() -> None:
    """What `%autoreload` does."""

    def other(self: Any, v: Any) -> Any:
        return v * 5.0

    function: Any = Layer.__call__
    code: types.CodeType = function.__code__
    derivative = grad(PROGRAMS["__call__"])
    assert derivative(X)[0] == 2.0
    function.__code__ = other.__code__
    try:
        assert derivative(X)[0] == 5.0
    finally:
        function.__code__ = code


def test_a_global_that_hides_a_builtin_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    f = lambda x: abs(np.sum(x)) * 2.0  # noqa: E731
    derivative = grad(f)
    assert derivative(X)[0] == 2.0
    monkeypatch.setitem(globals(), "abs", lambda v: v * 7.0)
    assert derivative(X)[0] == 14.0
