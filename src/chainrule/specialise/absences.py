"""Containers that may be None: what a path proves, and the error of one that does not.

In: an operand that is a `Maybe`, and what is done to it. Out: the container. Behind a
test like `hit is not None` it is there; elsewhere a check is written that raises what
Python would.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from chainrule.analysis.activity import paths
from chainrule.ir import prims
from chainrule.ir.nodes import Block, Const, If, Operand, Value
from chainrule.specialise.builder import Builder
from chainrule.specialise.values import Maybe, is_const
from chainrule.types import lattice as lt

Fact = tuple[Operand, bool]


def assume(b: Builder, stmt: If) -> None:
    """Note what is known in the two blocks of a branch."""
    b.assumed[stmt.then] = [(stmt.test, True)]
    b.assumed[stmt.orelse] = [(stmt.test, False)]


def there(
    b: Builder,
    op: Operand,
    says: str = "'NoneType' object is not subscriptable",
    error: type[Exception] = TypeError,
) -> Operand:
    """Return the container that an operand is; raise where it is None."""
    if not is_const(op, Maybe):
        return op
    absent = op.value.absent
    if not any(_proves(b, fact, absent) for fact in facts(b)):
        stmt = If(absent, Block(), Block(), (), b.loc, guard=True)
        with b.into(stmt.then):
            made = b.apply(error, Const(says), effect=True, type_=lt.OpaqueT(error))
            b.apply(prims.raise_, made, effect=True, type_=lt.NEVER)
        b.add(stmt)
        b.assumed.setdefault(b.block, []).append((absent, False))
    return b.memory.current(op.value.there)


def facts(b: Builder) -> Iterator[Fact]:
    """Return the tests that this path has passed, and how."""
    for block in (b.block, *b.outside):
        yield from b.assumed.get(block, ())


def _proves(b: Builder, fact: Fact, absent: Operand) -> bool:
    """Say whether a test being true, or false, means that a container is there."""
    test, holds = fact
    if test is absent:
        return not holds
    made = b.definition(test) if isinstance(test, Value) else None
    if made is not None and made.fn is operator.not_:
        return _proves(b, (made.args[0], not holds), absent)
    where = b.branches.get(test) if isinstance(test, Value) else None
    stmt = None if where is None else where[0]
    if where is None or not isinstance(stmt, If):
        return False
    one, two = (path.results[where[1]] for path in paths(stmt))
    for result, other, taken in ((one, two, True), (two, one, False)):
        if isinstance(other, Const) and bool(other.value) is not holds:
            # The other path gives another answer: this one was taken.
            if _proves(b, (stmt.test, taken), absent):
                return True
            if isinstance(result, Value) and _proves(b, (result, holds), absent):
                return True
    return False
