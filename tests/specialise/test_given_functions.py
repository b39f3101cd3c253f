"""Functions that arguments hold: in attributes, dicts, lists and tuples."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad

X = np.array([0.5, 1.5])


def twice(v: Any) -> Any:
    return v * 2.0


class Layer:
    def __init__(self, act: Any) -> None:
        self.act = act
        self.weight = 3.0

    def loss(self, x: Any) -> Any:
        return np.sum(self.act(x)) * self.weight


class Net:
    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)

    def loss(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer.act(x) * layer.weight
        return np.sum(x)


def from_dict(x: Any, p: Any) -> Any:
    return np.sum(p["act"](x))


def in_turn(x: Any, p: Any) -> Any:
    for f in p:
        x = f(x)
    return np.sum(x)


def swapped(x: Any, p: Any) -> Any:
    p[0], p[1] = p[1], p[0]
    return np.sum(p[0](x) ** 2)


def put_in(x: Any, p: Any) -> Any:
    p["act"] = np.sin
    return np.sum(p["act"](x))


def grown(x: Any, p: Any) -> Any:
    p.append(np.sin)
    return in_turn(x, p)


def agrees(f: Any, *args: Any) -> bool:
    """Say whether the gradient is what differences give."""

    def fresh() -> list[Any]:
        return [copy.copy(arg) for arg in args]  # the programs write into them

    found = grad(f)(X, *fresh())
    for i in range(X.size):
        step = np.zeros(X.size)
        step[i] = 1e-6
        high, low = f(X + step, *fresh()), f(X - step, *fresh())
        if abs((high - low) / 2e-6 - found[i]) > 1e-6:
            return False
    return True


@pytest.mark.parametrize("act", [np.tanh, twice, lambda v: v**3, np.square])
def test_they_are_called(act: Any) -> None:
    assert agrees(Layer(act).loss)
    assert agrees(Net(Layer(act), Layer(np.sin)).loss)
    assert agrees(from_dict, {"act": act})
    assert agrees(in_turn, [act, twice, np.sin])
    assert agrees(in_turn, (act, act))


def test_what_the_program_puts_in_their_place_is_called() -> None:
    assert agrees(swapped, [twice, np.sin])
    assert agrees(put_in, {"act": twice})
    assert agrees(grown, [twice])


def test_another_function_is_another_derivative() -> None:
    layer = Layer(twice)
    slope = grad(layer.loss)
    assert slope(X)[0] == 6.0
    layer.act = lambda v: v * 5.0
    assert slope(X)[0] == 15.0
    by_dict, given = grad(from_dict), {"act": twice}
    assert by_dict(X, given)[0] == 2.0
    given["act"] = np.square
    assert by_dict(X, given)[0] == 1.0


def test_what_only_the_run_chooses_is_refused() -> None:
    def chosen(x: Any, p: Any) -> Any:
        return np.sum(p[int(x[0])](x))

    with pytest.raises(NotDifferentiable):
        grad(chosen)(X, [twice, np.sin])
