"""What a compilation says about a derivative, gathered while it happens.

In: a derivative and arguments. Out: `Facts`: for each stage its size and the user's
lines that are still in it; which values are active; for each statement of the generated
text what it prints, where that comes from, and to which sweep it belongs.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule import pipeline
from chainrule.analysis.activity import active_values
from chainrule.backend import program as p
from chainrule.backend.render import Rendered, own_lines, printed_statements, sources
from chainrule.backend.spell import Speller
from chainrule.inspector.derivative import Compiled, Derivative
from chainrule.inspector.values import Arguments
from chainrule.ir.nodes import Apply, Block, Call, Function, Loc, Value
from chainrule.ir.show import show
from chainrule.ir.walk import defined, statements
from chainrule.transform.pairs import callees
from chainrule.types.lattice import ArrayT

FORWARD, REVERSE, TANGENT = "forward", "reverse", "tangent"
Place = tuple[str, int]


@dataclass(frozen=True)
class Size:
    """How big the IR of a stage is."""

    statements: int
    numpy_calls: int


@dataclass(eq=False)
class Statement:
    """A statement of the text: `lines` are its own, those of its body left out."""

    function: Function
    node: Any
    tree: ast.stmt
    lines: range
    sweep: str
    places: list[Loc]


@dataclass
class Facts:
    """All that is known of one compilation."""

    compiled: Compiled
    sizes: dict[str, Size] = field(default_factory=dict)
    places: dict[str, set[Place]] = field(default_factory=dict)
    active: set[Value] = field(default_factory=set)
    forward: set[Value] = field(default_factory=set)
    statements: list[Statement] = field(default_factory=list)
    spellers: dict[Function, Speller] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)


class _Onlooker:
    """Sees every stage as it is made."""

    def __init__(self, wrt: Sequence[str]) -> None:
        self.wrt = wrt
        self.sizes: dict[str, Size] = {}
        self.places: dict[str, set[Place]] = {}
        self.active: set[Value] = set()
        self.primal: set[Value] = set()
        self.activity = ""
        self.functions: list[Function] = []
        self.defined: list[set[Value]] = []

    def __call__(self, name: str, functions: list[Function]) -> None:
        found = [s for f in _with_callees(functions) for s in statements(f.body)]
        applied = [s for s in found if isinstance(s, Apply)]
        self.sizes[name] = Size(len(found), sum(map(is_numpy, applied)))
        locs = [s.loc for s in found]
        locs += [v.loc for f in functions for v in defined(f.body)]
        self.places[name] = {(loc.file, loc.line) for loc in locs if loc}
        if name == "primal":
            [function] = functions
            params = [pipeline.find(function, n).param for n in self.wrt]
            for each in _with_callees(functions):
                self.primal |= defined(each.body) | set(each.params)
            self.active = active_everywhere(function, params)
            self.activity = show(function, active=self.active)
        if name == "derivative":
            self.functions = functions
            stmts = functions[0].body.stmts
            self.defined = [defined(Block(stmts=[stmt])) for stmt in stmts]


def gather(derivative: Derivative, arguments: Arguments) -> Facts:
    """Compile, look on, and read the printed text."""
    names = derivative.call.target.wrt(derivative.call.options, len(arguments.args))
    seen = _Onlooker(names)
    compiled = derivative.compile(arguments, seen)
    compiled.stages.texts["activity"] = seen.activity
    facts = Facts(compiled, seen.sizes, seen.places, seen.active)
    sweeps = _Sweeps(compiled, seen)
    jvp = compiled.request.transform == "jvp"
    facts.forward = seen.primal if jvp else sweeps.forward
    line = 0
    for emitted, rendered in compiled.stages.printed:
        for name, speller in emitted.spellers.items():
            function = speller.web.program.function
            facts.spellers[function], facts.functions[name] = speller, function
        facts.statements += _statements(emitted, rendered, line, sweeps)
        line += rendered.text.strip("\n").count("\n") + 3
    return facts


def active_everywhere(function: Function, params: Sequence[Value]) -> set[Value]:
    """Return the active values of a function and of those that it calls."""
    found = active_values(function, params)
    seen: set[tuple[Function, tuple[Value, ...]]] = set()
    pending = [function]
    while pending:
        for stmt in statements(pending.pop().body):
            if not isinstance(stmt, Call):
                continue
            pairs = zip(stmt.args, stmt.callee.params, strict=False)
            wanted = tuple(param for arg, param in pairs if arg in found)
            if wanted and (stmt.callee, wanted) not in seen:
                seen.add((stmt.callee, wanted))
                found |= active_values(stmt.callee, wanted)
                pending.append(stmt.callee)
    return found


def is_numpy(stmt: Apply) -> bool:
    """Say whether NumPy computes this: a function of it, an operator on arrays."""
    fn: Any = stmt.fn
    module = getattr(fn, "__module__", None) or ""
    if isinstance(fn, np.ufunc) or module.partition(".")[0] == "numpy":
        return True
    array = isinstance(stmt.out.type, ArrayT)
    return array and module == "_operator" and fn is not operator.getitem


def _with_callees(functions: list[Function]) -> Iterator[Function]:
    seen: set[Function] = set()
    for root in functions:
        for function in (*callees(root), root):
            if function not in seen:
                seen.add(function)
                yield function


class _Sweeps:
    """Which statements run forwards, which backwards."""

    def __init__(self, compiled: Compiled, seen: _Onlooker) -> None:
        self.transform = compiled.request.transform
        functions = seen.functions
        split = self.transform in ("grad", "value_and_grad")
        count = compiled.stages.forward if split else len(seen.defined)
        self.forward = set(functions[0].params).union(*seen.defined[:count])
        self.halves: set[Function] = set()
        self.backward = set(functions[1:])
        for function in functions:
            for callee in callees(function):
                self.halves.add(callee)
                if callee.name.endswith("_bwd"):
                    self.backward.add(callee)
                else:
                    self.forward |= defined(callee.body) | set(callee.params)

    def of(self, function: Function, node: Any, outer: str) -> str:
        """Return the sweep of a statement, in one of a certain sweep or at the top."""
        if node is None:
            return ""
        if self.transform == "jvp":
            return TANGENT
        if function in self.backward:
            return REVERSE
        if function in self.halves:
            return FORWARD
        if outer or isinstance(node, p.Return):
            return outer
        if isinstance(node, p.Let | p.Unpack) and isinstance(node.op, Call):
            return REVERSE if node.op.callee in self.backward else FORWARD
        inside = list(p.walk([node]))
        if any(isinstance(inner, p.Append | p.NewTape) for inner in inside):
            return FORWARD
        values = [v for inner in inside for v in p.defines(inner)]
        ours = [v for v in values if v not in self.forward]
        theirs = len(ours) < len(values)
        if isinstance(node, p.Branch | p.Try | p.With) and ours and theirs:
            return ""  # a way out of the function: both sweeps are in it
        if isinstance(node, p.For | p.While) and theirs:
            return REVERSE if any(map(_is_bar, ours)) else FORWARD
        return REVERSE if ours else FORWARD


def _is_bar(value: Value) -> bool:
    return (value.hint or "").endswith("_bar")


def _statements(
    emitted: Any, rendered: Rendered, before: int, sweeps: _Sweeps
) -> Iterator[Statement]:
    """Yield the statements of a text that begins after some lines of the whole."""
    start = len(rendered.text) - len(rendered.text.lstrip("\n"))
    shift = before - start
    places = sources(emitted.tree, rendered.text)
    functions = {n: s.web.program.function for n, s in emitted.spellers.items()}
    function: Any = None
    outer: list[tuple[int, str]] = []  # the compound statements that hold this one
    for made, stmt in printed_statements(emitted.tree, rendered.text):
        if isinstance(stmt, ast.FunctionDef):
            function, outer = functions[stmt.name], []
        while outer and outer[-1][0] < stmt.lineno:
            outer.pop()
        node = getattr(made, "node", None)
        sweep = sweeps.of(function, node, outer[-1][1] if outer else "")
        if sweep and hasattr(stmt, "body") and not isinstance(stmt, ast.FunctionDef):
            outer.append((stmt.end_lineno or stmt.lineno, sweep))
        own = own_lines(stmt)
        lines = range(own.start + shift, own.stop + shift)
        yield Statement(function, node, stmt, lines, sweep, places.get(stmt.lineno, []))
