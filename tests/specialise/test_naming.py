"""What an object is called that only a container holds."""

import numpy as np
import pytest

from chainrule import grad


class Net:
    def __init__(self, w):
        self.layers = [{"w": w}]
        self.calls = 0


def of_a_dict(v):
    state = {"m": np.zeros_like(v), "t": 0}
    for _ in range(3):
        state["t"] += 1
        state["m"] += v * v
    return np.sum(state["m"] ** 2)


def of_an_object_at_some_depth(v):
    net = Net(v * 1.0)
    for _ in range(3):
        net.calls += 1
        net.layers[0]["w"] *= v
    return np.sum(net.layers[0]["w"])


def of_an_argument(state):
    i = 0
    while i < 2:
        state["m"][::1] = state["m"] * 2.0
        i = i + 1
    return np.sum(state["m"])


@pytest.mark.parametrize(
    "function, argument, name",
    [
        (of_a_dict, np.ones(3), "state_m"),
        (of_an_object_at_some_depth, np.ones(3), "net_layers_0_w"),
        (of_an_argument, {"m": np.ones(3)}, "state_m"),
    ],
)
def test_an_object_goes_by_the_name_of_what_holds_it(function, argument, name):
    assert f"{name}_bar" in grad(function).source(argument)
