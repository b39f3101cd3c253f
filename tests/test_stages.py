"""What a compilation tells those who look on."""

from __future__ import annotations

import inspect

import pytest

from chainrule import pipeline
from chainrule.backend.render import sources
from chainrule.ir.nodes import Function
from chainrule.request import Request
from tests.programs import arguments, load

STAGES = ["specialised", "primal", "derivative", "optimised"]


def stages_of(name: str, transform: str, stages: pipeline.Stages) -> str:
    """Compile a program's derivative; return the program's file."""
    module = load(name)
    function = getattr(module, name)
    names = list(inspect.signature(function).parameters)
    values = dict(zip(names, arguments(module), strict=True))
    pipeline.build(Request(function, transform, (names[0],)), values, stages=stages)
    return str(module.__file__)


def test_every_stage_is_kept() -> None:
    """Each stage has a text and a time, and is shown to who looks on."""
    seen: dict[str, list[Function]] = {}
    stages = pipeline.Stages(wanted=True, look=seen.__setitem__)
    stages_of("logistic", "grad", stages)
    assert list(seen) == STAGES
    assert list(stages.texts) == list(stages.seconds) == [*STAGES, "text"]
    assert all(stages.texts.values())
    assert all(seconds > 0 for seconds in stages.seconds.values())


@pytest.mark.parametrize("transform", ["grad", "jvp", "vjp"])
@pytest.mark.parametrize("name", ["logistic", "lstm", "kalman_loop", "power_recursive"])
def test_lines_come_from_the_user(name: str, transform: str) -> None:
    """Each line of the text, also what a rule wrote, comes from the user's file."""
    stages = pipeline.Stages(wanted=True)
    file = stages_of(name, transform, stages)
    for emitted, rendered in stages.printed:
        places = sources(emitted.tree, rendered.text)
        assert {loc.file for locs in places.values() for loc in locs} == {file}
        assert {loc.file for loc in rendered.lines.values()} == {file}


def test_nested_operations_keep_their_places() -> None:
    """A line whose expression holds operations of two lines comes from both."""
    stages = pipeline.Stages(wanted=True)
    stages_of("kalman_loop", "grad", stages)
    [(emitted, rendered)] = stages.printed
    texts = rendered.text.splitlines()
    line = 1 + next(i for i, t in enumerate(texts) if t.strip().startswith("v_bar ="))
    places = {loc.line for loc in sources(emitted.tree, rendered.text)[line]}
    assert places == {16, 18}  # of the primal: v * v / s, and gain * v
