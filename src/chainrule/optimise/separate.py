"""Start a loop with arrays of their own where it writes into one of them.

In: a function, and what may share memory in it. Out: the same function, in which two
variables of a loop that start as one array, and of which one is written, start as two,
and one that starts as an array of the caller, and is written, starts as its copy: one
copy before the loop, in place of one in each iteration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from chainrule.analysis.memory import STORES, Aliases
from chainrule.ir.nodes import Apply, Function, Loop, Value
from chainrule.ir.walk import inner_blocks, statements
from chainrule.optimise.copies import copy_of
from chainrule.types.lattice import ArrayT


def separate(
    function: Function, aliases: Aliases, ours: Collection[Value], copied: set[Value]
) -> bool:
    """Copy what one loop starts with, an outer one first; say whether there was one.

    What may be one inside it is to be found anew then. `ours` are arguments that are
    written in place, which stay as they are; `copied` collects the copies.
    """
    for block in inner_blocks(function.body):
        for stmt in list(block.stmts):
            if not isinstance(stmt, Loop):
                continue
            found = list(_to_copy(stmt, aliases, ours, copied))
            for k in found:
                start = stmt.init[k]
                assert isinstance(start, Value)
                own = Value(start.type, stmt.body.params[k].hint, stmt.loc)
                block.stmts.insert(block.stmts.index(stmt), copy_of(start, own))
                copied.add(own)
                stmt.init = (*stmt.init[:k], own, *stmt.init[k + 1 :])
            if found:
                return True
    return False


def _to_copy(
    stmt: Loop, aliases: Aliases, ours: Collection[Value], copied: set[Value]
) -> Iterator[int]:
    """Yield the positions of variables that start with memory of one before them."""
    params = stmt.body.params
    arrays = [
        (k, op)
        for k, op in enumerate(stmt.init)
        if isinstance(op, Value) and isinstance(params[k].type, ArrayT)
    ]
    buffers = [
        s.args[0]
        for s in statements(stmt.body)
        if isinstance(s, Apply) and s.fn in STORES and isinstance(s.args[0], Value)
    ]

    def written(k: int) -> bool:
        return any(aliases.may(b, params[k]) for b in buffers)

    for i, (k, op) in enumerate(arrays):
        if not isinstance(op.type, ArrayT) or op in ours or op in copied:
            continue
        if _is_given(op, params[k], aliases) and written(k):
            yield k
            continue
        for j, other in arrays[:i]:
            if frozenset((params[j], params[k])) not in aliases.twins:
                continue
            if aliases.may(op, other) and (written(j) or written(k)):
                yield k
                break


def _is_given(start: Value, param: Value, aliases: Aliases) -> bool:
    """Say whether a variable begins with memory of the caller, and gets no more."""
    if not aliases.is_foreign(start):
        return False
    rest = aliases.sources(param) - aliases.sources(start)
    return not any(aliases.is_foreign(v) for v in rest if v not in aliases.loop_of)
