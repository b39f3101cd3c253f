"""Forward mode: each statement followed by its tangent.

In: an IR function and its active parameters. Out: statements that compute the value
and, beside it, the tangent. Branches and loops carry the tangents of what they carry;
there is no tape.
"""

from __future__ import annotations

import builtins
import operator
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
from chainrule.transform import splice
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
            return make(self.b, layout, [self.zero(p) for p in read_parts(self.b, op)])
        if isinstance(t, lt.OptionalT):
            t = t.elem
            if isinstance(t, lt.ArrayT):
                return self.b.apply(helpers.zeros_like, op, type_=t)
        if isinstance(t, lt.ArrayT) and lt.is_differentiable(t):
            return self.b.apply(np.zeros_like, op)
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
            self.elementwise(stmt, rule, bound)
        elif rule.kind == "linear":
            self.linear(stmt, rule, bound)
        else:
            self.explicit(stmt, rule, bound)

    def elementwise(self, stmt: Apply, rule: Any, bound: dict[str, Any]) -> None:
        """Add up partial times tangent."""
        args, kwargs = splice.arguments(rule, bound, {"out": stmt.out})
        result = splice.usable(self.splicer.run(rule.template, args, kwargs), stmt.loc)
        total: Operand | None = None
        for operand, partial in splice.paired(self.b, rule, bound, result):
            if not self.has(operand) or is_zero(partial):
                continue
            if isinstance(partial, Const) and partial.value is None:
                continue
            if is_zero(self.dot(operand)):
                continue
            term = self.b.apply(operator.mul, self.dot(operand), partial)
            total = term if total is None else self.b.apply(operator.add, total, term)
        if total is None:
            total = self.zero(stmt.out)
        self.set(stmt.out, self.fit(total, stmt.out))

    def fit(self, dot: Operand, out: Value) -> Operand:
        """Give a tangent the shape and dtype of its value."""
        t, have = out.type, type_of(dot)
        if isinstance(t, lt.ArrayT | lt.ScalarT) and isinstance(
            have, lt.ArrayT | lt.ScalarT
        ):
            if lt.result_dtype(t).kind == "f" and lt.result_dtype(have).kind == "c":
                dot = self.b.apply(np.real, dot, form="attribute", text="real")
                have = type_of(dot)
        if isinstance(t, lt.ArrayT) and isinstance(have, lt.ArrayT | lt.ScalarT):
            want, got = t.dims, lt.dims_of(have)
            if want is None and got is not None:
                shape: Operand = self.b.apply(np.shape, out)
                return self.b.apply(np.broadcast_to, dot, shape, type_=t)
            if want is not None and got is not None and want != got:
                small = len(got) < len(want) or any(
                    g != w and lt.maybe_one(g) for g, w in zip(got, want, strict=True)
                )
                if small:
                    shape = self.b.apply(getattr, out, Const("shape"))
                    return self.b.apply(np.broadcast_to, dot, shape, type_=t)
        return dot

    def linear(self, stmt: Apply, rule: Any, bound: dict[str, Any]) -> None:
        """Apply the function itself to each tangent in turn."""
        names = [
            n for n in rule.wrt if n in bound and any(map(self.has, _listed(bound[n])))
        ]
        for name, op in bound.items():
            if name not in rule.wrt and any(map(self.has, _listed(op))):
                raise splice.not_handled(stmt, name)
        total: Operand | None = None
        for name in names:
            originals = _listed(bound[name])
            swap = {o: self.dot(o) for o in originals if isinstance(o, Value)}
            term = self._again(stmt, bound, name, swap)
            total = term if total is None else self.b.apply(operator.add, total, term)
        if total is None:
            total = self.zero(stmt.out)
        self.set(stmt.out, self.fit(total, stmt.out))

    def _again(
        self,
        stmt: Apply,
        bound: dict[str, Any],
        name: str,
        swap: dict[Value, Operand],
    ) -> Operand:
        """Write the operation with one argument replaced by its tangent."""
        sig = splice.signature(stmt.fn)
        args, kwargs = list(stmt.args), list(stmt.kwargs)
        position = None
        if sig is not None:
            for k, parameter in enumerate(sig.parameters.values()):
                if parameter.name == name:
                    position = k
                    variadic = parameter.kind is parameter.VAR_POSITIONAL
        if position is None:
            position, variadic = list(bound).index(name), False
        if isinstance(bound[name], tuple) and sig is not None and variadic:
            args[position:] = [
                swap.get(a, a) if isinstance(a, Value) else a for a in args[position:]
            ]
        elif position < len(args):
            old = args[position]
            args[position] = (
                swap.get(old, old) if isinstance(old, Value) else self.zero(old)
            )
        else:
            kwargs = [
                (k, swap.get(v, v) if k == name and isinstance(v, Value) else v)
                for k, v in kwargs
            ]
        return self.b.apply(
            stmt.fn, *args, kwargs=tuple(kwargs), form=stmt.form, text=stmt.text
        )

    def explicit(self, stmt: Apply, rule: Any, bound: dict[str, Any]) -> None:
        """Run a tangent rule; a number that was left out has its default,
        and no tangent.
        """
        special: dict[str, Operand] = {"out": stmt.out}
        bound = {**splice.left_out_numbers(stmt, rule), **bound}
        for name in rule.wrt:
            if name in bound:
                value = bound[name]
                if isinstance(value, tuple):
                    special[f"{name}_dot"] = self.b.apply(
                        prims.make_tuple, *(self.dot(v) for v in value)
                    )
                else:
                    special[f"{name}_dot"] = self.dot(value)
            else:
                special[f"{name}_dot"] = Const(None)
        for name, op in bound.items():
            if name not in rule.wrt and any(map(self.has, _listed(op))):
                raise splice.not_handled(stmt, name)
        args, kwargs = splice.arguments(rule, bound, special)
        result = splice.usable(self.splicer.run(rule.template, args, kwargs), stmt.loc)
        layout = layout_of(stmt.out)
        if layout is not None and layout_of(result) is not None:
            result = make(self.b, layout, read_parts(self.b, result))
        self.set(stmt.out, result if layout is not None else self.fit(result, stmt.out))

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


def _listed(op: Any) -> list[Operand]:
    if op is None:
        return []
    return list(op) if isinstance(op, tuple) else [op]


# ----------------------------------------------------------------- containers


def _make(self: Forward, stmt: Apply) -> bool:
    """Make the same container of tangents."""
    self.b.block.stmts.append(stmt)
    b = self.b
    if stmt.fn is prims.make_dict:
        parts = [self.dot(a) for a in stmt.args[1:]]
        self.set(stmt.out, b.apply(prims.make_dict, stmt.args[0], *parts))
    elif stmt.fn is prims.make_object:
        layout = layout_of(stmt.out)
        assert layout is not None
        self.set(stmt.out, make(b, layout, [self.dot(a) for a in stmt.args[2:]]))
    else:
        t = stmt.out.type
        dots = [self.dot(a) for a in stmt.args]
        known = t if isinstance(t, lt.ListT) and t.items is None else None
        self.set(stmt.out, b.apply(stmt.fn, *dots, type_=known))
    return True


def _getitem(self: Forward, stmt: Apply) -> bool:
    """Read the same part of the tangents."""
    self.b.block.stmts.append(stmt)
    base, index = stmt.args
    dot = self.dot(base)
    t = stmt.out.type if isinstance(type_of(base), lt.ListT | lt.TapeT) else None
    part = self.b.fold(operator.getitem, [dot, index], [])
    if part is None:
        part = self.b.apply(operator.getitem, dot, index, type_=t)
    self.set(stmt.out, part)
    return True


def _getattr(self: Forward, stmt: Apply) -> bool:
    base, name = stmt.args[:2]
    if not isinstance(type_of(base), lt.ObjT):
        return False
    self.b.block.stmts.append(stmt)
    dot = self.dot(base)
    if isinstance(type_of(dot), lt.DictT):
        self.set(stmt.out, self.b.apply(operator.getitem, dot, name))
    else:
        self.set(stmt.out, self.b.apply(builtins.getattr, dot, name))
    return True


def _same(self: Forward, stmt: Apply) -> bool:
    """Do the same with the tangents."""
    self.b.block.stmts.append(stmt)
    args = [self.dot(a) if self.has(a) else a for a in stmt.args]
    if stmt.fn in (prims.list_append, prims.index_add, prims.index_set):
        args = [
            self.dot(a) if k != 1 or stmt.fn is prims.list_append else a
            for k, a in enumerate(stmt.args)
        ]
    t = stmt.out.type
    self.set(stmt.out, self.b.apply(stmt.fn, *args, kwargs=stmt.kwargs, type_=t))
    return True


def _of_lists(self: Forward, stmt: Apply) -> bool:
    """Join or repeat the tangents of lists as the lists themselves."""
    if not isinstance(stmt.out.type, lt.ListT):
        return False
    self.b.block.stmts.append(stmt)
    args = [self.dot(a) if isinstance(type_of(a), lt.ListT) else a for a in stmt.args]
    self.set(stmt.out, self.b.apply(stmt.fn, *args, type_=stmt.out.type))
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
    operator.add: _of_lists,
    operator.mul: _of_lists,
    prims.list_init: _same,
    prims.index_add: _same,
    prims.index_set: _same,
    builtins.reversed: _same,
    helpers.unbroadcast: None,
}
STRUCTURAL = {k: v for k, v in STRUCTURAL.items() if v is not None}
