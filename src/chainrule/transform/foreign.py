"""Rules that users wrote: what they return is checked before it is believed.

In: a rule, the operation that it is for, and what its template returned. Out: the same,
one part for each argument; `CR311` where it is no cotangent or tangent. As in PyTorch,
a cotangent may be larger than its argument, it is summed down as broadcasting asks for;
one that is smaller is a mistake. What the types leave open is checked at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import not_differentiable, short_path
from chainrule.ir.nodes import Apply, Const, Operand
from chainrule.rules.registry import Rule
from chainrule.runtime import helpers
from chainrule.specialise.builder import Builder, function_name, type_of
from chainrule.transform.cotangents import is_zero
from chainrule.types import lattice as lt

NUMBERS = lt.ScalarT | lt.ArrayT


def is_foreign(rule: Rule) -> bool:
    """Say whether a rule is not one of ours."""
    return not rule.template.__module__.startswith("chainrule.")


def one_each(
    b: Builder,
    stmt: Apply,
    rule: Rule,
    count: int,
    given: Operand,
    bare: bool = False,
) -> Sequence[Operand]:
    """Return the parts of what a rule returned for so many arguments; `bare` says that
    the part of a single one need not be in a tuple.
    """
    kinds = lt.TupleT if bare else lt.TupleT | lt.ListT
    parts = b.elements(given) if isinstance(type_of(given), kinds) else None
    if bare and (parts is None or len(parts) != 1):
        return [given]
    if parts is None or len(parts) != count:
        found = lt.show(type_of(given)) if parts is None else f"a tuple of {len(parts)}"
        raise mistaken(
            stmt,
            rule,
            f"returns {found}, not a tuple of {count}",
            f"one for each of {', '.join(rule.wrt)}; None where there is none",
        )
    return parts


def cotangent(b: Builder, stmt: Apply, rule: Rule, g: Operand, to: Operand) -> Operand:
    """Return a cotangent that a rule made of an argument, if it can be one."""
    want = type_of(to)
    if not isinstance(want, NUMBERS) or is_zero(g):
        return g
    have = _number(stmt, rule, g, "cotangent", want)
    dims, whole = lt.dims_of(want), lt.dims_of(have)
    if dims is not None and whole is not None:
        pairs = list(zip(reversed(dims), reversed(whole), strict=False))
        if len(whole) < len(dims) or any(_differ(n, m) for n, m in pairs if n != 1):
            raise _misshapen(stmt, rule, "cotangent", have, want)
        if all(n in (1, m) for n, m in pairs):
            return g
    return b.apply(helpers.cotangent_of_rule, g, to, type_=have)


def tangent(b: Builder, stmt: Apply, rule: Rule, dot: Operand) -> Operand:
    """Return a tangent that a rule made of a result, if it can be one."""
    want = stmt.out.type
    if not isinstance(want, NUMBERS) or is_zero(dot):
        return dot
    have = _number(stmt, rule, dot, "tangent", want)
    dims, found = lt.dims_of(want), lt.dims_of(have)
    if dims is not None and dims == found:
        return dot
    if dims is not None and found is not None:
        pairs = zip(dims, found, strict=False)
        if len(dims) != len(found) or any(_differ(n, m) for n, m in pairs):
            raise _misshapen(stmt, rule, "tangent", have, want)
    return b.apply(helpers.tangent_of_rule, dot, stmt.out, type_=have)


def _number(stmt: Apply, rule: Rule, g: Operand, what: str, like: lt.Type) -> lt.Type:
    have = type_of(g)
    if isinstance(have, NUMBERS) or isinstance(have, lt.OptionalT):
        return have
    found = repr(g.value) if isinstance(g, Const) else lt.show(have)
    raise mistaken(
        stmt, rule, f"returns {found} as the {what} of a value of type {lt.show(like)}"
    )


def _differ(n: Any, m: Any) -> bool:
    return isinstance(n, int) and isinstance(m, int) and n != m


def _misshapen(
    stmt: Apply, rule: Rule, what: str, have: lt.Type, want: lt.Type
) -> Exception:
    return mistaken(
        stmt,
        rule,
        f"returns a {what} of another shape",
        f"{lt.show(have)} for {lt.show(want)}",
    )


def mistaken(stmt: Apply, rule: Rule, message: str, label: str = "") -> Exception:
    """Return the error for what a rule must not return."""
    code: Any = getattr(rule.template, "__code__", None)
    help = ""
    if code is not None:
        help = f"see the rule, {short_path(code.co_filename)}:{code.co_firstlineno}"
    return not_differentiable(
        "CR311",
        stmt.loc,
        f"the rule of {function_name(stmt.fn)} {message}",
        label=label,
        help=help,
    )
