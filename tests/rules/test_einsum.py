"""Einstein sums against differences, over every form of subscripts."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import rules
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

CASES = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("i,i->", [(3,), (3,)]),
    ("i,i", [(3,), (3,)]),
    ("i,j->ij", [(3,), (2,)]),
    ("i,j->ji", [(3,), (2,)]),
    ("ij->ji", [(3, 2)]),
    ("ba", [(3, 2)]),
    ("ij->", [(3, 2)]),
    ("ij->i", [(3, 2)]),
    ("ijk->ki", [(3, 2, 4)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("ii->", [(3, 3)]),
    ("iij->j", [(3, 3, 2)]),
    ("iii->i", [(2, 2, 2)]),
    ("iji->j", [(3, 2, 3)]),
    ("ii,ij->j", [(3, 3), (3, 2)]),
    ("ii,i->", [(3, 3), (3,)]),
    ("ii,jj->ij", [(3, 3), (2, 2)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
    ("i,ij,j->", [(2,), (2, 3), (3,)]),
    ("ij,k->i", [(2, 3), (4,)]),
    ("ij,ik->i", [(2, 3), (2, 4)]),
    ("...ij,...jk->...ik", [(5, 2, 3), (5, 3, 4)]),
    ("...ij,...jk->...ik", [(6, 5, 2, 3), (5, 3, 4)]),
    ("...ij,...jk->...ik", [(1, 2, 3), (5, 3, 4)]),
    ("...ij,jk", [(5, 2, 3), (3, 4)]),
    ("...,...", [(5, 2), (2,)]),
    ("...i->...", [(5, 2)]),
    ("i...->...i", [(5, 2)]),
    ("i...,i->i...", [(5, 2), (5,)]),
    ("...ii->...i", [(4, 3, 3)]),
    ("ij,ij->ij", [(1, 3), (2, 3)]),
    (" i j , j -> i ", [(2, 3), (3,)]),
    (",i->i", [(), (3,)]),
    ("i->i", [(3,)]),
    ("ij,jk->ik", [(0, 3), (3, 4)]),
    ("ij,jk->ik", [(2, 0), (0, 4)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), CASES)
def test_einsum(subscripts: str, shapes: list) -> None:
    """Each operand's cotangent is an einsum of the others."""
    operands = [real(*s, seed=k) for k, s in enumerate(shapes)]
    check_rule(np.einsum, subscripts, *operands, analytic=True)
    check_rule(np.einsum, subscripts, *(complex_(*s) for s in shapes))


@pytest.mark.parametrize("optimize", [True, "greedy", "optimal", ("greedy", 100)])
def test_optimized_einsum(optimize: object) -> None:
    """An order of contraction may be asked for."""
    x, y, z = real(2, 3), real(3, 4), real(4, 2)
    check_rule(np.einsum, "ij,jk,kl->il", x, y, z, optimize=optimize)


def test_axes_as_lists_are_refused() -> None:
    """Subscripts that are not a string are refused."""
    with pytest.raises(rules.Refused, match="write the subscripts as a string"):
        rules.RULES.reverse[np.einsum].template(real(3, 2), real(2, 3), [0, 1], [1, 0])
