"""Writes in place, views, and what they do to history: NumPy itself is the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import tensor
from chainrule.tensor import no_grad
from tests.tensor.against import check


def items(x):
    y = x * 2
    y[0] = y[1] + 2 * y[2]
    y[3] = 5.0
    return (y * y).sum()


def slices(x):
    y = x * 2
    y[1:] = y[:-1].copy() * x[1:]
    y[::2] = x[:3] + 1
    return (y**3).sum()


def mask(x):
    y = x * x
    y[x > 0] = 1.5 * x[x > 0]
    return (y * x).sum()


def repeated(x):
    y = x * 1
    y[[0, 1, 0]] = x[[2, 3, 4]] ** 2
    return (y * y).sum()


def broadcast(x):
    y = np.outer(x, x)
    y[:, 1] = x[0] * 3
    y[2] = x
    y[3, 1:3] = x[:1]
    return (y * np.outer(x, np.ones(5))).sum()


def into_zeros(x):
    y = tensor(np.zeros((5, 2))) if not isinstance(x, np.ndarray) else np.zeros((5, 2))
    for i in range(5):
        y[i, 0] = x[i] ** 2
        y[i, 1] = y[i, 0] - x[0]
    return (y * y).sum()


def views_see_writes(x):
    y = x * 3
    z = y[1:4]
    t = y.reshape(1, 5).T
    y[2] = x[0] * x[4]
    return (z * z).sum() + (t**3).sum()


def writes_through_views(x):
    y = np.outer(x, x) * 1
    row = y[1]
    row[2] = x[0] ** 2
    y.T[3] = x * 2
    y[0][1:3] *= 4.0
    y[::2][1] = x
    return (y * np.outer(np.ones(5), x)).sum() + (row**2).sum()


def chain_of_views(x):
    y = np.outer(x, x).copy()
    a = y[1:4]
    b = a.T
    c = b[2:, 1]
    c[:] = x[:3] ** 2
    a[0] = 1.0
    return (a * a).sum() + (b * x[0]).sum() + (c * x[1]).sum() + (y**2).sum()


def augmented(x):
    y = x * 1
    y += x
    y *= x
    y -= 2 * x
    y /= x + 10
    y **= 2
    y[1:3] += x[0]
    y[0] *= y[1] * 1
    return y.sum()


def written_after_use(x):
    y = x * 2
    s = (y + 1).sum() + y.sum()
    y[0] = 100.0
    return s + y.sum()


def own_elements(x):
    y = x * 1
    y[:] = y[::-1] * 2
    y[1:] = y[:-1]
    return (y * x).sum()


def nothing_written(x):
    y = x * 2
    y[x > 100] = x[x > 100]
    y[2:2] = x[2:2]
    return (y * y).sum()


PROGRAMS = [
    items,
    slices,
    mask,
    repeated,
    broadcast,
    into_zeros,
    views_see_writes,
    writes_through_views,
    chain_of_views,
    augmented,
    written_after_use,
    own_elements,
    nothing_written,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_write(program) -> None:
    """The gradient is that of the same program on arrays."""
    check(program, np.array([0.7, -1.2, 0.4, 1.9, -0.3]))


def test_element_is_a_view() -> None:
    """As in PyTorch, an element taken by its position shares its memory."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    element = y[0]
    element += 5.0
    element *= x[1]
    y.sum().backward()
    assert y.tolist() == [12.0, 2.0]
    assert x.grad.tolist() == [2.0, 7.0]


def test_methods() -> None:
    """PyTorch's methods that end with an underscore."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = (x * 1).mul_(x).add_(x, alpha=2.0).sub_(1.0).div_(2.0)
    y.sum().backward()
    assert y.tolist() == [1.0, 3.5] and x.grad.tolist() == [2.0, 3.0]
    z = x * 1
    z.copy_(x * x)
    z[0].fill_(7.0)
    x.grad = None
    z.sum().backward()
    assert x.grad.tolist() == [0.0, 4.0]
    assert tensor([1.0]).zero_().tolist() == [0.0]


def test_leaf() -> None:
    """A leaf that requires grad is written under `no_grad` only."""
    x = tensor([1.0, 2.0], requires_grad=True)
    for write in (
        lambda: x.__setitem__(0, 1.0),
        lambda: x.__iadd__(1.0),
        lambda: x[:1].__imul__(2.0),
        lambda: x.zero_(),
        lambda: np.add(x, 1.0, out=x),
    ):
        with pytest.raises(RuntimeError, match="leaf"):
            write()
    assert x.tolist() == [1.0, 2.0]
    with no_grad():
        x[0] = 5.0
        x -= 1.0
        x[1:] *= 3.0
    assert x.tolist() == [4.0, 3.0] and x.is_leaf and x.requires_grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [8.0, 6.0]
    x.data[0] = 2.0
    x.data.mul_(2.0)
    assert x.tolist() == [4.0, 6.0] and (x * 1).requires_grad


@pytest.mark.parametrize("use", [lambda y: y * y, np.exp, lambda y: y @ y, np.sin])
def test_saved_value_was_written(use) -> None:
    """A gradient that needs the old value is refused, not wrong."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    z = use(y)
    y[0] = 3.0
    z.sum().backward() if use is np.exp else None
    if use is not np.exp:
        with pytest.raises(RuntimeError, match="written in place since"):
            z.sum().backward()


def test_result_was_written() -> None:
    """The result may be what is saved."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = np.exp(x)
    y += 1.0
    with pytest.raises(RuntimeError, match="ExpBackward> saved"):
        y.sum().backward()


def test_parameter_was_written_before_backward() -> None:
    """An update between forward and backward is noticed, also through a view."""
    w, x = (tensor([1.0, 2.0], requires_grad=True) for _ in "wx")
    y = (w * x).sum()
    with no_grad():
        w[0] = 9.0
    with pytest.raises(RuntimeError, match="written in place since"):
        y.backward()
    z = (w[1:] * x[1:]).sum()
    w.detach()[1] = 0.0
    with pytest.raises(RuntimeError, match="written in place since"):
        z.backward()
    assert x.grad is None and w.grad is None


def test_constant_was_written() -> None:
    """A tensor without grad is watched as well."""
    x, c = tensor([1.0, 2.0], requires_grad=True), tensor([3.0, 4.0])
    y = (x * c).sum()
    c += 1.0
    with pytest.raises(RuntimeError, match="written in place since"):
        y.backward()


def test_written_past_the_history() -> None:
    """A result whose memory was written without history can no longer be used."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.detach()[0] = 7.0
    assert "grad_fn" in repr(y)
    with pytest.raises(RuntimeError, match="shares it but"):
        y.sum()
    z = x * 2
    with no_grad():
        z += 1.0
    with pytest.raises(RuntimeError, match="shares it but"):
        z * 2


def test_view_of_a_constant() -> None:
    """A view learns that its root got a history."""
    x, y = tensor(3.0, requires_grad=True), tensor(np.zeros(3))
    z = y[:2]
    y[0] = x * x
    assert z.requires_grad and repr(z.grad_fn) == "<IndexBackward>"
    z.sum().backward()
    assert x.grad.item() == 6.0
    u = tensor(np.zeros(3))
    u[1:][0] = x
    assert u.requires_grad
    (u * u).sum().backward()
    assert x.grad.item() == 12.0


def test_types() -> None:
    """What is written takes the dtype of the memory, or is refused."""
    x = tensor([1.0, 2.0], requires_grad=True)
    y = tensor([0.0, 0.0], dtype=np.float32)
    y[0] = x[0] * 2
    y += x
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 1.0] and x.grad.dtype == np.float64
    counts = tensor([0, 0])
    with pytest.raises(TypeError, match="cannot hold"):
        counts[0] = x[0]
    z = x * 1
    with pytest.raises(TypeError, match="complex"):
        z[0] = x[0] * 1j
    with pytest.raises(ValueError, match="shape"):
        z += np.ones((2, 2))
    with pytest.raises((ValueError, IndexError)):
        z[5] = 1.0
    assert z.tolist() == [1.0, 2.0]
    counts += 1
    assert counts.tolist() == [1, 1]


def test_arguments_of_a_view_are_its_own() -> None:
    """A view is found again as it was made, also if a list of axes has changed."""
    x = tensor(np.arange(6.0), requires_grad=True)
    y, axes = (x * 1).reshape(1, 2, 3), [2, 0, 1]
    z = np.transpose(y, axes)
    axes.sort()
    y[0, 0, 0] = 7.0
    weights = np.arange(6.0).reshape(3, 1, 2)
    (z * weights).sum().backward()
    assert x.grad.tolist() == [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]
    with pytest.raises(ValueError, match="use a clone"):
        np.broadcast_to(y, (2, 2, 3))[0] = 1.0
