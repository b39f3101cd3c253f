"""What a specialisation asks of its arguments, as code and in words.

In: the inputs that inference consumed. Out: a condition that reads as if written by
hand: the guard of `cache.guards`, spelled with names that any module knows, and the
types in words for the docstring and the error.
"""

from __future__ import annotations

import ast
import builtins
import enum
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.backend.scope import known_path
from chainrule.cache import guards
from chainrule.errors import CannotExport
from chainrule.request import Apart, Input, Known, Lacks, Laid, Missing, Overlap
from chainrule.runtime.objects import attributes
from chainrule.standalone.literals import literal
from chainrule.types import lattice as lt


def condition(
    inputs: Sequence[Input],
    never_one: frozenset[Hashable],
    arguments: Mapping[str, Any],
    prefix: str,
) -> str:
    """Return the test of the arguments, an expression over the parameters' names."""
    names = _Spelled(prefix)
    writer = _Writer(names, never_one, True, False)
    own = [i for i in inputs if i.root == "param"]
    if any(isinstance(i.type, Overlap) for i in own):
        raise CannotExport("it was made for arguments that share memory; pass copies")
    tested = [i for i in own if i.type != Apart()]
    tested += [i for i in inputs if i.root == "class"]  # of which arguments may be
    text = guards.text_of(writer, tested, arguments)
    written = [(i.name, *i.path) for i in own if i.type == Apart()]
    text = " and ".join([text, *_apart(written, arguments)]) if written else text
    tree = ast.parse(text, mode="eval")
    return ast.unparse(_Unfolded(prefix, arguments).visit(tree))


def _apart(
    written: Sequence[tuple[Any, ...]], arguments: Mapping[str, Any]
) -> list[str]:
    """Return tests that arrays that are written share memory with no other argument."""
    arrays = [name for name, x in arguments.items() if isinstance(x, np.ndarray)]
    simple = all(len(place) == 1 for place in written) and not any(
        isinstance(x, list | tuple | dict) or attributes(x) for x in arguments.values()
    )
    if not simple:
        named = ", ".join(f"{name!r}: {name}" for name in arguments)
        return [f"apart({{{named}}}, {literal(list(written))})"]
    pairs = [(place[0], other) for place in written for other in arrays]
    different = {tuple(sorted(pair)): pair for pair in pairs if pair[0] != pair[1]}
    return [f"not np.shares_memory({x}, {y})" for x, y in different.values()]


def words(
    inputs: Sequence[Input],
    never_one: frozenset[Hashable],
    names: Sequence[str],
    integers: Mapping[str, str],
) -> list[str]:
    """Return the types of the arguments: `w: float64 array of rank 1`, `n = 3`."""
    whole = [i for i in inputs if i.root == "param" and not i.path]
    parts = []
    for name in names:
        text = ""
        for t in (i.type for i in whole if i.name == name):
            match t:
                case Known(value=value):
                    text = f"{name} = {_short(value)}"
                case Laid(strides=tuple() as strides):
                    text += f", strides {strides}"
                case Laid(contiguous=contiguous):
                    text += f", {'' if contiguous else 'not '}contiguous"
                case Apart():
                    text += ", in memory of its own"
                case Lacks() | Missing():
                    pass
                case Overlap():
                    text += ", in memory of other arguments"
                case _:
                    also = f" or {integers[name]}" if name in integers else ""
                    text = f"{name}: {in_words(t, never_one)}{also}"
        parts += [text] if text else []
    return parts


def in_words(t: lt.Type, never_one: frozenset[Hashable]) -> str:
    """Return a type in words, with what is assumed of the lengths of axes."""
    match t:
        case lt.ArrayT(dims=dims) if dims:
            notes = []
            for axis, dim in enumerate(dims):
                if isinstance(dim, int):
                    notes.append(f"axis {axis} of length {dim}")
                elif isinstance(dim, lt.Sym) and dim.key in never_one:
                    notes.append(f"axis {axis} not of length 1")
            return f"{lt.show(t)} ({', '.join(notes)})" if notes else lt.show(t)
        case lt.TupleT(items=items, cls=cls):
            inner = ", ".join(in_words(i, never_one) for i in items)
            return f"{cls.__name__}({inner})"
        case lt.ListT(items=items) if items is not None:
            return f"[{', '.join(in_words(i, never_one) for i in items)}]"
        case lt.DictT(items=pairs):
            inner = ", ".join(f"{k!r}: {in_words(v, never_one)}" for k, v in pairs)
            return "{" + inner + "}"
    return lt.show(t)


def like(t: lt.Type, dot: str, x: str) -> list[str]:
    """Return tests that a tangent is as long as what it belongs to."""
    match t:
        case lt.ArrayT():
            return [f"{dot}.shape == {x}.shape"]
        case lt.TupleT(items=items):
            return _all(items, (f"[{i}]" for i in range(len(items))), dot, x)
        case lt.ListT(items=items) if items is not None:
            return _all(items, (f"[{i}]" for i in range(len(items))), dot, x)
        case lt.ListT():
            return [f"len({dot}) == len({x})"]
        case lt.DictT(items=pairs):
            return _all([v for _, v in pairs], (f"[{k!r}]" for k, _ in pairs), dot, x)
        case lt.ObjT(attrs=attrs):
            return _all([v for _, v in attrs], (f".{k}" for k, _ in attrs), dot, x)
    return []


def _all(items: Sequence[lt.Type], steps: Any, dot: str, x: str) -> list[str]:
    pairs = zip(items, steps, strict=True)
    return [test for t, step in pairs for test in like(t, dot + step, x + step)]


def _short(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return str(value)
    try:
        text = literal(value)
    except CannotExport:
        text = getattr(value, "__name__", type(value).__name__)
    return text if len(text) <= 40 else f"{text[:37]}..."


class _Spelled(guards.Names):
    """Spells what a guard compares with, instead of giving it a name."""

    def constant(self, value: Any) -> str:
        if isinstance(value, type):
            return _class(value)
        module, path = known_path(value)
        if module is not None:
            root = "np" if module is np else module.__name__
            return path if module is builtins else f"{root}.{path}"
        if isinstance(value, frozenset):
            return f"({', '.join(sorted(map(self.constant, value)))},)"
        if isinstance(value, tuple) and any(isinstance(v, type) for v in value):
            return f"({', '.join(map(self.constant, value))},)"
        name = getattr(value, "__name__", None)
        if name is not None:
            raise _unrecognised(name)
        return literal(value, "an argument that must be known")


def _class(cls: type) -> str:
    if cls.__module__ == "builtins":
        return cls.__name__
    if cls.__module__ == "numpy" and getattr(np, cls.__name__, None) is cls:
        return f"np.{cls.__name__}"
    raise _unrecognised(cls.__name__)


def _unrecognised(name: str) -> CannotExport:
    return CannotExport(
        f"an argument is `{name}`, which a module of its own cannot recognise; export a"
        f" function of the other arguments that passes `{name}`"
    )


class _Writer(guards.Writer):
    """Writes tests that are right for equal dtypes and for copies of a class."""

    def dtype(self, dtype: np.dtype[Any], v: str) -> str:
        return f"{v}.dtype == np.{dtype.type.__name__}"

    def cls(self, cls: type, v: str) -> list[str]:
        if cls.__module__ in ("builtins", "numpy"):
            return super().cls(cls, v)
        # The class is another one in the module that is written: only its name counts.
        return [f"type({v}).__name__ == {cls.__name__!r}"]

    def known(self, value: Any, v: str, parent: Any) -> list[str]:
        if isinstance(value, enum.Enum):
            return [*self.cls(type(value), v), f"{v}.name == {value.name!r}"]
        return super().known(value, v, parent)

    def like_items(self, elem: lt.Type | None, v: str) -> list[str]:
        item = self.names.fresh()
        tests = [] if elem is None else self.test(elem, item)
        if elem is None or not tests:
            return super().like_items(elem, v)
        return [*self.cls(list, v), f"all({' and '.join(tests)} for {item} in {v})"]


class _Unfolded(ast.NodeTransformer):
    """Writes what a walrus named wherever it is used, and `item` in comprehensions."""

    def __init__(self, prefix: str, arguments: Mapping[str, Any]) -> None:
        self.prefix = prefix
        self.known: dict[str, ast.expr] = {}
        self.item = "item" if "item" not in arguments else "item_"

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        value: ast.expr = self.visit(node.value)
        self.known[node.target.id] = value
        return value

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.known:
            return self.known[node.id]
        if node.id.startswith(self.prefix):
            return ast.Name(self.item, node.ctx)
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        self.generic_visit(node)
        return node
