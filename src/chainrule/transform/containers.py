"""The adjoints of what takes containers apart and puts them together.

In: an operation on a tuple, list, dict or object, and the cotangent of its result. Out:
the cotangents of its operands, written into the reverse sweep. Each handler says
whether it dealt with the operation; else the rule table is asked.
"""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Block, Const, Iter, Loop, Operand, Value
from chainrule.runtime import helpers
from chainrule.specialise.builder import type_of
from chainrule.transform import surgery
from chainrule.transform.cotangents import Bar, bar_type
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.transform.reverse import Reverse


def _make(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Hand each part of a container its cotangent."""
    args = stmt.args
    if stmt.fn is prims.make_dict:
        keys, parts = list(args[0].value), args[1:]  # type: ignore[union-attr]
    elif stmt.fn is prims.make_object:
        keys, parts = list(args[1].value), args[2:]  # type: ignore[union-attr]
        if isinstance(stmt.out.type, lt.TupleT):
            keys = list(range(len(parts)))
    else:
        keys, parts = list(range(len(args))), args
    if not isinstance(bar, dict):
        if isinstance(stmt.out.type, lt.ListT) and stmt.out.type.items is None:
            return True
        bar = rev.cot.divide(stmt.out, rev.cot.settle(bar))
    for key, part in zip(keys, parts, strict=True):
        if key in bar:
            rev.cot.add(part, bar[key])
    return True


def _getitem(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Add to one part, or at an index of a buffer of zeros."""
    base, index = stmt.args
    t = type_of(base)
    if isinstance(t, lt.TapeT | lt.ResidualT):
        return False
    b = rev.b
    if isinstance(index, Const) and isinstance(t, lt.TupleT | lt.ListT | lt.DictT):
        if getattr(t, "items", None) is not None:
            key = index.value
            if isinstance(key, slice) and not isinstance(t, lt.DictT):
                places = range(len(t.items))[key]  # type: ignore[arg-type]
                bars = (
                    bar
                    if isinstance(bar, dict)
                    else rev.cot.divide(stmt.out, rev.cot.settle(bar))
                )
                rev.cot.add(
                    base, {k: bars[p] for p, k in enumerate(places) if p in bars}
                )
                return True
            if isinstance(key, int) and key < 0 and not isinstance(t, lt.DictT):
                key += len(t.items)  # type: ignore[arg-type]
            rev.cot.add(base, {key: bar})
            return True
    if not isinstance(base, Value):
        return True
    g = rev.cot.complete(bar, stmt.out)
    if isinstance(t, lt.ScalarT):
        rev.cot.add(base, g)
        return True
    axes = new_axes(t, index)
    if axes is not None:
        rev.cot.add(base, without_axes(rev, g, axes))
        return True
    if isinstance(t, lt.ArrayT) and t.dims == ():
        rev.cot.add(base, g)  # whatever the index, it is the one number
        return True
    if isinstance(t, lt.TupleT):
        zeros = b.apply(prims.make_list, *map(rev.cot.zero, b.elements(base) or []))
        picked = add_at(rev, zeros, index, g)
        rev.cot.add(base, {k: b.getitem(picked, k) for k in range(len(t.items))})
        return True
    old = rev.cot.bars.pop(base, None)
    if old is None and isinstance(t, lt.ListT):
        whole: Operand = b.apply(helpers.zeros_like, base, type_=t)
    else:
        whole = rev.cot.complete(old, base)
    if isinstance(t, lt.ArrayT):
        g = rev.cot.project(g, Value(t))
    if isinstance(t, lt.ListT) and isinstance(type_of(index), lt.SliceT):
        rev.cot.bars[base] = _add_slice(rev, whole, index, g)
    else:
        rev.cot.bars[base] = add_at(rev, whole, index, g)
    return True


def new_axes(t: lt.Type, index: Operand) -> tuple[int, ...] | None:
    """Return the axes that an index inserts, if it does nothing else."""
    if not isinstance(t, lt.ArrayT) or t.dims is None or not isinstance(index, Const):
        return None
    parts = index.value if isinstance(index.value, tuple) else (index.value,)
    if not all(
        p is None or p is Ellipsis or p == slice(None) for p in parts if p is not None
    ):
        return None
    whole = sum(p is not None and p is not Ellipsis for p in parts)
    axes, axis = [], 0
    for part in parts:
        if part is None:
            axes.append(axis)
        axis += len(t.dims) - whole if part is Ellipsis else 1
    return tuple(axes) or None


def without_axes(rev: Reverse, g: Operand, axes: tuple[int, ...]) -> Operand:
    """Take axes of size 1 away; of a sum that kept them, by not keeping them."""
    b = rev.b
    made = b.defs.get(g) if isinstance(g, Value) else None
    if made is not None and made.fn is operator.neg and made.args[0] in b.defs:
        return b.apply(operator.neg, without_axes(rev, made.args[0], axes))
    if made is not None and made.fn is np.sum:
        named = dict(made.kwargs)
        axis, keeps = named.get("axis"), named.get("keepdims")
        summed = axis.value if isinstance(axis, Const) else None
        summed = summed if isinstance(summed, tuple) else (summed,)
        kept = isinstance(keeps, Const) and keeps.value
        if axis is not None and kept and summed == axes:
            return b.apply(
                np.sum,
                made.args[0],
                kwargs=(("axis", axis),),
                form="method",
                text="sum",
            )
    ndim = lt.dims_of(type_of(g))
    last = max(axes)
    index = tuple(0 if k in axes else slice(None) for k in range(last + 1))
    return b.getitem(g, index if len(index) > 1 else index[0]) if ndim else g


def add_at(rev: Reverse, whole: Operand, index: Operand, g: Operand) -> Operand:
    """Add a cotangent to one element of those of an array or list."""
    b, t = rev.b, type_of(whole)
    number = isinstance(type_of(g), lt.ScalarT | lt.NeverT | lt.OpaqueT)
    # An array in a list may be held elsewhere too: it is not added to in place.
    if number or (isinstance(type_of(g), lt.ArrayT) and not isinstance(t, lt.ListT)):
        t = bar_type(t) if isinstance(t, lt.ListT) else t
        return b.apply(prims.index_add, whole, index, g, type_=t)
    t = bar_type(t)
    part = _part_type(t, index) or type_of(g)
    before = b.apply(operator.getitem, whole, index, type_=part)
    total = b.apply(helpers.add, before, g, type_=part)
    return b.apply(prims.index_set, whole, index, total, type_=t)


def _part_type(t: lt.Type, index: Operand) -> lt.Type | None:
    """Return the type of one element of a list of cotangents, if it is known."""
    items = getattr(t, "items", None)
    if items is not None and isinstance(index, Const):
        return items[index.value]  # type: ignore[no-any-return]
    try:
        return lt.element_type(t)
    except TypeError:
        return None


def _add_slice(rev: Reverse, whole: Operand, index: Operand, g: Operand) -> Operand:
    """Add cotangents to the elements of a list that a slice picked, one by one."""
    b, t = rev.b, type_of(whole)
    count = b.apply(len, whole, type_=lt.INT)
    counting = b.apply(range, count, type_=lt.RangeT())
    picked = b.apply(operator.getitem, counting, index, type_=lt.RangeT())
    kind = lt.element_type(type_of(g)) or lt.element_type(t) or lt.FLOAT
    position, element, total = Value(lt.INT, "k"), Value(kind), Value(t)
    body = Block(params=(total,))
    with b.into(body):
        body.results = (Const(False), add_at(rev, total, position, element))
    iters = (Iter(picked, (position,)), Iter(g, (element,)))
    out = Value(t, None, b.loc)
    b.add(Loop(iters, (whole,), body, (out,), loc=b.loc))
    return out


def _concatenated(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Split the cotangents of joined lists."""
    if not isinstance(stmt.out.type, lt.ListT):
        return False
    b = rev.b
    left, right = stmt.args
    g = rev.cot.complete(bar, stmt.out)

    def part(start: Operand, stop: Operand, like: Operand) -> Operand:
        index = b.apply(slice, start, stop)
        return b.apply(operator.getitem, g, index, type_=bar_type(type_of(like)))

    ones, twos = (getattr(type_of(op), "items", None) for op in (left, right))
    if twos:
        rev.cot.add(right, {k: b.getitem(g, k - len(twos)) for k in range(len(twos))})
        rev.cot.add(left, part(Const(None), Const(-len(twos)), left))
        return True
    count: Operand = Const(len(ones)) if ones else b.apply(len, left)
    rev.cot.add(left, part(Const(None), count, left))
    rev.cot.add(right, part(count, Const(None), right))
    return True


def _repeated(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Add up the cotangents of an element that a repetition copied."""
    if not isinstance(stmt.out.type, lt.ListT):
        return False
    b = rev.b
    base = next(a for a in stmt.args if isinstance(type_of(a), lt.ListT))
    items = type_of(base).items  # type: ignore[attr-defined]
    if items is None:
        raise not_differentiable(
            "CR303",
            stmt.loc,
            "a list of unknown length is repeated",
            help="use np.tile",
        )
    g = rev.cot.complete(bar, stmt.out)
    for k, item in enumerate(items):
        mine = b.apply(
            operator.getitem, g, Const(slice(k, None, len(items))), type_=type_of(g)
        )
        rev.cot.add(base, {k: b.apply(sum, mine, type_=bar_type(item))})
    return True


def _getattr(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Add to one attribute of an object."""
    base, name = stmt.args[:2]
    if isinstance(type_of(base), lt.ObjT) and isinstance(name, Const):
        rev.cot.add(base, {name.value: bar})
        return True
    return False


def _unpack(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Put the parts' cotangents into an array or a list again."""
    base = stmt.args[0]
    t = type_of(base)
    whole = rev.cot.complete(bar, stmt.out)
    parts = rev.b.elements(whole) or []
    items = rev.b.apply(prims.make_list, *parts)
    if isinstance(t, lt.ArrayT):
        fn = np.stack if t.ndim != 1 else np.array
        rev.cot.add(base, rev.b.apply(fn, items))
    else:
        rev.cot.add(base, items)
    return True


def _append(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Take the last element's cotangent off the list's."""
    items, value = stmt.args
    g = rev.cot.settle(bar)
    t = bar_type(type_of(stmt.out))
    elem = t.elem if isinstance(t, lt.ListT) else None
    last = rev.b.apply(operator.getitem, g, Const(-1), type_=elem or type_of(value))
    rev.cot.add(value, last)
    rest = rev.b.apply(prims.list_init, g, type_=t)
    rev.cot.add(items, rest)
    return True


def _element_before(rev: Reverse, stmt: Apply, base: Operand, index: Operand) -> Value:
    """Read an element in the forward sweep, before an operation takes it away."""
    element = Value(lt.element_type(type_of(base)) or lt.NEVER, None, stmt.loc)
    read = Apply(element, operator.getitem, (base, index), loc=stmt.loc)
    rev.before.append(read)
    rev.b.defs[element] = read
    return element


def _init(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Put zeros in the place of the element that was dropped."""
    [items] = stmt.args
    g = rev.cot.complete(bar, stmt.out)
    zero = rev.cot.complete(None, _element_before(rev, stmt, items, Const(-1)))
    rev.cot.add(items, rev.b.apply(prims.list_append, g, zero, type_=type_of(g)))
    return True


def _index_set(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Take the element's cotangent out of the list's; what it replaced has none.

    An array or list that it replaced may have had another size.
    """
    if not isinstance(stmt.out.type, lt.ListT):
        return False
    base, index, value = stmt.args
    g = rev.cot.complete(bar, stmt.out)
    elem = bar_type(type_of(value))
    element = rev.b.apply(operator.getitem, g, index, type_=elem)
    rev.cot.add(value, element)
    was = lt.element_type(type_of(base))
    sized = was is not None and _has_size(was)
    replaced = _element_before(rev, stmt, base, index) if sized else value
    zero = rev.cot.complete(None, replaced)
    rest = rev.b.apply(prims.index_set, g, index, zero, type_=type_of(g))
    rev.cot.add(base, rest)
    return True


def _has_size(t: lt.Type) -> bool:
    """Say whether values of a type may be of several sizes, or hold such."""
    match t:
        case lt.ArrayT() | lt.ListT():
            return True
        case lt.TupleT(items=items):
            return any(map(_has_size, items))
        case lt.DictT(items=pairs) | lt.ObjT(attrs=pairs):
            return any(_has_size(part) for _, part in pairs)
    return False


def _reversed(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """Turn the list of cotangents round."""
    base = stmt.args[0]
    g = rev.cot.settle(bar)
    backwards = Const(slice(None, None, -1))
    turned = rev.b.apply(operator.getitem, g, backwards, type_=bar_type(type_of(base)))
    rev.cot.add(base, turned)
    return True


def _some(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    """The number's cotangent is that of the value that may be None."""
    rev.cot.add(stmt.args[0], rev.cot.complete(bar, stmt.out))
    return True


def _live(rev: Reverse, stmt: Apply, bar: Bar) -> bool:
    return True


STRUCTURAL = {
    prims.make_tuple: _make,
    prims.make_list: _make,
    prims.make_dict: _make,
    prims.make_object: _make,
    operator.getitem: _getitem,
    builtins.getattr: _getattr,
    prims.unpack: _unpack,
    prims.list_append: _append,
    prims.list_init: _init,
    prims.index_set: _index_set,
    prims.live: _live,
    prims.some: _some,
    prims.same: _some,
    builtins.reversed: _reversed,
    operator.add: _concatenated,
    operator.mul: _repeated,
    prims.on_cotangent: surgery.adjoint,
}
