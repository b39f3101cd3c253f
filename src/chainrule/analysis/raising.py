"""Which operations may raise an exception.

In: a statement or a block. Out: whether running it may end in an exception. What cannot
raise may move out of a `try`, what can must stay in it although its value is not used.
Only what certainly goes well is listed: arithmetic on Python's floats.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator

from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Block, Call, Const, Operand, Stmt, Value, blocks
from chainrule.types import lattice as lt

SAFE_ON_FLOATS = {
    *(
        operator.add,
        operator.sub,
        operator.mul,
        operator.neg,
        operator.pos,
        operator.abs,
    ),
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
    builtins.abs,
}
SAFE = {
    *(prims.make_tuple, prims.make_list, prims.make_dict, prims.make_object),
    *(prims.live, prims.now),
    *(operator.not_, operator.is_, operator.is_not),
}
LARGEST = 2**53


def may_raise(stmt: Stmt) -> bool:
    """Say whether a statement may raise."""
    if (
        not isinstance(stmt, Apply)
        or stmt.effect
        or isinstance(stmt.out.type, lt.NeverT)
    ):
        return True
    if stmt.fn in SAFE_ON_FLOATS:
        return not all(map(_is_float, stmt.args))
    if stmt.fn is operator.not_:
        [test] = stmt.args
        return not isinstance(test, Value) or not isinstance(test.type, lt.ScalarT)
    if stmt.fn is operator.getitem:
        return not _known_part(*stmt.args)
    return stmt.fn not in SAFE


def raising(block: Block) -> Iterator[Apply | Call]:
    """Yield the operations of a block that may raise, also those in inner blocks."""
    for stmt in block.stmts:
        if isinstance(stmt, Call) or (isinstance(stmt, Apply) and may_raise(stmt)):
            yield stmt
        for inner in blocks(stmt):
            yield from raising(inner)


def _is_float(op: Operand) -> bool:
    if isinstance(op, Const):
        small = isinstance(op.value, int) and abs(op.value) <= LARGEST
        return small or type(op.value) is float
    return isinstance(op, Value) and op.type in (lt.FLOAT, lt.BOOL)


def _known_part(base: Operand, index: Operand) -> bool:
    """Say whether a part of a container is read that its type says is there."""
    if not isinstance(base, Value) or not isinstance(index, Const):
        return False
    match base.type:
        case lt.TupleT(items=items) | lt.ListT(items=items) if items is not None:
            return isinstance(index.value, int) and -len(items) <= index.value < len(
                items
            )
        case lt.DictT(items=pairs):
            return any(key == index.value for key, _ in pairs)
    return False
