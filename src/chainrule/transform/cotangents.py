"""Cotangents while the reverse sweep is written: accumulate,
fit to the primal, complete.

In: contributions to the cotangent of a value. Out: one operand, of the primal's shape
and kind. Four things are put off until somebody needs them: zeros (nothing is stored),
the repetition of a reduction's cotangent over the axes that were reduced (the smaller
operand broadcasts by itself), the sum over axes that are only known at run time (after
partials it may be a sum over all), and the mask of `np.where` (applied after the
partials of the branch, so that an infinite partial where the branch was not taken
cannot leak).
"""

from __future__ import annotations

import builtins
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Undef, Value
from chainrule.runtime import helpers
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.types import lattice as lt


@dataclass(frozen=True, slots=True)
class Masked:
    """A cotangent that counts only where each test has its value, innermost first."""

    op: Operand
    tests: tuple[tuple[Operand, bool], ...]


@dataclass(frozen=True, slots=True)
class Wide:
    """A cotangent that is still to be summed over axes nobody knows `to` has."""

    op: Operand
    to: Value


Parts = dict[Any, Any]
Bar = Value | Const | Undef | Masked | Wide | Parts


class Cotangents:
    """The cotangents of all values that have one so far."""

    def __init__(self, b: Builder, active: set[Value]) -> None:
        self.b = b
        self.active = active
        self.bars: dict[Value, Bar] = {}

    # ------------------------------------------------------------- contributions

    def add(self, to: Operand, g: Bar, full: lt.Dims | None = ()) -> None:
        """Add a contribution; `full` are the dimensions it stands for
        before reduction.
        """
        if not isinstance(to, Value) or to not in self.active:
            return
        if is_zero(g):
            return
        if isinstance(g, dict):
            self._add_parts(to, g)
            return
        layout = layout_of(to)
        if layout is not None:
            self._add_parts(to, self.divide(to, self.settle(g)))
            return
        g = self.fit(g, to)
        old = self.bars.get(to)
        self.bars[to] = (
            g if old is None else self.sum(self.settle(old), self.settle(g), to)
        )

    def _add_parts(self, to: Value, parts: Parts) -> None:
        old = self.bars.get(to)
        if old is None:
            self.bars[to] = dict(parts)
            return
        if not isinstance(old, dict):
            old = self.divide(to, self.settle(old))
        self.bars[to] = self.merge(old, parts)

    def merge(self, one: Any, two: Any) -> Any:
        """Add two cotangents of a container, part by part."""
        if isinstance(one, dict) and isinstance(two, dict):
            keys = [*one, *(k for k in two if k not in one)]
            return {
                k: self.merge(one[k], two[k])
                if k in one and k in two
                else one.get(k, two.get(k))
                for k in keys
            }
        if isinstance(one, dict):
            return self.merge_whole(self.settle(two), one)
        if isinstance(two, dict):
            return self.merge_whole(self.settle(one), two)
        return self.sum(self.settle(one), self.settle(two), None)

    def merge_whole(self, whole: Operand, parts: Parts) -> Any:
        """Add contributions to parts of a container to one for all of it."""
        t = type_of(whole)
        items = getattr(t, "items", None)
        if items is not None:
            named = isinstance(t, lt.DictT)
            keys = [k for k, _ in items] if named else range(len(items))
            return self.merge({k: self.b.getitem(whole, k) for k in keys}, parts)
        for k, g in parts.items():
            part = self.b.getitem(whole, k)
            if isinstance(g, dict):
                total = self.merge_whole(part, g)
                assert not isinstance(total, dict)
            else:
                total = self.sum(part, self.settle(g), None)
            whole = self.b.apply(prims.index_set, whole, Const(k), total, type_=t)
        return whole

    def sum(self, one: Operand, two: Operand, to: Value | None) -> Operand:
        """Add two cotangents of a number, an array or a list."""
        optional = to is not None and isinstance(to.type, lt.OptionalT)
        if optional or any(
            isinstance(type_of(op), lt.ListT | lt.TupleT) for op in (one, two)
        ):
            t = type_of(one)
            return self.b.apply(helpers.add, one, two, type_=t)
        return self.b.apply(operator.add, one, two, type_=self.whole_type(one, two, to))

    def whole_type(
        self, one: Operand, two: Operand, to: Value | None
    ) -> lt.Type | None:
        """Return the type of a sum of which one summand has the primal's full shape.

        The other has it too, or is repeated along some axes: what is larger was summed
        when it was fitted.
        """
        want = lt.dims_of(to.type) if to is not None else None
        if not want or want not in (lt.dims_of(type_of(op)) for op in (one, two)):
            return None
        t = self.b.infer(operator.add, (one, two), ())
        return lt.ArrayT(t.dtype, want) if isinstance(t, lt.ArrayT) else None

    def divide(self, to: Value, g: Operand) -> Parts:
        """Return the parts of a cotangent that is one operand."""
        layout = layout_of(to)
        assert layout is not None
        if layout_of(g) is not None:
            parts = read_parts(self.b, g)
        else:
            parts = [self.b.getitem(g, k) for k in range(len(layout[2]))]
        parts = [self.part(p, to, k) for k, p in enumerate(parts)]
        return dict(zip(layout[2], parts, strict=True))

    def part(self, g: Operand, to: Value, position: int) -> Operand:
        """Fit the cotangent of one part of a container,
        if it is a number or an array.
        """
        items = getattr(to.type, "items", None)
        if not items or not isinstance(to.type, lt.ListT | lt.TupleT):
            return g
        t, mine = items[position], type_of(g)
        numbers = lt.ScalarT | lt.ArrayT
        if not isinstance(t, numbers) or not isinstance(mine, numbers):
            return g
        same = lt.result_dtype(t) == lt.result_dtype(mine)
        if same and lt.dims_of(t) == lt.dims_of(mine):
            return g
        primal = self.b.getitem(to, position)
        if not isinstance(primal, Value) or not lt.is_differentiable(t):
            return g
        return self.project(self.reduce(g, primal), primal)

    # ------------------------------------------------------------- fitting

    def fit(self, g: Value | Const | Undef | Masked | Wide, to: Value) -> Bar:
        """Sum over broadcast axes, and project to the primal's dtype."""
        if isinstance(g, Wide):
            g = self.settle(g)
        if isinstance(g, Masked):
            parts = (g.op, *(test for test, _ in g.tests))
            if all(self.covers(to, op) for op in parts) and not _narrows(g.op, to):
                return g
            g = self.settle(g)
        if isinstance(to.type, lt.ListT | lt.TapeT | lt.ResidualT | lt.OptionalT):
            return self.settle(g)
        g = self.unspread(g, to)
        if type_of(g) == to.type and lt.dims_of(to.type) is not None:
            return g
        if isinstance(to.type, lt.ArrayT) and self.is_wide(g, to):
            return Wide(self.project(g, to), to)
        return self.sized(self.project(self.reduce(g, to), to), to)

    def sized(self, g: Operand, to: Value) -> Operand:
        """Name the sizes of a cotangent after the primal's, where they must be equal.

        Both broadcast in the primal, and neither is 1.
        """
        if not (isinstance(g, Value) and g in self.b.defs):
            return g
        have, want = g.type, lt.dims_of(to.type)
        if isinstance(have, lt.ArrayT) and have.dims and want and have.dims != want:
            if len(have.dims) == len(want) and not any(
                h != w and (lt.maybe_one(h) or lt.maybe_one(w))
                for h, w in zip(have.dims, want, strict=True)
            ):
                g.type = lt.ArrayT(have.dtype, want)
        return g

    def is_wide(self, g: Operand, to: Value) -> bool:
        """Say whether only the run time knows over which axes to sum."""
        if not isinstance(type_of(g), lt.ScalarT | lt.ArrayT):
            return False
        have, want = lt.dims_of(type_of(g)), lt.dims_of(to.type)
        if have is None or want is None:
            return True
        tail = have[len(have) - len(want) :] if len(have) >= len(want) else have
        ends = want[len(want) - len(tail) :]
        return any(
            h != w and h != 1 and w != 1 and lt.maybe_one(w)
            for h, w in zip(tail, ends, strict=True)
        )

    def unspread(self, g: Operand, to: Value) -> Operand:
        """Take back a repetition over axes: the smaller operand
        broadcasts by itself.
        """
        stmt = self.b.defs.get(g) if isinstance(g, Value) else None
        if stmt is not None and stmt.fn is np.broadcast_to and not stmt.kwargs:
            whole, want = lt.dims_of(type_of(g)), lt.dims_of(to.type)
            if want and whole is not None and len(whole) == len(want):
                fits = (
                    h == w or not (lt.maybe_one(h) or lt.maybe_one(w))
                    for h, w in zip(whole, want, strict=True)
                )
                if all(fits) and lt.dims_of(type_of(stmt.args[0])) is not None:
                    return stmt.args[0]
        return g

    def covers(self, to: Value, g: Operand) -> bool:
        """Say whether a contribution has no axis that `to` lacks."""
        have, want = lt.dims_of(type_of(g)), lt.dims_of(to.type)
        if have is None or want is None or len(have) > len(want):
            return False
        tail = want[len(want) - len(have) :]
        return all(
            h == w or h == 1 or not lt.maybe_one(w)
            for h, w in zip(have, tail, strict=True)
        )

    def reduce(self, g: Operand, to: Value) -> Operand:
        """Sum over the axes along which the primal was broadcast."""
        have, want = lt.dims_of(type_of(g)), lt.dims_of(to.type)
        if isinstance(type_of(g), lt.NeverT | lt.OpaqueT):
            return g
        if have is None or want is None:
            return self.unbroadcast(g, to)
        if self.covers(to, g):
            return g
        if not want:
            return self.b.apply(np.sum, g, form="method", text="sum")
        extra = len(have) - len(want)
        if extra > 0:
            axes: Any = tuple(range(extra)) if extra > 1 else 0
            g = self.b.apply(
                np.sum, g, kwargs=(("axis", Const(axes)),), form="method", text="sum"
            )
            have = lt.dims_of(type_of(g)) or ()
        ones = []
        tail = want[len(want) - len(have) :]
        for k, (h, w) in enumerate(zip(have, tail, strict=True)):
            if h == w or h == 1 or not lt.maybe_one(w):
                continue
            if w != 1:
                return self.unbroadcast(g, to)
            ones.append(k)
        if ones:
            axes = ones[0] if len(ones) == 1 else tuple(ones)
            named = (("axis", Const(axes)), ("keepdims", Const(True)))
            g = self.b.apply(np.sum, g, kwargs=named, form="method", text="sum")
        return g

    def unbroadcast(self, g: Operand, to: Value) -> Operand:
        """Sum over the axes that turn out to be broadcast when it runs."""
        return self.b.apply(helpers.unbroadcast, g, to, type_=self.like(to, g))

    def like(self, to: Value, g: Operand) -> lt.Type:
        """Return the type of a cotangent of `to` in the dtype of `g`."""
        dims = lt.dims_of(to.type)
        dtype = lt.result_dtype(type_of(g))
        if dims == ():
            return lt.ScalarT(lt.kind_of(dtype) or "float", dtype, exact=False)
        return lt.ArrayT(dtype, dims)

    def project(self, g: Operand, to: Value) -> Operand:
        """Give a cotangent the primal's dtype."""
        t = type_of(g)
        if not isinstance(t, lt.NUMBERS):
            return g
        mine, other = lt.result_dtype(to.type), lt.result_dtype(t)
        if mine.kind == "f" and other.kind == "c":
            g = self.b.apply(np.real, g, form="attribute", text="real")
            t = type_of(g)
            other = lt.result_dtype(t)
        if mine == other or isinstance(g, Const):
            return g
        dtype = getattr(to.type, "dtype", None)
        if dtype is None or (isinstance(t, lt.ScalarT) and t.dtype is None and t.exact):
            return g
        if other.kind in "biu" or other.itemsize != mine.itemsize:
            if lt.dims_of(t) in (None, ()):
                number = lt.ScalarT(lt.kind_of(mine) or "float", mine)
                number = to.type if isinstance(to.type, lt.ScalarT) else number
                return self.b.apply(mine.type, g, type_=number)
            return self.b.apply(
                prims.astype, g, Const(mine), form="method", text="astype"
            )
        return g

    # ------------------------------------------------------------- reading

    def settle(self, g: Any) -> Operand:
        """Apply a mask, or take a sum, that was put off."""
        if isinstance(g, Wide):
            return self.unbroadcast(g.op, g.to)
        if isinstance(g, Masked):
            op, zero = g.op, Const(0.0)
            for test, when in g.tests:
                op = self.b.apply(np.where, test, *((op, zero) if when else (zero, op)))
            dtype = lt.result_dtype(type_of(g.op))
            if dtype.kind in "fc" and lt.result_dtype(type_of(op)) != dtype:
                # Before NumPy 2 a float beside a float32 made a float64.
                op = self.b.apply(
                    prims.astype, op, Const(dtype), form="method", text="astype"
                )
            return op
        assert not isinstance(g, dict)
        return g  # type: ignore[no-any-return]

    def get(self, value: Value) -> Bar | None:
        """Return the cotangent as it is stored."""
        return self.bars.get(value)

    def whole(self, value: Value) -> Operand:
        """Return the cotangent with the primal's full shape; zeros if there is none."""
        bar = self.bars.get(value)
        return self.complete(bar, value)

    def complete(self, bar: Bar | None, value: Operand) -> Operand:
        """Give a stored cotangent the full shape and structure of a value."""
        t = type_of(value)
        layout = layout_of(value)
        if layout is not None:
            return self._container(bar, value, layout)
        if bar is None:
            return self.zero(value)
        g = self.settle(bar)
        want, have = lt.dims_of(t), None
        if isinstance(t, lt.ArrayT) and isinstance(type_of(g), lt.ArrayT | lt.ScalarT):
            have = lt.dims_of(type_of(g))
            if want is None or have is None:
                if want is None and have is None:
                    return g
            elif len(have) == len(want) and all(
                h == w or not lt.maybe_one(h) for h, w in zip(have, want, strict=True)
            ):
                return g
            shape = self.b.apply(getattr, value, Const("shape"))
            if want is None:
                shape = self.b.apply(np.shape, value)
            out = lt.ArrayT(lt.result_dtype(type_of(g)), want)
            return self.b.apply(np.broadcast_to, g, shape, type_=out)
        return g

    def _container(
        self, bar: Bar | None, value: Operand, layout: tuple[Any, ...]
    ) -> Operand:
        parts = read_parts(self.b, value)
        if bar is not None and not isinstance(bar, dict):
            return self.settle(bar)
        bar = bar or {}
        done = []
        for name, part in zip(layout[2], parts, strict=True):
            if lt.is_differentiable(type_of(part)):
                done.append(self.complete(bar.get(name), part))
            elif layout[0] is prims.make_list and is_int(type_of(part)):
                done.append(Const(0.0))  # a loop adds to all elements alike
            elif is_empty(type_of(part)):
                done.append(part)
            else:
                done.append(Const(None))
        return make(self.b, layout, done)

    def zero(self, value: Operand) -> Operand:
        """Return zeros for a value without a cotangent."""
        t = type_of(value)
        if isinstance(t, lt.OptionalT):
            t = t.elem
            if isinstance(t, lt.ArrayT):
                return self.b.apply(helpers.zeros_like, value, type_=t)
        if isinstance(t, lt.ScalarT):
            return Const(0.0 if t.kind != "complex" else 0j)
        if isinstance(t, lt.ArrayT):
            return self.b.apply(np.zeros_like, value)
        made = self.b.definition(value)
        if made is not None and made.fn is builtins.reversed:
            zeros = self.zero(made.args[0])
            backwards = Const(slice(None, None, -1))
            return self.b.apply(operator.getitem, zeros, backwards, type_=t)
        return self.b.apply(helpers.zeros_like, value, type_=t)


def is_zero(g: Bar | None) -> bool:
    """Say whether a contribution is known to be zero."""
    if isinstance(g, Value):
        return False
    if g is None or isinstance(g, Undef):
        return True
    if isinstance(g, Const):
        return g.value is None or (
            isinstance(g.value, int | float)
            and not isinstance(g.value, bool)
            and g.value == 0
        )
    return isinstance(g, dict) and not g


def _narrows(g: Operand, to: Value) -> bool:
    """Say whether projecting a cotangent to the primal's dtype would change it."""
    t = type_of(g)
    if not isinstance(t, lt.NUMBERS):
        return True
    return lt.result_dtype(t) != lt.result_dtype(to.type)


def bar_type(t: lt.Type) -> lt.Type:
    """Return the type of the cotangent of a value that a loop carries.

    The numbers in it may be Python's or NumPy's.
    """
    match t:
        case lt.OptionalT(elem=elem):
            return bar_type(elem)
        case lt.ScalarT(kind=kind, dtype=dtype):
            kind = kind if kind in ("float", "complex") else "float"
            return lt.ScalarT(kind, dtype, exact=False)
        case lt.ListT(items=None, elem=elem) if elem is not None:
            return lt.ListT(None, bar_type(elem))
        case lt.ListT(items=items) if items is not None:
            return lt.ListT(tuple(map(bar_type, items)))
        case lt.TupleT(items=items, cls=cls) if cls is tuple:
            return lt.TupleT(tuple(map(bar_type, items)))
        case lt.ObjT(cls=cls, attrs=attrs):
            return lt.ObjT(cls, tuple((k, bar_type(v)) for k, v in attrs))
    return t


def is_int(t: lt.Type) -> bool:
    """Say whether a type is that of an integer."""
    return isinstance(t, lt.ScalarT) and t.kind == "int"


def is_empty(t: lt.Type) -> bool:
    """Say whether a type is that of a list, tuple or dict without elements."""
    return isinstance(t, lt.ListT | lt.TupleT | lt.DictT) and t.items == ()
