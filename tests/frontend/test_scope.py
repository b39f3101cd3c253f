"""Every binding form of Python is known, and every way out of a block."""

from __future__ import annotations

import inspect
import statistics
import symtable
import sys
import textwrap
import types
from collections.abc import Iterator

import gast
import numpy as np
import pytest

from chainrule.frontend import scope

# a private module, which NumPy 2 has moved
NUMPY = sys.modules[inspect.unwrap(np.diff).__globals__["__name__"]]


def parse(text: str) -> list[gast.stmt]:
    """Return the statements of a text."""
    return gast.parse(textwrap.dedent(text)).body


def function(text: str) -> gast.AST:
    """Return the function, or the statement, that a text is."""
    (node,) = parse(text)
    return node.value if isinstance(node, gast.Expr) else node


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a = b = 1", "a b"),
        ("a, (b, *c), [d] = x", "a b c d"),
        ("x[i] = y; x.a = z", ""),
        ("a += 1", "a"),
        ("a: int = 1\nb: int", "a b"),
        ("for a, b in c:\n    d = 1\nelse:\n    e = 2", "a b d e"),
        ("while (a := f()):\n    b = a", "a b"),
        ("with f() as a, g() as (b, c):\n    d = 1", "a b c d"),
        ("try:\n    a = 1\nexcept E as b:\n    c = 1\nfinally:\n    d = 1", "a b c d"),
        ("import a, b.c, d as e", "a b e"),
        ("from m import a, b as c", "a c"),
        ("def a(b=(c := 1)):\n    d = 2", "a c"),
        ("@(a := f)\nclass b(c := B):\n    d = 2", "b a c"),
        ("del a, b[0]", "a"),
        ("a = lambda b=(c := 1): (d := 2)", "a c"),
        ("a = [(b := c) for c in d if (e := c)]", "a b e"),
        ("a = {b: (c := b) for b in d for f in g}", "a c"),
        ("sum(a for a in b)", ""),
        ("match x:\n    case [a, *b]:\n        c = 1", "a b c"),
        ("match x:\n    case {'k': a, **b} | P(z=a as b):\n        pass", "b a"),
        ("match x:\n    case _ if (a := 1):\n        pass", "a"),
        ("if x:\n    b = 1\nelse:\n    a = 1\nb = 2", "b a"),
    ],
)
def test_assigned_names(text: str, names: str) -> None:
    """The names that statements bind come in the order of the text, once each."""
    assert scope.assigned_names(parse(text)) == tuple(names.split())


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a = 1", ""),
        ("break", "break"),
        ("if x:\n    continue\nelse:\n    return", "continue return"),
        ("for i in x:\n    break", ""),
        ("for i in x:\n    return 1", "return"),
        ("while x:\n    continue\nelse:\n    break", "break"),
        ("for i in x:\n    for j in y:\n        pass\n    else:\n        break", ""),
        ("with x:\n    try:\n        pass\n    except E:\n        break", "break"),
        ("try:\n    pass\nfinally:\n    continue", "continue"),
        ("match x:\n    case 1:\n        return", "return"),
        ("def f():\n    return 1", ""),
        ("class A:\n    def f(self):\n        return 1", ""),
        ("a = lambda: 1", ""),
    ],
)
def test_exits(text: str, kinds: str) -> None:
    """`break` and `continue` of inner loops stay inside; `return` goes through."""
    assert scope.exits(parse(text)) == frozenset(kinds.split())


def test_parameters_come_in_the_order_of_the_signature() -> None:
    """Positional-only, plain, starred, keyword-only and double-starred."""
    text = "def f(a, /, b, *c, d=1, **e): pass"
    assert scope.parameters(function(text)) == ("a", "b", "c", "d", "e")
    assert scope.scope_of(function(text)).locals == ("a", "b", "c", "d", "e")


def test_a_scope_says_what_each_name_is() -> None:
    """Parameters, locals, declared and free names, also those of inner functions."""
    text = """\
    def f(x, y=default):
        global total
        total = x + offset
        def inner(z, w=y):
            nonlocal x
            x = z + deep
            return lambda q: q + z + deeper
        items = [a + b for a in source for b in a if b + c]
        class Local(Base):
            field = outside + total
            twice = field * 2
        return inner(x) + np.sum(items)
    """
    found = scope.scope_of(function(text))
    assert found.params == ("x", "y")
    assert found.assigned == ("total", "inner", "items", "Local")
    assert found.locals == ("x", "y", "inner", "items", "Local")
    assert found.globals == ("total",)
    assert found.free == (
        *("offset", "deep", "deeper", "source", "c"),
        *("Base", "outside", "total", "np"),
    )
    inner = next(n for n in function(text).body if isinstance(n, gast.FunctionDef))
    assert scope.scope_of(inner).nonlocals == ("x",)
    assert scope.local_names(inner) == ("z", "w")


def test_the_first_iterable_of_a_comprehension_is_read_outside() -> None:
    """In `[x for x in x]` the last x is not the target."""
    assert scope.scope_of(function("lambda: [x for x in x]")).free == ("x",)
    assert scope.scope_of(function("lambda: [x for y in z for x in y]")).free == ("z",)
    assert scope.scope_of(function("lambda: {k: v for k, v in k}")).free == ("k",)


def test_target_names() -> None:
    """A target binds its names, not what it stores into."""
    target = function("a, (*b, c[d]), e.f = x").targets[0]
    assert scope.target_names(target) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "generator", "coroutine"),
    [
        ("def f(): return 1", False, False),
        ("def f(): yield 1", True, False),
        ("def f(): x = yield from g()", True, False),
        ("lambda: (yield)", True, False),
        ("def f():\n    def g(): yield 1", False, False),
        ("def f(): return (x for x in y)", False, False),
        ("async def f(): pass", False, True),
    ],
)
def test_generators_and_coroutines(text: str, generator: bool, coroutine: bool) -> None:
    """Only a function's own `yield` makes it a generator."""
    node = function(text)
    found = scope.scope_of(node)
    assert (found.is_generator, found.is_async) == (generator, coroutine)


def tables(table: symtable.SymbolTable) -> Iterator[symtable.Function]:
    """Yield the tables of all functions that Python's own compiler makes."""
    for child in table.get_children():
        yield from tables(child)
        if isinstance(child, symtable.Function):
            yield child


@pytest.mark.parametrize("module", [statistics, inspect, textwrap, NUMPY])
def test_names_are_those_of_pythons_own_compiler(module: types.ModuleType) -> None:
    """On real modules, local and free names agree with `symtable`."""
    text = inspect.getsource(module)
    nodes = [n for n in gast.walk(gast.parse(text)) if isinstance(n, gast.FunctionDef)]
    by_place = {(n.name, n.lineno): n for n in nodes}
    compared = 0
    for table in tables(symtable.symtable(text, "<test>", "exec")):
        node = by_place.get((table.get_name(), table.get_lineno()))
        inside = [] if node is None else gast.walk(node)
        if node is None or any(isinstance(n, scope.COMPREHENSIONS) for n in inside):
            continue  # Python 3.12 counts the targets of comprehensions as locals
        found = scope.scope_of(node)
        assert set(found.params) == set(table.get_parameters())
        assert set(found.locals) == set(table.get_locals())
        outer = {*table.get_frees(), *table.get_globals()} - {"__class__"}
        assert outer <= {*found.free, *found.globals, *found.nonlocals}
        assert set(found.free).isdisjoint(found.locals)
        compared += 1
    assert compared > 5
