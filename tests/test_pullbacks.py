"""Pullbacks agree with gradients, may be called twice, and share memory with nobody."""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, value_and_grad, vjp
from chainrule.checking import structure
from fixtures.cases import CASES, Case
from tests.checks import quiet, same_bits, snapshot

FOLDER = Path(__file__).parent.parent / "fixtures" / "language"
for _path in sorted(FOLDER.glob("[a-z]*.py")):
    importlib.import_module(f"fixtures.language.{_path.stem}")
THEMES = sorted({c.name.partition(".")[0] for c in CASES})
# One program of so many, to be quick.
STRIDE = 2


@pytest.mark.parametrize("theme", THEMES)
def test_pullbacks_are_pure(theme: str) -> None:
    """Results may be overwritten: nothing else changes, and a second call is equal."""
    cases = [c for c in CASES if c.name.startswith(f"{theme}.") and c.raises is None]
    done = 0
    for case in cases[::STRIDE]:
        try:
            done += check_pullback(case)
        except Exception as error:
            error.add_note(f"in {case.name}")
            raise
    assert done > len(cases[::STRIDE]) // 2


def test_a_written_argument_is_not_handed_out_as_a_gradient() -> None:
    """The gradient by one argument may be what the caller's other one holds then."""

    def f(a: Any, b: Any) -> Any:
        a[0] *= 2.0
        return np.sum(a * b)

    a, b = np.ones(3), np.ones(3)
    assert_separate([*value_and_grad(f, argnums=(0, 1))(a, b)[1]], [a, b])


def check_pullback(case: Case) -> bool:
    """Check gradient and pullback of one program; False where there is none."""
    args, again = case.arguments(), case.arguments()
    with quiet():
        case.function(*again)  # what it does to its arguments, its derivatives do
        after = snapshot(again)
        try:
            value, gradient = value_and_grad(case.function, argnums=case.wrt)(*args)
            assert same_bits(args, after), (
                "the arguments are not left as they should be"
            )
            args = case.arguments()
            value, pullback = vjp(case.function, *args)
        except (NotDifferentiable, TypeError):
            return False  # of the other arguments, or a value that is no number
        one = np.ones_like(value) if isinstance(value, np.ndarray) else type(value)(1)
        found = pullback(one)
        assert_separate([*gradient, *found], [args, value, one])
        kept = copy.deepcopy(found)
        scribble(gradient)
        scribble(found)
        assert same_bits(args, after), "the arguments were changed"
        assert same_bits(pullback(one), kept), "the second call gives other numbers"
        once_more = case.arguments()
        again = value_and_grad(case.function, argnums=case.wrt)(*once_more)[1]
    for position, part in zip(case.wrt, again, strict=True):
        pairs = [list(structure.numbers(x)) for x in (part, kept[position])]
        if len(pairs[0]) != len(pairs[1]):
            continue  # integers: gradients take them for reals, pullbacks do not
        for (_, a), (_, b) in zip(*pairs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-9)
    return True


def arrays(x: Any) -> list[np.ndarray[Any, Any]]:
    """Return the arrays in a value."""
    if isinstance(x, np.ndarray):
        return [x]
    return [a for _, part in structure.children(x) or () for a in arrays(part)]


def assert_separate(results: list[Any], others: list[Any]) -> None:
    """Assert that no result shares memory with another, nor with what was given."""
    mine = [a for r in results for a in arrays(r) if a.size]
    for i, a in enumerate(mine):
        for b in [*mine[:i], *(b for o in others for b in arrays(o))]:
            assert not np.shares_memory(a, b), "a result shares memory"


def scribble(x: Any) -> None:
    """Overwrite what can be overwritten."""
    for a in arrays(x):
        a[...] = 99
    if isinstance(x, list | dict):
        for key in range(len(x)) if isinstance(x, list) else list(x):
            x[key] = 99.0
    elif isinstance(x, tuple):
        for part in x:
            scribble(part)
