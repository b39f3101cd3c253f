"""Replace active composite primitives by what they are made of.

In: a function and its active parameters. Out: the same function in which every active
primitive has a rule of its own: a `composite` rule's body stands in its place, for both
modes and every order.
"""

from __future__ import annotations

from chainrule.analysis.activity import active_values
from chainrule.ir.nodes import Apply, Block, Function, Operand, Stmt, Value, blocks
from chainrule.ir.walk import statements, substitute
from chainrule.rules.registry import RULES, Rule
from chainrule.specialise.builder import Builder
from chainrule.transform import splice

MAX_DEPTH = 6


def expand(function: Function, wrt: list[Value]) -> None:
    """Expand composite primitives in place, until none is left."""
    for _ in range(MAX_DEPTH):
        if not any(_rule(s) for s in statements(function.body)):
            return
        active = active_values(function, wrt)
        if not any(_rule(s) and s.out in active for s in statements(function.body)):  # type: ignore[union-attr]
            return
        b = Builder(algebra=True)
        b.outer_defs = {
            s.out: s for s in statements(function.body) if isinstance(s, Apply)
        }
        table: dict[Value, Operand] = {}
        _block(function.body, active, b, splice.Splicer(b), table)
        while any(v in table for v in table.values() if isinstance(v, Value)):
            table = {
                k: table.get(v, v) if isinstance(v, Value) else v
                for k, v in table.items()
            }
        substitute(function.body, table)


def _rule(stmt: Stmt) -> Rule | None:
    if not isinstance(stmt, Apply):
        return None
    rule = RULES.reverse.get(stmt.fn)
    return rule if rule is not None and rule.kind == "composite" else None


def _block(
    block: Block,
    active: set[Value],
    b: Builder,
    splicer: splice.Splicer,
    table: dict[Value, Operand],
) -> None:
    out: list[Stmt] = []
    for stmt in block.stmts:
        rule = _rule(stmt)
        if rule is None or stmt.out not in active:  # type: ignore[union-attr]
            out.append(stmt)
            for inner in blocks(stmt):
                _block(inner, active, b, splicer, table)
            continue
        assert isinstance(stmt, Apply)
        bound = splice.bind(stmt, rule)
        args, kwargs = splice.arguments(rule, bound, {})
        made = Block()
        with b.into(made):
            b.loc = stmt.loc
            result = splice.usable(splicer.run(rule.template, args, kwargs), stmt.loc)
        if isinstance(result, Value) and result.hint is None:
            result.hint = stmt.out.hint
        table[stmt.out] = result
        out.extend(made.stmts)
    block.stmts = out
