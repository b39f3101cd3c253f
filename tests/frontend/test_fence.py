"""What is never supported is refused by syntax alone, all at once; nothing else is."""

from __future__ import annotations

import linecache
import textwrap
from typing import Any

import numpy as np
import pytest

from chainrule.codes import CODES
from chainrule.errors import NotDifferentiable
from chainrule.frontend import fence
from chainrule.frontend.source import Source, load


def make(text: str, name: str = "f", **names: Any) -> Source:
    """Return the source of a function, as if its text were a file model.py."""
    text = textwrap.dedent(text)
    linecache.cache["model.py"] = (len(text), None, text.splitlines(True), "model.py")
    namespace = {"np": np, **names}
    exec(compile(text, "model.py", "exec"), namespace)
    return load(namespace[name])


def refusals(text: str, name: str = "f", **names: Any) -> list[str]:
    """Return what the fence says of a function, rendered."""
    return list(map(str, fence.check(make(text, name, **names))))


def test_a_global_array_is_not_written() -> None:
    """The diagnostic names the array, the function, and what to do."""
    text = """\
    def loss(x, i):
        TABLE[i] = x * x
        return TABLE.sum()
    """
    (shown,) = refusals(text, "loss", TABLE=np.zeros(3))
    assert shown == (
        "CR104 write to a global array\n"
        "  --> model.py:2:5\n"
        "   |\n"
        " 2 |     TABLE[i] = x * x\n"
        "   |     ^^^^^^^^^^^^^^^^ `TABLE` is a module-level array; "
        "its history is not visible to `loss`\n"
        "   = help: pass the array as an argument, and compute a new one from it"
    )


def test_all_problems_come_at_once_in_the_order_of_the_text() -> None:
    """One exception shows them all, the first in the fields of SyntaxError."""
    text = """\
    def f(x, model):
        y = np.zeros(3)
        y[0] = x
        model.last, y[1:] = x, 2
        return eval("y.sum()")
    """
    with pytest.raises(NotDifferentiable) as caught:
        fence.require(make(text))
    assert caught.value.lineno == 3
    assert str(caught.value) == textwrap.dedent("""\
        CR401 write into an item of `y`
          --> model.py:3:5
           |
         3 |     y[0] = x
           |     ^^^^^^^^ `y` is changed in place: the values it had are lost
           = help: build it at once: np.array([...]), np.stack([... for i in ...]), np.where(...)

        CR405 write into the attribute `last` of `model`
          --> model.py:4:5
           |
         4 |     model.last, y[1:] = x, 2
           |     ^^^^^^^^^^ `model` outlives the statement: others see the change
           = help: use a local variable `last`, and return it

        CR401 write into an item of `y`
          --> model.py:4:17
           |
         4 |     model.last, y[1:] = x, 2
           |                 ^^^^^ `y` is changed in place: the values it had are lost
           = help: build it at once: np.array([...]), np.stack([... for i in ...]), np.where(...)

        CR105 call of `eval`
          --> model.py:5:12
           |
         5 |     return eval("y.sum()")
           |            ^^^^^^^^^^^^^^^ it reads or writes names that are not in the text
           = help: write out what it does""")  # noqa: E501


@pytest.mark.parametrize(
    ("body", "code", "marked"),
    [
        ("y[0] = x", "CR401", "y[0] = x"),
        ("y[0][1:] = x", "CR401", "y[0][1:] = x"),
        ("y[0] = z = x", "CR401", "y[0]"),
        ("a, (b, *y[:2]) = x", "CR401", "y[:2]"),
        ("y.w[0] = x", "CR401", "y.w[0] = x"),
        ("y[0]: float = x", "CR401", "y[0]: float = x"),
        ("for y[0] in x: pass", "CR401", "y[0]"),
        ("with x as y[0]: pass", "CR401", "y[0]"),
        ("[0 for y[0] in x]", "CR401", "y[0]"),
        ("y['a'] = x", "CR401", "y['a'] = x"),
        ("y[0] += x", "CR401", "y[0] += x"),
        ("y.a = x", "CR405", "y.a = x"),
        ("y.a += x", "CR405", "y.a += x"),
        ("for y.a in x: pass", "CR405", "y.a"),
        ("del y[0]", "CR406", "del y[0]"),
        ("del x, y.a", "CR406", "y.a"),
        ("G[0] = x", "CR104", "G[0] = x"),
        ("G['a'] += x", "CR104", "G['a'] += x"),
        ("G.a[0] = x", "CR104", "G.a[0] = x"),
        ("global z; z = 1", "CR106", "global z"),
        ("def g():\n        nonlocal y; y += 1", "CR106", "nonlocal y"),
        ("exec('x = 1')", "CR105", "exec('x = 1')"),
        ("a = locals()['x']", "CR105", "locals()"),
        ("setattr(y, 'a', x)", "CR105", "setattr(y, 'a', x)"),
        ("yield x\n    z = yield x", "CR102", "yield x"),
        ("z = yield from x", "CR102", "yield from x"),
        ("def g(): return (yield x)", "CR102", "yield x"),
        ("g = lambda: (yield x)", "CR102", "yield x"),
        ("async def g(): await x", "CR103", "async def g"),
        ("class P: a = eval('x')", "CR110", "class P"),
        ("try: pass\n    finally: return x", "CR114", "return x"),
        ("try: pass\n    except* E: y = 1", "CR101", "try: pass"),
        ("def g():\n        y[0] = 1", "CR401", "y[0] = 1"),
        ("g = [lambda: [eval('x') for a in x]]", "CR105", "eval('x')"),
    ],
)
def test_one_refusal_each(body: str, code: str, marked: str) -> None:
    """Every construct has its code, and the carets mark it."""
    text = f"def f(x, y):\n    {body}\n    return x\n"
    (found,) = fence.check(make(text, G={}))
    assert found.code == code
    assert code in CODES
    line = text.splitlines()[found.loc.line - 1]
    end = found.loc.end_column if found.loc.end_line == found.loc.line else None
    assert line[found.loc.column : end] == marked


@pytest.mark.parametrize(
    "body",
    [
        "y[0]: float",
        "z: y[0] = 1",
        "y += x",
        "y.append(x)",
        "global z",
        "def g():\n        nonlocal y",
        "z = [v for v in y if v]",
        "try: pass\n    finally:\n        for i in y: break",
        "import math as m; z = m.pi",
        "compile = lambda v: v; z = compile(x)",
        "z = mine.eval(x) + vars2()",
        "z = y[0] + y.a",
        "g = lambda a=y[0]: a",
        "del y",
        "match x:\n        case [a, {'k': b}]: z = a",
    ],
)
def test_what_depends_on_types_passes(body: str) -> None:
    """Reads, rebinding of names, and methods are left to those who know types."""
    assert refusals(f"def f(x, y):\n    {body}\n    return x\n") == []


def test_a_function_that_is_only_called_like_a_builtin_passes() -> None:
    """A module's own `eval` or `vars` is an ordinary function."""
    assert refusals("def f(x): return eval(x)", eval=np.sin) == []
    assert refusals("def f(x, eval): return eval(x)") == []
    outer = """\
    def outer(vars):
        def f(x): return vars(x)
        return f
    made = outer(3)
    """
    assert refusals(outer, "made") == []


def test_async_functions_are_refused_at_their_name() -> None:
    """The carets mark the head of the function, not its body."""
    (shown,) = refusals("async def f(x):\n    return x")
    assert " 1 | async def f(x):\n   | ^^^^^^^^^^^ the order" in shown


OTHERS = """\
def f(x, given):
    y = np.zeros(3)
    z, w, s = [x], {"a": x}, 0
    z = [x]
    w = {"a": x}
    c = {x}
    m = given
    m = [x]
    z.append(x); w.update(b=x); c.add(x); y.fill(x)
    y += x; z += [x]; s += x
    m.append(x); given.append(x); z.index(x)
    %s
    return z
"""


def test_what_is_surely_refused_later_is_told_together() -> None:
    """Mutations of fresh objects join the others, but are never a reason alone."""
    assert refusals(OTHERS.replace("z, w, s", "a, b, s") % "pass") == []
    found = fence.check(make(OTHERS.replace("z, w, s", "a, b, s") % "y[0] = 1"))
    assert [(d.code, d.loc.line, d.loc.column) for d in found] == [
        *(("CR404", 9, 4), ("CR404", 9, 17), ("CR404", 9, 32), ("CR404", 9, 42)),
        *(("CR402", 10, 4), ("CR402", 10, 12), ("CR401", 12, 4)),
    ]
    assert found[0].message == "`append` changes the list `z`"
    assert found[4].message == "augmented assignment to the array `y`"


def test_a_name_that_may_be_something_else_is_left_alone() -> None:
    """One binding of another kind is enough to say nothing."""
    found = fence.check(make(OTHERS % "y[0] = 1"))
    assert [d.code for d in found if d.loc.line == 9] == ["CR404", "CR404"]


def test_a_dict_gets_advice_for_dicts() -> None:
    """The help shows the user's own dict and key."""
    (shown,) = refusals('def f(p, x):\n    p["w"] = x\n    return p')
    assert shown.endswith("= help: make a new dict: {**p, 'w': ...}")


def test_a_variable_of_the_function_around_is_no_global() -> None:
    """A captured array is not called module-level."""
    text = """\
    def outer(buffer):
        def f(x):
            buffer[0] = x
        return f
    made = outer(3)
    """
    (found,) = fence.check(make(text, "made"))
    assert found.code == "CR401"


@pytest.mark.parametrize(("terms", "codes"), [(150, []), (230, ["CR109"])])
def test_deep_expressions_are_refused(terms: int, codes: list[str]) -> None:
    """Long sums pass up to a point, and then are one ordinary diagnostic."""
    text = "def f(x):\n    y = " + " + ".join(["x"] * terms) + "\n    return y\n"
    assert [d.code for d in fence.check(make(text))] == codes


def test_many_statements_are_not_deep() -> None:
    """Depth counts levels of one expression, not lines, branches or elifs."""
    lines = [f"    elif x > {i}:\n        y = {i}" for i in range(60)]
    text = (
        "def f(x):\n    if x:\n        y = 0\n" + "\n".join(lines) + "\n    return y\n"
    )
    assert refusals(text + "\n".join(["    x = x + 1"] * 300)) == []
