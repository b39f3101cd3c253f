"""The scientists' programs of fixtures/programs: right, and as short as an expert's."""

from __future__ import annotations

import inspect
import re
from types import ModuleType
from typing import Any

import pytest

from chainrule import grad
from chainrule.checking.differences import compare
from tests.checks import check_program, estimates, quiet
from tests.counting import Counts, count
from tests.programs import NAMES, arguments, load


def parts(module: ModuleType) -> tuple[Any, tuple[Any, ...], tuple[int, ...]]:
    """Return the function of a program, its arguments and positions to derive by."""
    function = getattr(module, module.__name__.removeprefix("fixtures_programs_"))
    return function, arguments(module), getattr(module, "WRT", (0,))


@pytest.mark.parametrize("name", NAMES)
def test_program_has_the_right_gradient(name: str) -> None:
    """Value bit for bit, gradient as by differences, reverse mode as forward mode."""
    function, args, wrt = parts(load(name))
    check_program(function, args, wrt)


@pytest.mark.parametrize("name", NAMES)
def test_expert_gradient_is_right(name: str) -> None:
    """What we are measured against has the right numbers too."""
    module = load(name)
    function, args, wrt = parts(module)
    with quiet():
        found = module.expert_gradient(*args)
    gradient = found if len(wrt) > 1 else (found,)
    for g, estimate in zip(gradient, estimates(function, args, wrt), strict=True):
        result = compare(g, estimate)
        assert result, str(result)


def expert_counts(module: ModuleType) -> Counts:
    """Count the expert's gradient with the helpers that it calls."""
    expert = inspect.getsource(module.expert_gradient)
    functions = inspect.getmembers(module, inspect.isfunction)
    called = [f for name, f in functions if re.search(rf"\b{name}\(", expert)]
    helpers = {inspect.getsource(f) for f in called} - {expert}
    return count("\n".join([expert, *helpers]))


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_as_short_as_the_experts(name: str) -> None:
    """At most 1.2 times the statements and 1.1 times the calls, one more where few."""
    module = load(name)
    function, args, wrt = parts(module)
    argnums = wrt[0] if len(wrt) == 1 else wrt
    with quiet():
        source = grad(function, argnums=argnums).source(*args)
    ours, expert = count(source), expert_counts(module)
    statements = max(1.2 * expert.statements, expert.statements + 1)
    calls = max(1.1 * expert.calls, expert.calls + 1)
    report = f"{name}: {ours} against the expert's {expert}\n{source}"
    assert ours.statements <= statements and ours.calls <= calls, report


@pytest.mark.parametrize("name", NAMES)
def test_gradient_has_three_lines_per_statement(name: str) -> None:
    """At most three lines for each statement of the program; two for its frame."""
    module = load(name)
    function, args, wrt = parts(module)
    argnums = wrt[0] if len(wrt) == 1 else wrt
    with quiet():
        source = grad(function, argnums=argnums).source(*args)
    text = [line.strip() for line in source.splitlines()]
    lines = [line for line in text if line and not line.startswith("#")]
    assert len(lines) <= 3 * (primal_statements(module, function) + 2), source


def primal_statements(module: ModuleType, function: Any) -> int:
    """Count the statements of a program and of the helpers that it calls."""
    names = dict(inspect.getmembers(module, inspect.isfunction))
    seen = {function.__name__}
    queue = [function]
    total = 0
    while queue:
        source = inspect.getsource(queue.pop())
        total += count(source).statements
        for name in set(names) - seen:
            if re.search(rf"\b{name}\(", source):
                seen.add(name)
                queue.append(names[name])
    return total
