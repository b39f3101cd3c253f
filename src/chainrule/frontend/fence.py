"""What is refused before anything else is tried, by syntax alone.

In: a `Source`. Out: one `Diagnostic` for every construct of the function, and of the
functions nested in it, that this release never supports: all at once, in the order of
the text. What depends on types (callees, writes to objects) is refused where the types
are known.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import Any

import gast

from chainrule.errors import Diagnostic, NotDifferentiable
from chainrule.frontend import missing
from chainrule.frontend.scope import YIELDS, Scope, exits, own_nodes, scope_of
from chainrule.frontend.source import Source
from chainrule.frontend.trees import children

MAX_DEPTH = 200
RUN_TIME_NAMES = frozenset(["eval", "exec", "compile", "locals", "globals", "vars"])


def check(source: Source) -> list[Diagnostic]:
    """Return what is wrong with a function's syntax: nothing, most of the time."""
    fence = _Fence(source)
    try:
        fence.visit(source.tree)
    except NotDifferentiable as deep:
        return list(deep.diagnostics)
    places = {d: (d.loc.line, d.loc.column) for d in fence.found if d.loc}
    return sorted(fence.found, key=lambda d: places[d])


def require(source: Source) -> None:
    """Raise one `NotDifferentiable` with all that `check` finds."""
    found = check(source)
    if found:
        raise NotDifferentiable(found)


@dataclass
class _Fence(gast.NodeVisitor):  # type: ignore[misc]
    """Walks the tree; `scopes` are the functions around the current node."""

    source: Source
    found: list[Diagnostic] = field(default_factory=list)
    scopes: list[tuple[str, Scope]] = field(default_factory=list)
    stmt: gast.AST | None = None
    depth: int = 0

    def refuse(
        self, code: str, node: gast.AST, message: str, label: str, help: str
    ) -> None:
        """Note a problem."""
        loc = self.source.loc(node)
        self.found.append(Diagnostic(code, message, loc, label, help))

    def visit_FunctionDef(self, node: gast.AST) -> None:
        """Enter a function; say what it is if it cannot be run in one go."""
        name = getattr(node, "name", "lambda")
        scope = scope_of(node)
        if scope.is_async:
            self.refuse(
                "CR103",
                _header(node),
                f"async function `{name}`",
                "the order in which coroutines run is not in the text",
                "compute in an ordinary function, and await around it",
            )
        elif scope.is_generator:
            self._yields(name, node)
        self.scopes.append((name, scope))
        self.generic_visit(node)
        self.scopes.pop()

    def _yields(self, name: str, function: gast.AST) -> None:
        """Refuse a generator to which values are sent."""
        found = _first_yield(function)
        if found is not None:
            self.refuse(
                "CR102",
                found,
                f"generator function `{name}` receives values",
                "what `yield` returns is sent by the caller, if by anyone",
                "pass what is sent as an argument",
            )

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: gast.ClassDef) -> None:
        """Refuse a class; what is inside does not matter any more."""
        self.refuse(
            "CR110",
            _header(node),
            f"class `{node.name}` defined inside a function",
            "it is another class at each call",
            "define it at module level",
        )

    def visit_Call(self, node: gast.Call) -> None:
        """Refuse the functions that read or write names that are not in the text."""
        name = getattr(node.func, "id", None)
        of_object = name == "vars" and node.args
        names = name in RUN_TIME_NAMES and self._value(name) is getattr(builtins, name)
        if names and not of_object:
            self.refuse(
                "CR105",
                node,
                f"call of `{name}`",
                "it reads or writes names that are not in the text",
                "write out what it does",
            )
        self.generic_visit(node)

    def visit_Try(self, node: gast.Try) -> None:
        """Refuse ways out of `finally`."""
        for kind in sorted(exits(node.finalbody)):
            self.refuse(
                "CR114",
                node.finalbody[0],
                f"`{kind}` in `finally`",
                "it would swallow the exception under way",
                "move it behind the `try` statement",
            )
        self.generic_visit(node)

    def visit_TryStar(self, node: gast.AST) -> None:
        """Refuse `except*`."""
        label = "several handlers may run, for parts of one exception"
        self.refuse("CR101", node, "`except*`", label, "use `except`")

    def visit_TypeAlias(self, node: gast.AST) -> None:
        """Refuse `type X = ...`."""
        label = "it makes a type at each call"
        self.refuse("CR101", node, "`type` statement", label, "move it to the module")

    def visit_AnnAssign(self, node: gast.AnnAssign) -> None:
        """Leave out `x[i]: float`, which stores nothing, and all annotations."""
        if node.value is not None:
            self.visit(node.target)
            self.visit(node.value)

    def visit(self, node: gast.AST) -> None:
        """Visit a node, unless it is nested too deep; remember the statement that it
        is in.
        """
        if isinstance(node, gast.stmt):
            self.stmt = node
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise missing.too_deep(self.source.loc(self.stmt))
        super().visit(node)
        self.depth -= 1

    def generic_visit(self, node: gast.AST) -> None:
        """Visit what is inside a node."""
        for child in children(node):
            self.visit(child)

    def _is_global(self, name: str) -> bool:
        """Say whether a name is neither local to a function here nor a closure cell."""
        local = any(name in scope.locals for _, scope in self.scopes)
        return not local and name not in self.source.function.__code__.co_freevars

    def _value(self, name: str) -> Any:
        """Return what a global name stands for now; None if it is no global."""
        if not self._is_global(name):
            return None
        namespace = self.source.function.__globals__
        return namespace.get(name, getattr(builtins, name, None))


def _header(node: gast.AST) -> gast.AST:
    """Return a node as a place that ends with the name of a function or class."""
    place = gast.Pass()
    place.lineno = place.end_lineno = node.lineno
    place.col_offset = node.col_offset
    word = {"FunctionDef": "def ", "AsyncFunctionDef": "async def "}
    start = word.get(type(node).__name__, "class ") + node.name
    place.end_col_offset = node.col_offset + len(start)
    return place


def _first_yield(function: gast.AST) -> gast.AST | None:
    """Return the first `yield` of a function that is more than a statement."""
    body = [function.body] if isinstance(function, gast.Lambda) else function.body
    nodes = [n for n, _ in own_nodes(body)]
    plain = {id(n.value) for n in nodes if isinstance(n, gast.Expr)}
    found = (n for n in nodes if isinstance(n, YIELDS) and id(n) not in plain)
    return next(found, None)
