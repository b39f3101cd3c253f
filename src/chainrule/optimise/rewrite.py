"""Rewrite forwards: substitute, fold, simplify, share.

In: a function and the values that the compiler itself computes. Out: the same function
with known branches taken, carried values that never change replaced by what they are,
algebra done on the compiler's own operations, and equal operations done once.
"""

from __future__ import annotations

import builtins
import itertools
import operator
from collections.abc import Iterable
from types import NoneType
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    Function,
    If,
    Loop,
    Operand,
    Stmt,
    Try,
    Undef,
    Value,
    With,
    blocks,
)
from chainrule.ir.walk import replace_operands, statements, substitute
from chainrule.specialise.algebra import simplify
from chainrule.specialise.builder import Builder
from chainrule.types import lattice as lt

# Results that are written in place later must not be shared.
UNSHARED = {
    np.zeros_like,
    np.zeros,
    np.empty,
    np.ones,
    np.full,
    np.full_like,
    np.ones_like,
    prims.make_list,
    prims.index_add,
    prims.index_set,
    prims.fill,
    prims.view_set,
    prims.list_append,
    prims.list_init,
    builtins.reversed,
    builtins.range,
    *(builtins.iter, builtins.zip, builtins.map, builtins.filter, builtins.enumerate),
    itertools.count,
    prims.copy_value,
    prims.live,
}
PASSED_ON = {prims.stop, prims.same, prims.on_cotangent}
READS = {operator.getitem, builtins.getattr}


def rewrite(function: Function, ours: set[Value], again: bool = False) -> bool:
    """Rewrite a function in place; what is made is ours too. Say whether it changed.

    Quotients are shared when it is done `again`: sums have been taken apart by then.
    """
    return Rewriter(function, ours, again).run(function)


class Rewriter:
    """One walk over a function in the order in which it runs."""

    def __init__(self, function: Function, ours: set[Value], again: bool) -> None:
        self.again = again
        self.table: dict[Value, Operand] = {}
        self.decided: dict[Value, bool] = {}  # tests, in the branches that they choose
        self.taken = False
        self.ours = ours
        self.b = Builder(algebra=True)
        self.seen: list[dict[Any, Value]] = [{}]
        for stmt in statements(function.body):
            if isinstance(stmt, Apply):
                if stmt.out in self.ours:
                    self.b.defs[stmt.out] = stmt
                else:
                    self.b.outer_defs[stmt.out] = stmt

    def run(self, function: Function) -> bool:
        self.block(function.body)
        return self.taken or bool(self.table)

    def new(self, op: Operand) -> Operand:
        while isinstance(op, Value) and op in self.table:
            op = self.table[op]
        return op

    def block(self, block: Block) -> None:
        """Rewrite the statements of a block, and its results."""
        out: list[Stmt] = []
        self.seen.append({})
        for stmt in block.stmts:
            if self.table:
                replace_operands(stmt, self.new)
            out += self.stmt(stmt)
        self.seen.pop()
        block.stmts = out
        block.results = tuple(map(self.new, block.results))

    def stmt(self, stmt: Stmt) -> list[Stmt]:
        match stmt:
            case Apply():
                return self.apply(stmt)
            case If():
                return self.branches(stmt)
            case Loop():
                return self.loop(stmt)
            case Try() | With():
                for inner in blocks(stmt):
                    self.block(inner)
        return [stmt]

    def apply(self, stmt: Apply) -> list[Stmt]:
        if stmt.effect:
            return [stmt]
        folded = self.structural(stmt)
        if folded is None and stmt.out in self.ours:
            folded = self.simpler(stmt)
        fresh = self.b.block.stmts
        if fresh:
            self.b.block = Block()
        if folded is not None:
            folded = self.new(folded)
            self.inherit(folded, stmt.out)
            self.table[stmt.out] = folded
            for made in fresh:
                self.ours.add(made.out)  # type: ignore[union-attr]
                self.share(made)  # type: ignore[arg-type]
            return fresh
        known = self.share(stmt)
        if known is not None:
            self.inherit(known, stmt.out)
            self.table[stmt.out] = known
            return []
        return [stmt]

    def simpler(self, stmt: Apply) -> Operand | None:
        """Fold or simplify an operation of ours; the builder has what that takes."""
        self.b.loc = stmt.loc
        folded = None
        if all(isinstance(a, Const) for a in stmt.args):
            folded = self.b.fold(stmt.fn, stmt.args, stmt.kwargs)
        if folded is None:
            folded = simplify(self.b, stmt.fn, stmt.args, stmt.kwargs)
        if folded is None and self.again and not stmt.kwargs:
            folded = self.quotient(stmt)
        if folded is None and stmt.fn is np.mean:
            folded = self.kept_axes(stmt)
        return folded

    def quotient(self, stmt: Apply) -> Operand | None:
        """Use a quotient that is there: `x * y / z` is `(x / z) * y`."""
        if stmt.fn is operator.truediv:
            product = self.ours_made(stmt.args[0], operator.mul)
            if product is not None:
                for x, y in (product.args, product.args[::-1]):
                    known = self.known(operator.truediv, x, stmt.args[1])
                    if known is not None and known.type == stmt.out.type:
                        return self.b.apply(operator.mul, known, y)
        elif stmt.fn is operator.mul:
            for one, other in (stmt.args, stmt.args[::-1]):
                found = self.shared_ratio(one, other)
                if found is not None:
                    rest, known = found
                    if self.b.infer(operator.mul, (rest, known), ()) == stmt.out.type:
                        return self.b.apply(operator.mul, rest, known)
            return (
                self.higher_power(*stmt.args)
                or self.negated(*stmt.args)
                or self.multiple(*stmt.args)
            )
        return None

    def multiple(self, product: Operand, x: Operand) -> Operand | None:
        """Use a cotangent that is there: `2 * a * x` is `2 * b` for `b = a * x`."""
        outer = self.ours_made(product, operator.mul)
        if outer is None:
            return None
        known = self.known(operator.mul, outer.args[1], x)
        if known is None or known.hint is None:
            return None
        if known in self.ours and not isinstance(outer.args[0], Const):
            return None
        return self.b.apply(operator.mul, outer.args[0], known)

    def negated(self, number: Operand, x: Operand) -> Operand | None:
        """Use a multiple that is there: `-2 * x` is `-(2 * x)`."""
        if not isinstance(number, Const) or type(number.value) not in (int, float):
            return None
        if not number.value < 0:
            return None
        known = self.known(operator.mul, Const(-number.value), x)
        return None if known is None else self.b.apply(operator.neg, known)

    def shared_ratio(
        self, one: Operand, other: Operand
    ) -> tuple[Operand, Value] | None:
        """Use a quotient that is there: `x / a / b * y` is `(x / b) * (y / a)`."""
        ratio = self.ours_made(one, operator.truediv)
        if ratio is None:
            return None
        known = self.known(operator.truediv, other, ratio.args[1])
        if known is not None and known is not one:
            return ratio.args[0], known
        inner = self.shared_ratio(ratio.args[0], other)
        if inner is None:
            return None
        return self.b.apply(operator.truediv, inner[0], ratio.args[1]), inner[1]

    def higher_power(self, product: Operand, x: Operand) -> Operand | None:
        """Use a power that is there: `a * x**2 * x` is `a * x**3`."""
        a: Operand | None = None
        power = self.ours_made(product, operator.pow)
        if power is None and (outer := self.ours_made(product, operator.mul)):
            a, power = outer.args[0], self.ours_made(outer.args[1], operator.pow)
        if power is None or power.args[0] is not x:
            return None
        n = power.args[1]
        if not isinstance(n, Const) or type(n.value) is not int or n.value < 2:
            return None
        known = self.known(operator.pow, x, Const(n.value + 1))
        return (
            known
            if a is None or known is None
            else self.b.apply(operator.mul, a, known)
        )

    def kept_axes(self, stmt: Apply) -> Operand | None:
        """Use a mean that is there without `keepdims`: it is the same with an axis."""
        said = dict(stmt.kwargs)
        keep, axis = said.pop("keepdims", None), said.get("axis")
        kept = isinstance(keep, Const) and keep.value is True
        if not kept or set(said) != {"axis"} or not isinstance(axis, Const):
            return None
        known = self.known(np.mean, *stmt.args, axis=axis)
        if known is None or type(axis.value) is not int:
            return None
        return self.b.apply(np.expand_dims, known, axis)

    def ours_made(self, op: Operand, fn: Any) -> Apply | None:
        """Return the operation of ours behind an operand, if it is this one."""
        stmt = self.b.defs.get(op) if isinstance(op, Value) else None
        return stmt if stmt is not None and stmt.fn is fn else None

    def known(self, fn: Any, *args: Operand, **named: Operand) -> Value | None:
        """Return an earlier value of an operation."""
        return self.earlier(_operation(fn, args, named.items()))

    def earlier(self, key: Any) -> Value | None:
        """Return the value of an operation in this block or around it."""
        for scope in reversed(self.seen):
            found: Value | None = scope.get(key)
            if found is not None:
                return found
        return None

    def inherit(self, op: Operand, old: Value) -> None:
        """Keep the name of a value that is replaced by an unnamed one."""
        if isinstance(op, Value) and op.hint is None and op in self.ours:
            op.hint = old.hint

    def structural(self, stmt: Apply) -> Operand | None:
        if stmt.fn in PASSED_ON:
            return stmt.args[0]
        if stmt.fn in READS:
            return self.b.fold(stmt.fn, stmt.args, stmt.kwargs)
        return None

    def share(self, stmt: Apply) -> Value | None:
        """Return an earlier value of the same operation, or note this one."""
        if stmt.fn in UNSHARED or isinstance(stmt.out.type, lt.NeverT):
            return None
        key = _operation(stmt.fn, stmt.args, stmt.kwargs)
        try:
            found = self.earlier(key)
        except TypeError:
            return None
        if found is None:
            self.seen[-1][key] = stmt.out
        return found

    def branches(self, stmt: If) -> list[Stmt]:
        test = stmt.test
        if isinstance(test, Value) and test in self.decided:
            stmt.test = Const(self.decided[test])
        if isinstance(stmt.test, Const):
            self.taken = True
            taken = stmt.then if stmt.test.value else stmt.orelse
            for out, result in zip(stmt.outs, taken.results, strict=True):
                self.table[out] = result
            inner: list[Stmt] = []
            for s in taken.stmts:
                replace_operands(s, self.new)
                inner.extend(self.stmt(s))
            return inner
        for block, value in ((stmt.then, True), (stmt.orelse, False)):
            if isinstance(test, Value):
                self.decided[test] = value
            self.block(block)
        self.decided.pop(test, None)  # type: ignore[arg-type]
        kept = []
        for k, out in enumerate(stmt.outs):
            one, two = stmt.then.results[k], stmt.orelse.results[k]
            if one is two or (
                isinstance(one, Const)
                and isinstance(two, Const)
                and _key(one) == _key(two)
            ):
                self.table[out] = one
            elif out.hint is None and {one, two} == {test, UNDEF}:
                self.table[out] = test  # it is needed only where it is decided
            else:
                kept.append(k)
        stmt.outs = tuple(stmt.outs[k] for k in kept)
        for block in (stmt.then, stmt.orelse):
            block.results = tuple(block.results[k] for k in kept)
        return [stmt]

    def loop(self, stmt: Loop) -> list[Stmt]:
        self.unchanging(stmt)
        if stmt.header is not None:
            self.block(stmt.header)
        self.block(stmt.body)
        known = len(self.table)
        self.unchanging(stmt)
        if len(self.table) > known:
            substitute(stmt.body, {v: self.new(v) for v in list(self.table)[known:]})
        return [stmt]

    def unchanging(self, stmt: Loop) -> None:
        """Replace carried values that every iteration hands on as they are."""
        body = stmt.body
        n = len(stmt.outs)
        kept = []
        for k in range(n):
            result, init = self.new(body.results[1 + k]), stmt.init[k]
            same = result is body.params[k] or (
                isinstance(init, Const)
                and isinstance(result, Const)
                and _key(init) == _key(result)
            )
            if not same or isinstance(init, Undef):
                kept.append(k)
                continue
            for value in (body.params[k], stmt.outs[k]):
                self.table[value] = init
            if stmt.header is not None:
                self.table[stmt.header.params[k]] = init
        if len(kept) == n:
            return
        results = body.results[1:]
        body.results = (body.results[0], *(results[k] for k in kept), *results[n:])
        body.params = tuple(body.params[k] for k in kept)
        if stmt.header is not None:
            carried = stmt.header.results[1:]
            stmt.header.results = (stmt.header.results[0], *(carried[k] for k in kept))
            stmt.header.params = tuple(stmt.header.params[k] for k in kept)
        stmt.init = tuple(stmt.init[k] for k in kept)
        stmt.outs = tuple(stmt.outs[k] for k in kept)


def _operation(
    fn: Any, args: Iterable[Operand], kwargs: Iterable[tuple[str, Operand]]
) -> Any:
    """Return the same for operations that give the same."""
    keys = [op if isinstance(op, Value) else _key(op) for op in args]
    return (fn, *keys, *[(k, _key(v)) for k, v in kwargs])


def _key(op: Operand) -> Any:
    if isinstance(op, Const):
        value = op.value
        if type(value) in (int, str, NoneType):
            return (type(value), value)
        if isinstance(value, slice):
            return ("slice", value.start, value.stop, value.step)
        if isinstance(value, tuple):
            return tuple(_key(Const(v)) for v in value)
        if isinstance(value, bool | int | float | complex | str | type(None)):
            return (type(value), repr(value))
        return id(value)
    return op
