"""Attributes that objects get later: what was read from the class was only assumed."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import grad

X = np.ones(2)


class Net:
    limit = 1.0

    def scaled(self, v: Any) -> Any:
        return v * self.limit

    def loss(self, x: Any) -> Any:
        return np.sum(self.scaled(x))

    def asked(self, x: Any) -> Any:
        return np.sum(x) * getattr(self, "gain", 1.0)

    def questioned(self, x: Any) -> Any:
        return np.sum(x) * (self.gain if hasattr(self, "gain") else 1.0)  # type: ignore[attr-defined]


class Holder:
    def __init__(self) -> None:
        self.net = Net()

    def loss(self, x: Any) -> Any:
        return self.net.loss(x)


class Slotted:
    __slots__ = ("net",)
    limit = 3.0

    def loss(self, x: Any) -> Any:
        return np.sum(x) * self.limit


SETTINGS = Net()


def of_global(x: Any) -> Any:
    return np.sum(x) * getattr(SETTINGS, "gain", 1.0)


def test_an_attribute_that_hides_one_of_the_class_is_seen() -> None:
    net = Net()
    slope = grad(net.loss)
    assert slope(X)[0] == 1.0
    net.limit = 5.0
    assert slope(X)[0] == 5.0
    del net.limit
    assert slope(X)[0] == 1.0
    assert grad(Net().loss)(X)[0] == 1.0


def test_it_is_seen_in_an_object_that_another_holds() -> None:
    holder = Holder()
    slope = grad(holder.loss)
    assert slope(X)[0] == 1.0
    holder.net.limit = 5.0
    assert slope(X)[0] == 5.0


def test_an_attribute_that_was_not_there_is_seen() -> None:
    for name in ("asked", "questioned"):
        net: Any = Net()
        slope = grad(getattr(net, name))
        assert slope(X)[0] == 1.0
        net.gain = 5.0
        assert slope(X)[0] == 5.0


def test_an_attribute_of_a_global_object_is_seen() -> None:
    slope = grad(of_global)
    assert slope(X)[0] == 1.0
    SETTINGS.gain = 5.0  # type: ignore[attr-defined]
    try:
        assert slope(X)[0] == 5.0
    finally:
        del SETTINGS.gain  # type: ignore[attr-defined]
    assert slope(X)[0] == 1.0


def test_an_object_without_a_dict_has_none_of_its_own() -> None:
    assert grad(Slotted().loss)(X)[0] == 3.0
