"""Every rule of the table through tensors, operation by operation.

The programs are those of `tests/rules`: a call of one primitive, reduced to a number.
The oracle is differences of the program itself, without tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import differentiate, tensor
from chainrule.arguments import map_leaves
from chainrule.checking.differences import compare
from chainrule.tensor import Tensor
from tests.checks import estimates, quiet
from tests.rules.test_compiled import NAMES, programs, same
from tests.rules.wrapped import Program

MOST = 3
# Functions that take no part in NumPy's protocols: a user calls them by way of
# `differentiate`, as one operation.
FOREIGN = ("math.", "builtins.", "scipy.linalg.", "np.polynomial.")
CREATION = (
    "arange array asarray ascontiguousarray asfortranarray complex128 float64 full"
)
SPECIAL = "log_softmax logsumexp polygamma softmax"
WHOLE = {
    *(f"np.{name}" for name in CREATION.split()),
    *(f"scipy.special.{name}" for name in SPECIAL.split()),
}
# NumPy looks for tensors inside the lists that these are given, and only these.
LISTS = """
    np.block np.choose np.column_stack np.concatenate np.dstack np.hstack np.select
    np.stack np.vstack np.linalg.multi_dot operator.getitem
""".split()


def is_whole(name: str, one: Program) -> bool:
    """Say whether a program is called by way of `differentiate`."""
    lists = any(isinstance(one.values[k], list | tuple) for k in one.wrt)
    return name in WHOLE or name.startswith(FOREIGN) or (lists and name not in LISTS)


def watched(x: Any) -> Any:
    """Return an argument with tensors for its numbers and arrays."""

    def each(leaf: Any) -> Any:
        if type(leaf) in (float, complex) or isinstance(leaf, np.ndarray | np.generic):
            if np.asarray(leaf).dtype.kind in "fc":
                return tensor(leaf, requires_grad=True)
        return leaf

    return map_leaves(each, x)


def gradient(x: Any, like: Any) -> Any:
    """Return the gradients in an argument, as the argument itself has its numbers."""
    if isinstance(x, Tensor):
        bar = np.zeros(x.shape, x.dtype) if x.grad is None else x.grad.numpy()
        return bar if isinstance(like, np.ndarray) else type(like)(bar.item())
    if isinstance(x, list | tuple):
        return type(x)(map(gradient, x, like))
    return None


def check(one: Program, f: Callable[..., Any]) -> None:
    """Check value and gradients of a program that is called on tensors."""
    args = [
        watched(value) if k in one.wrt else value for k, value in enumerate(one.values)
    ]
    with quiet():
        value = f(*one.values)
        out = f(*args)
        assert isinstance(out, Tensor), one.text
        np.testing.assert_allclose(out.detach().numpy(), value, 1e-12, err_msg=one.text)
        out.backward()
    wanted = estimates(f, one.values, one.wrt)
    for position, estimate in zip(one.wrt, wanted, strict=True):
        found = gradient(args[position], one.values[position])
        result = compare(found, estimate, None, f"gradient of argument {position}")
        assert result, f"{result}\n{one.text}"


@pytest.mark.parametrize("name", NAMES)
def test_rule(name: str, tmp_path: Path) -> None:
    """A primitive on tensors has the right value and gradient."""
    for one in programs(name, MOST, same):
        f = one.load(tmp_path)["f"]
        check(one, differentiate(f) if is_whole(name, one) else f)
