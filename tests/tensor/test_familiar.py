"""Methods with PyTorch's names: values and gradients are those of the expression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import tensor
from chainrule.checking.differences import compare, numerical_gradient

X = np.array([[0.5, -1.0, 2.0], [0.3, -0.7, -4.0]])
OTHER = np.array([[1.5, 2.0, 0.5], [-1.0, 3.0, 2.0]])


def softmax(x: Any, axis: int) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


CASES: dict[str, tuple[Any, Any]] = {
    "add": (lambda x: x.add(OTHER, alpha=2), lambda x: x + 2 * OTHER),
    "sub": (lambda x: x.sub(OTHER), lambda x: x - OTHER),
    "mul": (lambda x: x.mul(OTHER), lambda x: x * OTHER),
    "div": (lambda x: x.div(OTHER), lambda x: x / OTHER),
    "neg": (lambda x: x.neg(), lambda x: -x),
    "mm": (lambda x: x.mm(OTHER.T), lambda x: x @ OTHER.T),
    "t": (lambda x: x.t() * 2, lambda x: x.T * 2),
    "clamp": (lambda x: x.clamp(min=-0.8), lambda x: np.maximum(x, -0.8)),
    "norm": (lambda x: x.norm(), lambda x: np.sqrt(np.sum(x**2))),
    "relu": (lambda x: x.relu(), lambda x: np.where(x > 0, x, 0.0)),
    "sigmoid": (lambda x: x.sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "softmax": (lambda x: x.softmax(dim=1), lambda x: softmax(x, 1)),
    "softmax of columns": (lambda x: x.softmax(0), lambda x: softmax(x, 0)),
    "logsumexp": (
        lambda x: x.logsumexp(dim=1),
        lambda x: np.log(np.exp(x).sum(axis=1)),
    ),
    "logsumexp, kept": (
        lambda x: x.logsumexp(0, keepdim=True),
        lambda x: np.log(np.exp(x).sum(axis=0, keepdims=True)),
    ),
    "to": (lambda x: x.to(np.float64), lambda x: x),
}


@pytest.mark.parametrize("name", CASES)
def test_methods_are_the_expressions(name: str) -> None:
    method, expression = CASES[name]
    x = tensor(X, requires_grad=True)
    y = method(x)
    np.testing.assert_allclose(y.detach().numpy(), expression(X), rtol=1e-14)
    weights = np.arange(1.0, y.size + 1).reshape(y.shape)
    np.sum(weights * y).backward()
    estimate = numerical_gradient(lambda x: np.sum(weights * expression(x)), (X,))
    assert x.grad is not None
    assert compare(x.grad.numpy(), estimate)


def test_large_numbers_do_not_overflow() -> None:
    x = tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        assert x.sigmoid().tolist() == [0.0, 0.5, 1.0]
        assert x.softmax().tolist() == [0.0, 0.0, 1.0]
        assert x.logsumexp().item() == 1000.0


def test_relu_is_flat_at_zero() -> None:
    """PyTorch's choice at the kink, where `np.maximum` shares."""
    x = tensor([0.0, 1.0], requires_grad=True)
    x.relu().sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 1.0]


def test_integers_and_truth_have_no_derivative() -> None:
    x = tensor([1.5, 0.0], requires_grad=True)
    assert repr(x.long()) == "tensor([1, 0])"
    assert x.int().dtype == np.int32
    assert repr(x.bool()) == "tensor([ True, False])"


def test_ranks_are_checked() -> None:
    with pytest.raises(RuntimeError, match="t\\(\\) of rank 3"):
        tensor(np.ones((2, 2, 2))).t()
    with pytest.raises(RuntimeError, match="mm\\(\\) of ranks 2 and 1"):
        tensor(X).mm(np.ones(3))
