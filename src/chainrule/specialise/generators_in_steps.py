"""Generators without end, as functions that run from one `yield` to the next.

In: the tree of a generator function. Out: the tree of a function that returns such a
function, or None. `stepping` calls it where `next` steps through the generator.
"""

from __future__ import annotations

import ast
import copy
from typing import Any

import gast

from chainrule.frontend import scope


def up_to_yield(tree: Any) -> Any:
    """Return a function whose result runs a generator up to its next `yield`.

    The generator must be `while True:` with one `yield` in its body. What follows that
    runs when the next value is asked for, as does what stands before the loop.
    """
    if not hasattr(tree, "stepped"):
        tree.stepped = _up_to_yield(tree)
    return tree.stepped


def _up_to_yield(tree: Any) -> Any:
    if isinstance(tree, gast.Lambda) or not isinstance(tree.body[-1], gast.While):
        return None
    *before, loop = copy.deepcopy(tree.body)
    given = [k for k, s in enumerate(loop.body) if _gives(s)]
    kinds = (gast.Yield, gast.YieldFrom, gast.Return, gast.Break, gast.Continue)
    nodes = [n for n, _ in scope.own_nodes([*before, loop])]
    if sum(isinstance(n, kinds) for n in nodes) != 1 or len(given) != 1:
        return None
    if not (isinstance(loop.test, gast.Constant) and loop.test.value):
        return None
    if any(isinstance(n, gast.Nonlocal | gast.Global | gast.Try) for n in nodes):
        return None
    start = loop.body[: given[0]]
    rest = loop.body[given[0] + 1 :]
    constant = all(
        isinstance(s, gast.Assign) and isinstance(s.value, gast.Constant)
        for s in before
    )
    made = gast.ast_to_gast(ast.parse(STEP)).body[0]
    step = made.body[1]
    names = scope.assigned_names([*before, loop])
    step.body[0].names = [*names, STARTED]
    fork = step.body[1]
    fork.body, fork.orelse = rest or fork.body, before
    if constant:
        made.body[1:1], fork.orelse = before, []
    # Names without a value yet belong to the function around, too.
    made.body[1:1] = [
        gast.AnnAssign(
            gast.Name(name, gast.Store(), None, None),
            gast.Constant(None, None),
            None,
            1,
        )
        for name in names
    ]
    step.body[3:3] = start
    step.body[-1].value = loop.body[given[0]].value.value or gast.Constant(None, None)
    made.args, made.name = tree.args, tree.name
    for node in gast.walk(made):
        if not hasattr(node, "lineno"):
            gast.copy_location(node, loop)
    return made


def _gives(statement: Any) -> bool:
    """Say whether a statement is `yield value`."""
    is_expression = isinstance(statement, gast.Expr)
    return is_expression and isinstance(statement.value, gast.Yield)


STARTED = "started"
STEP = """
def generator():
    started = False
    def step():
        nonlocal started
        if started:
            pass
        started = True
        return None
    return step
"""
