"""What is known before anything runs."""

from __future__ import annotations

import numbers
import operator
from typing import Any

import numpy as np
import pytest

from chainrule.types.constants import NOT_CONSTANT, constant
from chainrule.types.lattice import (
    COMPLEX,
    FLOAT,
    INT,
    STR,
    ArrayT,
    ListT,
    OpaqueT,
    ScalarT,
    Sym,
    TupleT,
)

F8 = np.dtype(float)
X = ArrayT(F8, (Sym("n"), 3))
ANY = ArrayT(F8, None)
ZERO_D = ArrayT(F8, ())
LOOSE = ScalarT("float", exact=False)


@pytest.mark.parametrize(
    ("fn", "args", "expected"),
    [
        (np.ndim, (X,), 2),
        (np.ndim, (FLOAT,), 0),
        (np.shape, (ArrayT(F8, (2, 3)),), (2, 3)),
        (np.shape, (FLOAT,), ()),
        (np.size, (ArrayT(F8, (2, 3)),), 6),
        (len, (TupleT((X, X)),), 2),
        (len, (ArrayT(F8, (4,)),), 4),
        (getattr, (X, "ndim"), 2),
        (getattr, (X, "dtype"), F8),
        (getattr, (ArrayT(F8, (2,)), "shape"), (2,)),
        (isinstance, (X, np.ndarray), True),
        (isinstance, (X, (float, int)), False),
        (isinstance, (FLOAT, float), True),
        (isinstance, (FLOAT, numbers.Number), True),
        (isinstance, (ZERO_D, str), False),
        (isinstance, (ANY, (list, tuple)), False),
        (isinstance, (ScalarT("float", F8), float), True),
        (isinstance, (TupleT(()), tuple), True),
        (isinstance, (ListT(None, X), list), True),
        (isinstance, (LOOSE, str), False),
        (isinstance, (3, int), True),
        (issubclass, (int, float), False),
        (type, (FLOAT,), float),
        (callable, (FLOAT,), False),
        (callable, (len,), True),
        (hasattr, (X, "shape"), True),
        (hasattr, (FLOAT, "shape"), False),
        (np.iscomplexobj, (COMPLEX,), True),
        (np.iscomplexobj, (X,), False),
        (np.isrealobj, (X,), True),
        (np.isscalar, (FLOAT,), True),
        (np.issubdtype, (F8, np.floating), True),
        (np.result_type, (X, ScalarT("float", np.dtype("f4"))), F8),
        (operator.is_, (X, None), False),
        (operator.is_not, (FLOAT, None), True),
        (operator.is_, (None, None), True),
        (operator.is_, (OpaqueT(type(None)), None), True),
    ],
)
def test_certain_answers(fn: Any, args: tuple[Any, ...], expected: Any) -> None:
    """Ranks, static sizes, dtypes and classes are constants."""
    found = constant(fn, args, {})
    assert type(found) is type(expected) and found == expected


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        (np.ndim, (ANY,)),
        (np.shape, (X,)),
        (np.size, (X,)),
        (len, (X,)),
        (len, (ListT(None, FLOAT),)),
        (getattr, (ANY, "ndim")),
        (getattr, (X, "shape")),
        (getattr, (LOOSE, "dtype")),
        (isinstance, (LOOSE, float)),
        (isinstance, (ZERO_D, np.ndarray)),
        (isinstance, (ANY, float)),
        (isinstance, (OpaqueT(object), str)),
        (type, (LOOSE,)),
        (type, (ZERO_D,)),
        (hasattr, (LOOSE, "shape")),
        (operator.is_, (X, X)),
        (operator.is_, (STR, "a")),
        (np.sin, (FLOAT,)),
        (np.ndim, (OpaqueT(object),)),
        (operator.add, (INT, 1)),
    ],
)
def test_uncertain_answers(fn: Any, args: tuple[Any, ...]) -> None:
    """What depends on the run is no constant, and asking never fails."""
    assert constant(fn, args, {}) is NOT_CONSTANT
