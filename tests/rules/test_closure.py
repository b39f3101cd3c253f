"""Every function used in a rule has a rule, so that derivatives have derivatives."""

from __future__ import annotations

import ast
import builtins
import inspect
import itertools
import textwrap
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import RULES

# handled by the compiler itself: structure, not mathematics
STRUCTURE = {
    range,
    len,
    isinstance,
    tuple,
    list,
    zip,
    enumerate,
    reversed,
    slice,
    sorted,
}
# methods and attributes, by the function that they stand for
METHODS = {"reshape": np.reshape, "sum": np.sum, "ravel": np.ravel, "copy": np.copy}
METHODS |= {"transpose": np.transpose, "conj": np.conj, "astype": prims.astype}


def templates() -> dict[FunctionType, str]:
    """Return all rule functions and what they are rules of."""
    found: dict[FunctionType, str] = {}
    for fn, rule in itertools.chain(RULES.reverse.items(), RULES.forward.items()):
        found.setdefault(rule.template, getattr(fn, "__name__", str(fn)))  # type: ignore
    return found


def resolve(node: ast.expr, scope: dict[str, Any]) -> Any:
    """Return the object that a dotted name stands for, None if it is a local value."""
    if isinstance(node, ast.Name):
        return scope.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = resolve(node.value, scope)
        is_named = isinstance(owner, ModuleType | type | np.ufunc)
        return getattr(owner, node.attr) if is_named else None
    return None


def unknown_calls(template: FunctionType) -> list[str]:
    """Return the calls in a rule, or in its helpers, that have no derivative."""
    todo, seen, bad = [template], {template}, []
    while todo:
        fn = todo.pop()
        tree = ast.parse(textwrap.dedent(inspect.getsource(fn)))
        scope = {**vars(builtins), **fn.__globals__}
        local = {
            n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and is_store(n)
        }
        local |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
        for node in ast.walk(tree.body[0]):
            if not isinstance(node, ast.Call) or in_decorator(node, tree):
                continue
            callee = resolve(
                node.func, {k: v for k, v in scope.items() if k not in local}
            )
            if callee is None:
                if isinstance(node.func, ast.Attribute):
                    if not is_known(METHODS.get(node.func.attr)):
                        bad.append(f"{fn.__name__}: .{node.func.attr}()")
            elif is_known(callee):
                continue
            elif isinstance(callee, FunctionType) and "chainrule" in callee.__module__:
                if callee not in seen:
                    seen.add(callee)
                    todo.append(callee)
            else:
                bad.append(f"{fn.__name__}: {ast.unparse(node.func)}")
    return bad


def is_store(node: ast.Name) -> bool:
    """Say whether a name is assigned."""
    return isinstance(node.ctx, ast.Store)


def in_decorator(node: ast.Call, tree: ast.Module) -> bool:
    """Say whether a call is (part of) a decorator of the rule itself."""
    decorators = tree.body[0].decorator_list  # type: ignore[attr-defined]
    return any(node in ast.walk(d) for d in decorators)


def is_known(callee: Any) -> bool:
    """Say whether a function has a rule, is inactive, static, or the compiler's own."""
    try:
        known = callee in RULES.reverse or callee in RULES.inactive
    except TypeError:
        return False
    return known or callee in RULES.static or callee in STRUCTURE


def test_every_function_in_a_rule_has_a_rule() -> None:
    """No rule calls a function that could not be differentiated again."""
    bad = {name: unknown_calls(t) for t, name in templates().items()}
    assert {name: calls for name, calls in bad.items() if calls} == {}


def test_rules_come_in_both_modes() -> None:
    """What can be reversed can be pushed forward."""
    missing = [fn for fn in RULES.reverse if fn not in RULES.forward]
    assert missing == []


def test_nothing_is_both_active_and_inactive() -> None:
    """A function has a derivative or has none."""
    assert [fn for fn in RULES.reverse if fn in RULES.inactive] == []


def test_a_missing_rule_is_noticed() -> None:
    """The check itself sees calls of functions, methods and through helpers."""

    def rule(x: Any) -> Any:
        return np.i0(x) + x.byteswap() + unknown_calls(x)

    found = unknown_calls(rule)
    assert set(found) == {"rule: np.i0", "rule: .byteswap()", "rule: unknown_calls"}
