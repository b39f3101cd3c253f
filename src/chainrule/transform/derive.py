"""Derivatives of functions: `grad`, `value_and_grad`, `vjp` and `jvp` as IR functions.

In: an IR function and which of its parameters are active. Out: IR functions with the
signatures that `request` states. The body of the function given is consumed.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule.analysis.activity import active_values
from chainrule.analysis.shifts import cancelling
from chainrule.errors import DifferentiationWarning
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Block, Const, Function, Operand, Value
from chainrule.ir.walk import statements
from chainrule.specialise.builder import Builder, type_of
from chainrule.transform import pairs
from chainrule.transform.forward import write_tangent
from chainrule.transform.outputs import as_given
from chainrule.transform.reverse import Reverse
from chainrule.types import lattice as lt


@dataclass(slots=True)
class Wrt:
    """What to differentiate with respect to: a parameter, or a part of one."""

    param: Value
    path: tuple[Any, ...] = ()


@dataclass(slots=True)
class Derived:
    """IR functions, the values the compiler computes itself,
    and the primal's own results.

    `forward` counts the statements of the forward sweep, where one function has both.
    """

    functions: list[Function]
    ours: set[Value] = field(default_factory=set)
    own_parts: int = 0
    forward: int = 0


def derive(
    function: Function, transform: str, wrt: list[Wrt], has_aux: bool
) -> Derived:
    """Return the functions of a derivative."""
    if transform == "jvp":
        return _jvp(function, wrt, has_aux)
    return _reverse(function, transform, wrt, has_aux)


def _split_result(
    b: Builder, function: Function, has_aux: bool
) -> tuple[Operand, Operand]:
    """Return value and auxiliary output."""
    [result] = function.body.results
    if not has_aux:
        return result, Const(None)
    with b.into(function.body):
        parts = b.elements(result)
        if parts is None or len(parts) != 2:
            raise TypeError(
                "has_aux=True needs a function that returns a pair (value, aux)"
            )
        return parts[0], parts[1]


def _reverse(
    function: Function, transform: str, wrt: list[Wrt], has_aux: bool
) -> Derived:
    b = Builder(algebra=True)
    b.outer_defs = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    value, aux = _split_result(b, function, has_aux)
    params = list(dict.fromkeys(w.param for w in wrt))
    function.body.results = (value,)
    active = _active(function, params)
    warn_if_constant(function, value, active)
    rev = Reverse(b, active, pairs.Pairs())
    back = Block()
    value_bar = Value(type_of(value), "value_bar", function.loc)
    with b.into(back):
        b.loc = function.loc
        if isinstance(value, Value) and value in active:
            rev.cot.add(value, value_bar if transform == "vjp" else Const(1.0))
        rev.block(function.body)
        b.loc = function.loc
        bars = {p: rev.cot.complete(rev.take(p), p) for p in params}
        grads = [
            as_given(b, follow(b, bars[w.param], w), follow(b, w.param, w)) for w in wrt
        ]
    rev.finish(function.body, back)
    value, aux, *grads = map(rev.resolve, (value, aux, *grads))
    ours = set(b.defs)
    if transform == "vjp":
        return _vjp(function, back, b, value, aux, value_bar, grads, ours, has_aux)
    forward = len(function.body.stmts)
    function.body.stmts += back.stmts
    with b.into(function.body):
        gradient = grads[0] if len(grads) == 1 else b.apply(prims.make_tuple, *grads)
        if transform == "grad":
            result = b.apply(prims.make_tuple, gradient, aux) if has_aux else gradient
        else:
            head = b.apply(prims.make_tuple, value, aux) if has_aux else value
            result = b.apply(prims.make_tuple, head, gradient)
    function.body.results = (result,)
    function.name = f"{function.name}_{'grad' if transform == 'grad' else transform}"
    return Derived([function], ours, int(transform == "value_and_grad"), forward)


def _active(function: Function, params: list[Value]) -> set[Value]:
    """Return the active values; a maximum that cancels has no cotangent."""
    active = active_values(function, params)
    constant = cancelling(function, active)
    return active_values(function, params, frozenset(constant)) if constant else active


def _vjp(
    function: Function,
    back: Block,
    b: Builder,
    value: Operand,
    aux: Operand,
    value_bar: Value,
    grads: list[Operand],
    ours: set[Value],
    has_aux: bool,
) -> Derived:
    with b.into(back):
        back.results = (b.apply(prims.make_tuple, *grads),)
    with b.into(function.body):
        head = b.apply(prims.make_tuple, value, aux) if has_aux else value
    function.body.results = (head,)
    fwd = Function(f"{function.name}_fwd", (), Block(), function.loc)
    bwd = Function(f"{function.name}_bwd", (), Block(), function.loc)
    value_bar.type = type_of(value)
    pairs.close(function, fwd, bwd, back, value_bar)
    return Derived([fwd, bwd], ours)


def follow(b: Builder, op: Operand, wrt: Wrt) -> Operand:
    """Read the part of an operand that a path leads to."""
    for step in wrt.path:
        op = b.getitem(op, step)
    return op


def outside() -> int:
    """Return the `stacklevel` of the first frame that is not ours, for a warning."""
    package = str(Path(__file__).parent.parent)
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        if not name.startswith((package, "<chainrule")):
            break
        frame = frame.f_back
        level += 1
    return level


def warn_if_constant(function: Function, value: Operand, active: set[Value]) -> None:
    """Warn when the value does not depend on what it is differentiated by."""
    if isinstance(value, Value) and value in active:
        return
    warnings.warn(
        f"{function.name} does not depend on the argument it is differentiated with"
        " respect to: the gradient is zero",
        DifferentiationWarning,
        stacklevel=outside(),
    )


def _jvp(function: Function, wrt: list[Wrt], has_aux: bool) -> Derived:
    params = list(dict.fromkeys(w.param for w in wrt))
    active = _active(function, params)
    dots = tuple(Value(_dot_type(w), f"{w.param.hint}_dot", w.param.loc) for w in wrt)
    b = Builder(algebra=True)
    start = Block()
    whole: list[Operand] = []
    with b.into(start):
        for param in params:
            whole.append(_whole_dot(b, param, wrt, dots))
    name = function.name
    function.body.stmts[:0] = start.stmts
    inner = write_tangent(function, params, tuple(whole), active, {})  # type: ignore[arg-type]
    if has_aux:
        with inner.into(function.body):
            [pair] = function.body.results
            value, tangent = inner.elements(pair) or []
            parts = inner.elements(value) or []
            dot_parts = inner.elements(tangent) or []
            dot = as_given(inner, dot_parts[0], parts[0])
            function.body.results = (
                inner.apply(prims.make_tuple, parts[0], dot, parts[1]),
            )
    else:
        with inner.into(function.body):
            [pair] = function.body.results
            value, tangent = inner.elements(pair) or []
            dot = as_given(inner, tangent, value)
            if dot is not tangent:
                function.body.results = (inner.apply(prims.make_tuple, value, dot),)
    function.params += dots
    function.name = f"{name}_jvp"
    return Derived([function], set(inner.defs) | set(b.defs), 1)


def _dot_type(wrt: Wrt) -> lt.Type:
    t = wrt.param.type
    for step in wrt.path:
        items = t.items  # type: ignore[attr-defined]
        t = dict(items)[step] if isinstance(t, lt.DictT) else items[step]
    return tangent_type(t)


def tangent_type(t: lt.Type) -> lt.Type:
    """Return the type of a tangent: objects become dicts of their attributes."""
    match t:
        case lt.ObjT(cls=cls, attrs=pairs):
            return lt.ObjT(cls, tuple((k, tangent_type(v)) for k, v in pairs))
        case lt.TupleT(items=items, cls=cls):
            return lt.TupleT(tuple(map(tangent_type, items)), cls)
        case lt.ListT(items=items) if items is not None:
            return lt.ListT(tuple(map(tangent_type, items)))
        case lt.DictT(items=pairs, cls=cls):
            return lt.DictT(tuple((k, tangent_type(v)) for k, v in pairs), cls)
    return t


def _whole_dot(
    b: Builder, param: Value, wrt: list[Wrt], dots: tuple[Value, ...]
) -> Operand:
    """Return the tangent of a parameter from those of its parts."""
    mine = {w.path: d for w, d in zip(wrt, dots, strict=True) if w.param is param}
    if () in mine:
        return mine[()]
    from chainrule.transform.forward import Forward

    zero = Forward(b, set(), {}).zero(param)
    parts = b.elements(zero)
    if parts is not None:
        filled = [mine.get((k,), p) for k, p in enumerate(parts)]
        return b.apply(prims.make_tuple, *filled)
    fields = b.fields(zero) or {}
    filled_fields = [mine.get((k,), v) for k, v in fields.items()]
    return b.apply(prims.make_dict, Const(tuple(fields)), *filled_fields)
