"""Elementwise operations on any shapes and types; the oracle is `autograd`."""

from __future__ import annotations

import operator
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from chainrule import jvp, tensor
from tests.tensor.against import check

OPERATIONS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "pow": operator.pow,
    "maximum": lambda x, y: (np if is_ours(x) else anp).maximum(x, y),
    "hypot": lambda x, y: (np if is_ours(x) else anp).sqrt(x * x + y * y),
}


def is_ours(x: Any) -> bool:
    """Say whether a value is a tensor, not one of autograd's boxes."""
    return type(x).__module__ == "chainrule.tensor"


@given(
    shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3),
    name=st.sampled_from(sorted(OPERATIONS)),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_broadcasting(shapes: Any, name: str, seed: int) -> None:
    """Operands of all shapes get gradients of their own shape."""
    rng = np.random.default_rng(seed)
    operation = OPERATIONS[name]
    a, b = (np.asarray(rng.uniform(0.5, 2.0, s)) for s in shapes.input_shapes)
    bar = np.asarray(rng.normal(size=shapes.result_shape))
    x, y = tensor(a, requires_grad=True), tensor(b, requires_grad=True)
    operation(x, y).backward(bar)
    pullback, value = autograd.make_vjp(lambda p: operation(p[0], p[1]))((a, b))
    for mine, wanted in zip((x, y), pullback(bar), strict=True):
        assert mine.grad is not None and mine.grad.shape == mine.shape
        np.testing.assert_allclose(mine.grad.numpy(), wanted, 1e-10, 1e-12)


@given(
    shape=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    data=st.data(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_indexing(shape: tuple[int, ...], data: Any, seed: int) -> None:
    """What is read at an index gets the cotangent, all else zero."""
    from hypothesis.extra.numpy import basic_indices

    index = data.draw(basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    rng = np.random.default_rng(seed)
    a = np.asarray(rng.normal(size=shape))
    x = tensor(a, requires_grad=True)
    y = x[index] * 1.0
    bar = np.asarray(rng.normal(size=a[index].shape))
    assert y.shape == a[index].shape
    np.testing.assert_array_equal(y.detach().numpy(), a[index])
    y.backward(bar)
    wanted = np.zeros(shape)
    wanted[index] = bar
    np.testing.assert_array_equal(x.grad.numpy(), wanted)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.tanh(x @ x.T).sum(axis=0),
        lambda x: np.linalg.solve(x + 3 * np.eye(3), x[0]) / x.mean(),
        lambda x: np.concatenate([x[0], np.cumsum(x, axis=1)[2]]) ** 2,
        lambda x: np.einsum("ij,jk->ik", x, np.exp(x)).reshape(-1),
        lambda x: np.stack(list(x)).max(axis=1) * np.sort(x[1]),
        lambda x: np.where(x > 0, np.sqrt(np.abs(x)), x**3).ravel(),
    ],
)
def test_against_forward_mode(f: Any, rng: np.random.Generator) -> None:
    """Reverse by operations and forward as a whole give the same product."""
    a, dot = rng.normal(size=(2, 3, 3))
    value, value_dot = jvp(f, (a,), (dot,))
    bar = rng.normal(size=value.shape)
    x = tensor(a, requires_grad=True)
    f(x).backward(bar)
    assert np.vdot(bar, value_dot) == pytest.approx(np.vdot(x.grad.numpy(), dot))


def test_lists_of_any_length(rng: np.random.Generator) -> None:
    """A long list is one argument, whatever its length; some may be constants."""
    for n in (1, 3, 4, 5, 9, 30):
        xs = [tensor(rng.normal(size=2), requires_grad=True) for _ in range(n)]
        out = np.stack([*xs, np.ones(2), tensor([3.0, 4.0])])
        assert out.shape == (n + 2, 2)
        (out * np.arange(n + 2)[:, None]).sum().backward()
        assert [x.grad.tolist() for x in xs] == [[float(k)] * 2 for k in range(n)]


def test_operations_are_made_once(rng: np.random.Generator) -> None:
    """The compiler is asked once for each kind of operands, not for each call."""
    from chainrule.cache import specialisations

    def f(x: Any, k: int) -> Any:
        y = (x[k : k + 2] * x[k]).sum() + x[k] ** (k + 10) + np.roll(x, k)[0]
        return y + (x > 0).sum() + x.reshape(2, -1)[0, k - 1]

    x = tensor(rng.normal(size=12), requires_grad=True)
    f(x, 3)
    made = []
    original = specialisations.build
    specialisations.build = lambda *args, **kwargs: (
        made.append(args) or original(*args, **kwargs)
    )
    try:
        for k in range(2, 6):
            f(x, k).backward()
    finally:
        specialisations.build = original
    assert made == []


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (np.cross(x[:3], x[3:6]) * x[6:9]).sum(),
        lambda x: np.interp(x[0] / 10 + 0.35, [0.0, 0.5, 1.0], x[1:4]) * x[4],
        lambda x: (np.swapaxes(x.reshape(3, 3), 0, 1) @ x[:3]).sum() + np.amax(x),
        lambda x: np.linalg.det(x.reshape(3, 3) @ np.eye(3)) - np.amin(x),
        lambda x: sum(row * k for k, row in enumerate(x.reshape(3, 3))).sum(),
        lambda x: sum(a * b for a, b in zip(x[:4], x[4:8], strict=True)),
        lambda x: max(x) * min(x) + sorted(x)[3],
        lambda x: sum((x**n).sum() for n in (-9, -1, 0, 1, 2, 3, 8, 9, 0.5, 2.0)),
        lambda x: (2**x).sum() + np.power(x, 2).sum() + (x**x).sum(),
        lambda x: (np.multiply.outer(x, x.reshape(3, 3)) ** 2).sum(),
        lambda x: (np.subtract.outer(x[0], x) * np.maximum.outer(x[:2], x[0])[0]).sum(),
    ],
)
def test_what_the_rules_do_not_show(f: Any, rng: np.random.Generator) -> None:
    """Functions whose samples are of no use here, and Python's own."""
    check(f, rng.uniform(0.5, 2.0, size=9))
