"""Random programs of views and writes in place: right, or refused, never wrong.

A program is a list of steps on named arrays, run by one interpreter on arrays and on
tensors. The oracle is differences of the run on arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from chainrule import tensor
from chainrule.checking.differences import compare, oracle
from chainrule.tensor import Tensor

X = np.array([0.7, -1.2, 0.4, 1.9, -0.3, 1.1])
VIEWS = [
    lambda a: a[1:],
    lambda a: a[:-1],
    lambda a: a[::2],
    lambda a: a[::-1],
    lambda a: a.reshape(-1),
    lambda a: a[None, :].T[:, 0],
]
INDICES = [..., slice(None), slice(1, None), slice(None, None, 2), 0, -1, [0, 0, 1]]
step = st.one_of(
    st.tuples(st.just("view"), st.integers(0, 9), st.sampled_from(VIEWS)),
    st.tuples(st.just("new"), st.integers(0, 9), st.sampled_from([1.5, -0.5])),
    st.tuples(
        st.just("set"),
        st.integers(0, 9),
        st.sampled_from(INDICES),
        st.integers(0, 9),
        st.sampled_from(["same", "number", "square", "input"]),
    ),
    st.tuples(
        st.just("augment"),
        st.integers(0, 9),
        st.sampled_from("+-*/"),
        st.integers(0, 9),
    ),
    st.tuples(st.just("use"), st.integers(0, 9), st.sampled_from(["sum", "square"])),
)


def run(x: Any, steps: list[Any]) -> Any:
    """Interpret a program; the result depends on all that was used, and the end."""
    y = x * 1.0
    live = [y]
    total = 0.0
    for kind, k, *rest in steps:
        a = live[k % len(live)]
        if kind == "view":
            if len(a) > 2:
                live.append(rest[0](a))
        elif kind == "new":
            live.append(a * rest[0])
        elif kind == "set":
            index, other, what = rest
            b = live[other % len(live)]
            target = np.zeros(len(a))[index]
            value = values(b, x, what)[: target.size].reshape(target.shape)
            if value.shape == target.shape and value.size == target.size:
                a[index] = value
        elif kind == "augment":
            total = total + augment(a, rest[0], live[rest[1] % len(live)])
        else:
            total = total + (a.sum() if rest[0] == "sum" else (a * a).sum())
    for k, a in enumerate(live):
        total = total + (k + 1) * (a * np.arange(1.0, len(a) + 1)).sum()
    return total


def values(b: Any, x: Any, what: str) -> Any:
    """Return something to write, as many elements as there are."""
    long = np.concatenate([b, x])
    if what == "number":
        return np.full(len(long), 2.5)
    if what == "square":
        return long * long
    return np.concatenate([x, b]) if what == "input" else long


def augment(a: Any, operation: str, b: Any) -> float:
    """Do `a += b` or its kin with as much of `b` as fits."""
    n = min(len(a), len(b))
    part, other = a[:n], b[:n] * 1.0
    if operation == "+":
        part += other
    elif operation == "-":
        part -= other
    elif operation == "*":
        part *= other
    else:
        part /= 2.0 + other * other
    return 0.0


@given(steps=st.lists(step, min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_random_writes(steps: list[Any]) -> None:
    """The gradient is right, or what was saved and written since is refused."""
    x = tensor(X, requires_grad=True)
    out = run(x, steps)
    assert isinstance(out, Tensor)
    wanted = run(X.copy(), steps)
    np.testing.assert_allclose(out.detach().numpy(), wanted, 1e-12)
    try:
        out.backward()
    except RuntimeError as error:
        assert "written in place since" in str(error)
        event("refused")
        return
    event("right")
    wanted = oracle(lambda a: run(a, steps), (X,), 0)
    result = compare(x.grad.numpy(), wanted, None, "x")
    rounding = np.allclose(x.grad.numpy().ravel(), wanted.vector, 0, 1e-14)
    assert result or rounding, str(result)
