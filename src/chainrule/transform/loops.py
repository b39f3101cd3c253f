"""The reverse of a loop: a loop over its tape from the end.

In: a forward `Loop` whose results have cotangents. Out: a `Loop` in the reverse sweep
that carries the cotangents of the carried values and of what the body reads from
outside. What the reversed body reads from the forward body is on the tape, unless it
can be had again from the elements of the iteration; then there is no tape.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    Iter,
    Loop,
    Operand,
    Undef,
    Value,
)
from chainrule.ir.walk import free_values, substitute
from chainrule.optimise.dead import remove_dead_in
from chainrule.specialise.builder import type_of
from chainrule.transform import export
from chainrule.transform.containers import add_at
from chainrule.transform.cotangents import bar_type, is_zero
from chainrule.transform.finals import final_reads
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    from chainrule.transform.reverse import Reverse


def reverse_loop(rev: Reverse, stmt: Loop) -> None:
    """Write the reverse of a loop into the current block."""
    carried = [k for k, p in enumerate(stmt.body.params) if p in rev.active]
    bars = {k: rev.take(stmt.outs[k]) for k in carried if stmt.outs[k] in rev.cot.bars}
    if not all(is_zero(b) for b in bars.values()):
        LoopReversal(rev, stmt, carried, bars).write()


class LoopReversal:
    """The state of one loop's reversal."""

    def __init__(
        self, rev: Reverse, stmt: Loop, carried: list[int], bars: dict[int, Any]
    ) -> None:
        self.rev, self.b, self.stmt = rev, rev.b, stmt
        self.carried, self.bars = carried, bars
        self.position: Value | None = None
        self.sources = [
            (it, elem) for it in stmt.iters for elem in it.elems if elem in rev.active
        ]

    def write(self) -> None:
        """Write the loop, and hand its cotangents on."""
        rev, b, stmt = self.rev, self.b, self.stmt
        init = [self.first(k) for k in self.carried]
        outer = self.outer_values()
        outer_init = [self.b_complete(v) for v in outer]
        params = [
            Value(bar_type(t_join(op, stmt.body.params[k])), self.hint(k), stmt.loc)
            for k, op in zip(self.carried, init, strict=True)
        ]
        accumulators = [
            Value(bar_type(type_of(op)), rev.bar_name(v), stmt.loc)
            for v, op in zip(outer, outer_init, strict=True)
        ]
        body = Block(params=(*params, *accumulators))
        saved = dict(rev.cot.bars)
        rev.cot.bars = dict(zip(outer, accumulators, strict=True))
        with b.into(body):
            results = stmt.body.results[1:]
            for k, param in zip(self.carried, params, strict=True):
                rev.cot.add(results[k], param)
            rev.loops += 1
            rev.block(stmt.body)
            rev.loops -= 1
            ends = [self.end(k) for k in self.carried]
            self.contribute_elements(outer)
            finals = [rev.cot.complete(rev.cot.bars.get(v), v) for v in outer]
        rev.cot.bars = saved
        body.results = (Const(False), *ends, *finals)
        rev.finish(stmt.body, body)
        remove_dead_in(body)
        loop = Loop((), (*init, *outer_init), body, (), loc=stmt.loc)
        loop.outs = tuple(Value(p.type, p.hint, stmt.loc) for p in body.params)
        loop.iters = self.iterate(body)
        b.add(loop)
        n = len(self.carried)
        for value, out in zip(outer, loop.outs[n:], strict=True):
            rev.cot.bars[value] = out
        for k, out in zip(self.carried, loop.outs[:n], strict=True):
            rev.cot.add(stmt.init[k], out)

    def hint(self, k: int) -> str | None:
        """Return the name of a carried cotangent."""
        return self.rev.bar_name(self.stmt.body.params[k])

    def first(self, k: int) -> Operand:
        """Return a carried cotangent before the first iteration from the end."""
        bar, out = self.bars.get(k), self.stmt.outs[k]
        if bar is None and isinstance(type_of(out), lt.ScalarT):
            return Const(0.0)
        return self.rev.cot.complete(bar, out)

    def end(self, k: int) -> Operand:
        """Return a carried cotangent at the end of the reversed body."""
        param, known = self.stmt.body.params[k], self.rev.known
        bar = self.rev.take(param)
        stop, result = self.stmt.body.results[0], self.stmt.body.results[1 + k]
        if bar is None and known is not None and known.absent(result, stop, False):
            return UNDEF  # the iteration before went on, and has no such result
        if bar is None and isinstance(param.type, lt.ScalarT):
            return Const(0.0)
        k = self.stmt.body.params.index(param)
        result = self.stmt.body.results[k + 1]
        if bar is None and isinstance(self.stmt.init[k], Undef):
            # before the first iteration there is no value to take the shape of
            if isinstance(result, Value) and result is not param:
                if known is not None:
                    known.fill(result)
                return self.rev.cot.zero(result)
        return self.rev.cot.complete(bar, param)

    def b_complete(self, value: Value) -> Operand:
        """Return the cotangent to add to; that of a tuple is a list meanwhile."""
        whole = self.rev.cot.complete(self.rev.cot.bars.get(value), value)
        iterated = any(it.source is value for it, _ in self.sources)
        if iterated and isinstance(type_of(whole), lt.TupleT):
            return self.b.apply(prims.make_list, *(self.b.elements(whole) or []))
        return whole

    def outer_values(self) -> list[Value]:
        """Return the active values from outside that the body contributes to."""
        outer = [v for v in free_values(self.stmt.body) if v in self.rev.active]
        own = set(export.own_values(self.stmt))
        sources = [it.source for it, _ in self.sources]
        found = [v for v in (*outer, *sources) if isinstance(v, Value) and v not in own]
        return [v for v in dict.fromkeys(found) if v in self.rev.active]

    def contribute_elements(self, outer: list[Value]) -> None:
        """Add the cotangents of elements to those of what is iterated."""
        rev, b = self.rev, self.b
        for it in self.stmt.iters:
            active = [e for e in it.elems if e in rev.active and e in rev.cot.bars]
            if not active or not isinstance(it.source, Value):
                continue
            if self.position is None:
                self.position = Value(lt.INT, "k", self.stmt.loc)
            if it.unpack:
                parts = [
                    rev.cot.complete(rev.take(e), e) if e in rev.active else Const(None)
                    for e in it.elems
                ]
                g: Operand = b.apply(prims.make_tuple, *parts)
            else:
                [elem] = it.elems
                g = rev.cot.complete(rev.take(elem), elem)
            self.add_at(it, self.position, g)

    def add_at(self, it: Iter, position: Operand, g: Operand) -> None:
        rev = self.rev
        source = it.source
        assert isinstance(source, Value)
        old = rev.cot.complete(rev.cot.bars.get(source), source)
        new = add_at(rev, old, position, g)
        rev.cot.bars[source] = new

    # ------------------------------------------------------------- iteration

    def iterate(self, body: Block) -> tuple[Iter, ...]:
        """Decide what the reversed loop runs over, and bind what its body reads."""
        stmt, b = self.stmt, self.b
        own = export.own_values(stmt)
        export.read_again(stmt, body)
        # Inside another loop the array would have to be saved in each iteration.
        outermost = not self.rev.loops
        final = final_reads(stmt, self.rev.active, b.definition) if outermost else {}
        needed = [v for v in free_values(body) if v in own]
        elements = {e for it in stmt.iters for e in it.elems}
        again, saved = export.recomputable(
            stmt, needed, elements if self.replayable() else set(), final
        )
        if not saved and self.replayable():
            return self.replay(body, again)
        again, saved = export.recomputable(stmt, needed, set(), final)
        read = dict.fromkeys(saved)
        for made in again:
            for op in made.args:
                if (
                    isinstance(op, Value)
                    and op in own
                    and op not in {m.out for m in again}
                ):
                    read[op] = None
        if len(read) > len(needed):
            again, read = [], dict.fromkeys(needed)
        if self.rev.known is not None:
            for value in read:
                self.rev.known.fill(value)
        tape, table = export.to_tape(stmt, read)
        self.recompute(body, again, dict(table))
        substitute(body, dict(table))
        source = b.apply(builtins.reversed, tape, type_=tape.type)
        iters = [export.tape_iter(source, table)] if isinstance(source, Value) else []
        if self.position is not None:
            count = b.apply(len, tape, type_=lt.INT)
            iters.insert(0, self.backwards(count))
        return tuple(iters)

    def replayable(self) -> bool:
        """Say whether the iterables can be run again, from the end."""
        stmt = self.stmt
        if stmt.header is not None or len(stmt.iters) != 1:
            return False
        if self.position is not None and not self._counted():
            return False
        stop = stmt.body.results[0]
        return isinstance(stop, Const) and not stop.value

    def _counted(self) -> bool:
        return isinstance(type_of(self.stmt.iters[0].source), lt.ArrayT | lt.ListT)

    def replay(self, body: Block, again: list[Apply]) -> tuple[Iter, ...]:
        """Run over the forward loop's own iterable from its end."""
        [it] = self.stmt.iters
        table = {e: Value(e.type, e.hint, e.loc) for e in it.elems}
        self.recompute(body, again, dict(table))
        substitute(body, dict(table))
        source, turned = self.straight(it.source)
        used = bool({*table.values()} & {*free_values(body)})
        t = type_of(source)
        iters: list[Iter] = []
        if self.position is not None:
            count = self.b.apply(len, source, type_=lt.INT)
            iters.append(self.backwards(count))
            if not used:
                return tuple(iters)
        if isinstance(source, Const):
            backwards: Operand = Const(source.value[::-1]) if used else source
        elif not used or turned:
            backwards = source
        elif isinstance(t, lt.ArrayT):
            backwards = self.b.getitem(source, slice(None, None, -1))
        else:
            backwards = self.b.apply(builtins.reversed, source, type_=t)
        iters.append(Iter(backwards, tuple(table.values()), it.unpack))
        return tuple(iters)

    def straight(self, source: Operand) -> tuple[Operand, bool]:
        """Return what is iterated, and whether the forward loop ran over it backwards.

        A reversed list is an iterator: it cannot be run over twice, nor reversed.
        """
        made = self.b.definition(source)
        if made is not None and made.fn is builtins.reversed:
            return made.args[0], True
        return source, False

    def backwards(self, count: Operand) -> Iter:
        """Return the positions from the last to the first."""
        assert self.position is not None
        if isinstance(count, Const):
            return Iter(Const(range(count.value)[::-1]), (self.position,))
        counting = self.b.apply(range, count, type_=lt.RangeT())
        return Iter(
            self.b.apply(builtins.reversed, counting, type_=lt.RangeT()),
            (self.position,),
        )

    def recompute(
        self, body: Block, again: list[Apply], table: dict[Value, Operand]
    ) -> None:
        """Write operations of the forward body again at the start of
        the reversed one.
        """
        start: list[Any] = []
        for made in again:
            out = Value(made.out.type, made.out.hint, made.out.loc)
            args = tuple(
                table.get(a, a) if isinstance(a, Value) else a for a in made.args
            )
            start.append(
                Apply(
                    out,
                    made.fn,
                    args,
                    made.kwargs,
                    made.form,
                    made.effect,
                    made.loc,
                    made.text,
                )
            )
            table[made.out] = out
        for old, new in list(table.items()):
            if isinstance(new, Value) and old is not new:
                substitute(body, {old: new})
        body.stmts[:0] = start


def t_join(op: Operand, like: Value) -> lt.Type:
    """Return the type of a carried cotangent: that of its start and of its value."""
    if isinstance(op, Undef):
        return like.type
    if isinstance(like.type, lt.ScalarT) and isinstance(type_of(op), lt.ScalarT):
        return lt.join(type_of(op), like.type)
    return like.type
