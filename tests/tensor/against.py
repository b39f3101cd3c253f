"""Programs that run on arrays and on tensors alike: differences against `backward()`.

In: a function of arrays and its arguments. Out: nothing, or an `AssertionError`. The
oracle is the program itself, on arrays, so that NumPy says what a write in place does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import tensor
from chainrule.checking.differences import compare, oracle
from tests.checks import quiet


def check(f: Callable[..., Any], *arrays: Any, rtol: float | None = None) -> None:
    """Check value and gradients of a function that returns a number."""
    xs = [tensor(a, requires_grad=True) for a in arrays]
    with quiet():
        value = f(*(a.copy() if isinstance(a, np.ndarray) else a for a in arrays))
        out = f(*xs)
    np.testing.assert_allclose(out.detach().numpy(), value, 1e-12)
    out.backward()
    for k, (x, a) in enumerate(zip(xs, arrays, strict=True)):
        found = np.zeros_like(a) if x.grad is None else x.grad.numpy()
        found = found if isinstance(a, np.ndarray) else found.item()
        result = compare(found, oracle(f, arrays, k), rtol, f"gradient of argument {k}")
        assert result, str(result)
