"""Forward mode: each statement followed by its tangent.

In: an IR function and its active parameters. Out: statements that compute the value
and, beside it, the tangent. Branches and loops carry the tangents of what they carry;
there is no tape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.analysis.activity import active_values, paths
from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.copying import copy_function
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Call,
    Const,
    Function,
    If,
    Iter,
    Loop,
    Operand,
    Stmt,
    Try,
    Undef,
    Value,
    With,
)
from chainrule.ir.walk import statements, substitute
from chainrule.rules.registry import RULES
from chainrule.runtime import helpers
from chainrule.specialise.builder import Builder, function_name, type_of
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.transform import splice, tangents
from chainrule.transform.container_tangents import STRUCTURAL
from chainrule.transform.cotangents import is_zero
from chainrule.types import lattice as lt


class Forward:
    """Writes tangents of the active values of one function."""

    def __init__(
        self, b: Builder, active: set[Value], made: dict[Any, Function]
    ) -> None:
        self.b = b
        self.active = active
        self.dots: dict[Value, Operand] = {}
        self.splicer = splice.Splicer(b)
        self.made = made

    # ------------------------------------------------------------- tangents

    def dot(self, op: Operand) -> Operand:
        """Return the tangent of an operand, zeros of its structure if it has none."""
        if isinstance(op, Value) and op in self.dots:
            return self.dots[op]
        return self.zero(op)

    def has(self, op: Operand) -> bool:
        return isinstance(op, Value) and op in self.dots

    def zero(self, op: Operand) -> Operand:
        """Return a zero tangent."""
        if isinstance(op, Undef):
            return UNDEF
        layout = layout_of(op)
        t = type_of(op)
        if layout is not None:
            # What a saved container holds beside numbers, an index, may not be there.
            made = self.b.parts(op) is not None
            parts = [
                self.zero(part)
                if made or not _is_integers(type_of(part))
                else Const(None)
                for part in read_parts(self.b, op)
            ]
            return make(self.b, layout, parts)
        if isinstance(t, lt.OptionalT):
            t = t.elem
            if isinstance(t, lt.ArrayT):
                return self.b.apply(helpers.zeros_like, op, type_=t)
        if isinstance(t, lt.ArrayT) and lt.is_differentiable(t):
            return self.b.apply(np.zeros_like, op)
        if _is_integers(t):
            whole = (("dtype", Const(float)),)
            return self.b.apply(np.zeros_like, op, kwargs=whole)
        if isinstance(t, lt.ScalarT):
            return Const(0.0)
        if isinstance(t, lt.ListT):
            return self.b.apply(helpers.zeros_like, op, type_=t)
        return Const(None)

    def set(self, value: Value, dot: Operand) -> None:
        """Name a tangent and keep it."""
        if is_zero(dot) and not isinstance(dot, Const):
            return
        if isinstance(dot, Value) and dot.hint is None and value.hint is not None:
            dot.hint = f"{value.hint}_dot"
        self.dots[value] = dot

    # ------------------------------------------------------------- statements

    def block(self, block: Block) -> None:
        """Rewrite the statements of a block in place, with tangents."""
        stmts, block.stmts = block.stmts, []
        with self.b.into(block):
            for stmt in stmts:
                self.b.loc = stmt.loc
                self.stmt(stmt)

    def stmt(self, stmt: Stmt) -> None:
        match stmt:
            case Apply():
                self.apply(stmt)
            case If() | Try() | With():
                self.branches(stmt)
            case Loop():
                self.loop(stmt)
            case Call():
                self.call(stmt)

    def apply(self, stmt: Apply) -> None:
        if stmt.out not in self.active:
            self.b.block.stmts.append(stmt)
            return
        structural = STRUCTURAL.get(stmt.fn)
        rule = RULES.forward.get(stmt.fn)
        if structural is not None and structural(self, stmt):
            return
        if rule is None:
            if stmt.fn in RULES.reverse:
                raise not_differentiable(
                    "CR306",
                    stmt.loc,
                    f"{function_name(stmt.fn)} has no rule for forward mode",
                )
            raise splice.no_rule(stmt)
        self.b.block.stmts.append(stmt)
        bound = splice.bind(stmt, rule)
        if rule.kind == "elementwise":
            tangents.elementwise(self, stmt, rule, bound)
        elif rule.kind == "linear":
            tangents.linear(self, stmt, rule, bound)
        else:
            tangents.explicit(self, stmt, rule, bound)

    # ------------------------------------------------------------- structure

    def branches(self, stmt: If | Try | With) -> None:
        """Give each active result of a branch a tangent."""
        active = [k for k, o in enumerate(stmt.outs) if o in self.active]
        before = dict(self.dots)
        for path in paths(stmt):
            self.dots = dict(before)
            self.block(path)
            with self.b.into(path):
                extra = tuple(self.result_dot(path.results[k]) for k in active)
            path.results += extra
        self.dots = before
        if isinstance(stmt, Try) and stmt.final is not None:
            self.block(stmt.final)
        base = len(stmt.outs)
        for position, k in enumerate(active):
            t: lt.Type = lt.NEVER
            for path in paths(stmt):
                result = path.results[base + position]
                if not (isinstance(result, Const) and result.value is None):
                    t = lt.join(t, type_of(result))
            out = Value(t, _dot(stmt.outs[k]), stmt.loc)
            stmt.outs += (out,)
            self.dots[stmt.outs[k]] = out
        self.b.add(stmt)

    def result_dot(self, op: Operand) -> Operand:
        """Return the tangent of a branch's result."""
        if isinstance(op, Undef):
            return UNDEF
        return self.dot(op)

    def loop(self, stmt: Loop) -> None:
        """Carry tangents beside the carried values."""
        body = stmt.body
        n = len(stmt.outs)
        active = [k for k, p in enumerate(body.params) if p in self.active]
        init = tuple(self.result_dot(stmt.init[k]) for k in active)
        params = tuple(
            Value(
                _carried(type_of(op), body.params[k].type),
                _dot(body.params[k]),
                stmt.loc,
            )
            for k, op in zip(active, init, strict=True)
        )
        saved = body.results[1 + n :]
        before = dict(self.dots)
        for k, param in zip(active, params, strict=True):
            self.dots[body.params[k]] = param
        iters, starts = self.iterables(stmt)
        stmts, body.stmts = body.stmts, []
        with self.b.into(body):
            for elem, source in starts:
                self.dots[elem] = source
        body.stmts, inner = [*stmts], body.stmts
        body.stmts = inner + stmts
        self.block(body)
        with self.b.into(body):
            ends = tuple(self.result_dot(body.results[1 + k]) for k in active)
        stop, carried = body.results[0], body.results[1 : 1 + n]
        body.results = (stop, *carried, *ends, *saved)
        body.params += params
        if stmt.header is not None:
            mirror = tuple(Value(p.type, p.hint, p.loc) for p in params)
            stmt.header.params += mirror
            stmt.header.results += mirror
        stmt.init += init
        stmt.iters = iters
        self.dots = before
        outs = tuple(Value(p.type, p.hint, stmt.loc) for p in params)
        for k, out in zip(active, outs, strict=True):
            self.dots[stmt.outs[k]] = out
        stmt.outs += outs
        self.b.add(stmt)

    def iterables(
        self, stmt: Loop
    ) -> tuple[tuple[Iter, ...], list[tuple[Value, Operand]]]:
        """Run over the tangents of active iterables in step with them."""
        iters: list[Iter] = []
        starts: list[tuple[Value, Operand]] = []
        for it in stmt.iters:
            active = [e for e in it.elems if e in self.active]
            if (
                not active
                or not isinstance(it.source, Value)
                or not self.has(it.source)
            ):
                iters.append(it)
                continue
            source_dot = self.dot(it.source)
            elems = tuple(Value(e.type, _dot(e), e.loc) for e in it.elems)
            iters += [it, Iter(source_dot, elems, it.unpack)]
            starts += [
                (e, d) for e, d in zip(it.elems, elems, strict=True) if e in self.active
            ]
        return tuple(iters), starts

    # ------------------------------------------------------------- calls

    def call(self, stmt: Call) -> None:
        """Call a function that returns value and tangent."""
        if stmt.out not in self.active:
            self.b.block.stmts.append(stmt)
            return
        wanted = tuple(k for k, a in enumerate(stmt.args) if self.has(a))
        function = tangent_function(stmt.callee, wanted, self.made)
        dots = tuple(self.dot(stmt.args[k]) for k in wanted)
        pair = Value(lt.TupleT((stmt.out.type, stmt.out.type)), None, stmt.loc)
        self.b.add(Call(pair, function, (*stmt.args, *dots), stmt.loc))
        value = self.b.getitem(pair, 0)
        assert isinstance(value, Value)
        value.hint = stmt.out.hint
        self.renamed[stmt.out] = value
        self.active.add(value)
        dot = self.b.getitem(pair, 1)
        self.dots[stmt.out] = self.dots[value] = dot

    @property
    def renamed(self) -> dict[Value, Operand]:
        """Values whose statements were replaced."""
        return self.__dict__.setdefault("_renamed", {})  # type: ignore[no-any-return]

    def finish(self, block: Block) -> None:
        """Replace values whose statements were replaced."""
        substitute(block, self.renamed)


def tangent_function(
    function: Function, wanted: tuple[int, ...], made: dict[Any, Function]
) -> Function:
    """Return the function that computes value and tangent of an IR function."""
    key = (id(function), wanted)
    if key in made:
        return made[key]
    new = Function(f"{function.name}_jvp", (), Block(), function.loc)
    made[key] = new
    made[key, "kept"] = function
    copy, _ = copy_function(function)
    wrt = [copy.params[k] for k in wanted]
    dots = tuple(Value(p.type, _dot(p), p.loc) for p in wrt)
    write_tangent(copy, wrt, dots, active_values(copy, wrt), made)
    new.params = (*copy.params, *dots)
    new.body, new.namespace, new.cells = copy.body, copy.namespace, copy.cells
    new.result = lt.TupleT((function.result, function.result))
    return new


def write_tangent(
    function: Function,
    wrt: list[Value],
    dots: tuple[Value, ...],
    active: set[Value],
    made: dict[Any, Function],
) -> Builder:
    """Turn a function's body into one that returns `(value, tangent)`, in place."""
    b = Builder(algebra=True)
    b.outer_defs = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    forward = Forward(b, active, made)
    forward.dots.update(zip(wrt, dots, strict=True))
    forward.block(function.body)
    with b.into(function.body):
        b.loc = function.loc
        [result] = function.body.results
        tangent = forward.dot(result)
        function.body.results = (b.apply(prims.make_tuple, result, tangent),)
    forward.finish(function.body)
    return b


def _dot(value: Value) -> str | None:
    return f"{value.hint}_dot" if value.hint else None


def _carried(start: lt.Type, like: lt.Type) -> lt.Type:
    """Return the type of a carried tangent."""
    if isinstance(start, lt.ScalarT) and isinstance(like, lt.ScalarT):
        return lt.join(start, lt.ScalarT(like.kind, like.dtype, False))
    return like


def _is_integers(t: lt.Type) -> bool:
    """Say whether a type is that of an array of integers or truth values."""
    return isinstance(t, lt.ArrayT) and t.dtype.kind in "biu"
