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


def test_all_problems_come_at_once_in_the_order_of_the_text() -> None:
    """One exception shows them all, the first in the fields of SyntaxError."""
    text = """\
    def f(x, model):
        y = np.zeros(3)
        exec("y[0] = x")
        return eval("y.sum()")
    """
    with pytest.raises(NotDifferentiable) as caught:
        fence.require(make(text))
    assert caught.value.lineno == 3
    assert str(caught.value) == textwrap.dedent("""\
        CR105 call of `exec`
          --> model.py:3:5
           |
         3 |     exec("y[0] = x")
           |     ^^^^^^^^^^^^^^^^ it reads or writes names that are not in the text
           = help: write out what it does

        CR105 call of `eval`
          --> model.py:4:12
           |
         4 |     return eval("y.sum()")
           |            ^^^^^^^^^^^^^^^ it reads or writes names that are not in the text
           = help: write out what it does""")  # noqa: E501


@pytest.mark.parametrize(
    ("body", "code", "marked"),
    [
        ("exec('x = 1')", "CR105", "exec('x = 1')"),
        ("a = locals()['x']", "CR105", "locals()"),
        ("vars()", "CR105", "vars()"),
        ("yield x\n    z = yield x", "CR102", "yield x"),
        ("z = yield from x", "CR102", "yield from x"),
        ("def g(): return (yield x)", "CR102", "yield x"),
        ("g = lambda: (yield x)", "CR102", "yield x"),
        ("async def g(): await x", "CR103", "async def g"),
        ("class P: a = eval('x')", "CR110", "class P"),
        ("try: pass\n    finally: return x", "CR114", "return x"),
        ("try: pass\n    except* E: y = 1", "CR101", "try: pass"),
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
        "y[0] = x",
        "y[0].w[1:] += x",
        "for y.a in x: pass",
        "a, (b, *y[:2]) = x",
        "del y[0], y.a",
        "z = 1\n    def g():\n        nonlocal z; z += 1",
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
    """Reads, writes to what is local, and methods are left to those who know types."""
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


def test_a_variable_of_the_function_around_is_no_global() -> None:
    """A captured array is not called module-level: where it is from is seen later."""
    text = """\
    def outer(buffer):
        def f(x):
            buffer[0] = x
        return f
    made = outer(3)
    """
    assert refusals(text, "made") == []


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
