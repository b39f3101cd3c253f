"""Tangents of containers, their parts and buffers: the same done with the tangents.

In: an operation on a container or a buffer. Out: whether it was handled; its value and
its tangent are written then.
"""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING

from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
)
from chainrule.specialise.builder import type_of
from chainrule.specialise.joins import layout_of, make
from chainrule.transform import surgery
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.transform.forward import Forward


def _make(fwd: Forward, stmt: Apply) -> bool:
    """Make the same container of tangents."""
    fwd.b.block.stmts.append(stmt)
    b = fwd.b
    if stmt.fn is prims.make_dict:
        parts = [fwd.dot(a) for a in stmt.args[1:]]
        fwd.set(stmt.out, b.apply(prims.make_dict, stmt.args[0], *parts))
    elif stmt.fn is prims.make_object:
        layout = layout_of(stmt.out)
        assert layout is not None
        fwd.set(stmt.out, make(b, layout, [fwd.dot(a) for a in stmt.args[2:]]))
    else:
        t = stmt.out.type
        dots = [fwd.dot(a) for a in stmt.args]
        known = t if isinstance(t, lt.ListT) and t.items is None else None
        fwd.set(stmt.out, b.apply(stmt.fn, *dots, type_=known))
    return True


def _getitem(fwd: Forward, stmt: Apply) -> bool:
    """Read the same part of the tangents."""
    fwd.b.block.stmts.append(stmt)
    base, index = stmt.args
    dot = fwd.dot(base)
    t = stmt.out.type if isinstance(type_of(base), lt.ListT | lt.TapeT) else None
    part = fwd.b.fold(operator.getitem, [dot, index], [])
    if part is None:
        part = fwd.b.apply(operator.getitem, dot, index, type_=t)
    fwd.set(stmt.out, part)
    return True


def _getattr(fwd: Forward, stmt: Apply) -> bool:
    base, name = stmt.args[:2]
    if not isinstance(type_of(base), lt.ObjT):
        return False
    fwd.b.block.stmts.append(stmt)
    dot = fwd.dot(base)
    if isinstance(type_of(dot), lt.DictT):
        fwd.set(stmt.out, fwd.b.apply(operator.getitem, dot, name))
    else:
        fwd.set(stmt.out, fwd.b.apply(builtins.getattr, dot, name))
    return True


def _same(fwd: Forward, stmt: Apply) -> bool:
    """Do the same with the tangents; arrays have a rule."""
    stores = (prims.index_add, prims.index_set)
    if stmt.fn in stores and not isinstance(stmt.out.type, lt.ListT):
        return False
    fwd.b.block.stmts.append(stmt)
    args = [fwd.dot(a) if fwd.has(a) else a for a in stmt.args]
    if stmt.fn in (prims.list_append, prims.index_add, prims.index_set):
        args = [
            fwd.dot(a) if k != 1 or stmt.fn is prims.list_append else a
            for k, a in enumerate(stmt.args)
        ]
    t = stmt.out.type
    fwd.set(stmt.out, fwd.b.apply(stmt.fn, *args, kwargs=stmt.kwargs, type_=t))
    return True


def _of_lists(fwd: Forward, stmt: Apply) -> bool:
    """Join or repeat the tangents of lists as the lists themselves."""
    if not isinstance(stmt.out.type, lt.ListT):
        return False
    fwd.b.block.stmts.append(stmt)
    args = [fwd.dot(a) if isinstance(type_of(a), lt.ListT) else a for a in stmt.args]
    fwd.set(stmt.out, fwd.b.apply(stmt.fn, *args, type_=stmt.out.type))
    return True


STRUCTURAL = {
    prims.make_tuple: _make,
    prims.make_list: _make,
    prims.make_dict: _make,
    prims.make_object: _make,
    operator.getitem: _getitem,
    builtins.getattr: _getattr,
    prims.unpack: _same,
    prims.list_append: _same,
    prims.some: _same,
    prims.same: _same,
    operator.add: _of_lists,
    operator.mul: _of_lists,
    prims.list_init: _same,
    prims.index_add: _same,
    prims.index_set: _same,
    builtins.reversed: _same,
    prims.on_cotangent: surgery.tangent,
}
