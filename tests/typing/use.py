"""What type checkers must understand: checked by `tests/typing/test_typing.py`."""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from chainrule import differentiate, grad, hessian, jacobian, tensor, value_and_grad
from chainrule.derivative import Derivative
from chainrule.tensor import Tensor, no_grad

Array = NDArray[np.float64]


@differentiate
def f(x: Array, n: int = 2, *, k: float = 1.0) -> float:
    return float((x**n).sum() * k)


@differentiate(argnums=(0, 1))
def g(x: Array, y: Array) -> Array:
    return x * y


class Model:
    @differentiate
    def loss(self, x: Array, k: int) -> float:
        return float(x.sum()) * k


x = np.ones(3)
model = Model()

assert_type(f(x), float)
assert_type(f(x, 3, k=2.0), float)
assert_type(f.value_and_grad(x, n=2), tuple[float, Any])
assert_type(g(x, x), Array)
assert_type(model.loss(x, 1), float)
assert_type(model.loss.value_and_grad(x, 1), tuple[float, Any])
assert_type(f.vjp(x), tuple[float, Callable[[Any], tuple[Any, ...]]])
assert_type(f.jvp((x,), (x,)), tuple[float, Any])


def plain(x: Array, n: int) -> float:
    return float(x.sum()) * n


assert_type(value_and_grad(plain)(x, 2), tuple[float, Any])
value: Any = grad(plain)(x, n=2)
again: Any = grad(grad(plain))(x, 2)
matrix: Any = jacobian(plain)(x, 2)
second: Any = hessian(plain)(x, 2)
kept: Derivative[..., Any] = f.grad
text: str = f.grad.source(x)


leaf = tensor(5.0, requires_grad=True)
assert_type(leaf, Tensor)
assert_type(leaf.requires_grad_(), Tensor)
assert_type(leaf.grad, Tensor | None)
assert_type(leaf.shape, tuple[int, ...])
with no_grad():
    leaf -= 1.0


def take(function: Callable[[Array], float]) -> None: ...


take(f)

# each line below is an error, which `warn_unused_ignores` would otherwise report
f(x, "two")  # type: ignore[arg-type]
f.grad(x, "two")  # type: ignore[arg-type]
f(x, z=1)  # type: ignore[call-arg]
model.loss.grad(x)  # type: ignore[call-arg]
grad(plain)(x)  # type: ignore[call-arg]
f.nothing  # type: ignore[attr-defined]
