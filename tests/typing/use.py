"""What type checkers must understand: checked by `tests/typing/test_typing.py`."""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from chainrule import differentiate, grad, hessian, jacobian, value_and_grad
from chainrule.derivative import Derivative

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


def take(function: Callable[[Array], float]) -> None: ...


take(f)

# each line below is an error, which `warn_unused_ignores` would otherwise report
f(x, "two")  # type: ignore[arg-type]
f.grad(x, "two")  # type: ignore[arg-type]
f(x, z=1)  # type: ignore[call-arg]
model.loss.grad(x)  # type: ignore[call-arg]
grad(plain)(x)  # type: ignore[call-arg]
f.nothing  # type: ignore[attr-defined]
