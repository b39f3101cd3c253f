"""Expressions: from a gast node to an operand.

In: a node and the frame it stands in. Out: an operand; operations are written to the
builder in Python's order of evaluation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import gast
import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Block, Const, If, Operand, Value
from chainrule.specialise import calls, comprehensions
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame, lookup
from chainrule.specialise.joins import join, make
from chainrule.specialise.values import Closure, Generator
from chainrule.types import lattice as lt
from chainrule.types.infer import known

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
COMPARE: dict[type, Callable[..., Any]] = {
    gast.Lt: operator.lt,
    gast.LtE: operator.le,
    gast.Gt: operator.gt,
    gast.GtE: operator.ge,
    gast.Eq: operator.eq,
    gast.NotEq: operator.ne,
    gast.Is: operator.is_,
    gast.IsNot: operator.is_not,
}


ORDER = {f: f for f in (operator.lt, operator.le, operator.gt, operator.ge)}


def evaluate(ctx: Context, frame: Frame, node: Any) -> Operand:
    """Interpret one expression."""
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


def _constant(ctx: Context, frame: Frame, node: gast.Constant) -> Operand:
    return Const(node.value)


def _binary(ctx: Context, frame: Frame, node: gast.BinOp) -> Operand:
    left = evaluate(ctx, frame, node.left)
    right = evaluate(ctx, frame, node.right)
    return binary(ctx, frame, BINARY[type(node.op)], left, right)


def binary(
    ctx: Context, frame: Frame, fn: Callable[..., Any], left: Operand, right: Operand
) -> Operand:
    """Write an operator, on containers and objects too."""
    sequence = _sequence(ctx, fn, left, right)
    if sequence is not None:
        return sequence
    for a, b, swapped in ((left, right, False), (right, left, True)):
        method = calls.operator_method(fn, a, swapped)
        if method is not None:
            return calls.call(ctx, frame, method, [a, b], [])
    left, right = (as_array(ctx, a, b) for a, b in ((left, right), (right, left)))
    return ctx.builder.apply(fn, left, right)


def as_array(ctx: Context, op: Operand, other: Operand) -> Operand:
    """Make an array of a list or tuple that meets an array in arithmetic."""
    if isinstance(type_of(op), lt.ListT | lt.TupleT):
        t = type_of(other)
        if isinstance(t, lt.ArrayT) or (
            isinstance(t, lt.ScalarT) and t.dtype is not None
        ):
            return ctx.builder.apply(np.array, op)
    return op


def _sequence(
    ctx: Context, fn: Callable[..., Any], left: Operand, right: Operand
) -> Operand | None:
    """Concatenate and repeat tuples and lists of known length, and join dicts."""
    b = ctx.builder
    lists = (lt.ListT, lt.TupleT)
    tl, tr = type_of(left), type_of(right)
    if fn is operator.or_ and isinstance(tl, lt.DictT) and isinstance(tr, lt.DictT):
        fields = {**(b.fields(left) or {}), **(b.fields(right) or {})}
        return make(b, (prims.make_dict, tl.cls, tuple(fields)), list(fields.values()))
    if fn is operator.add and isinstance(tl, lists) and type(tl) is type(tr):
        one, two = b.elements(left), b.elements(right)
        if one is not None and two is not None:
            return b.apply(_maker(tl), *one, *two)
    if fn is operator.mul and isinstance(tr, lists):
        left, right, tl, tr = right, left, tr, tl
    if fn is operator.mul and isinstance(tl, lists) and isinstance(tr, lt.ScalarT):
        items = b.elements(left)
        if isinstance(right, Const) and items is not None:
            return b.apply(_maker(tl), *items * right.value)
    return None


def _maker(t: lt.Type) -> Callable[..., Any]:
    return prims.make_list if isinstance(t, lt.ListT) else prims.make_tuple


def _unary(ctx: Context, frame: Frame, node: gast.UnaryOp) -> Operand:
    fn = UNARY[type(node.op)]
    op = evaluate(ctx, frame, node.operand)
    if fn is operator.not_:
        return negate(ctx, frame, op)
    method = calls.operator_method(fn, op, False)
    if method is not None:
        return calls.call(ctx, frame, method, [op], [])
    return ctx.builder.apply(fn, op)


def negate(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Write `not op`."""
    test = truth(ctx, frame, op)
    if isinstance(test, Const):
        return Const(not test.value)
    return ctx.builder.apply(operator.not_, test)


def truth(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return an operand to test: a constant bool where the answer is known."""
    if isinstance(op, Const):
        if isinstance(op.value, Closure | Generator):
            return Const(True)
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
    env = dict(frame.env)
    stmt = If(test, Block(), Block(), (), b.loc)
    with b.into(stmt.then):
        one = then()
    env_then, frame.env = frame.env, dict(env)
    with b.into(stmt.orelse):
        two = orelse()
    env_else = frame.env
    key = "$value"
    env_then[key], env_else[key] = one, two
    frame.env = join(ctx, frame, stmt, env_then, env_else, first)
    return frame.env.pop(key)


def _ternary(ctx: Context, frame: Frame, node: gast.IfExp) -> Operand:
    test = truth(ctx, frame, evaluate(ctx, frame, node.test))
    if isinstance(test, Const):
        return evaluate(ctx, frame, node.body if test.value else node.orelse)
    return branch(
        ctx,
        frame,
        test,
        lambda: evaluate(ctx, frame, node.body),
        lambda: evaluate(ctx, frame, node.orelse),
    )


def _compare(ctx: Context, frame: Frame, node: gast.Compare) -> Operand:
    def chain(left: Operand, k: int) -> Operand:
        right = evaluate(ctx, frame, node.comparators[k])
        value = compare(ctx, frame, node.ops[k], left, right)
        if k + 1 == len(node.ops):
            return value
        return short_circuit(ctx, frame, value, False, lambda: chain(right, k + 1))

    return chain(evaluate(ctx, frame, node.left), 0)


def compare(
    ctx: Context, frame: Frame, op: Any, left: Operand, right: Operand
) -> Operand:
    """Write one comparison; identity with None and membership are often known."""
    b = ctx.builder
    if isinstance(op, gast.In | gast.NotIn):
        inside = _contains(ctx, frame, left, right)
        return inside if isinstance(op, gast.In) else negate(ctx, frame, inside)
    fn = COMPARE[type(op)]
    if fn in (operator.is_, operator.is_not):
        same = _identical(left, right)
        if same is not None:
            return Const(same if fn is operator.is_ else not same)
        if left in b.rebuilt or right in b.rebuilt:
            raise not_differentiable(
                "CR303",
                b.loc,
                "whether two containers are the same object is not known here",
                label="a loop or a branch chose which they are",
                help="compare what they hold, or keep a number that tells them apart",
            )
    method = calls.operator_method(fn, left, False)
    if method is not None:
        return calls.call(ctx, frame, method, [left, right], [])
    ones, twos = b.parts(left), b.parts(right)
    if (
        isinstance(ones, list)
        and isinstance(twos, list)
        and fn in (operator.eq, operator.ne)
    ):
        return _equal_sequences(ctx, frame, fn, ones, twos)
    if (
        fn in ORDER
        and isinstance(type_of(left), lt.TupleT)
        and isinstance(type_of(right), lt.TupleT)
    ):
        return _ordered(ctx, frame, op, b.elements(left) or [], b.elements(right) or [])
    left, right = (as_array(ctx, u, v) for u, v in ((left, right), (right, left)))
    return b.apply(fn, left, right)


def _ordered(
    ctx: Context, frame: Frame, op: Any, ones: list[Operand], twos: list[Operand]
) -> Operand:
    """Compare tuples: the first elements that differ decide."""
    if not ones or not twos:
        return Const(ORDER[COMPARE[type(op)]](len(ones), len(twos)))

    def rest() -> Operand:
        return _ordered(ctx, frame, op, ones[1:], twos[1:])

    if len(ones) == len(twos) == 1:
        return compare(ctx, frame, op, ones[0], twos[0])
    strict = gast.Lt() if isinstance(op, gast.Lt | gast.LtE) else gast.Gt()
    first = compare(ctx, frame, strict, ones[0], twos[0])

    def tied() -> Operand:
        equal = compare(ctx, frame, gast.Eq(), ones[0], twos[0])
        return short_circuit(ctx, frame, equal, False, rest)

    return short_circuit(ctx, frame, first, True, tied)


def _equal_sequences(
    ctx: Context,
    frame: Frame,
    fn: Callable[..., Any],
    ones: list[Operand],
    twos: list[Operand],
) -> Operand:
    if len(ones) != len(twos):
        return Const(fn is operator.ne)
    result: Operand = Const(True)
    for one, two in zip(ones, twos, strict=True):
        equal = compare(ctx, frame, gast.Eq(), one, two)
        result = short_circuit(ctx, frame, result, False, given(equal))
    return result if fn is operator.eq else negate(ctx, frame, result)


def given(op: Operand) -> Callable[[], Operand]:
    """Return a function that returns an operand that is evaluated already."""
    return lambda: op


def _identical(left: Operand, right: Operand) -> bool | None:
    if left is right:
        return True
    if isinstance(left, Const) and isinstance(right, Const):
        return left.value is right.value
    for const, other in ((left, right), (right, left)):
        if isinstance(const, Const) and (
            const.value is None or const.value is Ellipsis
        ):
            t = type_of(other)
            unsure = isinstance(t, lt.OptionalT) or t in (lt.OpaqueT(object), lt.NONE)
            return None if unsure else False
    return None


def _contains(ctx: Context, frame: Frame, item: Operand, container: Operand) -> Operand:
    b = ctx.builder
    fields = b.fields(container)
    if fields is not None and isinstance(item, Const):
        return Const(item.value in fields)
    elements = b.elements(container)
    if elements is not None and not isinstance(container, Const):
        result: Operand = Const(False)
        for element in elements:
            equal = compare(ctx, frame, gast.Eq(), item, element)
            result = short_circuit(ctx, frame, result, True, given(equal))
        return result
    return b.apply(operator.contains, container, item)


def _subscript(ctx: Context, frame: Frame, node: gast.Subscript) -> Operand:
    base = evaluate(ctx, frame, node.value)
    index = evaluate(ctx, frame, node.slice)
    return subscript(ctx, frame, base, index)


def subscript(ctx: Context, frame: Frame, base: Operand, index: Operand) -> Operand:
    """Write `base[index]`."""
    if isinstance(type_of(base), lt.ObjT):
        method = attribute(ctx, frame, base, "__getitem__")
        return calls.call(ctx, frame, method, [index], [])
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
    return ctx.builder.apply(slice, *parts)


def _attribute(ctx: Context, frame: Frame, node: gast.Attribute) -> Operand:
    base = evaluate(ctx, frame, node.value)
    return attribute(ctx, frame, base, node.attr)


def starred(
    ctx: Context,
    frame: Frame,
    nodes: list[Any],
    wanted: Callable[[int], int | None] = lambda given: None,
) -> list[Operand]:
    """Interpret the elements of a display or call, `*parts` spread out.

    `wanted` says how many elements a call needs after those given.
    """
    out: list[Operand] = []
    for node in nodes:
        if isinstance(node, gast.Starred):
            op = evaluate(ctx, frame, node.value)
            items = comprehensions.static_items(ctx, frame, op)
            if items is None and node is nodes[-1]:
                items = _unpacked(ctx, op, wanted(len(out)))
            if items is None:
                raise not_differentiable(
                    "CR502",
                    frame.loc(node),
                    "a starred value must have a known length",
                    label="its length is known only at run time",
                )
            out.extend(items)
        else:
            out.append(evaluate(ctx, frame, node))
    return out


def _unpacked(ctx: Context, op: Operand, count: int | None) -> list[Operand] | None:
    """Return the elements of an array or list that must have so many."""
    if count is None or not isinstance(type_of(op), lt.ArrayT | lt.ListT):
        return None
    parts = ctx.builder.apply(prims.unpack, op, Const(count))
    return [ctx.builder.getitem(parts, k) for k in range(count)]


def _tuple(ctx: Context, frame: Frame, node: gast.Tuple) -> Operand:
    return ctx.builder.apply(prims.make_tuple, *starred(ctx, frame, node.elts))


def _list(ctx: Context, frame: Frame, node: gast.List) -> Operand:
    """Write a list display; where a starred part has any length, join lists."""
    b = ctx.builder
    known: list[Operand] = []
    joined: Operand | None = None
    for element in node.elts:
        if not isinstance(element, gast.Starred):
            known.append(evaluate(ctx, frame, element))
            continue
        part = evaluate(ctx, frame, element.value)
        items = comprehensions.static_items(ctx, frame, part)
        if items is not None:
            known.extend(items)
            continue
        part = calls.call(ctx, frame, Const(list), [part], [])
        for one in (b.apply(prims.make_list, *known) if known else None, part):
            if one is not None:
                joined = (
                    one
                    if joined is None
                    else binary(ctx, frame, operator.add, joined, one)
                )
        known = []
    if joined is None:
        return b.apply(prims.make_list, *known)
    if known:
        joined = binary(
            ctx, frame, operator.add, joined, b.apply(prims.make_list, *known)
        )
    return joined


def _dict(ctx: Context, frame: Frame, node: gast.Dict) -> Operand:
    fields: dict[Any, Operand] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            merged = ctx.builder.fields(evaluate(ctx, frame, value))
            if merged is None:
                raise not_differentiable(
                    "CR502", frame.loc(value), "the keys must be known"
                )
            fields.update(merged)
            continue
        name = static_key(ctx, frame, key, evaluate(ctx, frame, key))
        fields[name] = evaluate(ctx, frame, value)
    return make_dict(ctx, fields)


def static_key(ctx: Context, frame: Frame, node: Any, op: Operand) -> Any:
    """Return the value of a dict key, which must be known."""
    if isinstance(op, Const):
        return op.value
    value = known(type_of(op))
    if isinstance(value, int):
        return value
    root = ctx.builder.root(op)
    if root is not None:
        from chainrule.specialise.builder import Restart

        raise Restart(root, "key", frame.loc(node))
    raise not_differentiable(
        "CR502", frame.loc(node), "a dict key must be known when the derivative is made"
    )


def make_dict(ctx: Context, fields: dict[Any, Operand]) -> Operand:
    """Write a dict display."""
    return ctx.builder.apply(prims.make_dict, Const(tuple(fields)), *fields.values())


def _set(ctx: Context, frame: Frame, node: gast.Set) -> Operand:
    items = starred(ctx, frame, node.elts)
    if all(isinstance(i, Const) for i in items):
        return Const(frozenset(i.value for i in items))  # type: ignore[union-attr]
    raise not_differentiable(
        "CR505",
        frame.loc(node),
        "a set of computed values has no derivative",
        help="use a list",
    )


def _fstring(ctx: Context, frame: Frame, node: gast.JoinedStr) -> Operand:
    parts: list[tuple[str, str | None]] = []
    values: list[Operand] = []
    for part in node.values:
        if isinstance(part, gast.Constant):
            parts.append((str(part.value), None))
            continue
        value = evaluate(ctx, frame, part.value)
        conversion = (
            chr(part.conversion) if part.conversion and part.conversion > 0 else ""
        )
        spec = evaluate(ctx, frame, part.format_spec) if part.format_spec else Const("")
        if not isinstance(spec, Const):
            raise not_differentiable("CR502", frame.loc(part), "a format must be known")
        if isinstance(value, Const) and not isinstance(value.value, Closure):
            text = prims.format_(((conversion, spec.value),), value.value)
            parts.append((text, None))
            continue
        parts.append((conversion, spec.value))
        values.append(value)
    if not values:
        return Const("".join(text for text, _ in parts))
    b = ctx.builder
    return b.apply(prims.format_, Const(tuple(parts)), *values, type_=lt.STR)


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


def _call(ctx: Context, frame: Frame, node: gast.Call) -> Operand:
    return calls.call_node(ctx, frame, node)


def _generator(ctx: Context, frame: Frame, node: gast.GeneratorExp) -> Operand:
    return Const(Generator(node, frame))


def _list_comprehension(ctx: Context, frame: Frame, node: gast.ListComp) -> Operand:
    return comprehensions.list_comprehension(ctx, frame, node)


def _dict_comprehension(ctx: Context, frame: Frame, node: gast.DictComp) -> Operand:
    return comprehensions.dict_comprehension(ctx, frame, node)


def _set_comprehension(ctx: Context, frame: Frame, node: gast.SetComp) -> Operand:
    return comprehensions.set_comprehension(ctx, frame, node)


HANDLERS: dict[type, Callable[[Context, Frame, Any], Operand]] = {
    gast.Constant: _constant,
    gast.Name: lookup,
    gast.BinOp: _binary,
    gast.UnaryOp: _unary,
    gast.BoolOp: _boolean,
    gast.Compare: _compare,
    gast.IfExp: _ternary,
    gast.Subscript: _subscript,
    gast.Slice: _slice,
    gast.Attribute: _attribute,
    gast.Tuple: _tuple,
    gast.List: _list,
    gast.Dict: _dict,
    gast.Set: _set,
    gast.JoinedStr: _fstring,
    gast.Lambda: _lambda,
    gast.NamedExpr: _walrus,
    gast.Call: _call,
    gast.GeneratorExp: _generator,
    gast.ListComp: _list_comprehension,
    gast.DictComp: _dict_comprehension,
    gast.SetComp: _set_comprehension,
}
