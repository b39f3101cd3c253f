"""What is known at the ends of blocks.

In: the blocks of a function. Out: `Paths`: which flags are settled on a path by the
tests on the way, what a flag can be at each end of a block, and whether an end does
nothing but return. Nothing is lowered here; `exits` asks before it decides.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.backend.continuations import (
    Continuation,
    Env,
    Follow,
    Leave,
    Results,
    Thread,
    Turn,
    resolve,
)
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Const, Operand, Value
from chainrule.ir.walk import count_uses, statements


class Paths:
    """Facts about the path that is being lowered, and questions about its ends."""

    def __init__(self, function: ir.Function) -> None:
        self.uses = count_uses(function.body)
        self.made = {
            s.out: s for s in statements(function.body) if isinstance(s, ir.Apply)
        }
        self.facts: dict[Value, bool] = {}

    def truth(self, operand: Operand) -> bool | None:
        """Say whether an operand is true on this path, if that is known."""
        if isinstance(operand, Const):
            return operand.value if isinstance(operand.value, bool) else None
        if not isinstance(operand, Value):
            return None
        if operand in self.facts:
            return self.facts[operand]
        made = self.made.get(operand)
        if made is not None and made.fn is operator.not_:
            inner = self.truth(made.args[0])
            return None if inner is None else not inner
        return None

    @contextmanager
    def assume(self, test: Operand, value: bool) -> Iterator[None]:
        """Remember the outcome of a test on one of its branches."""
        outer = self.facts
        if isinstance(test, Value):
            self.facts = {**outer, test: value}
            made = self.made.get(test)
            if made is not None and made.fn is operator.not_:
                source = made.args[0]
                if isinstance(source, Value):
                    self.facts[source] = not value
        try:
            yield
        finally:
            self.facts = outer

    def decides(self, stmt: ir.If, operand: Operand) -> bool:
        """Say whether an `If` settles what an operand is."""
        if not isinstance(operand, Value) or operand in stmt.outs:
            return isinstance(operand, Value)
        if self.truth(operand) is not None:
            return False
        with self.assume(stmt.test, True):
            return self.truth(operand) is not None

    def leaf_flags(self, stmt: ir.If, index: int) -> list[bool]:
        """Return what result `index` can be at the ends of an `If`."""
        out: list[bool] = []
        for block, value in ((stmt.then, True), (stmt.orelse, False)):
            with self.assume(stmt.test, value):
                out += self.truths(block, block.results[index])
        return out

    def truths(self, block: ir.Block, operand: Operand) -> list[bool]:
        """Return what an operand can be at each end of a block."""
        known = self.truth(operand)
        if known is not None:
            return [known]
        last = block.stmts[-1] if block.stmts else None
        if operand is UNDEF or raises(block):
            return []
        if not isinstance(last, ir.If) or not self.decides(last, operand):
            return [True, False]
        out: list[bool] = []
        for branch, value in ((last.then, True), (last.orelse, False)):
            inner = operand
            if operand in last.outs:
                inner = branch.results[last.outs.index(operand)]
            with self.assume(last.test, value):
                out += self.truths(branch, inner)
        return out

    def leaf_results(
        self, block: ir.Block, results: Results, wanted: tuple[int, ...]
    ) -> list[Results]:
        """Return the results of a block at each of its ends, as far as flags differ."""
        last = block.stmts[-1] if block.stmts else None
        if raises(block):
            return []
        decided = isinstance(last, ir.If) and (
            last.guard or any(self.decides(last, results[i]) for i in wanted)
        )
        out = []
        if isinstance(last, ir.If) and decided:
            for inner, value in ((last.then, True), (last.orelse, False)):
                env: Env = dict(zip(last.outs, inner.results, strict=True))
                made = tuple(resolve(r, env) for r in results)
                with self.assume(last.test, value):
                    out += self.leaf_results(inner, made, wanted)
            return out
        for i in wanted:
            if isinstance(results[i], Value) and self.truth(results[i]) is None:
                for value in (True, False):
                    with self.assume(results[i], value):
                        out += self.leaf_results(block, results, wanted)
                return out
        known = (r if self.truth(r) is None else Const(self.truth(r)) for r in results)
        return [tuple(known)]

    def flag_at(self, loop: ir.Loop, follow: Follow, results: Results) -> Operand:
        """Return the flag that the following `If` tests, at one end of the body."""
        if follow.flag is loop.stopped:
            return results[0]
        return results[1 + loop.outs.index(follow.flag)]

    def returns(
        self, block: ir.Block, results: Results, env: Env, k: Continuation
    ) -> bool:
        """Say whether a block with this continuation ends in `return`."""
        if any(not isinstance(s, ir.Apply | ir.Call) for s in block.stmts):
            return False
        known = tuple(resolve(r, env) for r in results)
        match k:
            case Leave():
                return True
            case Turn(loop=loop, follow=follow) if follow is not None:
                flag = self.truth(self.flag_at(loop, follow, known))
                if self.truth(known[0]) and flag:
                    return self.returns_follow(follow, loop, known)
            case Thread(outs=outs, follow=follow):
                if follow.jump and self.truth(known[outs.index(follow.flag)]):
                    inner = {**follow.env, **dict(zip(outs, known, strict=True))}
                    then = follow.test.then
                    inner.update(zip(follow.test.outs, then.results, strict=True))
                    return self.returns(then, follow.results, inner, follow.then)
        return False

    def returns_follow(self, follow: Follow, loop: ir.Loop, results: Results) -> bool:
        """Say whether the branch for a set flag does nothing but return."""
        env = {**follow.env, **dict(zip(loop.outs, results[1:], strict=False))}
        block = follow.test.then
        env.update(zip(follow.test.outs, block.results, strict=True))
        return self.returns(block, follow.results, env, follow.then)

    def jumps(self, follow: Follow, block: ir.Block, jump: bool) -> bool:
        """Say whether a branch of the following `If` never falls through."""
        k = follow.then
        if not isinstance(k, Thread):
            return True
        env = {**follow.env, **dict(zip(follow.test.outs, block.results, strict=True))}
        flag = resolve(follow.results[k.outs.index(k.follow.flag)], env)
        with self.assume(follow.flag, jump):
            return self.truth(flag) == k.follow.jump


def raises(block: ir.Block) -> bool:
    last = block.stmts[-1] if block.stmts else None
    return isinstance(last, ir.Apply) and last.fn is prims.raise_
