"""Shifts that cancel, such as the largest score that a softmax subtracts.

In: a function and its active values. Out: the active maxima on which the result does
not depend: their cotangents are zero, exactly where differentiation would compute a
rounding error.

One maximum `m` at a time is varied by `d`. A value is then unchanged, moved (`v + k *
d`) or scaled (`v * exp(k * d)`), and nothing else is followed: `exp` of what moves
scales, sums and quotients of what scales scale, `log` of what scales moves. An array of
maxima has one `d` for each element, so it is also followed which axis of a value is
which axis of `m`. If every result of the block is unchanged, `m` cancels. What has no
derivative (a comparison, a size) is unchanged by definition.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    Operand,
    Stmt,
    Value,
    blocks,
    operands,
)
from chainrule.ir.walk import free_values, statements
from chainrule.types import lattice as lt

EXTREMES = {
    *(np.max, np.amax, np.min, np.amin, np.maximum, np.minimum),
    *(builtins.max, builtins.min),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """How a value varies: `axes` says for each of its axes which of `m` it is."""

    scales: bool
    by: float
    axes: tuple[int | None, ...]


class Fails(Exception):
    """The maximum is used in a way that is not followed."""


def cancelling(function: Function, active: set[Value]) -> set[Value]:
    """Return the active maxima on which the result does not depend."""
    made = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    found: set[Value] = set()
    if any(s.out in active and _is_extreme(s.fn) for s in made.values()):
        _search(function.body, active, made, found)
    return found


def _search(
    block: Block, active: set[Value], made: dict[Value, Apply], found: set[Value]
) -> None:
    for k, stmt in enumerate(block.stmts):
        for inner in blocks(stmt):
            _search(inner, active, made, found)
        if isinstance(stmt, Apply) and stmt.out in active and _is_extreme(stmt.fn):
            if _Variation(active, made).cancels(stmt.out, block, k):
                found.add(stmt.out)


def _is_extreme(fn: Any) -> bool:
    return any(fn is extreme for extreme in EXTREMES)


class _Variation:
    """What varies with one maximum."""

    def __init__(self, active: set[Value], made: dict[Value, Apply]) -> None:
        self.active = active
        self.made = made
        self.moves: dict[Value, Moved] = {}

    def cancels(self, m: Value, block: Block, k: int) -> bool:
        """Say whether no result of a block varies with its `k`-th value."""
        dims = _dims(m)
        if dims is None:
            return False
        axes = tuple(None if d == 1 else axis for axis, d in enumerate(dims))
        self.moves[m] = Moved(False, 1, axes)
        try:
            for stmt in block.stmts[k + 1 :]:
                self.follow(stmt)
        except Fails:
            return False
        return not any(op in self.moves for op in block.results)

    def follow(self, stmt: Stmt) -> None:
        """Find out how the result of a statement varies, if it does."""
        moves = self.moves
        used = any(op in moves for op in operands(stmt))
        if not isinstance(stmt, Apply):
            if used or any(v in moves for b in blocks(stmt) for v in free_values(b)):
                raise Fails
        elif used and stmt.out in self.active:
            moved = self.result(stmt)
            if moved.by != 0:
                moves[stmt.out] = moved

    def result(self, stmt: Apply) -> Moved:
        moved = [self.moves.get(a) for a in stmt.args]  # type: ignore[arg-type]
        follow = FOLLOWED.get(stmt.fn) if _hashable(stmt.fn) else None
        known = [_dims(a) for a, m in zip(stmt.args, moved, strict=True) if m]
        if follow is None or _dims(stmt.out) is None or None in known:
            raise Fails
        if stmt.kwargs and follow is not _reduction:
            raise Fails
        if stmt.fn is operator.getitem and moved[0] is not None:
            index = self.made.get(stmt.args[1])  # type: ignore[arg-type]
            if index is not None and self.is_row_by_row(index, stmt.args[0]):
                return replace(moved[0], axes=moved[0].axes[:1])
        return follow(stmt, moved)

    def is_row_by_row(self, index: Apply, base: Operand) -> bool:
        """Say whether an index is `arange(n), columns`: one element of each row."""
        if index.fn is not prims.make_tuple or len(index.args) != 2:
            return False
        rows, columns = index.args
        counting = self.made.get(rows)  # type: ignore[arg-type]
        one_axis = [len(_dims(a) or ()) == 1 for a in (rows, columns)]
        return (
            counting is not None
            and counting.fn is np.arange
            and len(counting.args) == 1
            and not counting.kwargs
            and all(one_axis)
            and len(_dims(base) or ()) == 2
        )


def _hashable(fn: Any) -> bool:
    return getattr(type(fn), "__hash__", None) is not None


def _dims(op: Operand) -> lt.Dims | None:
    if isinstance(op, Const):
        return () if isinstance(op.value, int | float) else None
    t = op.type if isinstance(op, Value) else None
    return lt.dims_of(t) if isinstance(t, lt.ScalarT | lt.ArrayT) else None


# ------------------------------------------------------------------ elementwise


def _aligned(stmt: Apply, moved: list[Moved | None]) -> list[Moved | None]:
    """Return how operands vary, along the axes of the result of broadcasting."""
    if len(stmt.args) != 2:
        raise Fails
    whole = _dims(stmt.out) or ()
    out: list[Moved | None] = []
    for op, m in zip(stmt.args, moved, strict=True):
        if m is None:
            out.append(None)
            continue
        extra = len(whole) - len(m.axes)
        for have, want, axis in zip(
            _dims(op) or (), whole[extra:], m.axes, strict=True
        ):
            if axis is not None and have != want:
                if lt.maybe_one(have) or lt.maybe_one(want):
                    raise Fails  # it may be repeated along this axis
        out.append(replace(m, axes=(None,) * extra + m.axes))
    if len({m.axes for m in out if m is not None}) > 1:
        raise Fails
    return out


def _sum_of(sign: int) -> Callable[..., Moved]:
    def follow(stmt: Apply, moved: list[Moved | None]) -> Moved:
        x, y = _aligned(stmt, moved)
        for m in (x, y):
            if m is not None and m.scales:
                if x is None or x != y:
                    raise Fails
                return x
        return _both(x, y, sign)

    return follow


def _both(x: Moved | None, y: Moved | None, sign: int) -> Moved:
    """Add what two operands vary by."""
    if x is None:
        assert y is not None
        return replace(y, by=sign * y.by)
    return x if y is None else replace(x, by=x.by + sign * y.by)


def _product_of(sign: int) -> Callable[..., Moved]:
    def follow(stmt: Apply, moved: list[Moved | None]) -> Moved:
        x, y = _aligned(stmt, moved)
        if any(m is not None and not m.scales for m in (x, y)):
            return _multiple(stmt, x, y, sign)
        return _both(x, y, sign)

    return follow


def _multiple(stmt: Apply, x: Moved | None, y: Moved | None, sign: int) -> Moved:
    """Follow what moves times, or over, a constant."""
    for m, other in ((x, stmt.args[1]), (y, stmt.args[0])):
        if m is not None and isinstance(other, Const) and (m is x or sign > 0):
            c = other.value
            if type(c) in (int, float) and c != 0 and math.isfinite(c):
                return replace(m, by=m.by * c if sign > 0 else m.by / c)
    raise Fails


def _power(stmt: Apply, moved: list[Moved | None]) -> Moved:
    """Follow a constant power of what scales."""
    m, exponent = _aligned(stmt, moved)[0], stmt.args[1]
    number = isinstance(exponent, Const) and type(exponent.value) in (int, float)
    if m is None or not m.scales or not number:
        raise Fails
    return replace(m, by=m.by * exponent.value)  # type: ignore[union-attr]


def _negative(stmt: Apply, moved: list[Moved | None]) -> Moved:
    m = _only(moved)
    return m if m.scales else replace(m, by=-m.by)


def _only(moved: list[Moved | None]) -> Moved:
    """Return how the only operand varies."""
    if len(moved) != 1 or moved[0] is None:
        raise Fails
    return moved[0]


def _exponential(stmt: Apply, moved: list[Moved | None]) -> Moved:
    return _turned(moved, True)


def _logarithm(stmt: Apply, moved: list[Moved | None]) -> Moved:
    return _turned(moved, False)


def _turned(moved: list[Moved | None], scales: bool) -> Moved:
    m = _only(moved)
    if m.scales == scales:
        raise Fails
    return replace(m, scales=scales)


# ------------------------------------------------------------------ reductions, axes


def _reduction(stmt: Apply, moved: list[Moved | None]) -> Moved:
    """Follow a sum of what scales, and a mean of what moves or scales."""
    m, said = moved[0], dict(stmt.kwargs)
    if len(stmt.args) > 1:
        said["axis"] = stmt.args[1]
    known = all(isinstance(v, Const) for v in said.values())
    if m is None or len(stmt.args) > 2 or not known or set(said) - {"axis", "keepdims"}:
        raise Fails
    if not m.scales and stmt.fn is np.sum:
        raise Fails
    rank = len(m.axes)
    axis = said["axis"].value if "axis" in said else None  # type: ignore[union-attr]
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = {a % rank for a in axes}
    if any(m.axes[a] is not None for a in gone):
        raise Fails
    if rank - len(_dims(stmt.out) or ()) == len(gone):
        return replace(m, axes=tuple(a for k, a in enumerate(m.axes) if k not in gone))
    return m


def _item(stmt: Apply, moved: list[Moved | None]) -> Moved:
    """Follow new axes and whole slices; anything of what moves as a whole."""
    m, index = moved[0], stmt.args[1]
    if m is None:
        raise Fails
    if isinstance(index, Const):
        parts = index.value if isinstance(index.value, tuple) else (index.value,)
        if all(p is None or p == slice(None) for p in parts):
            left = iter(m.axes)
            axes = [None if p is None else next(left) for p in parts]
            return replace(m, axes=(*axes, *left))
    if all(axis is None for axis in m.axes):
        return replace(m, axes=(None,) * len(_dims(stmt.out) or ()))
    raise Fails


def _transpose(stmt: Apply, moved: list[Moved | None]) -> Moved:
    m = _only(moved)
    return replace(m, axes=m.axes[::-1])


def _product(stmt: Apply, moved: list[Moved | None]) -> Moved:
    """Follow what scales through a matrix product, if not summed over its own axis."""
    x, y = moved
    ranks = [len(_dims(a) or ()) for a in stmt.args]
    if (x is None) == (y is None) or not all(1 <= r <= 2 for r in ranks):
        raise Fails
    m = x if x is not None else y
    assert m is not None
    inner = m.axes[-1] if m is x else m.axes[0]
    if not m.scales or inner is not None:
        raise Fails
    if m is x:
        return replace(m, axes=(*m.axes[:-1], *[None] * (ranks[1] - 1)))
    return replace(m, axes=(*[None] * (ranks[0] - 1), *m.axes[1:]))


FOLLOWED: dict[Any, Callable[[Apply, list[Moved | None]], Moved]] = {
    **dict.fromkeys((operator.add, np.add), _sum_of(1)),
    **dict.fromkeys((operator.sub, np.subtract), _sum_of(-1)),
    **dict.fromkeys((operator.mul, np.multiply), _product_of(1)),
    **dict.fromkeys((operator.truediv, np.divide), _product_of(-1)),
    **dict.fromkeys((operator.neg, np.negative), _negative),
    **dict.fromkeys((np.exp, math.exp), _exponential),
    **dict.fromkeys((np.log, math.log), _logarithm),
    **dict.fromkeys((np.sum, np.mean), _reduction),
    **dict.fromkeys((operator.matmul, np.matmul, np.dot), _product),
    **dict.fromkeys((operator.pow, np.power), _power),
    operator.getitem: _item,
    np.transpose: _transpose,
    float: lambda stmt, moved: _only(moved),
}
