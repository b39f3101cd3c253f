"""Random well-formed IR: everything that a pass may hand to the backend, small."""

from __future__ import annotations

import math
import operator
from random import Random
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
    Iter,
    Loop,
    Operand,
    Stmt,
    Value,
)
from chainrule.types.lattice import BOOL, FLOAT, ArrayT, Sym, TapeT, Type

VECTOR = ArrayT(np.dtype(float), (Sym("n"),))
OPS: tuple[Any, ...] = (operator.add, operator.sub, operator.mul, operator.add)
HINTS = (None, None, None, "x", "y", "s", "t", "x_bar")


class Maker:
    """Makes blocks; `scope` are the numbers that may be read."""

    number: Type = FLOAT

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.budget = 30

    def operand(self, scope: list[Value]) -> Operand:
        if scope and self.rng.random() < 0.9:
            pool = scope[-4:] if self.rng.random() < 0.6 else scope
            return self.rng.choice(pool)
        return Const(self.rng.choice((0.5, -1.0, 2.0, 0.0)))

    def value(self) -> Value:
        return Value(self.number, self.rng.choice(HINTS))

    def apply(self, scope: list[Value]) -> Apply:
        out = self.value()
        if self.rng.random() < 0.25:
            return Apply(out, math.tanh, (self.operand(scope),))
        if self.rng.random() < 0.1:
            return Apply(out, operator.neg, (self.operand(scope),))
        fn = self.rng.choice(OPS)
        return Apply(out, fn, (self.operand(scope), self.operand(scope)))

    def test(self, scope: list[Value], stmts: list[Stmt]) -> Operand:
        out = Value(BOOL, self.rng.choice((None, None, "flag")))
        args = (self.operand(scope), self.operand(scope))
        stmts.append(Apply(out, self.rng.choice((operator.lt, operator.gt)), args))
        return out

    def block(
        self,
        scope: list[Value],
        depth: int,
        results: list[Any],
        params: tuple[Value, ...] = (),
    ) -> Block:
        """Return a block; a result is "number", "flag", "undef" or a constant."""
        scope = [*scope, *params]
        stmts: list[Stmt] = []
        for _ in range(self.rng.randint(0, 3)):
            if self.budget <= 0:
                break
            self.budget -= 1
            self.stmt(scope, depth, stmts)
        if depth and results and self.rng.random() < 0.5:
            return self.tail(scope, depth, results, params, stmts)
        return Block(params, stmts, self.finish(scope, results, stmts))

    def finish(
        self, scope: list[Value], results: list[Any], stmts: list[Stmt]
    ) -> tuple[Operand, ...]:
        out: list[Operand] = []
        for result in results:
            if result == "number":
                out.append(self.operand(scope))
            elif result == "flag" and self.rng.random() < 0.2:
                out.append(self.test(scope, stmts))
            elif result == "flag":
                out.append(Const(self.rng.random() < 0.3))
            else:
                out.append(result if result is UNDEF else Const(result))
        return tuple(out)

    def tail(
        self,
        scope: list[Value],
        depth: int,
        results: list[Any],
        params: tuple[Value, ...],
        stmts: list[Stmt],
    ) -> Block:
        """End a block with an `If` that gives some of its results."""
        rng = self.rng
        chosen = [i for i in range(len(results)) if rng.random() < 0.8]
        wanted = [results[i] for i in chosen]
        test: Operand = self.test(scope, stmts)
        if rng.random() < 0.4:
            outs = (Value(BOOL, None), self.value())
            kinds = ["flag", "number"]
            then = self.block(scope, depth - 1, kinds)
            orelse = self.block(scope, depth - 1, kinds)
            stmts.append(If(test, then, orelse, outs, guard=rng.random() < 0.3))
            test, scope = outs[0], [*scope, outs[1]]
        elif rng.random() < 0.4:
            loop = self.loop(scope, depth, stmts)
            if loop.stopped is not None:
                test = loop.stopped
        outs = tuple(
            Value(BOOL, None) if results[i] == "flag" else self.value() for i in chosen
        )
        then = self.block(scope, depth - 1, wanted)
        orelse = self.block(scope, depth - 1, wanted)
        stmts.append(If(test, then, orelse, outs, guard=rng.random() < 0.5))
        found = dict(zip(chosen, outs, strict=True))
        rest = self.finish(scope, results, stmts[:0])
        made = tuple(found.get(i, r) for i, r in enumerate(rest))
        made = tuple(
            Const(False) if results[i] == "flag" and i not in found else r
            for i, r in enumerate(made)
        )
        return Block(params, stmts, made)

    def stmt(self, scope: list[Value], depth: int, stmts: list[Stmt]) -> None:
        kind = self.rng.random()
        if not depth or kind < 0.6:
            stmts.append(self.apply(scope))
            scope.append(stmts[-1].out)
        elif kind < 0.8:
            outs = tuple(self.value() for _ in range(self.rng.randint(0, 2)))
            kinds = ["number"] * len(outs)
            then = self.block(scope, depth - 1, kinds)
            orelse = self.block(scope, depth - 1, kinds)
            test = self.test(scope, stmts)
            stmts.append(If(test, then, orelse, outs, guard=self.rng.random() < 0.2))
            scope += outs
        else:
            self.loop(scope, depth, stmts)

    def loop(self, scope: list[Value], depth: int, stmts: list[Stmt]) -> Loop:
        rng = self.rng
        hints = [rng.choice(HINTS) for _ in range(rng.randint(0, 3))]
        init = tuple(self.operand(scope) for _ in hints)
        params = tuple(Value(self.number, h) for h in hints)
        items = Const(rng.choice(((), (1.0,), (0.5, 2.0, -1.0))))
        elem = Value(self.number, rng.choice((None, "e", "x")))
        saved = rng.randint(0, 2)
        kinds = ["flag", *["number"] * (len(hints) + saved)]
        elems = (elem,)
        self.budget -= 1
        body = self.block([*scope, elem], depth - 1, kinds, params)
        tape = Value(TapeT((self.number,) * saved)) if saved else None
        asked = Value(BOOL, None) if rng.random() < 0.5 else None
        outs = tuple(Value(self.number, h) for h in hints)
        header = None
        if rng.random() < 0.2:
            header = self.header(scope, hints)
        loop = Loop((Iter(items, elems),), init, body, outs, header, tape, asked)
        if header is not None:
            loop.iters = ()
            _replace_reads(body, elem, self.operand(scope))
        stmts.append(loop)
        scope += outs
        if tape is not None and rng.random() < 0.7:
            self.reverse(scope, depth, stmts, tape, saved)
        return loop

    def header(self, scope: list[Value], hints: list[str | None]) -> Block:
        """Return the header of a `while` that ends: a Python counter counts calls."""
        params = tuple(Value(self.number, h) for h in hints)
        inner: list[Stmt] = []
        out = Value(BOOL, None)
        inner.append(Apply(out, countdown, (), effect=True))
        return Block(params, inner, (out, *params))

    def reverse(
        self, scope: list[Value], depth: int, stmts: list[Stmt], tape: Value, n: int
    ) -> None:
        """Append a loop over a tape, backwards."""
        back = Value(self.number)
        stmts.append(Apply(back, reversed, (tape,)))
        elems = tuple(self.value() for _ in range(n))
        acc, out = Value(self.number, "x_bar"), Value(self.number, "x_bar")
        body = self.block([*scope, *elems], depth - 1, [False, "number"], (acc,))
        init = (self.operand(scope),)
        stmts.append(Loop((Iter(back, elems, True),), init, body, (out,)))
        scope.append(out)


STATE = {"count": 0}


def countdown() -> bool:
    """Say True twice, then False, and so on; never again after twenty times."""
    STATE["count"] += 1
    return STATE["count"] % 3 != 0 and STATE["count"] < 20


def _replace_reads(block: Block, old: Value, new: Operand) -> None:
    def change(item: Operand) -> Operand:
        return new if item is old else item

    for i, stmt in enumerate(block.stmts):
        match stmt:
            case Apply(args=args):
                stmt.args = tuple(map(change, args))
            case If():
                stmt.test = change(stmt.test)
                _replace_reads(stmt.then, old, new)
                _replace_reads(stmt.orelse, old, new)
            case Loop():
                stmt.init = tuple(map(change, stmt.init))
                _replace_reads(stmt.body, old, new)
        block.stmts[i] = stmt
    block.results = tuple(map(change, block.results))


class ArrayMaker(Maker):
    """Makes blocks over vectors of one length, with views and functional updates."""

    number = VECTOR

    def operand(self, scope: list[Value]) -> Operand:
        pool = scope[-4:] if self.rng.random() < 0.7 else scope
        return self.rng.choice(pool)

    def test(self, scope: list[Value], stmts: list[Stmt]) -> Operand:
        total, out = Value(FLOAT), Value(BOOL)
        stmts.append(Apply(total, np.sum, (self.operand(scope),)))
        stmts.append(Apply(out, operator.gt, (total, Const(1.0))))
        return out

    def apply(self, scope: list[Value]) -> Apply:
        out, kind = self.value(), self.rng.random()
        first, second = self.operand(scope), self.operand(scope)
        if kind < 0.2:
            index = Const(self.rng.choice((0, slice(1, None), slice(None, None, -1))))
            fn = self.rng.choice((prims.index_add, prims.index_add, prims.index_set))
            return Apply(out, fn, (first, index, Const(self.rng.choice((1.0, -2.0)))))
        if kind < 0.3:
            whole = Const(slice(None))
            return Apply(out, prims.index_add, (first, whole, second))
        if kind < 0.4:
            return Apply(out, operator.getitem, (first, Const(slice(None, None, -1))))
        if kind < 0.5:
            return Apply(out, np.zeros_like, (first,))
        if kind < 0.6:
            return Apply(out, np.tanh, (first,))
        return Apply(out, self.rng.choice(OPS), (first, second))

    def loop(self, scope: list[Value], depth: int, stmts: list[Stmt]) -> Loop:
        loop = super().loop(scope, depth, stmts)
        for it in loop.iters:
            it.source = Const(range(len(it.source.value)))  # type: ignore[union-attr]
            for elem in it.elems:
                _replace_reads(loop.body, elem, scope[0])
        return loop


def random_function(seed: int) -> Function:
    """Return the function of a seed: `f(x, y)` of two floats."""
    return _function(Maker(Random(seed)), FLOAT)


def random_array_function(seed: int) -> Function:
    """Return the function of a seed: `f(x, y)` of two vectors of length 3."""
    return _function(ArrayMaker(Random(seed)), VECTOR)


def _function(maker: Maker, number: Type) -> Function:
    params = (Value(number, "x"), Value(number, "y"))
    body = maker.block(list(params), 3, ["number"])
    world = {"math": math, "np": np, "countdown": countdown}
    return Function("f", params, body, namespace=world)
