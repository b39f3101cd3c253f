"""Statements with one operation each: what a statement computes, step by step.

In: a statement. Out: statements that do the same in the same order, in which each call
and each operation has a statement of its own and hands its value on in a new variable.
Where one of them may leave (by an exception that is followed), those behind it are in
statements of their own, which need not be reached.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import gast

ATOMS = (gast.Name, gast.Constant)
LISTED = {"sum", "list", "tuple", "max", "min", "sorted", "dict"}
LOAD, STORE = gast.Load(), gast.Store()


def unnest(node: Any, numbers: count[int], shared: frozenset[str]) -> list[Any]:
    """Return the statements that a statement stands for; the last one is its own.

    `shared` are variables that a function which is called may bind anew.
    """
    return Unnest(node, numbers, shared).run()


def stores_twice(node: Any) -> bool:
    """Say whether a statement binds several targets that are not all names."""
    targets = getattr(node, "targets", [])
    stores = [t for t in targets if not isinstance(t, gast.Name)]
    return len(targets) > 1 and bool(stores) or any(map(_several, targets))


def with_test_inside(node: gast.While) -> gast.While:
    """Return a `while` loop that tests in its body; the `else` clause is there, too."""
    leave = gast.If(
        gast.UnaryOp(gast.Not(), node.test), [*node.orelse, gast.Break()], []
    )
    gast.copy_location(leave, node)
    gast.copy_location(leave.test, node.test)
    true = gast.copy_location(gast.Constant(True, None), node.test)
    return gast.copy_location(gast.While(true, [leave, *node.body], []), node)


def is_flat(node: Any) -> bool:
    """Say whether a statement is one that has been taken apart."""
    return getattr(node, "flat", False)


class Unnest:
    """The steps of one statement."""

    def __init__(self, node: Any, numbers: count[int], shared: frozenset[str]) -> None:
        self.node, self.numbers, self.shared = node, numbers, shared
        self.stmts: list[Any] = []

    def run(self) -> list[Any]:
        """Return the steps."""
        last = self.last(self.node)
        if last is not None:
            self.add(last, self.node)
        return self.stmts

    def add(self, stmt: Any, like: Any) -> None:
        """Append a step."""
        stmt.flat = True
        self.stmts.append(gast.copy_location(stmt, like))

    def keep(self, expr: Any) -> Any:
        """Give the value of an expression a name, and return that."""
        bound_anew = isinstance(expr, gast.Name) and expr.id in self.shared
        if isinstance(expr, ATOMS) and not bound_anew:
            return expr
        name = f"${next(self.numbers)}"
        self.add(gast.Assign([_name(name, STORE, expr)], expr, None), expr)
        return _name(name, LOAD, expr)

    def last(self, node: Any) -> Any:
        """Return what is left of a statement when its operands have names."""
        match node:
            case gast.Assign(targets=[target], value=value) if not _several(target):
                return gast.Assign(*self.assigned(target, value), None)
            case gast.Assign(targets=targets, value=value):
                return self.stores(targets, self.atom(value))
            case gast.AnnAssign(target=target, value=value) if value is not None:
                return gast.Assign(*self.assigned(target, value), None)
            case gast.AugAssign():
                return self.augmented(node)
            case gast.Return(value=value) if value is not None:
                return gast.Return(self.shallow(value))
            case gast.Expr(value=gast.Yield(value=value)) if value is not None:
                inner = gast.copy_location(gast.Yield(self.atom(value)), node)
                return gast.Expr(inner)
            case gast.Expr(value=value):
                return gast.Expr(self.shallow(value))
            case gast.Raise(exc=exc) if exc is not None:
                return gast.Raise(self.shallow(exc), node.cause)
            case gast.Assert(test=test, msg=msg):
                return gast.Assert(self.atom(test), msg)
            case gast.If(test=test):
                return gast.If(self.atom(test), node.body, node.orelse)
            case gast.For(iter=it):
                return gast.For(
                    node.target, self.shallow(it), node.body, node.orelse, None
                )
            case gast.Match(subject=subject):
                return gast.Match(self.atom(subject), node.cases)
        return node

    def assigned(self, target: Any, value: Any) -> tuple[list[Any], Any]:
        """Return a target and a value; the value is computed before the target is."""
        value = self.shallow(value) if _is_place(target) else self.atom(value)
        return [self.target(target)], value

    def stores(self, targets: list[Any], value: Any) -> None:
        """Write an assignment to several targets as one for each."""
        for target in targets:
            if not isinstance(target, gast.Tuple | gast.List):
                self.add(gast.Assign([self.target(target)], value, None), target)
                continue
            names, inside = [], []
            for part in target.elts:
                if isinstance(part, gast.Name):
                    names.append(part)
                    continue
                starred = isinstance(part, gast.Starred)
                name = f"${next(self.numbers)}"
                each = _name(name, STORE, part)
                if starred:
                    each = gast.copy_location(gast.Starred(each, STORE), part)
                names.append(each)
                inside.append((part.value if starred else part, name))
            bound = gast.copy_location(gast.Tuple(names, STORE), target)
            self.add(gast.Assign([bound], value, None), target)
            for part, name in inside:
                self.stores([part], _name(name, LOAD, part))

    def augmented(self, node: Any) -> Any:
        """Write `target op= value` so that the target is read first, as Python does."""
        if isinstance(node.target, gast.Name) and node.target.id not in self.shared:
            return gast.AugAssign(node.target, node.op, self.atom(node.value))
        target = self.target(node.target)
        read = _loaded(target)
        name = f"${next(self.numbers)}"
        self.add(gast.Assign([_name(name, STORE, node)], read, None), node)
        value = self.atom(node.value)
        self.add(gast.AugAssign(_name(name, STORE, node), node.op, value), node)
        return gast.Assign([target], _name(name, LOAD, node), None)

    def target(self, node: Any) -> Any:
        """Return a target whose base and index have names."""
        made = node
        match node:
            case gast.Attribute():
                made = gast.Attribute(self.atom(node.value), node.attr, node.ctx)
            case gast.Subscript():
                base = self.atom(node.value)
                made = gast.Subscript(base, self.index(node.slice), node.ctx)
        return gast.copy_location(made, node)

    def index(self, node: Any) -> Any:
        """Return an index whose parts have names."""
        if isinstance(node, gast.Slice):
            parts = [node.lower, node.upper, node.step]
            made = gast.Slice(*(p if p is None else self.atom(p) for p in parts))
            return gast.copy_location(made, node)
        if isinstance(node, gast.Tuple):
            made = gast.Tuple([self.index(e) for e in node.elts], node.ctx)
            return gast.copy_location(made, node)
        return self.atom(node)

    def atom(self, node: Any) -> Any:
        """Return a name for the value of an expression, or the constant that it is."""
        return self.keep(self.shallow(node))

    def shallow(self, node: Any) -> Any:
        """Return an expression whose operands have names."""
        if isinstance(node, ATOMS):
            return node
        made = self.operands(node)
        return made if made is node else gast.copy_location(made, node)

    def operands(self, node: Any) -> Any:
        """Return a new node with names for the operands, in the order of Python."""
        atom = self.atom
        match node:
            case gast.Call():
                return self.call(node)
            case gast.Attribute():
                return gast.Attribute(atom(node.value), node.attr, node.ctx)
            case gast.Subscript():
                return gast.Subscript(
                    atom(node.value), self.index(node.slice), node.ctx
                )
            case gast.BinOp():
                left = atom(node.left)
                return gast.BinOp(left, node.op, atom(node.right))
            case gast.UnaryOp():
                return gast.UnaryOp(node.op, atom(node.operand))
            case gast.Compare(comparators=[right]):
                left = atom(node.left)
                return gast.Compare(left, node.ops, [atom(right)])
            case gast.Tuple() | gast.List():
                return type(node)([self.element(e) for e in node.elts], node.ctx)
            case gast.Dict() if None not in node.keys:
                pairs = [
                    (atom(k), atom(v))
                    for k, v in zip(node.keys, node.values, strict=True)
                ]
                return gast.Dict([k for k, _ in pairs], [v for _, v in pairs])
            case gast.BoolOp():
                return self.boolean(node)
            case gast.IfExp():
                return self.choice(node)
            case gast.NamedExpr():
                value = self.shallow(node.value)
                self.add(gast.Assign([node.target], value, None), node)
                return _name(node.target.id, LOAD, node)
            case gast.ListComp():
                return self.listed(node, node.elt)
        return node

    def element(self, node: Any) -> Any:
        """Return an element of a display."""
        if isinstance(node, gast.Starred):
            made = gast.Starred(self.atom(node.value), node.ctx)
            return gast.copy_location(made, node)
        return self.atom(node)

    def call(self, node: Any) -> Any:
        """Return a call whose arguments have names; the function is asked for first."""
        func = node.func
        if isinstance(func, gast.Attribute):
            if not _is_super(func.value):
                made = gast.Attribute(self.atom(func.value), func.attr, func.ctx)
                func = gast.copy_location(made, func)
        else:
            func = self.atom(func)
        listed = isinstance(node.func, gast.Name) and node.func.id in LISTED
        args = []
        for arg in node.args:
            if isinstance(arg, gast.GeneratorExp):
                args.append(self.listed(arg, arg.elt) if listed else arg)
            else:
                args.append(self.element(arg))
        named = [gast.keyword(k.arg, self.atom(k.value)) for k in node.keywords]
        return gast.Call(func, args, named)

    def boolean(self, node: Any) -> Any:
        """Write `and` and `or` as steps that are taken where they are needed."""
        name = f"${next(self.numbers)}"
        rest = node.values[1:]
        more = rest[0]
        if len(rest) > 1:
            more = gast.copy_location(gast.BoolOp(node.op, rest), node)
        first = self.shallow(node.values[0])
        self.add(gast.Assign([_name(name, STORE, node)], first, None), node)
        test: Any = _name(name, LOAD, node)
        if isinstance(node.op, gast.Or):
            test = gast.copy_location(gast.UnaryOp(gast.Not(), test), node)
        self.branch(node, test, self.steps(name, more), [])
        return _name(name, LOAD, node)

    def choice(self, node: Any) -> Any:
        """Write `a if test else b` as a statement."""
        name = f"${next(self.numbers)}"
        test = self.atom(node.test)
        one, two = self.steps(name, node.body), self.steps(name, node.orelse)
        self.branch(node, test, one, two)
        return _name(name, LOAD, node)

    def branch(self, node: Any, test: Any, body: list[Any], orelse: list[Any]) -> None:
        """Append an `if` whose test is one operation."""
        self.add(gast.If(test, body, orelse), node)

    def steps(self, name: str, expr: Any) -> list[Any]:
        """Return the steps that give a variable the value of an expression."""
        assign = gast.Assign([_name(name, STORE, expr)], expr, None)
        return unnest(gast.copy_location(assign, expr), self.numbers, self.shared)

    def listed(self, node: Any, elt: Any) -> Any:
        """Write a list comprehension as a loop that fills a list."""
        name, table = f"${next(self.numbers)}", {}
        for each in node.generators:
            for part in gast.walk(each.target):
                if isinstance(part, gast.Name):
                    table[part.id] = f"${part.id}{next(self.numbers)}"
        empty = gast.copy_location(gast.List([], LOAD), node)
        self.add(gast.Assign([_name(name, STORE, node)], empty, None), node)
        grow = gast.Attribute(_name(name, LOAD, node), "append", LOAD)
        call = gast.Call(gast.copy_location(grow, node), [_renamed(elt, table)], [])
        body: Any = gast.Expr(gast.copy_location(call, node))
        for each in reversed(node.generators):
            body = gast.copy_location(body, node)
            for test in reversed(each.ifs):
                inner = gast.If(_renamed(test, table), [body], [])
                body = gast.copy_location(inner, node)
            first = each is node.generators[0]
            it = self.shallow(each.iter) if first else _renamed(each.iter, table)
            body = gast.For(_renamed(each.target, table), it, [body], [], None)
        self.add(body, node)
        body.flat = False
        return _name(name, LOAD, node)


def _name(name: str, use: Any, like: Any) -> Any:
    return gast.copy_location(gast.Name(name, use, None, None), like)


def _is_place(target: Any) -> bool:
    """Say whether nothing has to be computed for a target."""
    match target:
        case gast.Attribute(value=base):
            return isinstance(base, ATOMS)
        case gast.Subscript(value=base, slice=index):
            return isinstance(base, ATOMS) and isinstance(index, ATOMS)
    return True


def _several(target: Any) -> bool:
    """Say whether a target is more than one place and names."""
    parts = getattr(target, "elts", [])
    return any(not isinstance(p, gast.Name) for p in parts)


def _is_super(node: Any) -> bool:
    called = isinstance(node, gast.Call) and isinstance(node.func, gast.Name)
    return called and node.func.id == "super"


def _loaded(target: Any) -> Any:
    """Return a target as the expression that reads it."""
    if isinstance(target, gast.Name):
        return _name(target.id, LOAD, target)
    if isinstance(target, gast.Attribute):
        made: Any = gast.Attribute(target.value, target.attr, LOAD)
    else:
        made = gast.Subscript(target.value, target.slice, LOAD)
    return gast.copy_location(made, target)


def _renamed(node: Any, table: dict[str, str]) -> Any:
    """Return a copy of an expression in which variables have other names."""
    return Rename(lambda name: table.get(name, name)).visit(_copied(node))


class Rename(gast.NodeTransformer):  # type: ignore[misc]
    """Gives variables other names."""

    def __init__(self, name: Callable[[str], str]) -> None:
        self.name = name

    def visit_Name(self, node: Any) -> Any:  # noqa: N802
        """Rename one variable."""
        return _name(self.name(node.id), node.ctx, node)


def _copied(node: Any) -> Any:
    """Return a copy of a tree."""
    if isinstance(node, list):
        return [_copied(n) for n in node]
    if not isinstance(node, gast.AST):
        return node
    made = type(node)(**{k: _copied(getattr(node, k)) for k in node._fields})
    return gast.copy_location(made, node)
