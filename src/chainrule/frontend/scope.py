"""What each name in a function is.

In: a gast function (`def`, `async def` or `lambda`), or a list of its statements. Out:
parameters, local, global and free names; the names that statements assign; the ways in
which control leaves them. All walks use a stack of their own: depth is no limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import gast

from chainrule.frontend.trees import children, walk

FUNCTIONS = (gast.FunctionDef, gast.AsyncFunctionDef, gast.Lambda)
SCOPES = (*FUNCTIONS, gast.ClassDef)
COMPREHENSIONS = (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)
YIELDS = (gast.Yield, gast.YieldFrom)
LOOPS = (gast.For, gast.AsyncFor, gast.While)
BINDERS = {
    *(gast.FunctionDef, gast.AsyncFunctionDef, gast.ClassDef, gast.NamedExpr),
    *(gast.Import, gast.ImportFrom, gast.MatchAs, gast.MatchStar, gast.MatchMapping),
}


@dataclass(frozen=True)
class Scope:
    """The names of one function, each tuple in order of first appearance.

    `assigned` is what statements bind, `locals` that and the parameters, without names
    declared global or nonlocal; `free` is what is read here or in nested functions
    and bound by none of them: closure cells, globals, builtins; `shared` is what is
    local and assigned by functions inside.
    """

    params: tuple[str, ...]
    assigned: tuple[str, ...]
    locals: tuple[str, ...]
    globals: tuple[str, ...]
    nonlocals: tuple[str, ...]
    free: tuple[str, ...]
    is_generator: bool
    is_async: bool
    shared: frozenset[str]


def scope_of(function: gast.AST) -> Scope:
    """Return what the names of a function are; kept with its tree."""
    known: Scope | None = getattr(function, "scope", None)
    if known is None:
        known = function.scope = _scope_of(function)
    return known


def _scope_of(function: gast.AST) -> Scope:
    params = parameters(function)
    body = _body(function)
    own = list(own_nodes(body))
    few = [node for node, _ in own if isinstance(node, (gast.Global, gast.Nonlocal))]
    outer_globals = _unique(
        name for n in few if isinstance(n, gast.Global) for name in n.names
    )
    nonlocals = _unique(
        name for n in few if isinstance(n, gast.Nonlocal) for name in n.names
    )
    assigned = _unique(_bindings(own))
    bound = _unique([*params, *assigned])
    local = tuple(n for n in bound if n not in outer_globals and n not in nonlocals)
    known = set(local)
    return Scope(
        params,
        assigned,
        local,
        outer_globals,
        nonlocals,
        _unique(name for name in _reads(own) if name not in known),
        any(isinstance(node, YIELDS) for node, _ in own),
        isinstance(function, gast.AsyncFunctionDef),
        frozenset(known.intersection(_nonlocals_inside(own))),
    )


def _nonlocals_inside(own: list[tuple[gast.AST, bool]]) -> Iterator[str]:
    """Yield the names that functions among the nodes declare `nonlocal`."""
    for function, _ in own:
        if isinstance(function, SCOPES):
            inner = (n for n in walk(function) if isinstance(n, gast.Nonlocal))
            yield from (name for node in inner for name in node.names)


def parameters(function: gast.AST) -> tuple[str, ...]:
    """Return the parameter names in the order of the signature."""
    a = function.args
    nodes = [*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg]
    return tuple(node.id for node in nodes if node is not None)


def local_names(function: gast.AST) -> tuple[str, ...]:
    """Return the names that are local to a function, its parameters first."""
    return scope_of(function).locals


def nonlocal_names(function: gast.AST | None) -> frozenset[str]:
    """Return the names that a function declares `nonlocal`; kept with its tree."""
    known: frozenset[str] | None = getattr(function, "nonlocals", None)
    if known is None and function is not None and isinstance(function, FUNCTIONS):
        known = function.nonlocals = frozenset(scope_of(function).nonlocals)
    return known or frozenset()


def global_names(function: gast.AST | None) -> frozenset[str]:
    """Return the names that a function declares `global`; kept with its tree."""
    known: frozenset[str] | None = getattr(function, "outer_globals", None)
    if known is None and function is not None and isinstance(function, FUNCTIONS):
        known = function.outer_globals = frozenset(scope_of(function).globals)
    return known or frozenset()


def declared_names(function: gast.AST | None) -> frozenset[str]:
    """Return the names that a function declares to be of somebody else."""
    return nonlocal_names(function) | global_names(function)


def shared_names(function: gast.AST) -> frozenset[str]:
    """Return the local names that functions inside assign."""
    return scope_of(function).shared


def target_names(target: gast.AST) -> tuple[str, ...]:
    """Return the names that a target (of `=`, `for`, `with`) binds."""
    return assigned_names([target])


def assigned_names(stmts: Iterable[gast.AST]) -> tuple[str, ...]:
    """Return the names that statements bind or delete, in order of appearance.

    The bodies of nested functions and the targets of comprehensions do not count; `:=`
    inside a comprehension does.
    """
    return _unique(_bindings(own_nodes(stmts)))


def augmented_names(stmts: Iterable[gast.AST]) -> tuple[str, ...]:
    """Return the names that statements bind in no other way than by `name += ...`."""
    own = list(own_nodes(stmts))
    found = [n.target for n, _ in own if isinstance(n, gast.AugAssign)]
    names = [t.id for t in found if isinstance(t, gast.Name)]
    bound = list(_bindings(own))
    return _unique(n for n in names if bound.count(n) == names.count(n))


def exits(stmts: Iterable[gast.stmt]) -> frozenset[str]:
    """Return which of "break", "continue", "return" leave a list of statements.

    `break` and `continue` count where they mean the loop that the list is the body of.
    """
    found: set[str] = set()
    stack: list[tuple[gast.AST, bool]] = [(s, False) for s in stmts]
    while stack:
        node, in_loop = stack.pop()
        match node:
            case gast.Return():
                found.add("return")
            case gast.Break() if not in_loop:
                found.add("break")
            case gast.Continue() if not in_loop:
                found.add("continue")
        if isinstance(node, LOOPS):
            stack.extend((s, True) for s in node.body)
            stack.extend((s, in_loop) for s in node.orelse)
        elif not isinstance(node, (gast.expr, *SCOPES)):
            stack.extend((child, in_loop) for child in children(node))
    return frozenset(found)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _body(function: gast.AST) -> Sequence[gast.AST]:
    if isinstance(function, gast.Lambda):
        return [function.body]
    return list(function.body)


def _outside(node: gast.AST) -> list[gast.AST]:
    """Return the parts of a nested function or class that run where it is defined."""
    if isinstance(node, gast.ClassDef):
        return [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
    defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
    if isinstance(node, gast.Lambda):
        return defaults
    return [*node.decorator_list, *defaults]


def own_nodes(
    nodes: Iterable[gast.AST], inside: bool = False
) -> Iterator[tuple[gast.AST, bool]]:
    """Yield the nodes that belong to a function itself, in the order of the text.

    With each, whether it is inside a comprehension, whose targets are its own.
    """
    stack = [(node, inside) for node in nodes][::-1]
    while stack:
        node, inside = stack.pop()
        yield node, inside
        parts = _outside(node) if isinstance(node, SCOPES) else children(node)
        if parts:
            inside = inside or isinstance(node, COMPREHENSIONS)
            stack += [(part, inside) for part in reversed(parts)]


def _bindings(own: Iterable[tuple[gast.AST, bool]]) -> Iterator[str]:
    """Yield the names bound by a function's own nodes, once for each binding."""
    for node, inside in own:
        if isinstance(node, gast.Name):
            if not inside and isinstance(node.ctx, (gast.Store, gast.Del)):
                yield node.id
        elif type(node) in BINDERS:
            yield from _bound(node)


def _bound(node: gast.AST) -> list[str]:
    """Return the names that a node other than a name binds by itself."""
    match node:
        case gast.NamedExpr():
            return [node.target.id]
        case gast.Import() | gast.ImportFrom():
            return [a.asname or a.name.partition(".")[0] for a in node.names]
        case gast.MatchMapping():
            return [] if node.rest is None else [node.rest]
    return [] if node.name is None else [node.name]


def _reads(own: Iterable[tuple[gast.AST, bool]]) -> Iterator[str]:
    """Yield the names read by a function's own nodes and by the functions in them."""
    for node, inside in own:
        if inside:  # what a comprehension reads is said where it begins
            continue
        if isinstance(node, gast.Name):
            if isinstance(node.ctx, gast.Load):
                yield node.id
        elif isinstance(node, SCOPES):
            yield from _reads(own_nodes(_outside(node)))
            yield from _reads_of_scope(node)
        elif isinstance(node, COMPREHENSIONS):
            yield from _reads(own_nodes([node.generators[0].iter]))
            yield from _comprehension_reads(node)


def _reads_of_scope(node: gast.AST) -> Iterator[str]:
    """Yield what the body of a function or class reads from outside."""
    if isinstance(node, gast.ClassDef):
        bound = set(assigned_names(node.body))
        names = _reads(own_nodes(node.body))
        yield from (name for name in names if name not in bound)
    else:
        yield from scope_of(node).free


def _comprehension_reads(node: gast.AST) -> Iterator[str]:
    """Yield what a comprehension reads from outside, but for its first iterable."""
    if isinstance(node, gast.DictComp):
        parts = [node.key, node.value]
    else:
        parts = [node.elt]
    own: set[str] = set()
    for i, part in enumerate(node.generators):
        stored = (n for n in gast.walk(part.target) if isinstance(n, gast.Name))
        own.update(n.id for n in stored if isinstance(n.ctx, gast.Store))
        parts += [part.target, *part.ifs, *([part.iter] if i else [])]
    yield from (name for name in _reads(own_nodes(parts)) if name not in own)
