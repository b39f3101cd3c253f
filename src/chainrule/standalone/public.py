"""The function that the user of a written module calls.

In: a derivative and its specialisations. Out: a function with the user's own signature,
an `if` for each specialisation, and a `TypeError` for all other types.
"""

from __future__ import annotations

import ast
import builtins
import cmath
import enum
import functools
import inspect
import itertools
import math
import operator
from typing import Any

import numpy as np

from chainrule.arguments import as_real, map_leaves
from chainrule.backend.render import render
from chainrule.cache.overlap import apart
from chainrule.cache.signatures import Parameters
from chainrule.cache.specialisations import Dispatcher
from chainrule.derivative import Derivative
from chainrule.errors import CannotExport
from chainrule.standalone.compiled import Specialisation
from chainrule.standalone.conditions import condition, like, words
from chainrule.standalone.definitions import MISSING, Definitions
from chainrule.standalone.literals import double_quoted, literal
from chainrule.types import lattice as lt

RETURNS = {
    "grad": "Return the gradient of `{}` with respect to {}.",
    "value_and_grad": "Return `{}` and its gradient with respect to {}.",
    "vjp": "Return `{}` and its pullback, which gives the cotangents of {}.",
    "jvp": "Return `{}` and its tangent in a direction of {}.",
}
KNOWN: dict[str, Any] = {
    "np": np,
    "partial": functools.partial,
    "apart": apart,
    "map_leaves": map_leaves,
    "as_real": as_real,
    **{module.__name__: module for module in (math, cmath, operator)},
    **{module.__name__: module for module in (functools, itertools)},
}


class Public:
    """The function that the user of the module calls."""

    def __init__(
        self,
        made: Derivative[Any, Any],
        dispatcher: Dispatcher,
        specs: list[Specialisation],
    ) -> None:
        self.made = made
        self.dispatcher = dispatcher
        self.parameters: Parameters = dispatcher.parameters
        self.specs = specs
        self.classes: dict[str, type] = {}
        self.wrt = " and ".join(dispatcher.request.wrt)
        self.name = f"{name_of(made)}_{made.transform}"
        extra = len(specs[0].names[0]) - len(self.parameters.names)
        self.tangents = specs[0].names[0][-extra:] if extra else []
        self.made_for = [
            words(s.inputs, s.never_one, self.parameters.names, s.integers)
            for s in specs
        ]

    def text(self, found: Definitions) -> str:
        """Return the function: conversions, an `if` for each specialisation."""
        names = [*self.parameters.names, *self.tangents]
        lines = [f"def {self.name}({self.signature()}):", f"    {self.doc()!r}"]
        lines += self.conversions()
        for spec in self.specs:
            lines.append(f"    if {self.test(spec)}:")
            call = f"{spec.entries[0]}({', '.join(names)})"
            lines += [f"        {line}" for line in self.returns(spec, call)]
        given = ", ".join(f"{n}={n}" for n in names)
        lines.append(f"    raise _refusal({given})")
        text = render(ast.parse("\n".join(lines))).text.strip("\n") + "\n"

        def resolve(name: str) -> Any:
            own = found.objects.get(name, getattr(builtins, name, MISSING))
            return KNOWN.get(name, self.classes.get(name, own))

        return double_quoted(found.needed(text, resolve, self.name))

    def doc(self) -> str:
        return RETURNS[self.made.transform].format(name_of(self.made), self.wrt)

    def conversions(self) -> list[str]:
        """Return what takes integers as reals, where integers were passed."""
        kinds = {n: kind for spec in self.specs for n, kind in spec.integers.items()}
        out = []
        for name, kind in kinds.items():
            if kind == "int":
                lines = [f"if type({name}) is int:", f"    {name} = float({name})"]
            elif kind.startswith("with"):
                lines = [f"{name} = map_leaves(as_real, {name})"]
            else:
                test = f"isinstance({name}, (np.ndarray, np.integer))"
                lines = [
                    f"if {test} and {name}.dtype.kind in 'iu':",
                    f"    {name} = {name}.astype(np.float64)",
                ]
            out += [f"    {line}" for line in lines]
        return out

    def test(self, spec: Specialisation) -> str:
        """Return the condition under which a specialisation is right."""
        prefix = self.parameters.prefix
        tests = [] if spec.test == "True" else [spec.test]
        for name, dot in zip(self.dispatcher.request.wrt, self.tangents, strict=False):
            own = [i for i in spec.inputs if i.name == name and i.root == "param"]
            t = next((i.type for i in own if not i.path), None)
            if not isinstance(t, lt.Type):
                raise CannotExport(f"a tangent of `{name}` alone cannot be written")
            values = {dot: spec.arguments[name]}
            moved = [type(i)(i.root, dot, i.path, i.type, i.owner) for i in own]
            tests.append(condition(moved, frozenset(), values, prefix))
            tests += like(t, dot, name)
        return " and ".join(tests) or "True"

    def returns(self, spec: Specialisation, call: str) -> list[str]:
        """Return the statements that give the result."""
        transform, request = self.made.transform, self.dispatcher.request
        if transform == "vjp":
            pullback = f"partial({spec.entries[1]}, residual)"
            if spec.number:
                pullback = f"partial(_pull, {spec.entries[1]}, value, residual)"
            if request.has_aux:
                head = f"(value, aux), residual = {call}"
                return [head, f"return value, {pullback}, aux"]
            return [f"value, residual = {call}", f"return value, {pullback}"]
        alone = self.made.options.as_tuple and len(request.wrt) == 1
        if not alone or transform == "jvp":
            return [f"return {call}"]
        if transform == "value_and_grad":
            return [f"value, gradient = {call}", "return value, (gradient,)"]
        if request.has_aux:
            return [f"gradient, aux = {call}", "return (gradient,), aux"]
        return [f"return ({call},)"]

    def default(self, parameter: inspect.Parameter) -> str:
        """Return a default as an expression."""
        value = parameter.default
        if isinstance(value, enum.Enum):
            self.classes[type(value).__name__] = type(value)
            return f"{type(value).__name__}.{value.name}"
        return literal(value, f"the default of `{parameter.name}`")

    def signature(self) -> str:
        """Return the parameters as the function has them, with their defaults."""
        out = []
        signature = inspect.signature(self.dispatcher.base, follow_wrapped=False)
        kinds = inspect.Parameter
        seen: set[Any] = set()
        for p in signature.parameters.values():
            if kinds.POSITIONAL_ONLY in seen and p.kind is not kinds.POSITIONAL_ONLY:
                seen.discard(kinds.POSITIONAL_ONLY)
                out.append("/")
            if p.kind is kinds.KEYWORD_ONLY and not seen & {
                kinds.KEYWORD_ONLY,
                kinds.VAR_POSITIONAL,
            }:
                out.append("*")
            seen.add(p.kind)
            stars = "*" if p.kind is kinds.VAR_POSITIONAL else ""
            stars = "**" if p.kind is kinds.VAR_KEYWORD else stars
            default = "" if p.default is kinds.empty or self.tangents else "="
            value = self.default(p) if default else ""
            out.append(f"{stars}{p.name}{default}{value}")
        if kinds.POSITIONAL_ONLY in seen:
            out.append("/")
        if self.tangents and (self.parameters.varargs or self.parameters.keyword_only):
            raise CannotExport(
                "a jvp of a function with `*args` or keyword-only parameters cannot be"
                " written as one function; export its vjp"
            )
        return ", ".join([*out, *self.tangents])


def name_of(made: Derivative[Any, Any]) -> str:
    name = getattr(made.function, "__name__", "function")
    return name if name.isidentifier() else "function"
