"""Products inside a differentiated function: `vjp`, `jvp` and rows of a Jacobian.

In: a function and its arguments as operands. Out: the value beside a pullback, the
value beside its tangent, or the gradients of all elements, stacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.copying import copy_block
from chainrule.ir.nodes import Block, Const, Operand, Value
from chainrule.ir.walk import substitute
from chainrule.specialise import nested
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import layout_of, read_parts
from chainrule.specialise.nested_arguments import Settled, settle
from chainrule.types import lattice as lt


def jacobian(ctx: Context, scope: nested.Scope, inner: nested.Inner) -> Operand:
    """Return the gradients of all elements of a vector of known length, stacked; of a
    number, its gradient.
    """
    b = ctx.builder
    t = type_of(scope.result)
    if isinstance(t, lt.ScalarT) and t.kind == "float":
        grads = scope.reverse(scope.result, Const(1.0))
        return b.apply(prims.make_tuple, *grads) if inner.as_tuple else grads[0]
    if not isinstance(t, lt.ArrayT) or t.ndim != 1 or inner.as_tuple:
        raise not_differentiable(
            "CR304",
            b.loc,
            "a Jacobian inside a differentiated function needs a function of one "
            "argument that returns a number or a vector",
            help="use grad of each component",
        )
    from chainrule.transform.tapes import lower_tapes

    value_bar = Value(t, "value_bar", b.loc)
    block, _, value = scope.back(scope.result, value_bar)
    scope.write(scope.block)
    lower_tapes(block)
    substitute(block, scope.table)
    size = b.apply(len, scope.outer(value), type_=lt.INT)
    eye = b.apply(np.eye, size)
    return _rows(ctx, block, value_bar, eye)


def _rows(ctx: Context, block: Block, value_bar: Value, eye: Operand) -> Operand:
    """Run the reverse sweep for every row of the identity, in a loop."""
    from chainrule.ir.nodes import Iter, Loop

    b = ctx.builder
    row = Value(value_bar.type, "row", b.loc)
    table: dict[Value, Operand] = {value_bar: row}
    body = copy_block(block, table)
    [gradient] = body.results
    elem = type_of(gradient)
    kind = lt.ListT(None, elem)
    empty = b.apply(prims.make_list, type_=kind)
    param = Value(kind, "rows", b.loc)
    with b.into(body):
        grown = b.apply(prims.list_append, param, gradient, type_=kind)
    body.params, body.results = (param,), (Const(False), grown)
    out = Value(kind, "rows", b.loc)
    b.add(Loop((Iter(eye, (row,)),), (empty,), body, (out,), loc=b.loc))
    if isinstance(elem, lt.ArrayT):
        return b.apply(np.stack, out)
    return b.apply(np.array, out)


def vjp(
    ctx: Context, frame: Frame, args: list[Operand], kwargs: nested.Kwargs
) -> Operand:
    """Write the forward sweep; the pullback writes the reverse sweep
    when it is called.
    """
    from chainrule.transform.tapes import lower_tapes

    function, *primals = args
    named = {k: v for k, v in kwargs if k != "has_aux"}
    keys = (*range(len(primals)), *named)
    scope = nested.Scope(ctx, frame, function, Settled(primals, named, keys))
    has_aux = any(
        k == "has_aux" and isinstance(v, Const) and v.value for k, v in kwargs
    )
    value, aux = scope.value(has_aux)
    value_bar = Value(type_of(value), "value_bar", ctx.builder.loc)
    block, _, resolved = scope.back(value, value_bar)
    scope.write(scope.block)
    lower_tapes(block)
    substitute(block, scope.table)
    pullback = Const(nested.InnerPullback(block, value_bar))
    out: list[Operand] = [scope.outer(resolved), pullback]
    if has_aux:
        out.append(scope.outer(aux))
    return ctx.builder.apply(prims.make_tuple, *out)


def pull_back(
    ctx: Context, pullback: nested.InnerPullback, value_bar: Operand
) -> Operand:
    """Write the reverse sweep for one cotangent."""
    b = ctx.builder
    table: dict[Value, Operand] = {pullback.value_bar: value_bar}
    block = copy_block(pullback.block, table)
    for stmt in block.stmts:
        b.add(stmt)
    return b.apply(prims.make_tuple, *block.results)


def jvp(
    ctx: Context, frame: Frame, args: list[Operand], kwargs: nested.Kwargs
) -> Operand:
    """Write value and tangent."""
    named = dict(kwargs)
    function = args[0]
    primals = args[1] if len(args) > 1 else named["primals"]
    tangents = args[2] if len(args) > 2 else named["tangents"]
    b = ctx.builder
    values, dots = b.elements(primals) or [], b.elements(tangents) or []
    call = Settled(list(values), {}, tuple(range(len(values))))
    value, dot = push(ctx, frame, function, call, dots)
    return b.apply(prims.make_tuple, value, dot)


def hvp(
    ctx: Context,
    frame: Frame,
    inner: nested.Inner,
    args: list[Operand],
    kwargs: nested.Kwargs,
) -> Operand:
    """Write the product of a Hessian, the Jacobian of a gradient, and a vector."""
    *primals, vector = args
    call = settle(ctx, inner.function, inner.wrt, primals, kwargs)
    dots = ctx.builder.elements(vector) if inner.as_tuple else [vector]
    return push(ctx, frame, inner.function, call, dots or [])[1]


def push(
    ctx: Context,
    frame: Frame,
    function: Operand,
    call: Settled,
    dots: Sequence[Operand],
) -> tuple[Operand, Operand]:
    """Write value and tangent of a call for the tangents of the active arguments."""
    from chainrule.transform.forward import Forward

    scope = nested.Scope(ctx, frame, function, call)
    inner, active = scope.prepare(scope.result)
    b = Builder(algebra=True)
    b.loc = ctx.builder.loc
    b.outer_defs = {**ctx.builder.outer_defs, **ctx.builder.defs}
    forward = Forward(b, active, {})
    for param, dot in zip(scope.params, dots, strict=True):
        _seed(ctx.builder, forward, param, dot, scope)
    forward.block(inner.body)
    with b.into(inner.body):
        dot = forward.dot(inner.body.results[0])
    inner.body.results += (dot,)
    forward.finish(inner.body)
    scope.write(inner.body)
    value, *_, dot = inner.body.results
    return scope.outer(value), scope.outer(dot)


def _seed(
    b: Builder, forward: Any, param: Operand, dot: Operand, scope: nested.Scope
) -> None:
    """Give the parts of a parameter their tangents."""
    if layout_of(param) is not None:
        for part, one in zip(read_parts(b, param), read_parts(b, dot), strict=True):
            _seed(b, forward, part, one, scope)
    elif isinstance(param, Value) and param in scope.table:
        forward.dots[param] = dot
