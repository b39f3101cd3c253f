"""The code of a derivative, and how it differs from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import differentiate, grad, hessian
from chainrule.checking import goldens


def square(x):
    return np.sum(x**2)


def scaled(x, k):
    return k * square(x)


@pytest.mark.parametrize("f", [square, differentiate(square), grad(square)])
def test_code_is_that_of_source(f: Any) -> None:
    """Decorated or not, or a derivative, with one newline at the end."""
    expected = grad(square).source(np.ones(3)).rstrip("\n") + "\n"
    assert goldens.code(f, (np.ones(3),), {}) == expected


def test_choices() -> None:
    """What to differentiate by and how can be chosen."""
    args = np.ones(3), 2.0
    assert "scaled_grad" in goldens.code(scaled, args, {}, wrt="k")
    both = goldens.code(scaled, args, {}, wrt=(0, 1), transform="value_and_grad")
    assert both.rstrip().splitlines()[-1].count(",") == 2
    assert goldens.code(hessian(square), args[:1], {}) == goldens.code(
        square, args[:1], {}, transform="hessian"
    )
    with pytest.raises(ValueError, match="is none of grad"):
        goldens.code(square, args[:1], {}, transform="gradient")


def test_code_does_not_depend_on_what_was_compiled_before() -> None:
    """The fifth set of argument types gets general code, but not here."""

    def total(x, y):
        return np.sum(x * y)

    alone = goldens.code(total, (np.ones((3, 4)), np.ones(4)), {})
    for dims in ((3,), (1, 3), (2, 1, 3), (1, 1, 2, 3), (2, 1, 1, 1, 3)):
        grad(total)(np.ones(dims), np.ones(3))
    assert goldens.code(total, (np.ones((3, 4)), np.ones(4)), {}) == alone


def test_difference(tmp_path: Path) -> None:
    """A unified diff from the file to the text; nothing where they agree."""
    path = tmp_path / "deep" / "f.py"
    assert "+b" in goldens.difference("a\nb\n", path, "f.py")
    goldens.write("a\nb\n", path)
    assert goldens.difference("a\nb\n", path, "f.py") == ""
    lines = goldens.difference("a\nc\n", path, "f.py").splitlines()
    assert lines[0] == "--- f.py"
    assert lines[-2:] == ["-b", "+c"]
