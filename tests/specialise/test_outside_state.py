"""The derivative leaves what is outside as the function does: each effect, once."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, grad, jvp, value_and_grad, vjp
from fixtures.cases import CASES
from fixtures.language import outside_state
from tests.checks import quiet
from tests.fuzz.judge import load

PATH = Path(__file__).parents[2] / "fixtures" / "language" / "outside_state.py"
ARGUMENTS = {
    c.function.__name__: c.arguments()
    for c in CASES
    if c.function.__module__ == outside_state.__name__
}

STILL = {  # all is as it was in the end
    "count_of_what_is_under_way",
    "one_list_by_several_names",
    "stack_of_names",
    "word_that_decides",
}


def pulled_back(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes a pullback and calls it twice."""

    def run(*args: Any) -> None:
        _, pullback = vjp(function, *args)
        pullback(1.0)
        pullback(2.0)

    return run


def pushed_forward(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes a tangent."""

    def run(*args: Any) -> None:
        tangents = [np.ones_like(a) if isinstance(a, np.ndarray) else 1.0 for a in args]
        jvp(function, args, tuple(tangents))

    return run


def second(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the derivative of the gradient's sum."""
    return grad(lambda *args: np.sum(grad(function)(*args)))


def state(module: types.ModuleType) -> dict[str, str]:
    """Return what the module, its objects and its closures hold, as text."""
    found: dict[str, str] = {}

    def note(name: str, value: Any) -> None:
        if isinstance(value, types.FunctionType) and value.__module__ == name_:
            for k, v in {**vars(value), **closure(value)}.items():
                if "chainrule" not in k:
                    note(f"{name}.{k}", v)
        elif isinstance(value, type) and value.__module__ == name_:
            for k, v in vars(value).items():
                if not k.startswith("__") and not callable(v):
                    note(f"{name}.{k}", v)
        elif type(value).__module__ == name_:
            for k, v in vars(value).items():
                note(f"{name}.{k}", v)
        elif not callable(value) and not isinstance(value, types.ModuleType):
            found[name] = re.sub(r"0x\w+", "", repr(value))

    name_ = module.__name__
    for key, value in vars(module).items():
        if not key.startswith("__"):
            note(key, value)
    return found


def closure(function: types.FunctionType) -> dict[str, Any]:
    """Return what the cells of a function hold."""
    names = function.__code__.co_freevars
    cells = function.__closure__ or ()
    return {n: c.cell_contents for n, c in zip(names, cells, strict=True)}


def run(name: str, how: Callable[..., Callable[..., Any]]) -> dict[str, str]:
    """Run a program of a module of its own three times; return its state."""
    module = load(PATH.read_text(), "outside_state_of_its_own")
    functions = {f.__name__: f for f in vars(module).values() if hasattr(f, "__code__")}
    loss = module.closure_with_history
    function = how({**functions, loss.__name__: loss}[name])
    before = state(module)
    with quiet():
        for _ in range(3):
            function(*ARGUMENTS[name])
    after = state(module)
    assert (before == after) == (name in STILL), "the test must see what happens"
    return after


@pytest.mark.parametrize("how", [grad, value_and_grad, pulled_back, pushed_forward])
@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_effects_are_those_of_the_function(
    name: str, how: Callable[..., Callable[..., Any]]
) -> None:
    """Counters count once, logs get their lines in order."""
    assert run(name, how) == run(name, lambda function: function)


@pytest.mark.parametrize("name", ["counts_calls", "log_of_arrays", "keeps_the_best"])
def test_effects_of_a_second_derivative(name: str) -> None:
    """The derivative of a derivative calls the function once, too."""
    assert run(name, second) == run(name, lambda function: function)


def test_a_container_that_is_bound_anew() -> None:
    """The list that a global names when the derivative runs gets the lines."""
    text = """
LOG = []

def f(x):
    LOG.append("called")
    return x * x
"""
    module = load(text, "outside_bound_anew")
    derivative = grad(module.f)
    assert derivative(2.0) == 4.0
    first, module.LOG = module.LOG, []
    assert derivative(3.0) == 6.0
    assert (first, module.LOG) == (["called"], ["called"])


def test_a_defaultdict_stays_as_it_is_while_compiling() -> None:
    """A missing key is put in by the derivative, not by making it."""
    text = """
from collections import defaultdict
LOG = defaultdict(list)

def f(x):
    if x > 1:
        LOG["large"].append("yes")
    return x * x
"""
    module = load(text, "outside_defaultdict")
    derivative = grad(module.f)
    assert derivative(0.5) == 1.0
    assert module.LOG == {}
    assert derivative(2.0) == 4.0
    assert module.LOG == {"large": ["yes"]}


def test_the_code_reads_as_the_function_does() -> None:
    """A counter is counted by `+=`, under its own name."""
    module = load(PATH.read_text(), "outside_state_to_read")
    text = grad(module.counts_calls).source(1.5)
    assert "global COUNT" in text
    assert "COUNT += 1" in text
    assert "Solver.calls += 1" in grad(module.counts_in_a_class).source(0.5)
    text = grad(module.leaves_what_it_found).source(0.7)
    assert "INFO['loss'] = " in text.replace('"', "'")


def test_a_cache_that_others_fill() -> None:
    """What was missing when the derivative was made may be something else later."""
    text = """
import numpy as np
CACHE = {}

def f(x):
    if "w" not in CACHE:
        CACHE["w"] = np.arange(3.0)
    return float(np.sum(x * CACHE["w"] + x))
"""
    module = load(text, "outside_cache")
    derivative = grad(module.f)
    assert derivative(2.0) == derivative(2.0) == 6.0
    module.CACHE["w"] = 5.0
    assert derivative(2.0) == 6.0
    module.CACHE["w"] = np.arange(2.0)
    assert derivative(2.0) == 3.0
    module.CACHE.clear()
    assert derivative(2.0) == 6.0


def test_a_number_of_the_outer_function_comes_back() -> None:
    """What the inner derivative takes for constant, the outer one must not."""
    text = """
from chainrule import grad
STATE = {"v": 1.0}

def f(x):
    STATE["v"] = x * x
    return grad(lambda y: y * y * STATE["v"])(3.0)
"""
    module = load(text, "outside_nested")
    with pytest.raises(NotDifferentiable) as caught:
        grad(module.f)(2.0)
    assert caught.value.code == "CR104"
