"""Every small program of fixtures/language has the right value and derivative."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from chainrule import value_and_grad
from chainrule.checking.differences import compare
from fixtures.cases import CASES, Case
from tests.checks import (
    check_program,
    check_raises,
    estimates,
    on_copies,
    quiet,
    same_value,
)

FOLDER = Path(__file__).parent.parent / "fixtures" / "language"
for _path in sorted(FOLDER.glob("[a-z]*.py")):
    importlib.import_module(f"fixtures.language.{_path.stem}")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_program_has_the_right_derivative(case: Case) -> None:
    """Value, text and exceptions are the function's own, the gradient right."""
    _check(case)
    if case.then is not None:
        with case.then():
            _check(case)
        _check(case)


def _check(case: Case) -> None:
    if case.raises is not None:
        check_raises(case.function, case.arguments(), case.wrt)
        return
    check_program(
        case.function,
        case.arguments(),
        case.wrt,
        expected=case.expected,
        primal=case.primal,
        forward=case.forward,
        rtol=case.rtol,
    )


def _groups() -> list[tuple[str, list[Case]]]:
    """Return the functions that are called with several arguments."""
    groups: dict[str, list[Case]] = {}
    for case in CASES:
        if case.raises is None and case.then is None:
            name = f"{case.name.partition('[')[0]} by {case.wrt}"
            groups.setdefault(name, []).append(case)
    return [(name, cases) for name, cases in groups.items() if len(cases) > 1]


GROUPS = _groups()


@pytest.mark.parametrize("cases", [g for _, g in GROUPS], ids=[n for n, _ in GROUPS])
def test_one_derivative_serves_all_arguments(cases: list[Case]) -> None:
    """Whatever types came before, in whatever order, a call gets its own derivative."""
    derivative = value_and_grad(cases[0].function, argnums=cases[0].wrt)
    wanted = [
        estimates(on_copies(c.primal or c.function), c.arguments(), c.wrt, c.expected)
        for c in cases
    ]
    rounds = [*zip(cases, wanted, strict=True)]
    for case, known in [*rounds, *reversed(rounds), *rounds]:
        with quiet():
            value, gradient = derivative(*case.arguments())
            own = case.function(*case.arguments())
            assert value == own or same_value(case.function, own, value), case.name
        for g, estimate in zip(gradient, known, strict=True):
            result = compare(g, estimate, case.rtol, case.name)
            assert result, str(result)
