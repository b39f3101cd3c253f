"""Comparisons: of numbers, of sequences element by element, of identity and contents.

In: two operands and the node of the operator. Out: an operand; a constant where the
answer is known.
"""

from __future__ import annotations

import dataclasses
import operator
import types
from collections.abc import Callable
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import calls, expressions, outside_state
from chainrule.specialise.attributes import overload, stays
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.memory import MAKERS
from chainrule.specialise.values import Generated, Items, Maybe, is_const
from chainrule.types import lattice as lt

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


IDENTITY = {operator.eq: operator.is_, operator.ne: operator.is_not}
ORDER = {f: f for f in (operator.lt, operator.le, operator.gt, operator.ge)}


def compare_chain(ctx: Context, frame: Frame, node: gast.Compare) -> Operand:
    def chain(left: Operand, k: int) -> Operand:
        right = expressions.evaluate(ctx, frame, node.comparators[k])
        value = compare(ctx, frame, node.ops[k], left, right)
        if k + 1 == len(node.ops):
            return value
        return expressions.short_circuit(
            ctx, frame, value, False, lambda: chain(right, k + 1)
        )

    return chain(expressions.evaluate(ctx, frame, node.left), 0)


def compare(
    ctx: Context, frame: Frame, op: Any, left: Operand, right: Operand
) -> Operand:
    """Write one comparison; identity with None and membership are often known."""
    b = ctx.builder
    if isinstance(op, gast.In | gast.NotIn):
        inside = _contains(ctx, frame, left, right)
        return (
            inside
            if isinstance(op, gast.In)
            else expressions.negate(ctx, frame, inside)
        )
    fn = COMPARE[type(op)]
    if fn in IDENTITY and _by_identity(left) and _by_identity(right):
        fn = IDENTITY[fn]
    absent = _absent(left, right)
    if absent is not None and fn in (operator.is_, operator.eq):
        return absent
    if absent is not None and fn in (operator.is_not, operator.ne):
        return expressions.negate(ctx, frame, absent)
    if fn in (operator.is_, operator.is_not):
        same = _identical(left, right)
        if same is None:
            same = _one_object(ctx, left, right)
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
    by_fields = _by_fields(ctx, frame, op, left, right)
    if by_fields is not None:
        return by_fields
    overloaded = calls.overloaded(ctx, frame, fn, left, right)
    if overloaded is None and fn is operator.ne:
        equal = calls.overloaded(ctx, frame, operator.eq, left, right)
        overloaded = None if equal is None else expressions.negate(ctx, frame, equal)
    if overloaded is not None:
        return overloaded
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
    if fn in ORDER:
        left, right = expressions.integer(ctx, left), expressions.integer(ctx, right)
    left, right = (
        expressions.as_array(ctx, u, v) for u, v in ((left, right), (right, left))
    )
    return b.apply(fn, left, right)


def _by_fields(
    ctx: Context, frame: Frame, op: Any, left: Operand, right: Operand
) -> Operand | None:
    """Compare two objects field by field, if `dataclass` wrote how to compare them."""
    t, u, b, fn = type_of(left), type_of(right), ctx.builder, COMPARE[type(op)]
    if not isinstance(t, lt.ObjT) or not _is_written_by_dataclass(ctx, t.cls, fn):
        return None
    if not isinstance(u, lt.ObjT) and fn in (operator.eq, operator.ne):
        return Const(fn is operator.ne)
    if not isinstance(u, lt.ObjT) or t.cls is not u.cls:
        return None
    cls: Any = t.cls
    names = [Const(f.name) for f in dataclasses.fields(cls) if f.compare]
    one, two = (
        b.apply(prims.make_tuple, *(b.apply(getattr, whole, n) for n in names))
        for whole in (left, right)
    )
    return compare(ctx, frame, op, one, two)


def _is_written_by_dataclass(ctx: Context, cls: type, fn: Callable[..., Any]) -> bool:
    name = "__eq__" if fn is operator.ne else f"__{fn.__name__}__"
    found = getattr(cls, name, None)
    if not isinstance(found, types.FunctionType):
        return False
    stays(ctx, cls, name)
    return found.__code__.co_filename == "<string>" and dataclasses.is_dataclass(cls)


def _absent(left: Operand, right: Operand) -> Operand | None:
    """Return the test whether a container that may be None is, if that is asked."""
    for one, two in ((left, right), (right, left)):
        if is_const(one, Maybe) and isinstance(two, Const) and two.value is None:
            return one.value.absent  # type: ignore[no-any-return]
    return None


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
        return expressions.short_circuit(ctx, frame, equal, False, rest)

    return expressions.short_circuit(ctx, frame, first, True, tied)


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
        result = expressions.short_circuit(ctx, frame, result, False, given(equal))
    return result if fn is operator.eq else expressions.negate(ctx, frame, result)


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


def _by_identity(op: Operand) -> bool:
    """Say whether an object of the program is equal only to itself."""
    t = type_of(op)
    equal: Any = t.cls.__eq__ if isinstance(t, lt.ObjT) else None
    return equal is object.__eq__


def _one_object(ctx: Context, left: Operand, right: Operand) -> bool | None:
    """Say whether two containers that were made here are one; None if not known."""
    b, memory = ctx.builder, ctx.builder.memory
    homes = [memory.object(op) for op in (left, right) if isinstance(op, Value)]
    for home in homes:
        made = b.definition(home)
        if made is None or made.fn not in MAKERS or isinstance(home.type, lt.TupleT):
            return None
        if home in b.rebuilt or home in memory.origins or memory.twins.get(home):
            return None
    return homes[0] is homes[1] if len(homes) == 2 else None


def elements_of(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return the elements of an object of the program as a list."""
    from chainrule.specialise import folds

    return folds.listed(ctx, frame, op)


def _contains(ctx: Context, frame: Frame, item: Operand, container: Operand) -> Operand:
    b = ctx.builder
    if outside_state.is_sample(ctx, container):
        return outside_state.contains(ctx, container, item)
    t = type_of(container)
    outside = isinstance(container, Const) and overload(ctx, container, "__contains__")
    if isinstance(t, lt.ObjT) or outside:
        own = outside or getattr(t.cls, "__contains__", None)  # type: ignore[attr-defined]
        if isinstance(own, types.FunctionType):
            found = calls.call(ctx, frame, Const(own), [container, item], [])
            return expressions.truth(ctx, frame, found)
        return _contains(ctx, frame, item, elements_of(ctx, frame, container))
    if isinstance(container, Const) and isinstance(container.value, Items):
        container = b.apply(prims.make_tuple, *container.value.now())
    fields = b.fields(container)
    if fields is not None and isinstance(item, Const):
        return Const(item.value in fields)
    elements = b.elements(container)
    if elements is not None and not isinstance(container, Const):
        result: Operand = Const(False)
        for element in elements:
            equal = compare(ctx, frame, gast.Eq(), item, element)
            result = expressions.short_circuit(ctx, frame, result, True, given(equal))
        return result
    t = type_of(container)
    iterable = isinstance(t, lt.ObjT) and not hasattr(t.cls, "__contains__")
    if iterable or is_const(container, Generated):
        return calls.call(ctx, frame, Const(operator.contains), [container, item], [])
    return b.apply(operator.contains, container, item)
