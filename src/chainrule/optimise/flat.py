"""Read `x.flat` only for its elements: it is an iterator, not an array.

In: a derivative whose operations are final. Out: the same, in which `x.flat` is
`x.ravel()` wherever anything else is done with it than to index it or to loop over it.
"""

from __future__ import annotations

import operator
from collections import Counter

from chainrule.ir.nodes import Apply, Function, Loop, Operand
from chainrule.ir.walk import count_uses, statements
from chainrule.specialise.views import is_flat


def flatten(function: Function) -> None:
    """Make arrays of the iterators that are used as such."""
    found = list(statements(function.body))
    flat = [s for s in found if isinstance(s, Apply) and is_flat(s)]
    if not flat:
        return
    elements: Counter[Operand] = Counter()
    for stmt in found:
        if isinstance(stmt, Apply) and stmt.fn is operator.getitem:
            elements[stmt.args[0]] += 1
        elif isinstance(stmt, Loop):
            elements.update(it.source for it in stmt.iters)
    uses = count_uses(function.body)
    for stmt in flat:
        if uses.get(stmt.out, 0) > elements[stmt.out]:
            stmt.form, stmt.text = "method", None
