"""Functions with `@differentiate` on tensors: one node each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from chainrule import NotDifferentiable, differentiate, grad, on_cotangent, tensor
from chainrule.tensor import Tensor, no_grad
from tests.tensor.against import check


@differentiate
def energy(x, y=2.0, *, scale=1.0):
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            total = total + scale * x[i] ** 2 * y
    return total


@differentiate
def mlp(params, X):
    h = X
    for W, b in params:
        h = np.tanh(h @ W + b)
    return h


@dataclass
class Spring:
    k: float
    rest: np.ndarray


@differentiate
def stretch(spring, x):
    return spring.k * np.sum((x - spring.rest) ** 2)


@differentiate
def several(x):
    return {"sum": x.sum(), "parts": (x * 2, x[1:]), "n": 3}


@differentiate
def writes(x):
    x[0] = 1.0
    return x.sum()


def test_one_node(rng: np.random.Generator) -> None:
    """A call leaves one node, whose operands are the leaves."""
    x = tensor(rng.normal(size=4), requires_grad=True)
    out = energy(x, scale=3.0)
    assert repr(out.grad_fn) == "<EnergyBackward>"
    assert [repr(type(n).__name__) for n, _ in out.grad_fn.next_functions] == ["'Leaf'"]
    out.backward()
    np.testing.assert_allclose(
        x.grad.numpy(), energy.grad(x.detach().numpy(), scale=3.0)
    )
    check(lambda x, y: energy(x * 2, y * y) * 3.0, rng.normal(size=4), 0.7)


def test_arguments_stay_arrays() -> None:
    """Without tensors a function is what it was."""
    assert energy(np.array([1.0, -1.0])) == 2.0
    assert type(energy(np.array([1.0, -1.0]))) is np.float64


def test_containers(rng: np.random.Generator) -> None:
    """Tensors are found in containers, and get what is theirs."""
    sizes = ((3, 4), (4, 2))
    pairs = [(rng.normal(size=s), rng.normal(size=s[1])) for s in sizes]
    X = rng.normal(size=(5, 3))
    params = [(tensor(W, requires_grad=True), tensor(b)) for W, b in pairs]
    (mlp(params, X) ** 2).sum().backward()
    wanted = grad(lambda p: (mlp.__wrapped__(p, X) ** 2).sum())(pairs)
    for (W, b), (W_bar, _) in zip(params, wanted, strict=True):
        np.testing.assert_allclose(W.grad.numpy(), W_bar)
        assert b.grad is None


def test_objects(rng: np.random.Generator) -> None:
    """Attributes of a dataclass may be tensors."""
    rest, x = rng.normal(size=3), rng.normal(size=3)

    def f(k, rest):
        return stretch(Spring(k, rest), x)

    k, r = tensor(2.0, requires_grad=True), tensor(rest, requires_grad=True)
    f(k, r).backward()
    assert k.grad.item() == pytest.approx(np.sum((x - rest) ** 2))
    np.testing.assert_allclose(r.grad.numpy(), -4.0 * (x - rest))


def test_several_results() -> None:
    """Each result of a container has its own part of the node."""
    x = tensor([1.0, 2.0], requires_grad=True)
    out = several(x)
    assert out["n"] == 3 and isinstance(out["sum"], Tensor)
    assert out["sum"].grad_fn is out["parts"][0].grad_fn
    (out["parts"][0] * x).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [4.0, 8.0]
    out["parts"][1].sum().backward()
    assert x.grad.tolist() == [4.0, 9.0]


@differentiate
def twice(x):
    h = np.tanh(x)
    return h, h, h[1:], x[1:]


def test_results_that_share_memory() -> None:
    """Results do not see writes to each other; a view of an argument stays one."""
    x = tensor([0.1, 0.2], requires_grad=True)
    y = x * 1
    a, b, c, d = twice(y)
    b += 1.0
    c += 1.0
    with pytest.raises(RuntimeError, match="written in place since"):
        a += 1.0
        a.sum().backward()
    y[1] = 5.0
    assert d.tolist() == [5.0]
    with pytest.raises(RuntimeError, match="return a copy"):
        d.sum()
    _, _, _, d = twice(y)
    with pytest.raises(ValueError, match="use a clone"):
        d[0] = 1.0


def test_without_grad() -> None:
    """Without need of a gradient the function itself is called."""
    x = tensor([1.0, 2.0], requires_grad=True)
    for out in (energy(x.detach()), _under_no_grad(x)):
        assert isinstance(out, Tensor) or type(out) is float
        assert float(out) == 10.0


@no_grad()
def _under_no_grad(x):
    return energy(x)


def test_second_order(rng: np.random.Generator) -> None:
    """A derivative is a function like any other: its node goes to second order."""
    check(lambda x: (energy.grad(x) ** 2).sum(), rng.normal(size=4))
    x = tensor([1.0, 2.0], requires_grad=True)
    value, bar = energy.value_and_grad(x)
    (value * bar[0]).backward()
    assert x.grad.tolist() == pytest.approx([4 * 1 * 4 + 10 * 4, 8 * 4])


def test_functions_of_math() -> None:
    """Functions that know nothing of tensors are called by way of `differentiate`."""
    x = tensor(0.3, requires_grad=True)
    differentiate(math.sin)(x).backward()
    assert x.grad.item() == pytest.approx(math.cos(0.3))
    y = tensor(np.ones((2, 3)), requires_grad=True)
    special = pytest.importorskip("scipy.special")
    out = differentiate(special.logsumexp)(y, axis=1, keepdims=True)
    assert out.shape == (2, 1)
    out.sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), 1 / 3)


def test_argument_was_written() -> None:
    """What a call saved is watched like what an operation saved."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    out = mlp([(tensor(np.eye(2), requires_grad=True), 0.0)], y)
    y[0] = 5.0
    with pytest.raises(RuntimeError, match="written in place since"):
        out.sum().backward()
    out = energy(y)
    y[0] = -5.0
    out.backward()  # saved the elements it needed
    assert x.grad.tolist() == [0.0, 8.0]
    batch = np.ones((2, 2))
    W = tensor(np.eye(2), requires_grad=True)
    out = mlp([(W, np.zeros(2))], batch)
    batch[:] = 0.0
    out.sum().backward()
    assert np.all(W.grad.numpy() > 0.4)


def test_function_that_writes_to_its_argument() -> None:
    """A function that writes to a tensor's memory is refused, and writes nothing."""
    x = tensor([3.0, 2.0], requires_grad=True)
    for call in (lambda: writes(x * 1), lambda: writes(x.detach())):
        with pytest.raises((ValueError, SyntaxError), match="read-only|write"):
            call()
    assert x.tolist() == [3.0, 2.0]


@differentiate
def fills(params):
    params["w"] = params["w"] * 2
    return np.sum(params["w"])


def test_function_that_writes_to_a_container() -> None:
    """The container is not the caller's own: that is said."""
    w = tensor([3.0, 2.0], requires_grad=True)
    for params in ({"w": w * 1}, {"w": w.detach()}):
        with pytest.raises(
            (TypeError, SyntaxError), match="writes to a container|write"
        ):
            fills(params)


@differentiate
def local(x):
    y = np.zeros(3)
    for i in range(3):
        y[i] = x[i] ** 2
    y *= 2.0
    return y


def test_function_that_writes_to_its_own() -> None:
    """What a function makes itself it may write to."""
    check(lambda x: (local(x) * x).sum(), np.array([3.0, 2.0, 1.0]))


class Model:
    """A model whose parameters are attributes."""

    def __init__(self) -> None:
        self.w = tensor([3.0, 2.0], requires_grad=True)

    @differentiate
    def energy(self, x):
        return np.sum(x * self.w)


def test_tensors_elsewhere() -> None:
    """Tensors that are no arguments are recorded one by one, or refused."""
    model, x = Model(), tensor([1.0, 2.0], requires_grad=True)
    model.energy(np.array([1.0, 2.0])).backward()
    assert model.w.grad.tolist() == [1.0, 2.0]
    with pytest.raises(NotDifferentiable, match="has to be passed"):
        model.energy(x)


def test_code_for_the_cotangent() -> None:
    """`on_cotangent` of a tensor is a node whose pullback is the user's code."""
    x = tensor([1.0, 2.0, 3.0])
    x.requires_grad_()
    h = on_cotangent(x * x, lambda g: np.clip(g, 0.0, 2.5))
    np.testing.assert_array_equal(h.detach().numpy(), [1.0, 4.0, 9.0])
    (h * tensor([1.0, 2.0, 3.0])).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [2.0, 8.0, 15.0])
    plain = tensor([1.0])
    np.testing.assert_array_equal(on_cotangent(plain, np.sin).numpy(), [1.0])
