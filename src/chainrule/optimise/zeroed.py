"""Do not set to zero what nobody reads again.

In: a function with reversed loops. Out: the same function, in which the cotangent of an
element that a loop filled is not set to zero once it has been handed on, if no later
iteration, and nothing behind the loop, looks at it.

As in `transform/finals`, places are followed whose first index is the counter of the
loop plus a constant, and cannot be negative. The counter may come from a tape.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    Loop,
    Operand,
    Value,
    operands,
)
from chainrule.ir.walk import count_uses, inner_blocks, substitute
from chainrule.optimise.plain import rows_of_tapes
from chainrule.transform.finals import Counter, counter_of, offset
from chainrule.types import lattice as lt

ACCESSES = {operator.getitem, prims.index_add, prims.index_set}


@dataclass(slots=True)
class Access:
    """A read of a buffer or a store into it: when, and where."""

    place: int
    at: int
    stmt: Apply


def drop_zeroing(function: Function) -> bool:
    """Drop needless stores of zeros, in place; say whether there were any."""
    found = [
        (block, stmt)
        for block in inner_blocks(function.body)
        for stmt in block.stmts
        if isinstance(stmt, Loop) and any(map(_is_zeroing, stmt.body.stmts))
    ]
    if not found:
        return False
    uses = count_uses(function.body)
    counters = _Counters(function.body)
    done = False
    for block, loop in found:
        for counter in counters.of(loop):
            for k in range(len(loop.outs)):
                done |= _drop(block, loop, k, counter, uses)
    return done


def _is_zeroing(stmt: object) -> bool:
    if not isinstance(stmt, Apply) or stmt.fn is not prims.index_set:
        return False
    value = stmt.args[2]
    return isinstance(value, Const) and type(value.value) is float and value.value == 0


class _Counters:
    """What the elements of loops count."""

    def __init__(self, body: Block) -> None:
        self.body = body
        self.made: dict[Operand, Apply] = {}
        self.known: dict[Operand, Counter] = {}
        for block in inner_blocks(body):
            for stmt in block.stmts:
                if isinstance(stmt, Apply):
                    self.made[stmt.out] = stmt
                elif isinstance(stmt, Loop):
                    counter = counter_of(stmt, self.made.get)
                    if counter is not None:
                        self.known[counter.elem] = counter

    def of(self, loop: Loop) -> Iterator[Counter]:
        """Yield the counters of a loop, its own and those that come from a tape."""
        own = counter_of(loop, self.made.get)
        if own is not None:
            yield own
        for it in loop.iters:
            source = self.made.get(it.source)
            if source is None or source.fn is not builtins.reversed:
                continue
            if not isinstance(source.out.type, lt.TapeT):
                continue
            rows = rows_of_tapes(self.body)
            for elem in it.elems:
                saved = rows.get(elem, [])
                counter = self.known.get(saved[0]) if len(saved) == 1 else None
                if counter is not None:
                    yield Counter(elem, counter.least, not counter.ascending)


def _drop(
    block: Block, loop: Loop, k: int, counter: Counter, uses: dict[Value, int]
) -> bool:
    """Drop the stores of zeros into one buffer that a loop carries."""
    accesses = _accesses(loop, k, counter, uses)
    least = _read_behind(block, loop.outs[k], uses)
    if accesses is None or least is None:
        return False
    done = False
    for access in accesses:
        stmt = access.stmt
        if not _is_zeroing(stmt) or counter.least + access.at < least:
            continue
        others = [a for a in accesses if a is not access]
        if all(_is_before(a, access, counter) for a in others):
            loop.body.stmts.remove(stmt)
            substitute(loop.body, {stmt.out: stmt.args[0]})
            done = True
    return done


def _accesses(
    loop: Loop, k: int, counter: Counter, uses: dict[Value, int]
) -> list[Access] | None:
    """Return all that happens to a buffer in an iteration, if it can be followed."""
    param = loop.body.params[k]
    if not isinstance(param.type, lt.ArrayT):
        return None
    made = {s.out: s for s in loop.body.stmts if isinstance(s, Apply)}
    read = {param: 0}
    found: list[Access] = []
    for place, stmt in enumerate(loop.body.stmts):
        if not isinstance(stmt, Apply) or not stmt.args or stmt.args[0] not in read:
            continue
        if stmt.fn not in ACCESSES or list(operands(stmt)).count(stmt.args[0]) > 1:
            return None
        at = offset(stmt.args[1], counter, made.get)
        if at is None:
            return None
        read[stmt.args[0]] += 1
        found.append(Access(place, at, stmt))
        if stmt.fn is not operator.getitem:
            read[stmt.out] = 0
    last = loop.body.results[1 + k]
    if last not in read:
        return None
    read[last] += 1
    return found if all(uses.get(v, 0) == n for v, n in read.items()) else None


def _is_before(access: Access, zeroed: Access, counter: Counter) -> bool:
    """Say whether an access meets the place that is set to zero only before that."""
    ahead = access.at - zeroed.at
    if not counter.ascending:
        ahead = -ahead
    return ahead > 0 or (ahead == 0 and access.place < zeroed.place)


def _read_behind(block: Block, out: Value, uses: dict[Value, int]) -> int | None:
    """Return the place before which a buffer is read behind the loop, if any."""
    least, count = 0, 0
    for stmt in block.stmts:
        if isinstance(stmt, Apply) and stmt.fn is operator.getitem:
            base, index = stmt.args
            if base is out and isinstance(index, Const) and type(index.value) is int:
                count += 1
                if index.value < 0:
                    return None
                least = max(least, index.value + 1)
    return least if uses.get(out, 0) == count else None
