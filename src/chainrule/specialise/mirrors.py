"""Arguments that share memory: what is written into one is seen by the others.

In: the arguments at hand. Out: for each array the others that overlap it, with the
index of the common elements in both. The function works on copies, which are kept in
step element by element; at the end each argument gets what its copy holds.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cache.overlap import pattern, sharing, start
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.request import Input, Overlap
from chainrule.specialise.builder import Builder, type_of
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.specialise.frames import Context

Array = np.ndarray[Any, Any]
Index = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Mirror:
    """Element `there[k]` of the array `other` is element `here[k]` of this one.

    Both are None where the two arrays are one.
    """

    other: str
    here: Index | None
    there: Index | None


def keep_in_step(ctx: Context, params: list[Value]) -> dict[Value, Value]:
    """Copy the arguments that overlap, and note what is to be kept in step."""
    found = mirrors(ctx.values) if lt.counts_known() else None
    if not found:
        return {}
    copies: dict[str, Value] = {}
    for param in params:
        if param.hint in found:
            made = ctx.builder.apply(prims.copy_value, param, hint=param.hint)
            assert isinstance(made, Value)
            copies[param.hint] = made
            ctx.params[made] = param.hint  # it lies as the argument does
    for name, others in found.items():
        ctx.mirrors[copies[name]] = [(copies[m.other], m) for m in others]
    given = Input("param", next(iter(found)), (), Overlap(pattern(ctx.values)))
    ctx.inputs["overlap",] = given
    return {p: copies[p.hint] for p in params if p.hint in copies}


def mirrors(arguments: Mapping[str, Any]) -> dict[str, list[Mirror]] | None:
    """Return what overlaps what, by name; None where that cannot be followed."""
    found: dict[str, list[Mirror]] = {}
    for (one, *deep), (two, *deeper) in sharing(arguments):
        if deep or deeper:
            return None
        for name, other in ((one, two), (two, one)):
            mirror = _mirror(arguments[name], other, arguments[other])
            if mirror is None:
                return None
            found.setdefault(name, []).append(mirror)
    return found


def _mirror(x: Array, other: str, y: Array) -> Mirror | None:
    here, there = _addresses(x), _addresses(y)
    apart = start(y) - start(x)
    if x.dtype != y.dtype or apart % x.itemsize:
        return None
    if len(set(here)) < here.size or len(set(there)) < there.size:
        return None  # a broadcast array, which cannot be written
    if x.shape == y.shape and np.array_equal(here, there + apart):
        return Mirror(other, None, None)
    common, i, j = np.intersect1d(here, there + apart, return_indices=True)
    if not common.size or any((p - apart) % x.itemsize for p in common):
        return None
    order = np.argsort(i)
    i, j = i[order], j[order]
    one, two = _box(i, x.shape), _box(j, y.shape)
    if one is not None and two is not None:
        if x[one].shape == y[two].shape:
            return Mirror(other, one, two)
    return Mirror(other, _lists(i, x.shape), _lists(j, y.shape))


def _addresses(x: Array) -> Array:
    """Return where each element lies, in bytes from the first."""
    out = np.zeros(x.shape, np.int64)
    for axis, (size, stride) in enumerate(zip(x.shape, x.strides, strict=True)):
        shape = [1] * x.ndim
        shape[axis] = size
        out += (np.arange(size) * stride).reshape(shape)
    return out.ravel()


def _box(flat: Array, shape: tuple[int, ...]) -> Index | None:
    """Return slices that pick these elements in this order, if there are such."""
    places = zip(np.unravel_index(flat, shape), shape, strict=True)
    parts = tuple(_slice(list(dict.fromkeys(p.tolist())), size) for p, size in places)
    picked = np.arange(np.prod(shape, dtype=int)).reshape(shape)[parts]
    return parts if np.array_equal(picked.ravel(), flat) else None


def _slice(kept: list[int], size: int) -> slice:
    """Return a slice from the first to the last place, as one would write it."""
    step = kept[1] - kept[0] if len(kept) > 1 else 1
    stop = kept[-1] + (1 if step > 0 else -1)
    start = kept[0] or None if step > 0 else kept[0]
    end = None if stop in (-1, size) else stop
    return slice(start, end, step if step != 1 else None)


def _lists(flat: Array, shape: tuple[int, ...]) -> Index:
    return tuple(places.tolist() for places in np.unravel_index(flat, shape))


def seen(b: Builder, mirror: Mirror, content: Operand, now: Operand) -> Operand:
    """Return what the other array holds after this one holds `content`."""
    if mirror.here is None or mirror.there is None:
        return content
    part = b.apply(operator.getitem, content, _index(b, mirror.here))
    return b.apply(
        prims.index_set, now, _index(b, mirror.there), part, type_=type_of(now)
    )


def _index(b: Builder, index: Index) -> Operand:
    if isinstance(index[0], slice):
        return Const(index if len(index) > 1 else index[0])
    parts = [b.apply(np.array, b.apply(prims.make_list, *map(Const, p))) for p in index]
    return parts[0] if len(parts) == 1 else b.apply(prims.make_tuple, *parts)
