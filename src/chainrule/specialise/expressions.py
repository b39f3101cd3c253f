"""Expressions: from a gast node to an operand.

In: a node and the frame it stands in. Out: an operand; operations are written to the
builder in Python's order of evaluation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import gast
import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Block, Const, If, Operand, Value
from chainrule.specialise import (
    absences,
    calls,
    chosen_keys,
    comparisons,
    comprehensions,
    dicts,
    displays,
    grids,
    inlining,
    iterables,
    models,
    numpy_calls,
    outside_state,
    stepping,
)
from chainrule.specialise.attributes import attribute, overload
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame, here, lookup, resume
from chainrule.specialise.joins import join
from chainrule.specialise.values import Closure, Generated, Generator, Maybe, Poison
from chainrule.types import lattice as lt
from chainrule.types.enumerations import is_named_integer

BINARY: dict[type, Callable[..., Any]] = {
    gast.Add: operator.add,
    gast.Sub: operator.sub,
    gast.Mult: operator.mul,
    gast.Div: operator.truediv,
    gast.FloorDiv: operator.floordiv,
    gast.Mod: operator.mod,
    gast.Pow: operator.pow,
    gast.MatMult: operator.matmul,
    gast.LShift: operator.lshift,
    gast.RShift: operator.rshift,
    gast.BitAnd: operator.and_,
    gast.BitOr: operator.or_,
    gast.BitXor: operator.xor,
}


UNARY: dict[type, Callable[..., Any]] = {
    gast.USub: operator.neg,
    gast.UAdd: operator.pos,
    gast.Not: operator.not_,
    gast.Invert: operator.invert,
}


def evaluate(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Interpret one expression."""
    known = plain(ctx, frame, node)
    if known is not None:
        return known
    handler = HANDLERS.get(type(node))
    if handler is None:
        raise not_differentiable(
            "CR101",
            frame.loc(node),
            f"{type(node).__name__} expressions are not supported",
        )
    before, ctx.builder.loc = ctx.builder.loc, frame.loc(node) or ctx.builder.loc
    try:
        return handler(ctx, frame, node)
    finally:
        ctx.builder.loc = before


def plain(ctx: Context, frame: Frame, node: Any) -> Operand | None:
    """Return what a constant or a variable is, where to read it writes nothing."""
    if isinstance(node, gast.Constant):
        return Const(node.value)
    if isinstance(node, gast.Name):
        op = frame.env.get(node.id)
        if isinstance(op, Value):
            unwritten = not ctx.builder.memory.now or isinstance(op.type, lt.ScalarT)
            return op if unwritten else None
    return None


def _binary(ctx: Context, frame: Frame, node: gast.BinOp) -> Operand:
    left = evaluate(ctx, frame, node.left)
    right = evaluate(ctx, frame, node.right)
    return binary(ctx, frame, BINARY[type(node.op)], left, right)


def binary(
    ctx: Context, frame: Frame, fn: Callable[..., Any], left: Operand, right: Operand
) -> Operand:
    """Write an operator, on containers and objects too."""
    if is_number(left) and is_number(right):
        return ctx.builder.apply(fn, left, right)
    sequence = _sequence(ctx, frame, fn, left, right)
    if sequence is not None:
        return sequence
    overloaded = calls.overloaded(ctx, frame, fn, left, right)
    if overloaded is not None:
        return overloaded
    left, right = (as_array(ctx, a, b) for a, b in ((left, right), (right, left)))
    return ctx.builder.apply(fn, left, right)


def is_number(op: Operand) -> bool:
    """Say whether an operand is a number or an array, and of no class of the user's."""
    if isinstance(op, Const):
        return type(op.value) in (int, float, complex, bool)
    return isinstance(op, Value) and isinstance(op.type, lt.NUMBERS)


def integer(ctx: Context, op: Operand) -> Operand:
    """Return a member of an enumeration of integers as the integer that it is."""
    if isinstance(op, Value) and is_named_integer(op.type):
        return ctx.builder.apply(int, op, type_=lt.INT)
    return op


def as_array(ctx: Context, op: Operand, other: Operand) -> Operand:
    """Make an array of a list or tuple that meets an array in arithmetic, and an
    integer of a member of an enumeration that meets a number.
    """
    if isinstance(type_of(other), lt.NUMBERS):
        op = integer(ctx, op)
    if isinstance(type_of(op), lt.ListT | lt.TupleT):
        t = type_of(other)
        if isinstance(t, lt.ArrayT) or (
            isinstance(t, lt.ScalarT) and t.dtype is not None
        ):
            return ctx.builder.apply(np.array, op)
    return op


def _sequence(
    ctx: Context, frame: Frame, fn: Callable[..., Any], left: Operand, right: Operand
) -> Operand | None:
    """Concatenate and repeat tuples and lists of known length, and join dicts."""
    b = ctx.builder
    lists = (lt.ListT, lt.TupleT)
    tl, tr = type_of(left), type_of(right)
    if isinstance(tl, lt.DictT) and isinstance(tr, lt.DictT):
        return dicts.joined(ctx, fn, left, right)
    if fn is operator.add and isinstance(tl, lists) and type(tl) is type(tr):
        one, two = b.elements(left), b.elements(right)
        if one is not None and two is not None:
            return b.apply(_maker(tl), *one, *two)
    if fn is operator.mul and isinstance(tr, lists):
        left, right, tl, tr = right, left, tr, tl
    if fn is operator.mul and isinstance(tl, lists) and isinstance(tr, lt.ScalarT):
        items = b.elements(left)
        times = right.value if isinstance(right, Const) else None
        if isinstance(times, int) and items is not None:
            return b.apply(_maker(tl), *items * times)
        if items is None and isinstance(tl, lt.ListT):
            repeated: Any = models.repeated
            return inlining.call_function(ctx, frame, repeated, [left, right], [])
    return None


def _maker(t: lt.Type) -> Callable[..., Any]:
    return prims.make_list if isinstance(t, lt.ListT) else prims.make_tuple


def _unary(ctx: Context, frame: Frame, node: gast.UnaryOp) -> Operand:
    fn = UNARY[type(node.op)]
    op = evaluate(ctx, frame, node.operand)
    if fn is operator.not_:
        return negate(ctx, frame, op)
    method = calls.operator_method(ctx, fn, op, False)
    if method is not None:
        return calls.call(ctx, frame, method, [op], [])
    return ctx.builder.apply(fn, op)


def unusable(ctx: Context, poison: Poison) -> Exception:
    """Return the error for the use of a value that cannot be used."""
    return ctx.builder.unreadable(poison)


def negate(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Write `not op`."""
    test = truth(ctx, frame, op)
    if isinstance(test, Const):
        return Const(not test.value)
    return ctx.builder.apply(operator.not_, test)


def truth(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return an operand to test: a constant bool where the answer is known."""
    if isinstance(op, Const):
        if isinstance(op.value, Poison):
            raise unusable(ctx, op.value)
        if isinstance(op.value, Maybe):
            there = partial(truth, ctx, frame, op.value.there)
            return branch(ctx, frame, op.value.absent, lambda: Const(False), there)
        if isinstance(op.value, Closure | Generated | Generator):
            return Const(True)
        own = overload(ctx, op, "__bool__") or overload(ctx, op, "__len__")
        if own is not None:
            return truth(ctx, frame, calls.call(ctx, frame, Const(own), [op], []))
        return Const(bool(op.value))
    t = type_of(op)
    match t:
        case lt.TupleT(items=items):
            return Const(bool(items))
        case lt.ListT(items=items) if items is not None:
            return Const(bool(items))
        case lt.DictT(items=pairs):
            return Const(bool(pairs))
        case lt.ObjT(cls=cls):
            if not hasattr(cls, "__bool__") and not hasattr(cls, "__len__"):
                return Const(True)
            name = "__bool__" if hasattr(cls, "__bool__") else "__len__"
            method = attribute(ctx, frame, op, name)
            return truth(ctx, frame, calls.call(ctx, frame, method, [], []))
    return op


def condition(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Interpret an expression of which only the truth is asked."""
    if isinstance(node, gast.UnaryOp) and isinstance(node.op, gast.Not):
        return negate(ctx, frame, condition(ctx, frame, node.operand))
    if not isinstance(node, gast.BoolOp):
        return truth(ctx, frame, evaluate(ctx, frame, node))
    stop_on = isinstance(node.op, gast.Or)

    def chain(k: int) -> Operand:
        value = condition(ctx, frame, node.values[k])
        if isinstance(type_of(value), lt.ListT):
            value = ctx.builder.apply(bool, value, type_=lt.BOOL)
        if k + 1 == len(node.values):
            return value
        return short_circuit(ctx, frame, value, stop_on, lambda: chain(k + 1))

    return truth(ctx, frame, chain(0))


def _boolean(ctx: Context, frame: Frame, node: gast.BoolOp) -> Operand:
    stop_on = isinstance(node.op, gast.Or)

    def chain(k: int) -> Operand:
        value = evaluate(ctx, frame, node.values[k])
        if k + 1 == len(node.values):
            return value
        return short_circuit(ctx, frame, value, stop_on, lambda: chain(k + 1))

    return chain(0)


def short_circuit(
    ctx: Context,
    frame: Frame,
    value: Operand,
    stop_on: bool,
    rest: Callable[[], Operand],
) -> Operand:
    """Write `value or rest()` (or `and`), running the rest only when it is reached."""
    test = truth(ctx, frame, value)
    if isinstance(test, Const):
        return value if bool(test.value) is stop_on else rest()
    return branch(
        ctx,
        frame,
        test,
        (lambda: value) if stop_on else rest,
        rest if stop_on else (lambda: value),
    )


def branch(
    ctx: Context,
    frame: Frame,
    test: Operand,
    then: Callable[[], Operand],
    orelse: Callable[[], Operand],
) -> Operand:
    """Write a conditional expression."""
    b = ctx.builder
    first = Value(lt.NEVER).id
    start = here(ctx, frame)
    stmt = If(test, Block(), Block(), (), b.loc)
    absences.assume(b, stmt)
    with b.into(stmt.then):
        one = then()
    env_then = here(ctx, frame)
    resume(ctx, frame, start)
    with b.into(stmt.orelse):
        two = orelse()
    env_else = here(ctx, frame)
    key = "$value"
    env_then[key], env_else[key] = one, two
    frame.env = join(ctx, frame, stmt, env_then, env_else, first)
    return frame.env.pop(key, UNDEF)


def _ternary(ctx: Context, frame: Frame, node: gast.IfExp) -> Operand:
    test = condition(ctx, frame, node.test)
    if isinstance(test, Const):
        return evaluate(ctx, frame, node.body if test.value else node.orelse)
    return branch(
        ctx,
        frame,
        test,
        lambda: evaluate(ctx, frame, node.body),
        lambda: evaluate(ctx, frame, node.orelse),
    )


def _subscript(ctx: Context, frame: Frame, node: gast.Subscript) -> Operand:
    base = evaluate(ctx, frame, node.value)
    grid = grids.read(ctx, frame, base, node.slice)
    if grid is not None:
        return grid
    index = evaluate(ctx, frame, node.slice)
    return subscript(ctx, frame, base, index)


def subscript(ctx: Context, frame: Frame, base: Operand, index: Operand) -> Operand:
    """Write `base[index]`."""
    base = absences.there(ctx.builder, base)
    if outside_state.is_sample(ctx, base):
        return outside_state.element(ctx, base, index)
    outside_state.begin_if_it_makes(ctx, base, index)
    if isinstance(type_of(base), lt.ObjT):
        method = attribute(ctx, frame, base, "__getitem__")
        return calls.call(ctx, frame, method, [index], [])
    own = overload(ctx, base, "__getitem__") if isinstance(base, Const) else None
    if own is not None:
        return calls.call(ctx, frame, Const(own), [base, index], [])
    if isinstance(type_of(base), lt.DictT):
        return dicts.read(ctx, frame, base, index)
    index = integer(ctx, index)
    joined = numpy_calls.joined(ctx, frame, base, index)
    if joined is not None:
        return joined
    if isinstance(base, Const) and isinstance(index, Const) and not base.text:
        folded = ctx.builder.fold(operator.getitem, [base, index], [])
        if folded is not None:
            return folded
    return ctx.builder.apply(operator.getitem, base, index)


def _slice(ctx: Context, frame: Frame, node: gast.Slice) -> Operand:
    parts = [
        Const(None) if part is None else evaluate(ctx, frame, part)
        for part in (node.lower, node.upper, node.step)
    ]
    for op in parts:
        t = type_of(op)
        if isinstance(t, lt.ScalarT) and t.exact and t.kind in ("float", "complex"):
            raise iterables.primal_error(ctx, "slice indices must be integers or None")
    return ctx.builder.apply(slice, *parts)


def _attribute(ctx: Context, frame: Frame, node: gast.Attribute) -> Operand:
    base = evaluate(ctx, frame, node.value)
    if type_of(base) == lt.OpaqueT(object):  # only the run knows what that holds
        return ctx.builder.apply(getattr, base, Const(node.attr))
    return attribute(ctx, frame, base, node.attr)


def callee(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Interpret what is called; an attribute of an unknown object is a method then."""
    if not isinstance(node, gast.Attribute):
        return evaluate(ctx, frame, node)
    if not isinstance(node.value, gast.Subscript):
        return attribute(ctx, frame, evaluate(ctx, frame, node.value), node.attr)
    base = evaluate(ctx, frame, node.value.value)
    index = evaluate(ctx, frame, node.value.slice)
    of_choice = chosen_keys.method(ctx, frame, base, index, node.attr)
    if of_choice is not None:
        return of_choice
    whole, ctx.builder.loc = ctx.builder.loc, frame.loc(node.value)
    item = subscript(ctx, frame, base, index)
    ctx.builder.loc = whole
    return attribute(ctx, frame, item, node.attr)


def _lambda(ctx: Context, frame: Frame, node: gast.Lambda) -> Operand:
    return Const(make_closure(ctx, frame, node, "<lambda>"))


def make_closure(ctx: Context, frame: Frame, node: Any, name: str) -> Closure:
    """Interpret the defaults of a nested function, and keep its tree."""
    defaults = tuple(evaluate(ctx, frame, d) for d in node.args.defaults)
    kw = tuple(
        None if d is None else evaluate(ctx, frame, d) for d in node.args.kw_defaults
    )
    return Closure(node, frame, defaults, kw, name)


def _walrus(ctx: Context, frame: Frame, node: gast.NamedExpr) -> Operand:
    from chainrule.specialise.statements import assign

    value = evaluate(ctx, frame, node.value)
    assign(ctx, comprehensions.holder(frame, node.target.id), node.target, value)
    return value


def _tuple_display(ctx: Context, frame: Frame, node: Any) -> Operand:
    return displays.tuple_display(ctx, frame, node)


def _list_display(ctx: Context, frame: Frame, node: Any) -> Operand:
    return displays.list_display(ctx, frame, node)


def _dict_display(ctx: Context, frame: Frame, node: Any) -> Operand:
    return displays.dict_display(ctx, frame, node)


def _set_display(ctx: Context, frame: Frame, node: Any) -> Operand:
    return displays.set_display(ctx, frame, node)


def _formatted(ctx: Context, frame: Frame, node: Any) -> Operand:
    return displays.formatted(ctx, frame, node)


def _compare_chain(ctx: Context, frame: Frame, node: Any) -> Operand:
    return comparisons.compare_chain(ctx, frame, node)


def _call(ctx: Context, frame: Frame, node: gast.Call) -> Operand:
    return stepping.instead(ctx, frame, calls.call_node(ctx, frame, node))


def _generator(ctx: Context, frame: Frame, node: gast.GeneratorExp) -> Operand:
    made = Const(comprehensions.generator(ctx, frame, node))
    return stepping.instead(ctx, frame, made)


def _list_comprehension(ctx: Context, frame: Frame, node: gast.ListComp) -> Operand:
    return comprehensions.list_comprehension(ctx, frame, node)


def _dict_comprehension(ctx: Context, frame: Frame, node: gast.DictComp) -> Operand:
    return comprehensions.dict_comprehension(ctx, frame, node)


def _set_comprehension(ctx: Context, frame: Frame, node: gast.SetComp) -> Operand:
    return comprehensions.set_comprehension(ctx, frame, node)


HANDLERS: dict[type, Callable[[Context, Frame, Any], Operand]] = {
    gast.Name: lookup,
    gast.BinOp: _binary,
    gast.UnaryOp: _unary,
    gast.BoolOp: _boolean,
    gast.Compare: _compare_chain,
    gast.IfExp: _ternary,
    gast.Subscript: _subscript,
    gast.Slice: _slice,
    gast.Attribute: _attribute,
    gast.Tuple: _tuple_display,
    gast.List: _list_display,
    gast.Dict: _dict_display,
    gast.Set: _set_display,
    gast.JoinedStr: _formatted,
    gast.Lambda: _lambda,
    gast.NamedExpr: _walrus,
    gast.Call: _call,
    gast.GeneratorExp: _generator,
    gast.ListComp: _list_comprehension,
    gast.DictComp: _dict_comprehension,
    gast.SetComp: _set_comprehension,
}
