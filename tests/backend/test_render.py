"""Printing trees: verified, laid out, and honest about constants."""

from __future__ import annotations

import ast

import gast
import pytest

from chainrule.backend.count import count_numpy_calls, count_statements
from chainrule.backend.generator import Remark
from chainrule.backend.render import render, same

EXPRESSIONS = """
(a + b).T
-a ** -b
(-a) ** (-b)
a - (b - c)
a / (b * c)
not (a and b) or c
x[1:, i, None, ..., ::2]
x[a + 1 :, : b + 1]
x[i,]
f(*a, **(b or c))
{'a': 1, **(b or c)}
(yield_ if a else b)[0]
lambda x, /, y=1, *z, k=2, **w: x
f'{x!r:>{n}} {"a"}'
(1).real
[*a, *b]
(a < b) < c
a if b else c if d else e
(a, b), c
x**2 + y.z**-1 - f(x) ** 2
"""


@pytest.mark.parametrize("text", EXPRESSIONS.strip().split("\n"))
def test_expressions_survive(text: str) -> None:
    """An expression is printed by astor as the tree that it was."""
    rendered = render(gast.parse(text))
    assert rendered.engine == "astor"
    assert same(ast.parse(text), ast.parse(rendered.text))


def test_negative_constants_keep_their_meaning() -> None:
    """A negative number in a compiler's tree is not what its text would say."""
    two = gast.Constant(2, None)
    power = gast.BinOp(gast.Constant(-2, None), gast.Pow(), two)
    tree = gast.Module([gast.Expr(power)], [])
    assert eval(render(tree).text) == 4


def test_comments_survive() -> None:
    """A remark is printed as a comment on its own line."""
    tree = gast.parse("def f(x):\n    return x")
    remark = gast.Expr(gast.Constant(Remark("forward sweep"), None))
    tree.body[0].body.insert(0, remark)
    assert render(tree).text == "def f(x):\n    # forward sweep\n    return x\n"


def test_what_astor_cannot_print() -> None:
    """A tree that astor fails on is printed by ast.unparse."""
    rendered = render(gast.parse("match x:\n    case 1:\n        y = 2"))
    assert rendered.engine == "ast.unparse"
    assert "case 1:" in rendered.text


WORDS = [f"quite_a_long_name_{i}" for i in range(5)]
LONG = f"""
def f(x):
    result = np.where({", ".join(WORDS[:3])} + 10000000)
    total = {WORDS[0]} * {WORDS[1]} + {WORDS[2]} * {WORDS[3]}
    for {", ".join(WORDS)} in reversed(tape):
        pass
    return {", ".join(WORDS)}
"""


def test_long_lines_are_broken() -> None:
    """No line is wider than 88 columns; brackets open as Black opens them."""
    text = render(gast.parse(LONG)).text
    assert max(map(len, text.split("\n"))) <= 88
    assert "result = np.where(\n        quite_a_long_name_0, quite" in text
    assert "total = (\n        quite_a_long_name_0 * " in text
    assert "for (\n        quite_a_long_name_0,\n" in text
    assert "return (\n        quite_a_long_name_0,\n" in text


def test_large_functions_print_in_linear_time() -> None:
    """A function of a thousand statements is printed without a deep recursion."""
    text = "def f(x):\n" + "    x = x * 2.0 + np.sin(x)\n" * 1000 + "    return x\n"
    assert render(gast.parse(text)).text == text


def test_counts() -> None:
    """Statements and NumPy calls are counted as a reader counts them."""
    text = 'def f(x):\n    """Doc."""\n    y = np.exp(x) @ x.sum()\n    return len(y)\n'
    assert count_statements(text) == 2
    assert count_numpy_calls(text) == 3


def test_a_display_is_indented_once() -> None:
    """`f([` opens one level, not two, where the list is all that it is given."""
    items = [f"some_name_{k} * another_name_{k}" for k in range(4)]
    text = render(gast.parse(f"x = f([{', '.join(items)}])")).text
    assert text.strip().split("\n") == ["x = f([", *(f"    {i}," for i in items), "])"]
    more = render(gast.parse(f"x = f([{', '.join(items)}], 1)")).text
    assert more.startswith("x = f(\n    [\n        some_name_0")
