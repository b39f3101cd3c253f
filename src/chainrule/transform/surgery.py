"""The user's own code in the reverse sweep: what `on_cotangent` asks for.

In: an operation of `specialise.surgery` and the cotangent of its result. Out: the
user's statements, written out on the cotangent; what they return is handed on. In the
forward sweep the operation is the value itself. Forward mode has no cotangents: code
that only watches is left out, code that changes them is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.errors import not_differentiable
from chainrule.ir.copying import copy_block
from chainrule.ir.nodes import Apply, Block, Const, Function, Operand, Value
from chainrule.runtime import helpers
from chainrule.specialise.builder import type_of
from chainrule.specialise.surgery import only_watches
from chainrule.transform.cotangents import Bar
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.transform.forward import Forward
    from chainrule.transform.reverse import Reverse


def adjoint(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Write the user's code out, and hand on what it makes of the cotangent."""
    x, code, *captured = stmt.args
    function = function_of(code)
    x_bar = rev.cot.complete(bar, stmt.out)
    name = rev.bar_name(stmt.out)
    if isinstance(x_bar, Value) and x_bar.hint is None:
        x_bar.hint = name
    table: dict[Value, Operand] = dict(
        zip(function.params, (x_bar, *captured), strict=True)
    )
    written = copy_block(function.body, table)
    for made in written.stmts:
        rev.b.add(made)
    [result] = written.results
    if only_watches(function):
        result = x_bar
    elif isinstance(result, Value) and result.hint is None:
        result.hint = name
    rev.cot.add(x, fitted(rev, result, stmt.out))
    rev.rename(stmt.out, x, Block())
    return True


def fitted(rev: Reverse, g: Operand, like: Value) -> Operand:
    """Check the shape of what came back, where the types do not tell it."""
    t = type_of(g)
    if not isinstance(t, lt.ArrayT) or lt.dims_of(t) == lt.dims_of(like.type):
        return g
    return rev.b.apply(helpers.cotangent_for, g, like, type_=rev.cot.like(like, g))


def tangent(fwd: Forward, stmt: Apply) -> bool:
    """Hand the tangent on, unless the code would change it in the other direction."""
    if not only_watches(function_of(stmt.args[1])):
        raise not_differentiable(
            "CR306",
            stmt.loc,
            "on_cotangent changes a cotangent, and forward mode has none",
            label="changed here in the reverse sweep",
            help="use grad, value_and_grad or vjp",
        )
    fwd.b.block.stmts.append(stmt)
    fwd.set(stmt.out, fwd.dot(stmt.args[0]))
    return True


def function_of(code: Operand) -> Function:
    """Return the function that an operation carries."""
    assert isinstance(code, Const)
    found: Any = code.value
    assert isinstance(found, Function)
    return found
