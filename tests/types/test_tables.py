"""The type of every expression of the tables fits its value, for all sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from chainrule.types.dims import map_dims
from chainrule.types.infer import NeedsStatic, Unknown
from chainrule.types.lattice import ArrayT, ListT, ScalarT, TupleT, Type, fresh_dim
from tests.types import tables
from tests.types.expressions import ProgramRaises, evaluate
from tests.types.values import SIZES, arguments

ARGUMENTS = {size: arguments(*size) for size in SIZES}


@pytest.mark.parametrize("text", tables.everything())
def test_types_fit_values(text: str) -> None:
    """Class, dtype, rank, known sizes and names of sizes are those of the value."""
    ran = 0
    for names in ARGUMENTS.values():
        np.random.seed(0)
        try:
            evaluate(text, names)
            ran += 1
        except ProgramRaises:
            continue
    assert ran >= 1


def _nameless(t: Type) -> Type:
    """Forget every name of a size, and that it is not 1."""
    return map_dims(t, lambda dim: fresh_dim())


def _rankless(t: Type) -> Type:
    """Forget every rank."""
    match t:
        case ArrayT(dtype=dtype):
            return ArrayT(dtype, None)
        case TupleT(items=items):
            return TupleT(tuple(map(_rankless, items)))
        case ListT(items=items) if items is not None:
            return ListT(tuple(map(_rankless, items)))
    return t


def _inexact(t: Type) -> Type:
    """Forget the classes of scalars."""
    return ScalarT(t.kind, t.dtype, False) if isinstance(t, ScalarT) else t


@pytest.mark.parametrize("weaken", [_nameless, _rankless, _inexact])
@pytest.mark.parametrize("theme", tables.THEMES)
def test_less_knowledge_never_gives_a_wrong_type(
    weaken: Callable[[Type], Type], theme: str
) -> None:
    """From weaker types of the arguments follow types that still fit, or a refusal."""
    typed = 0
    for text in tables.lines(theme):
        for size in ((4, 3), (1, 3), (5, 1)):
            np.random.seed(0)
            try:
                evaluate(text, ARGUMENTS[size], weaken)
                typed += 1
            except (ProgramRaises, NeedsStatic, Unknown):
                continue
    assert typed > 0
