"""How much work generated code does for writes: from the text, not from a clock."""

from __future__ import annotations

import ast

import pytest

from tests.programs import gradient_source

COPIES = {"copy", "zeros", "zeros_like", "empty_like", "full", "array", "concatenate"}


def loops(source: str) -> list[ast.For]:
    """Return the loops of a text, inner ones too."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.For)]


def whole_copies(loop: ast.For) -> list[str]:
    """Return the calls in a loop that make a whole array: of a name, or of a shape."""
    found = []
    for node in ast.walk(loop):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            part = isinstance(node.func.value, ast.Subscript)  # u[1:-1].copy()
            if node.func.attr in COPIES and not part:
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("name", ["heat_in_place", "momentum"])
def test_what_is_linear_in_its_state_saves_nothing(name: str) -> None:
    """No tape, and no array of the size of the state is made anew in a step."""
    source = gradient_source(name)
    assert len(loops(source)) == 2
    assert "tape" not in source and "append" not in source
    assert [whole_copies(loop) for loop in loops(source)] == [[], []]


@pytest.mark.parametrize("name", ["filled_recurrence", "lu"])
def test_a_store_of_an_element_costs_an_element(name: str) -> None:
    """Loops read and write elements; no array is made, none is handled as a whole."""
    source = gradient_source(name)
    assert loops(source)
    for loop in loops(source):
        assert whole_copies(loop) == []
        assert not [
            ast.unparse(node)
            for node in ast.walk(loop)
            if isinstance(node, ast.Slice | ast.Constant)
            and (isinstance(node, ast.Slice) or node.value is Ellipsis)
        ]
        # A whole array in arithmetic would be its bare name.
        bare = {
            side.id
            for node in ast.walk(loop)
            if isinstance(node, ast.BinOp)
            for side in (node.left, node.right)
            if isinstance(side, ast.Name)
        }
        assert not bare & {"y", "y_bar", "a_bar", "matrix"}, bare


def test_a_whole_copy_is_seen() -> None:
    """The gate closes for what it is there for."""
    text = (
        "for i in x:\n    y = y_bar.copy()\n    z = np.zeros_like(y)\n    y[1:].copy()"
    )
    (loop,) = loops(text)
    assert whole_copies(loop) == ["y_bar.copy()", "np.zeros_like(y)"]
