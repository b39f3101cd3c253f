"""Make a report: ask the compiler, run the derivative once, link the two texts.

In: a derivative and arguments. Out: a `Report`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from chainrule.backend.count import count_numpy_calls, count_statements
from chainrule.frontend.source import load
from chainrule.inspector import facts as fct
from chainrule.inspector import links, measure, primal, roles, saved, values
from chainrule.inspector import target as targets
from chainrule.inspector.derivative import STAGES, Derivative, of
from chainrule.inspector.facts import Facts
from chainrule.inspector.report import (
    Argument,
    Report,
    Stage,
    listed,
)
from chainrule.inspector.values import Arguments
from chainrule.inspector.vanished import reached

TITLES = {
    "specialised": "lowered for the types of the arguments, calls inlined",
    "primal": "what the result needs",
    "activity": "active values are marked with a star",
    "derivative": "with the rules written in",
    "optimised": "folded, shared, dead code removed",
    "text": "printed as Python",
}


def collect(derivative: Derivative, arguments: Arguments) -> Report:
    """Return the report of a derivative at some arguments."""
    facts = fct.gather(derivative, arguments)
    kept = saved.find(facts)
    not_run = measure.measure(facts, kept)
    function = derivative.target.function
    locs = {loc for stmt in facts.statements for loc in stmt.places}
    locs |= {each.loc for each in kept if each.loc is not None}
    texts = primal.sections(function, locs)
    lines = links.primal_lines(texts)
    keys = {(line.file, line.number): line.key for line in lines}
    linked = links.derivative_lines(facts, texts, keys)
    files = {section.file for section in texts}
    fresh = arguments.fresh()
    ran = reached(lambda: function(*fresh.args, **fresh.kwargs), files)
    became = links.became_of(lines, linked, texts)
    keeps = links.kept_by(kept, texts, keys)
    why = links.reasons(facts, ran, became, texts, keys, listed(derivative.wrt))
    linked_primal = [
        replace(
            line,
            became=became[line.key] if line.text.strip() else (),
            saved=tuple(keeps.get(line.key, ())),
            why=why.get(line.key, ""),
        )
        for line in lines
    ]
    source = load(function)
    return Report(
        name=derivative.target.name,
        target=derivative.target.label,
        file=source.filename,
        line=source.first_line,
        mode=derivative.mode,
        order=derivative.order,
        wrt=derivative.wrt,
        arguments=_arguments(arguments, derivative.wrt),
        assumed=tuple(arguments.assumed),
        primal=tuple(linked_primal),
        derivative=tuple(linked),
        names=tuple(roles.names(facts, kept, texts, linked_primal)),
        stages=tuple(_stages(facts)),
        not_run=not_run,
    )


def of_function(
    function: Any,
    *args: Any,
    mode: str = "reverse",
    wrt: str | tuple[str, ...] | None = None,
    **kwargs: Any,
) -> Report:
    """Return the report of a function's derivative at the arguments of a call."""
    found = targets.of(function)
    derivative = of(found, mode, wrt)
    return collect(derivative, values.given(found, args, kwargs))


def _arguments(arguments: Arguments, wrt: tuple[str, ...]) -> tuple[Argument, ...]:
    return tuple(
        Argument(name, measure.describe(value), name in wrt)
        for name, value in arguments.values.items()
    )


def _stages(facts: Facts) -> Iterable[Stage]:
    stages = facts.compiled.stages
    for name in STAGES:
        text = stages.texts[name]
        seconds = stages.seconds.get(name)
        size = facts.sizes.get(name)
        if name == "text":
            size = fct.Size(count_statements(text), count_numpy_calls(text))
        yield Stage(
            name,
            TITLES[name],
            text.strip("\n"),
            size.statements if size else None,
            size.numpy_calls if size else None,
            None if seconds is None else round(seconds * 1e3, 3),
        )
