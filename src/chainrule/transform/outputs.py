"""What a derivative hands to its caller: the argument's structure and kind,
and its own memory.

In: cotangents or tangents as operands. Out: operands to return. A Python float's
gradient is a Python float; arrays share memory with no argument, with no other result
and with nothing that is kept between the sweeps.
"""

from __future__ import annotations

import builtins
import operator
from functools import cached_property

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.analysis.memory import STORES, Aliases, left_behind
from chainrule.backend.arguments import committed
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Block, Call, Const, Function, Loop, Operand, Value
from chainrule.ir.walk import statements
from chainrule.optimise.copies import full_args
from chainrule.runtime import helpers
from chainrule.runtime.objects import by_keywords
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.types import lattice as lt

VIEWS = {
    operator.getitem,
    np.transpose,
    np.swapaxes,
    np.moveaxis,
    np.reshape,
    np.ravel,
    np.squeeze,
    np.expand_dims,
    np.broadcast_to,
    np.real,
    np.imag,
    np.asarray,
    np.flip,
    np.fliplr,
    np.flipud,
    np.diagonal,
    np.atleast_1d,
    np.atleast_2d,
    np.atleast_3d,
    np.rollaxis,
    np.rot90,
    np.split,
    np.array_split,
    np.hsplit,
    np.vsplit,
    np.dsplit,
    np.ascontiguousarray,
    np.asanyarray,
    np.positive,
    np.conj,
    np.diag,
    prims.unpack,
    builtins.getattr,
    prims.live,
    prims.make_tuple,
    prims.make_list,
    prims.make_dict,
    prims.make_object,
}
KINDS = {"bool": bool, "int": int, "float": float, "complex": complex}


def as_given(b: Builder, g: Operand, like: Operand) -> Operand:
    """Give a complete cotangent the class of the value it belongs to."""
    layout, given = layout_of(g), layout_of(like)
    t = type_of(like)
    if isinstance(t, lt.ListT) and b.parts(g) is None and _mixes_numbers(b, t):
        # What a loop has written into a list may be NumPy's number.
        return b.apply(helpers.project_all, g, like, type_=t)
    if given is not None and layout is not None and len(layout[2]) == len(given[2]):
        parts = [
            as_given(b, one, two)
            for one, two in zip(read_parts(b, g), read_parts(b, like), strict=True)
        ]
        if given[0] is prims.make_object and not by_keywords(given[1]):
            return b.apply(prims.make_object, like, Const(given[2]), *parts)
        return make(b, given, parts)
    if isinstance(t, lt.ScalarT) and t.kind in ("int", "bool") and _is_none(g):
        # A count that has to stay an integer has a gradient, a flag has none.
        return Const(0.0) if t.kind == "int" else g
    if isinstance(t, lt.ScalarT) and t.dtype is None and t.exact:
        have = type_of(g)
        if isinstance(g, Const) and isinstance(g.value, int | float):
            return Const(KINDS[t.kind](g.value))
        if isinstance(have, lt.ScalarT) and have.dtype is None and have.exact:
            return g
        cast = complex if t.kind == "complex" else float
        return b.apply(cast, g, type_=t)
    if isinstance(t, lt.ScalarT) and t.dtype is not None:
        have = type_of(g)
        if isinstance(g, Const) or have != t:
            if not (
                isinstance(have, lt.ScalarT) and lt.same_dtype(have.dtype, t.dtype)
            ):
                return b.apply(t.dtype.type, g, type_=t)
    if (
        isinstance(t, lt.ArrayT)
        and t.dims == ()
        and not isinstance(type_of(g), lt.ArrayT)
    ):
        return b.apply(np.asarray, g, kwargs=(("dtype", Const(t.dtype)),), type_=t)
    if isinstance(t, lt.ArrayT) and t.dims:
        stmt = b.defs.get(g) if isinstance(g, Value) else None
        if stmt is not None and stmt.fn is np.broadcast_to:
            value = stmt.args[0]
            if isinstance(value, Const) and value.value == 1:
                return b.apply(np.ones_like, like, type_=t)
            if isinstance(type_of(value), lt.ScalarT):
                return b.apply(np.full_like, like, value, type_=t)
    return g


def _mixes_numbers(b: Builder, t: lt.Type) -> bool:
    """Say whether a list of Python's numbers may have got some of NumPy's."""
    elem = lt.element_type(t)
    if not isinstance(elem, lt.ScalarT | lt.TupleT):
        return False
    made = (*b.defs, *b.outer_defs)
    return any(
        isinstance(v.type, lt.ScalarT) and v.type.dtype is not None for v in made
    )


class Ownership:
    """Finds results that share memory, and copies them."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.defs: dict[Value, Apply | Call] = {}
        self.flow: dict[Value, tuple[Operand, ...]] = {}
        for stmt in statements(function.body):
            if isinstance(stmt, Apply):
                self.defs[stmt.out] = stmt
            elif isinstance(stmt, Call):
                self.defs[stmt.out] = stmt
            elif isinstance(stmt, Loop):
                ends = zip(
                    stmt.outs,
                    stmt.body.params,
                    stmt.init,
                    stmt.body.results[1:],
                    strict=False,
                )
                for out, param, init, result in ends:
                    self.flow[out] = self.flow[param] = (init, result)
            for k, out in enumerate(getattr(stmt, "outs", ()) if paths(stmt) else ()):
                self.flow[out] = tuple(path.results[k] for path in paths(stmt))
        self.given: set[Value] = set()

    def roots(self, op: Operand, seen: frozenset[Value] = frozenset()) -> set[Value]:
        """Return the values whose memory an operand may be."""
        if not isinstance(op, Value) or op in seen:
            return set()
        if op in self.flow and isinstance(op.type, lt.ArrayT):
            seen |= {op}
            return set().union(*(self.roots(source, seen) for source in self.flow[op]))
        if not isinstance(op.type, lt.ArrayT):
            # A shape holds no memory of the array it belongs to.
            if layout_of(op) is None or not lt.is_differentiable(op.type):
                return set()
        stmt = self.defs.get(op)
        if isinstance(stmt, Apply) and stmt.fn in VIEWS:
            found: set[Value] = set()
            for arg in stmt.args:
                found |= self.roots(arg, seen)
            # What is spread out is read-only, whatever it was made of.
            return found | {op} if stmt.fn is np.broadcast_to else found or {op}
        return {op}

    def shared(self, op: Value) -> bool:
        """Say whether returning this array as it is would share memory."""
        roots = self.roots(op)
        if roots & self.given or any(map(self._spread, roots)):
            return True
        self.given |= roots
        return any(r not in self.defs or self._outside(r) for r in roots)

    def _spread(self, root: Value) -> bool:
        stmt = self.defs.get(root)
        if not isinstance(stmt, Apply) or stmt.fn is not np.broadcast_to:
            return False
        number = isinstance(type_of(stmt.args[0]), lt.ScalarT)
        return not (number and root in self.written)

    @cached_property
    def written(self) -> set[Value]:
        """What is stored into: a number that is spread out for that fills an array."""
        aliases = Aliases(self.function)
        stores = [s for s in self.defs.values() if isinstance(s, Apply)]
        places = [s.args[0] for s in stores if s.fn in STORES]
        arrays = [v for v in places if isinstance(v, Value)]
        return set().union(*(aliases.sources(v) for v in arrays))

    def _outside(self, root: Value) -> bool:
        stmt = self.defs[root]
        return isinstance(stmt, Apply) and stmt.fn is prims.live


def own_results(function: Function, skip: int = 0) -> bool:
    """Copy returned arrays that share memory;
    the first `skip` parts are the primal's own.

    Says whether anything was written for that.
    """
    ownership = Ownership(function)
    b = Builder()
    b.outer_defs = {v: s for v, s in ownership.defs.items() if isinstance(s, Apply)}
    end = Block()
    with b.into(end):
        # What the caller's arrays hold at the end may be written in place.
        ownership.given |= set().union(*committed(function).values())
        for stmt in statements(function.body):
            for op in left_behind(stmt):
                _note(b, ownership, op)
        [result] = function.body.results
        layout = layout_of(result)
        if skip and layout is not None:
            parts = read_parts(b, result)
            kept = parts[:skip]
            for op in kept:
                _note(b, ownership, op)
            owned = [_own(b, ownership, p) for p in parts[skip:]]
            changed = any(x is not y for x, y in zip(owned, parts[skip:], strict=True))
            new = make(b, layout, [*kept, *owned]) if changed else result
        else:
            new = _own(b, ownership, result)
    function.body.stmts.extend(end.stmts)
    function.body.results = (new,)
    return bool(end.stmts) or new is not result


def _note(b: Builder, ownership: Ownership, op: Operand) -> None:
    if layout_of(op) is not None:
        for part in read_parts(b, op):
            _note(b, ownership, part)
    elif isinstance(op, Value):
        ownership.given |= ownership.roots(op)


def _own(b: Builder, ownership: Ownership, op: Operand) -> Operand:
    layout = layout_of(op)
    if layout is not None:
        parts = read_parts(b, op)
        owned = [_own(b, ownership, p) for p in parts]
        if all(x is y for x, y in zip(parts, owned, strict=True)):
            return op
        return make(b, layout, owned)
    if not isinstance(op, Value) or not isinstance(op.type, lt.ArrayT):
        return op
    if not ownership.shared(op):
        return op
    stmt = ownership.defs.get(op)
    if isinstance(stmt, Apply) and stmt.fn is np.broadcast_to:
        value, shape = stmt.args[:2]
        if isinstance(type_of(value), lt.ScalarT):
            return b.apply(np.full, *full_args(shape, value, op.type), type_=op.type)
    return b.apply(prims.copy_value, op, form="method", text="copy", type_=op.type)


def _is_none(g: Operand) -> bool:
    return isinstance(g, Const) and g.value is None
