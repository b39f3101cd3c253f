"""Variables that have no value on some path, and are copied all the same.

In: the variables of a function. Out: the values of which a copy would read a name
without a value; `give_none` lets them be None there. Where a value and its copy share
one variable there is nothing to do: a name that is not assigned is not read either.
"""

from __future__ import annotations

from chainrule.analysis.activity import paths
from chainrule.analysis.definedness import Definedness
from chainrule.backend import program as p
from chainrule.backend.live import Web
from chainrule.ir.nodes import (
    Const,
    Function,
    If,
    Loop,
    Operand,
    Try,
    Undef,
    Value,
    With,
)
from chainrule.ir.walk import statements

NONE = Const(None)


def read_without_value(web: Web) -> set[Value]:
    """Return the values that a copy reads though they may have none."""
    copies = [n for n in p.walk(web.program.nodes) if isinstance(n, p.Copies)]
    if not copies:
        return set()
    maybe = Definedness(web.program.function.body).maybe
    return {
        source
        for node in copies
        for out, source in node.pairs
        if isinstance(source, Value)
        and source in maybe
        and source not in web.nested
        and web.find(source) is not web.find(out)
    }


def give_none(function: Function, values: set[Value]) -> bool:
    """Let values be None where they have none; say whether that changed anything."""
    todo, seen = list(values), set(values)
    made: dict[Value, tuple[object, int]] = {}
    for stmt in statements(function.body):
        if isinstance(stmt, If | Try | With | Loop):
            made |= {out: (stmt, k) for k, out in enumerate(stmt.outs)}
        if isinstance(stmt, Loop):
            made |= {param: (stmt, k) for k, param in enumerate(stmt.body.params)}
    changed = False

    def new(op: Operand) -> Operand:
        nonlocal changed
        if isinstance(op, Undef):
            changed = True
            return NONE
        if isinstance(op, Value) and op not in seen:
            seen.add(op)
            todo.append(op)
        return op

    while todo:
        maker, k = made.get(todo.pop(), (None, 0))
        if isinstance(maker, Loop):
            maker.init = (*maker.init[:k], new(maker.init[k]), *maker.init[k + 1 :])
        elif isinstance(maker, If | Try | With):
            for path in paths(maker):
                results = path.results
                path.results = (*results[:k], new(results[k]), *results[k + 1 :])
    return changed
