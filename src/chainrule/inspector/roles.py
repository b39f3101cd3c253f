"""The role of each name, in the user's text and in the derivative.

In: `Facts`, what is kept, and both texts. Out: `Name`s.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from chainrule.backend import program as p
from chainrule.inspector import primal
from chainrule.inspector.facts import Facts
from chainrule.inspector.primal import Section
from chainrule.inspector.report import (
    Name,
    PrimalLine,
)
from chainrule.inspector.saved import Kept
from chainrule.ir.nodes import Value
from chainrule.types.lattice import ResidualT, TapeT


def names(
    facts: Facts, kept: list[Kept], texts: list[Section], lines: list[PrimalLine]
) -> Iterable[Name]:
    """Yield the names of the text that is printed, then those of the user's."""
    printed = set(re.findall(r"\w+", facts.compiled.built.source))
    yield from (n for n in _derivative_names(facts, kept) if n.name in printed)
    yield from _primal_names(facts, kept, texts, lines)


def _derivative_names(facts: Facts, kept: list[Kept]) -> Iterable[Name]:
    wrt = {re.split(r"\W", name)[0] for name in facts.compiled.request.wrt}
    active_names = _active_names(facts)

    def is_active(value: Value) -> bool:
        return value in facts.active or _key(value) in active_names

    for printed, function in facts.functions.items():
        speller = facts.spellers[function]
        keeps = {each.name for each in kept if each.statement.function is function}
        by_name: dict[str, list[Value]] = {}
        for node in p.walk(speller.web.program.nodes):
            for value in p.defines(node):
                root = speller.web.find(value)
                if root in speller.names:
                    by_name.setdefault(speller.names[root], []).append(value)
        for value in function.params:
            name = speller.names.get(speller.web.find(value))
            if name is not None and name not in by_name:
                active = is_active(value) or name in wrt
                role = _role(name, active, active or value in facts.forward)
                yield Name("derivative", printed, name, role)
        for name, found in by_name.items():
            active = any(map(is_active, found))
            theirs = any(v in facts.forward for v in found)
            if any(isinstance(v.type, TapeT | ResidualT) for v in found):
                active = theirs = False
            role = _role(name, active, theirs)
            yield Name("derivative", printed, name, role, name in keeps)


def _active_names(facts: Facts) -> set[tuple[str, str]]:
    """Return the active variables of the user's, each with its function."""
    return {_key(value) for value in facts.active if value.hint}


def _key(value: Value) -> tuple[str, str]:
    return value.loc.function if value.loc else "", value.hint or ""


def _role(name: str, active: bool, theirs: bool) -> str:
    """Return the role of a name of the derivative; `theirs` if it is the user's."""
    if not theirs and re.search(r"_bar\d*$", name):
        return "cotangent"
    if not theirs and re.search(r"_dot\d*$", name):
        return "tangent"
    if active:
        return "active"
    return "inactive" if theirs else "helper"


def _primal_names(
    facts: Facts, kept: list[Kept], texts: list[Section], lines: list[PrimalLine]
) -> Iterable[Name]:
    active = _active_names(facts)
    keeps = {_key(each.value) for each in kept if each.value.hint}
    gone = {(line.file, line.number) for line in lines if line.why}
    for section in texts:
        for name, places in _assigned(section).items():
            key = (section.name, name)
            trees = [section.trees[n] for n in places]
            within = {c for tree in trees for c in primal.called(tree)}
            is_active = key in active or any(
                hint == name and (not of or of.rpartition(".")[2] in within)
                for of, hint in active
            )
            if not is_active and section.inlined and name in section.parameters:
                continue  # another name of what the caller passes
            role = "active" if is_active else "inactive"
            if places and all((section.file, n) in gone for n in places):
                role = "removed"
            yield Name("primal", section.name, name, role, key in keeps)


def _assigned(section: Section) -> dict[str, list[int]]:
    """Return the variables of a function, each with the statements that assign it."""
    out: dict[str, list[int]] = {}
    for line, tree in section.trees.items():
        for node in (tree, *primal.own_nodes(tree)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                out.setdefault(node.id, []).append(line)
    for name in section.parameters:
        out.setdefault(name, []).clear()
    return out
