"""Lists, dicts and objects that change: what they hold, and who else holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad
from tests.checks import check_program

X = np.array([0.3, -1.2, 2.0])


def append(x: Any) -> Any:
    found = []
    for v in x:
        found.append(v * v)
    return sum(found)


def list_methods(x: Any) -> Any:
    items = [x[0], x[1]]
    items.insert(0, x[2] * 3)
    items += [x[0] * x[1]]
    last = items.pop()
    items[1] *= last
    items.reverse()
    del items[0]
    items.extend([last, last])
    return items[0] * items[1] + sum(items)


def one_list_by_two_names(x: Any) -> Any:
    items = [x[0]]
    same = items
    same.append(x[1] * x[2])
    return items[-1] * len(items)


def array_in_a_list(x: Any) -> Any:
    row = np.zeros(3)
    rows = [row, x * 2]
    row[0] = x[1] ** 2
    rows[1][2] = x[0]
    return np.sum(rows[0] * x) + np.sum(rows[1])


def run_time_length(x: Any, n: int) -> Any:
    states = [x]
    for i in range(n):
        states.append(np.sin(states[-1]) * (i + 1))
    states[0] = states[n] * x
    return np.sum(states[0]) + np.sum(states[1])


def dict_methods(x: Any) -> Any:
    d = {"a": x[0]}
    d["b"] = x[1]
    d.update(c=x[2])
    d.setdefault("a", 7.0)
    d["a"] += d.pop("b") ** 2
    del d["c"]
    return d["a"] * len(d)


def dict_in_loop(x: Any, n: int) -> Any:
    stats = {"sum": 0.0, "square": np.zeros(3)}
    for _ in range(n):
        stats["sum"] += np.sum(x * stats["square"])
        stats["square"] += x * x
    return stats["sum"] * np.sum(stats["square"])


class Counter:
    total: Any

    def __init__(self) -> None:
        self.total = 0.0

    def add(self, v: Any) -> Counter:
        self.total = self.total + v
        return self


@dataclass
class Model:
    w: Any
    log: list[Any] = field(default_factory=list)

    def step(self, g: Any) -> None:
        self.w -= 0.1 * g
        self.log.append(np.sum(self.w**2))


def object_in_loop(x: Any) -> Any:
    counter = Counter()
    for v in x:
        counter.add(v).add(v * v)
    return counter.total**2


def dataclass_with_list(x: Any) -> Any:
    model = Model(x.copy())
    for _ in range(3):
        model.step(model.w**2)
    return sum(model.log) + np.sum(model.w)


def object_by_two_names(x: Any) -> Any:
    a = Counter()
    b = a
    b.total = x[0] * x[1]
    a.add(x[2])
    return b.total**2


PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (append, ()),
    (list_methods, ()),
    (one_list_by_two_names, ()),
    (array_in_a_list, ()),
    (run_time_length, (3,)),
    (dict_methods, ()),
    (dict_in_loop, (3,)),
    (object_in_loop, ()),
    (dataclass_with_list, ()),
    (object_by_two_names, ()),
]


@pytest.mark.parametrize(("f", "rest"), PROGRAMS)
def test_changes_are_followed(f: Any, rest: Any) -> None:
    """Value bit for bit, gradient as by differences, both modes alike."""
    check_program(f, (X, *rest), (0,))


def test_an_object_of_known_attributes_leaves_no_trace() -> None:
    """The derivative works with what the object holds, not with the object."""
    assert "Counter" not in str(grad(object_in_loop).source(X))


def squares_by_number(x: float, kept: list[Any]) -> float:
    d, i = {}, 0
    while i < x:
        d[i] = x * i
        i += 1
    if kept:
        kept.append(d)
    return sum(v * (k + 1) for k, v in d.items())


def test_keys_that_are_not_known_are_followed() -> None:
    """The run may decide which keys a dict has, as long as it stays inside."""
    check_program(squares_by_number, (2.5, []), (0,))


def test_a_key_that_is_not_known_is_refused_by_its_name() -> None:
    """Which entries a dict has that leaves the function must be known."""
    with pytest.raises(NotDifferentiable, match="CR502 `i` must be known"):
        grad(squares_by_number)(2.5, [0.0])
