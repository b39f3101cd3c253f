"""Tangents of operations: what the rules of forward mode say, written out.

In: an operation whose value is written already, its rule and its bound arguments. Out:
the tangent, of the value's shape and dtype, noted for the value.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Const,
    Operand,
    Value,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.transform import foreign, splice
from chainrule.transform.cotangents import is_zero
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.transform.forward import Forward


def elementwise(fwd: Forward, stmt: Apply, rule: Any, bound: dict[str, Any]) -> None:
    """Add up partial times tangent."""
    splice.refuse_others(stmt, rule, bound, fwd.has)
    args, kwargs = splice.arguments(rule, bound, {"out": stmt.out})
    result = splice.usable(fwd.splicer.traced(rule.template, args, kwargs), stmt.loc)
    total: Operand | None = None
    for operand, partial in splice.paired(fwd.b, stmt, rule, bound, result):
        if not fwd.has(operand) or is_zero(partial):
            continue
        if isinstance(partial, Const) and partial.value is None:
            continue
        if is_zero(fwd.dot(operand)):
            continue
        term = fwd.b.apply(operator.mul, fwd.dot(operand), partial)
        total = term if total is None else fwd.b.apply(operator.add, total, term)
    if total is None:
        total = fwd.zero(stmt.out)
    fwd.set(stmt.out, fit(fwd, total, stmt.out))


def fit(fwd: Forward, dot: Operand, out: Value) -> Operand:
    """Give a tangent the shape and dtype of its value."""
    t, have = out.type, type_of(dot)
    if isinstance(t, lt.ArrayT | lt.ScalarT) and isinstance(
        have, lt.ArrayT | lt.ScalarT
    ):
        if lt.result_dtype(t).kind == "f" and lt.result_dtype(have).kind == "c":
            dot = fwd.b.apply(np.real, dot, form="attribute", text="real")
            have = type_of(dot)
    if isinstance(t, lt.ArrayT) and isinstance(have, lt.ArrayT | lt.ScalarT):
        want, got = t.dims, lt.dims_of(have)
        wide = lt.ArrayT(lt.result_dtype(have), want)  # of a complex value: still real
        if want is None and got is not None:
            shape: Operand = fwd.b.apply(np.shape, out)
            return fwd.b.apply(np.broadcast_to, dot, shape, type_=wide)
        if want is not None and got is not None and want != got:
            small = len(got) < len(want) or any(
                g != w and lt.maybe_one(g) for g, w in zip(got, want, strict=True)
            )
            if small:
                shape = fwd.b.apply(getattr, out, Const("shape"))
                return fwd.b.apply(np.broadcast_to, dot, shape, type_=wide)
    return dot


def linear(fwd: Forward, stmt: Apply, rule: Any, bound: dict[str, Any]) -> None:
    """Apply the function itself to each tangent in turn."""
    names = [
        n for n in rule.wrt if n in bound and any(map(fwd.has, splice.listed(bound[n])))
    ]
    splice.refuse_others(stmt, rule, bound, fwd.has)
    total: Operand | None = None
    for name in names:
        originals = splice.listed(bound[name])
        swap = {o: fwd.dot(o) for o in originals if isinstance(o, Value)}
        term = again(fwd, stmt, bound, name, swap)
        total = term if total is None else fwd.b.apply(operator.add, total, term)
    if total is None:
        total = fwd.zero(stmt.out)
    fwd.set(stmt.out, fit(fwd, total, stmt.out))


def again(
    fwd: Forward,
    stmt: Apply,
    bound: dict[str, Any],
    name: str,
    swap: dict[Value, Operand],
) -> Operand:
    """Write the operation with one argument replaced by its tangent."""
    sig = splice.signature(stmt.fn)
    args, kwargs = list(stmt.args), list(stmt.kwargs)
    position = None
    if sig is not None:
        for k, parameter in enumerate(sig.parameters.values()):
            if parameter.name == name:
                position = k
                variadic = parameter.kind is parameter.VAR_POSITIONAL
    if position is None:
        position, variadic = list(bound).index(name), False
    if isinstance(bound[name], tuple) and sig is not None and variadic:
        args[position:] = [
            swap[a] if isinstance(a, Value) else fwd.zero(a) for a in args[position:]
        ]
    elif position < len(args):
        old = args[position]
        args[position] = swap.get(old, old) if isinstance(old, Value) else fwd.zero(old)
    else:
        kwargs = [
            (k, swap.get(v, v) if k == name and isinstance(v, Value) else v)
            for k, v in kwargs
        ]
    return fwd.b.repeat(stmt, *args, kwargs=tuple(kwargs))


def explicit(fwd: Forward, stmt: Apply, rule: Any, bound: dict[str, Any]) -> None:
    """Run a tangent rule; a number that was left out has its default,
    and no tangent.
    """
    special: dict[str, Operand] = {"out": stmt.out}
    bound = {**splice.left_out_numbers(stmt, rule), **bound}
    for name in rule.wrt:
        if name in bound:
            value = bound[name]
            if isinstance(value, tuple):
                special[f"{name}_dot"] = fwd.b.apply(
                    prims.make_tuple, *(fwd.dot(v) for v in value)
                )
            else:
                special[f"{name}_dot"] = fwd.dot(value)
        else:
            special[f"{name}_dot"] = Const(None)
    splice.refuse_others(stmt, rule, bound, fwd.has)
    args, kwargs = splice.arguments(rule, bound, special)
    result = splice.usable(fwd.splicer.run(rule.template, args, kwargs), stmt.loc)
    if foreign.is_foreign(rule):
        result = foreign.tangent(fwd.b, stmt, rule, result)
    layout = layout_of(stmt.out)
    if layout is not None and layout_of(result) is not None:
        result = make(fwd.b, layout, read_parts(fwd.b, result))
    fwd.set(stmt.out, result if layout is not None else fit(fwd, result, stmt.out))
