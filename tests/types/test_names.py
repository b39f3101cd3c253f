"""Names of sizes survive where they must: the compiler removes broadcasting by them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from chainrule.types.infer import NeedsStatic, Unknown, WillRaise, infer
from chainrule.types.lattice import (
    FLOAT,
    INT,
    ArrayT,
    ListT,
    ScalarT,
    SliceT,
    Sym,
    TupleT,
    consumed,
    fresh_dim,
)

F8 = np.dtype(float)
N = Sym("n", never_one=True)
M = Sym("m", never_one=True)
K = Sym("k", never_one=True)
LOOSE = Sym("loose")
V = ArrayT(F8, (N,))
X = ArrayT(F8, (N, M))
COUNT = ScalarT("int", dim=Sym("count"))


@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "dims"),
    [
        (operator.mul, (X, ArrayT(F8, (1, M))), {}, (N, M)),
        (operator.add, (X, ArrayT(F8, (M,))), {}, (N, M)),
        (operator.add, (ArrayT(F8, (N,)), ArrayT(F8, (LOOSE,))), {}, (N,)),
        (np.sum, (X,), {"axis": 0}, (M,)),
        (np.sum, (X,), {"axis": -1, "keepdims": True}, (N, 1)),
        (np.cumsum, (X,), {"axis": 1}, (N, M)),
        (np.transpose, (X,), {}, (M, N)),
        (np.reshape, (X, -1), {}, (Sym(("*", 1, M, N)),)),
        (np.reshape, (X, (ScalarT("int", dim=N), -1)), {}, (N, M)),
        (np.ravel, (V,), {}, (N,)),
        (np.squeeze, (ArrayT(F8, (1, N)),), {}, (N,)),
        (np.squeeze, (ArrayT(F8, (1, LOOSE)),), {}, None),
        (np.squeeze, (ArrayT(F8, (1, LOOSE)),), {"axis": 0}, (LOOSE,)),
        (operator.matmul, (X, ArrayT(F8, (K, 3))), {}, (N, 3)),
        (operator.matmul, (X, ArrayT(F8, (K,))), {}, (N,)),
        (np.linalg.solve, (X, ArrayT(F8, (K,))), {}, (N,)),
        (np.einsum, ("ij,kj->ik", X, ArrayT(F8, (K, LOOSE))), {}, (N, K)),
        (np.outer, (V, ArrayT(F8, (K,))), {}, (N, K)),
        (np.zeros, ((COUNT, 3),), {}, (Sym("count"), 3)),
        (np.zeros_like, (X,), {}, (N, M)),
        (np.eye, (COUNT,), {}, (Sym("count"), Sym("count"))),
        (np.linspace, (0.0, 1.0, COUNT), {}, (Sym("count"),)),
        (np.arange, (COUNT,), {}, (Sym("count"),)),
        (np.diff, (V,), {}, (Sym("n", -1),)),
        (np.pad, (V, 1), {}, (Sym("n", 2),)),
        (np.diag, (V,), {}, (N, N)),
        (np.cov, (X,), {}, (N, N)),
        (np.stack, ([V, V],), {}, (2, N)),
        (np.cross, (ArrayT(F8, (N, K)), ArrayT(F8, (3,))), {}, (N, 3)),
        (np.tile, (V, (3, 1)), {}, (3, N)),
        (np.take, (X, [0, 1, 0]), {"axis": 0}, (3, M)),
        (np.fft.fft, (V,), {}, (N,)),
        (operator.getitem, (V, slice(1, None)), {}, (Sym("n", -1),)),
        (operator.getitem, (V, slice(1, -1)), {}, (Sym("n", -2),)),
        (operator.getitem, (V, slice(None, None, -1)), {}, (N,)),
        (operator.getitem, (X, (None, ..., 0)), {}, (1, N)),
        (operator.getitem, (X, (slice(None), None)), {}, (N, 1, M)),
        (operator.getitem, (X, ArrayT(np.dtype(int), (K,))), {}, (K, M)),
        (operator.getitem, (V, SliceT((None, ScalarT("int", dim=N), None))), {}, (N,)),
    ],
)
def test_names_survive(fn: Any, args: tuple[Any, ...], kwargs: Any, dims: Any) -> None:
    """Each size of the result has the name of the size it comes from."""
    args = tuple(
        TupleT(
            tuple(a if isinstance(a, ScalarT) else ScalarT("int", dim=a) for a in arg)
        )
        if fn in (np.reshape, np.zeros) and isinstance(arg, tuple)
        else ListT(tuple(arg))
        if fn is np.stack
        else arg
        for arg in args
    )
    out = infer(fn, args, kwargs)
    assert isinstance(out, ArrayT)
    assert out.dims == dims


@pytest.mark.parametrize(
    ("fn", "args", "kwargs"),
    [
        # n and 3: the smaller of both.
        (np.linalg.svd, (ArrayT(F8, (N, 3)),), {"compute_uv": False}),
        (np.concatenate, (ListT((V, ArrayT(F8, (M,)))),), {}),
        (np.concatenate, (ListT((V, V)),), {}),
        (np.fft.rfft, (V,), {}),
        (np.unique, (V,), {}),
        (np.trim_zeros, (V,), {}),
        (np.flatnonzero, (V,), {}),
        (np.arange, (0.0, FLOAT, 0.1), {}),
        (np.arange, (INT, COUNT), {}),
        (operator.getitem, (V, slice(None, 3)), {}),
        (operator.getitem, (V, slice(-1, None)), {}),
        (operator.getitem, (V, SliceT((None, COUNT, None))), {}),
        (operator.getitem, (V, ArrayT(np.dtype(bool), (N,))), {}),
        (operator.add, (ArrayT(F8, (LOOSE,)), ArrayT(F8, (Sym("other"),))), {}),
        (np.convolve, (V, ArrayT(F8, (M,))), {}),
    ],
)
def test_no_size_is_claimed_that_is_not_certain(
    fn: Any, args: tuple[Any, ...], kwargs: Any
) -> None:
    """A size that depends on values or on which is larger is a new name."""
    out = infer(fn, args, kwargs)
    assert isinstance(out, ArrayT) and out.dims is not None and len(out.dims) == 1
    (size,) = out.dims
    assert isinstance(size, Sym) and not size.never_one
    assert size.key not in ("n", "m", "loose", "other", "count")


def test_many_names_are_not_confused() -> None:
    """A chain of four matrices keeps its outer sizes and identifies the inner ones."""
    names = [Sym(i, never_one=True) for i in "abcdefgh"]
    pairs = zip(names[::2], names[1::2], strict=True)
    matrices = ListT(tuple(ArrayT(F8, pair) for pair in pairs))
    out = infer(np.linalg.multi_dot, (matrices,), {})
    assert out == ArrayT(F8, (names[0], names[-1]))


def test_two_equal_computations_give_equal_sizes() -> None:
    """`x[::2]` taken twice has one size, and so have x and x.T when raveled."""
    halves = [infer(operator.getitem, (V, slice(None, None, 2)), {}) for _ in range(2)]
    assert halves[0] == halves[1]
    flat = [infer(np.ravel, (t,), {}) for t in (X, ArrayT(F8, (M, N)))]
    assert flat[0] == flat[1]


def test_offsets_that_may_clamp_are_not_undone() -> None:
    """One more than `max(0, n - 1)` is not `n`."""
    less = infer(operator.sub, (COUNT, 1), {})
    more = infer(operator.add, (less, 1), {})
    assert isinstance(more, ScalarT) and more.dim != Sym("count")
    up = infer(operator.sub, (infer(operator.add, (COUNT, 1), {}), 1), {})
    assert isinstance(up, ScalarT) and up.dim == Sym("count")


def test_elements_of_lists_do_not_share_nameless_sizes() -> None:
    """Two elements of a list of any length may differ in a size that has no name."""
    t = ListT(None, ArrayT(F8, (fresh_dim(), N)))
    first, second = (infer(operator.getitem, (t, i), {}) for i in (0, 1))
    assert isinstance(first, ArrayT) and isinstance(second, ArrayT)
    assert first.dims is not None and second.dims is not None
    assert first.dims[0] != second.dims[0] and first.dims[1] == second.dims[1]


def test_what_is_consumed_is_recorded_on_every_call() -> None:
    """Relying on a size that is not 1 is told to the guard, from the cache too."""
    for name in ("p", "q"):
        size = Sym(name, never_one=True)
        with consumed() as keys:
            infer(np.cov, (ArrayT(F8, (size, M)),), {})
        assert name in keys


@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "error"),
    [
        (np.sum, (X,), {"axis": INT}, NeedsStatic),
        (np.sum, (X, INT), {}, NeedsStatic),
        (np.transpose, (X, TupleT((INT, INT))), {}, NeedsStatic),
        (np.moveaxis, (X, 0, INT), {}, NeedsStatic),
        (np.split, (X, INT), {}, NeedsStatic),
        (operator.getitem, (TupleT((FLOAT, ListT(()))), INT), {}, NeedsStatic),
        (np.sum, (X,), {"axis": 2}, WillRaise),
        (operator.getitem, (X, (0, 0, 0)), {}, WillRaise),
        (operator.getitem, (ArrayT(F8, (3,)), 3), {}, WillRaise),
        (operator.getitem, (X, FLOAT), {}, WillRaise),
        (operator.getitem, (TupleT((FLOAT,)), 1), {}, WillRaise),
        (operator.add, (ArrayT(F8, (3,)), ArrayT(F8, (4,))), {}, WillRaise),
        (operator.matmul, (ArrayT(F8, (2, 3)), ArrayT(F8, (4,))), {}, WillRaise),
        (np.reshape, (ArrayT(F8, (2, 3)), (4, 2)), {}, WillRaise),
        (operator.sub, (FLOAT, TupleT((FLOAT,))), {}, WillRaise),
        (len, (FLOAT,), {}, WillRaise),
        (np.sin, (X,), {"out": X}, Unknown),
        (np.linalg.eig, (X,), {}, Unknown),
        (np.fill_diagonal, (X, 0.0), {}, Unknown),
        (np.random.shuffle, (X,), {}, Unknown),
        (np.put, (X, 0, 0.0), {}, Unknown),
        (print.__call__, (X,), {}, Unknown),
    ],
)
def test_refusals(fn: Any, args: Any, kwargs: Any, error: type[Exception]) -> None:
    """What is not static, fails, or is outside the closed world gets no type."""
    with pytest.raises(error):
        infer(fn, args, kwargs)
