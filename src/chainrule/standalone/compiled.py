"""The derivative for the types of one call, compiled to be written out.

In: a `Derivative` and the arguments of a call. Out: a `Specialisation`: the text of its
functions, what they refer to, and what is asked of the arguments.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Hashable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from chainrule import pipeline
from chainrule.arguments import is_integer
from chainrule.backend.emit import emit, reachable
from chainrule.backend.names import clean
from chainrule.backend.render import render
from chainrule.cache.specialisations import Dispatcher
from chainrule.derivative import Derivative, prepared
from chainrule.errors import CannotExport
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Const, Function
from chainrule.ir.walk import statements
from chainrule.request import Input
from chainrule.rules.scipy_rules import load_if_imported
from chainrule.standalone.conditions import condition
from chainrule.standalone.definitions import MISSING
from chainrule.types import lattice as lt

Call = tuple[tuple[Any, ...], dict[str, Any]]
TRANSFORMS = ("grad", "value_and_grad", "vjp", "jvp")


@dataclass
class Specialisation:
    """A derivative for certain types.

    `entries` are the functions to call (two for a vjp) and `names` their parameters,
    `texts` all functions by name, `test` the condition on the arguments, `integers` the
    active arguments that were integers; `number` says that the value is a number or an
    array.
    """

    entries: list[str]
    names: list[list[str]]
    texts: dict[str, str]
    objects: dict[str, Any]
    inputs: tuple[Input, ...]
    never_one: frozenset[Hashable]
    test: str
    arguments: dict[str, Any]
    integers: dict[str, str]
    number: bool

    def resolve(self, name: str) -> Any:
        """Return what a name in the texts stands for."""
        return self.objects.get(name, getattr(builtins, name, MISSING))


def specialise(
    made: Derivative[Any, Any], call: Call, taken: dict[str, Any], number: int
) -> tuple[Dispatcher, Specialisation]:
    """Compile for the types of a call; `taken` are names with what they stand for.

    `number` tells the functions of several specialisations apart; 0 is the only one.
    """
    if made.transform not in TRANSFORMS:
        raise CannotExport(
            f"{made.transform} is not one function but calls of several; export grad,"
            " value_and_grad, vjp or jvp"
        )
    dispatcher, given = prepared(made, *call)
    _, values = dispatcher.find(given)  # refuses what has no derivative
    arguments = dispatcher.arguments(values)
    load_if_imported()
    with lt.consumed() as never_one, lt.sizes_of_arguments(False):
        inputs, functions, result = pipeline.derivative_ir(
            dispatcher.request, arguments, frozenset(), pipeline.Stages()
        )
    _refuse_attributes(functions)
    _rename(functions, taken, number)
    entries, names, texts, objects = [], [], {}, {}
    for function in functions:
        emitted = emit(function, tuple(function.cells))
        # What is outside of the function is in the module that is written.
        rendered = re.sub(
            r"(?m)^( +)nonlocal ", r"\1global ", render(emitted.tree).text
        )
        entries.append(emitted.name)
        texts.update(_functions(rendered))
        objects.update(function.namespace)
        objects.update({n: c.cell_contents for n, c in function.cells.items()})
        objects.update(emitted.free)
        names.append(_parameters(texts[emitted.name]))
    pairs = zip(dispatcher.parameters.names, given, values, strict=True)
    integers = {name: _kind(x) for name, x, real in pairs if x is not real}
    relied = frozenset(never_one)
    return dispatcher, Specialisation(
        entries,
        names,
        texts,
        objects,
        inputs,
        relied,
        condition(inputs, relied, arguments, dispatcher.parameters.prefix),
        arguments,
        integers,
        isinstance(result, lt.ScalarT | lt.ArrayT),
    )


def _refuse_attributes(functions: list[Function]) -> None:
    """Refuse to write attributes of functions: only their source is written out."""
    for function in (f for root in functions for f in reachable(root)):
        for stmt in statements(function.body):
            place = stmt.args[0] if isinstance(stmt, Apply) and stmt.args else None
            owner = place.value if isinstance(place, Const) else None
            if isinstance(stmt, Apply) and stmt.fn is prims.let_attribute:
                if isinstance(owner, FunctionType):
                    raise CannotExport(
                        f"`{owner.__name__}` has an attribute that is written; count"
                        " in a variable of the module"
                    )


def _rename(functions: list[Function], taken: dict[str, Any], number: int) -> None:
    """Make room for the function that the user calls, and for other specialisations."""
    for root in functions:
        for function in reachable(root):
            function.namespace = {**taken, **(function.namespace or root.namespace)}
            name = clean(function.name)
            if any(function is f for f in functions):
                name = f"_{name}"
            if number:
                name = f"{name}_{number}"
            while name in taken:
                name = f"{name}_"
            function.name = name


def _functions(text: str) -> dict[str, str]:
    """Return the text of each function."""
    lines = text.splitlines(keepends=True)
    return {
        node.name: "".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


def _parameters(text: str) -> list[str]:
    made = ast.parse(text).body[0]
    assert isinstance(made, ast.FunctionDef)
    return [a.arg for a in made.args.args]


def _kind(x: Any) -> str:
    """Return the type of an integer that is taken as a real, in words."""
    if not is_integer(x):
        return "with integers in it"
    if isinstance(x, np.ndarray):
        return "integer array"
    return "int" if type(x) is int else f"np.{type(x).__name__}"
