"""What else is wrong with a function that is refused anyway.

In: the tree of a function in which the fence found something. Out: mutations that are
refused later, where types are known, but whose target is visible here as a fresh list,
dict, set or array: so that one message tells them all. Never a reason of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import gast

METHODS = {
    "list": "append extend insert pop remove clear sort reverse",
    "dict": "update pop popitem setdefault clear",
    "set": "add update discard remove pop clear",
    "array": "fill sort partition put resize itemset setfield byteswap",
}
MAKERS = frozenset(
    "array asarray zeros ones empty full zeros_like ones_like empty_like full_like "
    "arange linspace eye identity".split()
)


@dataclass(frozen=True)
class Mutation:
    """A place that writes into `name`, which is an object of this kind."""

    code: str
    node: gast.AST
    message: str
    label: str
    help: str


def mutations(tree: gast.AST) -> Iterator[Mutation]:
    """Yield the calls and augmented assignments that surely write into an object."""
    kinds = _kinds(tree)
    for node in gast.walk(tree):
        match node:
            case gast.Call(func=gast.Attribute(value=gast.Name(id=name), attr=method)):
                kind = kinds.get(name)
                if kind is not None and method in METHODS[kind].split():
                    yield _method(node, name, kind, method)
            case gast.AugAssign(target=gast.Name(id=name)):
                kind = kinds.get(name)
                if kind is not None:
                    yield _augmented(node, name, kind)


def _method(node: gast.AST, name: str, kind: str, method: str) -> Mutation:
    return Mutation(
        "CR404",
        node,
        f"`{method}` changes the {kind} `{name}`",
        f"`{name}` is changed in place: the values it had are lost",
        f"make a new {kind} from the old one, or use a comprehension",
    )


def _augmented(node: gast.AST, name: str, kind: str) -> Mutation:
    return Mutation(
        "CR402",
        node,
        f"augmented assignment to the {kind} `{name}`",
        f"it writes into the {kind}, which other names may share",
        f"use a plain assignment: `{name} = {name} ...`",
    )


def _kinds(tree: gast.AST) -> dict[str, str]:
    """Return what names are that are only ever bound to fresh objects of one kind."""
    found: dict[str, set[str | None]] = {}
    fresh: set[int] = set()
    for node in gast.walk(tree):
        match node:
            case gast.Assign(targets=[gast.Name(id=name) as target], value=value):
                found.setdefault(name, set()).add(_kind(value))
                fresh.add(id(target))
            case gast.AugAssign(target=gast.Name() as target):
                fresh.add(id(target))
            case gast.Name(id=name, ctx=gast.Store() | gast.Param()):
                if id(node) not in fresh:
                    found.setdefault(name, set()).add(None)
    kinds = {name: kind for name, (kind, *more) in found.items() if not more}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _kind(value: gast.AST) -> str | None:
    """Return the kind of a fresh object, if an expression makes one."""
    match value:
        case gast.List() | gast.ListComp():
            return "list"
        case gast.Dict() | gast.DictComp():
            return "dict"
        case gast.Set() | gast.SetComp():
            return "set"
        case gast.Call(func=gast.Attribute(value=gast.Name(id="np"), attr=attribute)):
            return "array" if attribute in MAKERS else None
    return None
