"""Every small program of fixtures/language has the right value and derivative."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from fixtures.cases import CASES, Case
from tests.checks import check_program, check_raises

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
