"""Stores that lose the derivative: a real number in memory for integers, or outside.

In: a function and the values it is differentiated with respect to. Out: the error for
the first store that NumPy would round, if what is stored depends on them, or for the
first number that comes back from outside, if the result depends on it.
"""

from __future__ import annotations

from chainrule.analysis.activity import Varied, active_values
from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Function, Loc, Value
from chainrule.ir.walk import statements
from chainrule.types.lattice import ArrayT, is_differentiable

VALUE = {prims.index_set: 2, prims.index_add: 2, prims.fill: 1, prims.view_set: 3}


def refuse_lossy(function: Function, wrt: list[Value]) -> None:
    """Refuse a store of a varied value into an array that cannot carry it."""
    stores = [
        s
        for s in statements(function.body)
        if isinstance(s, Apply) and s.fn in VALUE and isinstance(s.out.type, ArrayT)
    ]
    lossy = [s for s in stores if not is_differentiable(s.out.type)]
    if not lossy:
        return
    varied = Varied(set(wrt))
    varied.run(function.body)
    for stmt in lossy:
        value = stmt.args[VALUE[stmt.fn]]
        if varied.has(value):
            assert isinstance(stmt.out.type, ArrayT)
            name = f"`{stmt.out.hint}`, " if stmt.out.hint else ""
            raise not_differentiable(
                "CR415",
                stmt.loc,
                "a number that depends on what is differentiated is stored in "
                f"{name}an array of {stmt.out.type.dtype}",
                label="rounded here: the derivative is lost",
                help="make the array of floats: np.zeros(n), or x.astype(float)",
            )


def refuse_read_back(function: Function, wrt: list[Value]) -> None:
    """Refuse a result that depends on what the function has written outside."""
    reads = [
        s
        for s in statements(function.body)
        if isinstance(s, Apply) and s.fn is prims.read_back
    ]
    active = active_values(function, wrt) if reads else set()
    for stmt in reversed(reads):
        if stmt.out in active:
            raise kept(stmt.loc, stmt.text == "name")


def kept(loc: Loc | None, by_name: bool) -> Exception:
    """Return the error for a number that goes through state outside."""
    return not_differentiable(
        "CR106" if by_name else "CR104",
        loc,
        "the result depends on a number that the function has written outside",
        label="read back here; its derivative is lost on the way",
        help="pass it on in a local variable, and write that outside too",
    )
