"""The interface of tensors: what users of PyTorch type, see, and are refused."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

from chainrule import DifferentiationWarning, tensor
from chainrule.tensor import (
    Tensor,
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from tests.tensor.against import check


def test_tutorial() -> None:
    """The first steps of PyTorch's tutorial, line by line."""
    x = tensor(5.0)
    assert repr(x.requires_grad_()) == "tensor(5., requires_grad=True)"
    y = x**2
    assert repr(y) == "tensor(25., grad_fn=<PowBackward>)"
    y.backward()
    assert repr(x.grad) == "tensor(10.)"


@pytest.mark.parametrize(
    "program",
    [
        "from chainrule import tensor; x = tensor(5.0)",
        "from chainrule.tensor import no_grad; from chainrule import tensor; tensor(5)",
        "import chainrule; chainrule.tensor(5.0); chainrule.tensor.no_grad()",
        "from chainrule.tensor import tensor, Tensor; assert type(tensor(1)) is Tensor",
        "import chainrule.tensor as t; t(5.0); t.tensor(5.0); t.Tensor",
        "import chainrule.tensor; chainrule.tensor(5.0, requires_grad=True)",
    ],
)
def test_imports(program: str) -> None:
    """The function and its module are found by either name, in any order."""
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: tensor(1), "tensor(1)"),
        (lambda: tensor([1.0, 2.5]), "tensor([1. , 2.5])"),
        (lambda: tensor(np.float32(2)), "tensor(2., dtype=float32)"),
        (lambda: tensor([1, 2], dtype=np.float32), "tensor([1., 2.], dtype=float32)"),
        (lambda: tensor([True]), "tensor([ True])"),
        (lambda: tensor([]), "tensor([])"),
        (lambda: tensor(np.zeros((0, 3))), "tensor([], shape=(0, 3))"),
        (lambda: tensor([[1.0], [2.0]]), "tensor([[1.],\n        [2.]])"),
        (lambda: tensor(1.0, requires_grad=True) > 0, "tensor(True)"),
        (
            lambda: -tensor(1.0, requires_grad=True),
            "tensor(-1., grad_fn=<NegBackward>)",
        ),
        (
            lambda: np.log1p(tensor([0.0], requires_grad=True)),
            "tensor([0.], grad_fn=<Log1pBackward>)",
        ),
    ],
)
def test_repr(made, text: str) -> None:
    """A tensor prints as in PyTorch; NumPy's default types go without saying."""
    assert repr(made()) == text


def test_attributes() -> None:
    """A tensor says what it is."""
    x = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert (x.dim(), x.numel(), x.nbytes, x.dtype) == (2, 6, 48, np.float64)
    assert x.is_leaf and x.requires_grad and x.grad_fn is None and x.grad is None
    y = x.T * 2
    assert y.shape == (3, 2) and not y.is_leaf and y.requires_grad
    assert repr(y.grad_fn) == "<MulBackward>"
    [(before, index)] = y.grad_fn.next_functions
    assert (repr(before), index) == ("<TransposeBackward>", 0)
    assert str(y.grad_fn.source).startswith("def mul_bwd(residual, value_bar):")
    assert [row.tolist() for row in x] == x.tolist()
    assert 6.0 in x and 7.0 not in x
    assert hash(x) == hash(x) and len({x, y}) == 2


def test_numbers() -> None:
    """A tensor of one element is a number where Python asks for one."""
    x = tensor(2.5)
    assert (x.item(), float(x), int(x), bool(x), complex(x)) == (2.5, 2.5, 2, True, 2.5)
    assert f"{x:.2f} {tensor([1.0])}" == "2.50 tensor([1.])"
    assert [10, 20, 30][tensor(1)] == 20
    assert round(tensor(2.567), 1).item() == 2.6
    assert tensor([[1.0]]).item() == 1.0
    with pytest.raises(TypeError, match="shape"):
        float(tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tensor([1.0, 2.0]))
    with pytest.raises(TypeError, match="0-d"):
        len(x)
    with pytest.raises(TypeError, match="0-d"):
        iter(x)


def test_lost_derivative_is_said() -> None:
    """`math.sin(x)` would lose the derivative: that warns; `item()` does not."""
    x = tensor(2.0, requires_grad=True)
    with pytest.warns(DifferentiationWarning, match="is lost"):
        math.sin(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.sin(x.item()) == math.sin(2.0)
        assert f"{x:.1f}" == "2.0"
        with no_grad():
            assert float(x) == 2.0


def test_comparisons() -> None:
    """Comparisons, rounding and positions give tensors without grad."""
    x = tensor([1.0, -2.0, 3.0], requires_grad=True)
    for y in (x > 0, x == x, x != 0, x.argmax(), np.sign(x), np.isnan(x), x // 2):
        assert isinstance(y, Tensor) and not y.requires_grad
    assert (x > 0).tolist() == [True, False, True]
    assert (~(x > 0)).tolist() == [False, True, False]
    assert np.shape(x) == (3,) and np.ndim(x) == 1
    assert np.allclose(x, [1, -2, 3]) and (x[x > 0]).tolist() == [1.0, 3.0]


def test_accumulates_as_pytorch() -> None:
    """Gradients add up until they are set to zero."""
    x = tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    first = x.grad
    (x * x).sum().backward()
    assert x.grad is first and x.grad.tolist() == [4.0, 8.0]
    x.zero_grad()
    assert x.grad is None
    (x * 3).sum().backward()
    x.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0, 0.0]
    x.grad = None
    (x * 3).sum().backward()
    x.grad.zero_()
    assert x.grad.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="shape"):
        x.grad = tensor(1.0)
    with pytest.raises(TypeError, match="tensor or None"):
        x.grad = np.zeros(2)


def test_gradient_is_its_own() -> None:
    """A grad shares memory with nothing: not with other grads, not with arguments."""
    x, y = (tensor([1.0, 2.0], requires_grad=True) for _ in "xy")
    bar = tensor([1.0, 1.0])
    (x + y).backward(bar)
    x.grad += 1
    bar[0] = 7.0
    assert y.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [2.0, 2.0]
    x.grad = None
    x.backward(bar)
    bar[0] = 9.0
    assert x.grad.tolist() == [7.0, 1.0]


def test_backward_of_several_elements() -> None:
    """Not a number: the cotangent has to be given, in the right shape."""
    x = tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="pass y.backward"):
        (x * x).backward()
    with pytest.raises(RuntimeError, match="shape"):
        (x * x).backward(tensor(1.0))
    with pytest.raises(RuntimeError, match="complex"):
        (x * x).backward(tensor([1j, 1j]))
    (x * x).backward(tensor([1.0, 10.0]))
    (x * x).backward(np.array([1, 10]))
    assert x.grad.tolist() == [4.0, 80.0]
    y = tensor([[3.0]], requires_grad=True)
    (y * y).backward()
    assert y.grad.tolist() == [[6.0]]


def test_backward_twice() -> None:
    """The graph is freed, unless it is to be retained."""
    x = tensor(3.0, requires_grad=True)
    y = np.exp(x) * x
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()
    assert x.grad.item() == pytest.approx(2 * math.exp(3.0) * 4.0)
    z = x + x  # saves nothing
    z.backward()
    z.backward()


def test_backward_of_a_constant() -> None:
    """What does not require grad has no backward."""
    with pytest.raises(RuntimeError, match="does not require grad"):
        tensor(1.0).backward()
    x = tensor(1.0, requires_grad=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        (x.detach() ** 2).backward()
    x.backward()
    assert x.grad.item() == 1.0


def test_requires_grad() -> None:
    """Only leaves of real or complex numbers can change what they require."""
    with pytest.raises(RuntimeError, match="floating-point"):
        tensor(1).requires_grad_()
    x = tensor(1.0)
    x.requires_grad = True
    y = x * 2
    assert y.requires_grad_() is y
    with pytest.raises(RuntimeError, match="detach"):
        y.requires_grad_(False)
    x.requires_grad_(False)
    assert not x.requires_grad and not (x * 2).requires_grad
    with pytest.raises(TypeError, match="holds numbers"):
        tensor("text")


def test_retain_grad() -> None:
    """Results in between keep their gradient only when they are asked to."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    with pytest.warns(DifferentiationWarning, match="retain_grad"):
        assert y.grad is None
    y.retain_grad()
    first, second = np.split(x, 2)
    second.retain_grad()
    ((y**2).sum() + (second**3).sum()).backward()
    assert y.grad.tolist() == [6.0, 12.0]
    assert second.grad.tolist() == [12.0]
    assert x.grad.tolist() == [18.0, 48.0]


def test_modes() -> None:
    """Nothing is recorded under `no_grad`, as a block or on a function."""
    x = tensor(2.0, requires_grad=True)
    with no_grad():
        assert not is_grad_enabled() and not (x * x).requires_grad
        with enable_grad():
            assert (x * x).requires_grad
    assert is_grad_enabled()

    @no_grad()
    def countdown(n: int) -> list[bool]:
        return [(x * n).requires_grad, *(countdown(n - 1) if n else ())]

    assert countdown(2) == [False] * 3 and is_grad_enabled()
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0
    assert is_grad_enabled()
    with set_grad_enabled(False):
        assert not is_grad_enabled()
    set_grad_enabled(False)
    assert not is_grad_enabled()
    set_grad_enabled(True)

    @set_grad_enabled(False)
    def off() -> bool:
        return is_grad_enabled()

    assert is_grad_enabled() and not off() and is_grad_enabled()


def test_detach() -> None:
    """A detached tensor has the elements, not the history."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * x.detach()
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]
    assert np.shares_memory(x.detach().numpy(), x.data.numpy())
    z = (x * 2).detach_()
    assert z.is_leaf and not z.requires_grad
    x.data = x.data - 1.0
    assert x.tolist() == [0.0, 1.0] and x.is_leaf and x.grad is not None
    x.data += 1.0
    assert x.tolist() == [1.0, 2.0] and x.requires_grad
    with pytest.raises(RuntimeError, match="history"):
        y.data = tensor([0.0, 0.0])
    x.data = tensor(1.0)
    assert x.shape == () and x.grad is None


def test_numpy() -> None:
    """To NumPy only without history, and to be read only."""
    x = tensor([1.0, 2.0], requires_grad=True)
    for convert in (lambda: x.numpy(), lambda: np.asarray(x), lambda: np.array([x, x])):
        with pytest.raises(RuntimeError, match="detach"):
            convert()
    array = x.detach().numpy()
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 3.0
    own = np.array(x.detach())
    own[0] = 3.0
    assert x.tolist() == [1.0, 2.0]
    assert np.asarray(tensor([1, 2]), dtype=float).dtype == float
    data = np.ones(2)
    y = tensor(data)
    data[0] = 5.0
    assert y.tolist() == [1.0, 1.0]
    assert tensor([x[0], 3.0]).tolist() == [1.0, 3.0]


def test_copies() -> None:
    """Leaves are copied and pickled; what has a history says that it cannot be."""
    x = tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    for again in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert again.requires_grad and again.is_leaf
        assert again.tolist() == x.tolist() and again.grad.tolist() == x.grad.tolist()
        again.grad.zero_()
        assert x.grad.tolist() == [2.0, 4.0]
    shallow = copy.copy(x)
    assert np.shares_memory(shallow.data.numpy(), x.data.numpy())
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(RuntimeError, match="history"):
            way(x * 2)
    y = x.clone()
    assert not y.is_leaf and not np.shares_memory(y.data.numpy(), x.data.numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_dtypes(dtype: type) -> None:
    """A gradient has the dtype of its tensor."""
    x = tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
    y = (x * 2.0 + 1).astype(np.complex128)
    z = (y * np.conj(y)).real.sum() + abs(x).sum()
    z.backward()
    assert x.grad.dtype == dtype
    assert x.grad.tolist() == [13.0, 21.0]  # 2 * 2 * (2 x + 1) + 1


def test_complex_gradient() -> None:
    """The gradient is dL/dRe + i dL/dIm, as in PyTorch."""
    z = tensor(3 + 4j, requires_grad=True)
    abs(z).backward()
    assert z.grad.item() == pytest.approx(0.6 + 0.8j)
    w = tensor(1 + 2j, requires_grad=True)
    with pytest.raises(RuntimeError, match="complex"):
        (w * w).backward()
    (w * w).backward(1.0)
    assert w.grad.item() == pytest.approx(np.conj(2 * (1 + 2j)))


def test_methods(rng: np.random.Generator) -> None:
    """Methods are NumPy's; PyTorch's `dim` and `keepdim` are understood."""

    def f(x):
        y = x.reshape(3, 4).T.sum(axis=0, keepdims=True) * x.flatten().max()
        z = x.transpose(1, 0).cumsum(axis=1).std() + x.mean() * x.var(axis=0).sum()
        return (y**2).mean() + z + x.clip(-0.5, 0.5).sum() + x.ravel()[3] * x.min()

    check(f, rng.normal(size=(4, 3)))
    x = tensor(rng.normal(size=(4, 3)))
    assert x.sum(dim=0, keepdim=True).shape == (1, 3)
    assert x.view(-1).shape == x.view(12).shape == (12,)
    assert x.unsqueeze(1).shape == (4, 1, 3) and x.permute(1, 0).shape == (3, 4)
    assert x.float().dtype == np.float32 and x.float().double().dtype == np.float64
    assert x.exp().tolist() == np.exp(x).tolist()


def test_reflected(rng: np.random.Generator) -> None:
    """Every operator, with numbers and arrays on either side."""
    a = rng.uniform(1.0, 2.0, size=3)

    def f(x):
        y = 2.0 + x - (3.0 - x) * (2 * x) / (1.0 / x) + 2.0**x + x**3 + x % 0.7
        z = 5.5 % x + a * x + x * a - (a - x) / (a + x) + (-x) + (+x) + abs(x - 1.5)
        return (
            (y * z).sum() + a @ x + (np.outer(a, a) @ x).sum() + np.float64(2.0) * x[0]
        )

    check(f, a + 0.1)


def test_long_chain() -> None:
    """The sweep does not recurse."""
    x = tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    del y


def test_plain_arrays_are_copied() -> None:
    """Who writes to an array after an operation does not change its gradient."""
    x = tensor([1.0, 2.0], requires_grad=True)
    batch = np.array([3.0, 4.0])
    y = (x * batch).sum()
    batch[:] = 0.0
    y.backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_out() -> None:
    """`out=` writes to a tensor as an assignment does; to an array it cannot."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = tensor([0.0, 0.0])
    assert np.multiply(x, 3.0, out=y) is y
    z = tensor(0.0)
    np.sum(y, out=z)
    z.backward()
    assert x.grad.tolist() == [3.0, 3.0]
    array = np.zeros(2)
    with pytest.raises(TypeError, match="out="):
        np.multiply(x, 3.0, out=array)
    array += x.detach()
    assert array.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.add.at(x, [0], 1.0),
        lambda x: np.copyto(x, 1.0),
        lambda x: np.put(x, [0], 1.0),
        lambda x: np.fill_diagonal(x, 1.0),
        lambda x: np.place(x, [True, False], 1.0),
    ],
)
def test_writing_functions_are_refused(write) -> None:
    """Functions that write past the history say what to use instead."""
    with pytest.raises(TypeError, match="history"):
        write(tensor([[1.0, 2.0]]))


def test_no_rule_is_said() -> None:
    """A function without a derivative is refused where a gradient is wanted."""
    from chainrule import NotDifferentiable

    x = tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(NotDifferentiable, match="has no derivative rule") as caught:
        np.histogram(x)
    assert "x.detach()" in str(caught.value)
    with pytest.raises(NotDifferentiable):
        np.frompyfunc(lambda v: v, 1, 1)(x)
    with pytest.raises(NotImplementedError, match="f.grad"):
        x.sum().backward(create_graph=True)
    assert np.histogram(x.detach())[0].shape == (10,)
    with pytest.raises(ValueError, match="broadcast"):
        x + np.ones(3)
