"""Programs that nobody thought of: each must be right, compared as the others are."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from chainrule.checking.differences import numerical_gradient
from tests.checks import check_program, quiet
from tests.strategies import Program, programs

_numbers = itertools.count()
WRT = (0, 1, 2)


def load(source: str, folder: Path) -> Callable[..., Any]:
    """Write a program to a file, so that its source is found, and import it."""
    path = folder / f"random_program_{next(_numbers)}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Any] = module.f
    return function


def is_smooth(f: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Say whether differences can judge: no jump and no overflow near by."""
    for position in WRT:
        estimate = numerical_gradient(f, args, position)
        size = np.max(np.abs(estimate.vector), initial=1.0)
        if not np.all(estimate.errors < 1e-6 * size) or size > 1e6:
            return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the modules of this file."""
    return tmp_path_factory.mktemp("programs")


@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(program=programs())
def test_random_program_has_the_right_derivative(
    program: Program, folder: Path
) -> None:
    """Value, purity, gradient against differences, reverse against forward mode."""
    f = load(program.source, folder)
    with quiet():
        f(*program.args)
    if is_smooth(f, program.args):
        check_program(f, program.args, WRT, rtol=1e-5)
