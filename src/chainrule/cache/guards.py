"""Guards: the cheapest test that all that inference consumed is still so.

In: the inputs of a `Built`, the sizes that inference took for not 1, and the arguments
it was built from. Out: a `Guard`, a Python expression over the parameters' names and a
few names of its own; `cache.entry` pastes it into the function that the user calls.

Inputs are gathered in a tree by path, so that a container is tested before its parts
and each part is read once. An expression may raise (a global that is gone): a miss.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from chainrule.cache import constants
from chainrule.cache.overlap import apart, pattern
from chainrule.request import (
    Apart,
    Attribute,
    Input,
    Known,
    Lacks,
    Laid,
    Missing,
    Overlap,
)
from chainrule.types.lattice import (
    KINDS,
    ArrayT,
    DictT,
    ListT,
    ObjT,
    OpaqueT,
    RangeT,
    ScalarT,
    SliceT,
    Sym,
    TupleT,
    Type,
    WordT,
    kind_of,
)

PYTHON_CLASSES = {"bool": bool, "int": int, "float": float, "complex": complex}
_MISSING = object()


@dataclass(slots=True)
class Guard:
    """An expression, what its names stand for, and functions it calls (as text)."""

    text: str
    namespace: dict[str, Any]
    helpers: str = ""


@dataclass(slots=True)
class Names:
    """Makes names that no parameter has; `values` is what they stand for."""

    prefix: str
    counter: Iterator[int] = field(default_factory=itertools.count)
    values: dict[str, Any] = field(default_factory=dict)
    helpers: list[str] = field(default_factory=list)
    by_id: dict[int, str] = field(default_factory=dict)

    def fresh(self) -> str:
        """Return a name for a local variable."""
        return f"{self.prefix}{next(self.counter)}"

    def constant(self, value: Any) -> str:
        """Return the name that stands for this object."""
        name = self.by_id.get(id(value))
        if name is None:
            name = self.by_id[id(value)] = self.fresh()
            self.values[name] = value
        return name


@dataclass(slots=True)
class _Node:
    types: list[Type | Known | Laid | Missing] = field(default_factory=list)
    parts: dict[tuple[bool, Any], _Node] = field(default_factory=dict)


@dataclass(slots=True)
class Writer:
    names: Names
    never_one: set[Hashable] | frozenset[Hashable]
    exact: bool
    joined: bool
    lacking: dict[type, list[str]] = field(default_factory=dict)

    def node(self, node: _Node, expr: str, value: Any, parent: Any) -> list[str]:
        """Return the tests of a value and of its parts, each a conjunct."""
        v = self.names.fresh()
        atoms: list[str] = []
        for t in node.types:
            if isinstance(t, Laid) and t.strides is not None:
                atoms.append(f"{v}.strides == {t.strides}")
            elif isinstance(t, Laid):
                word = "" if t.contiguous else "not "
                atoms.append(f"{word}{v}.flags.c_contiguous")
            elif isinstance(t, Missing):
                atoms.append(f"{self.key(t.key)} not in {v}")
            elif isinstance(t, Known):
                atoms += self.known(t.value, v, parent)
            else:
                atoms += self.test(t, v)
        trusted = isinstance(value, ModuleType)
        trusted = trusted and constants.is_trusted(value.__name__)
        for (is_attribute, step), part in () if trusted else node.parts.items():
            if is_attribute:
                ok = step.isidentifier()
                read = f"{v}.{step}" if ok else f"getattr({v}, {step!r})"
                inner = getattr(value, step, _MISSING)
            else:
                read = f"{v}[{self.key(step)}]"
                inner = _item(value, step)
            atoms += self.node(part, read, inner, value)
        return bind(atoms, v, expr)

    def known(self, value: Any, v: str, parent: Any) -> list[str]:
        """Return the tests that a value is this constant."""
        return constants.tests(value, v, parent, self.names.constant)

    def key(self, step: Any) -> str:
        if type(step) in (int, str):
            return repr(step)
        return self.names.constant(step)

    def test(self, t: Type, v: str) -> list[str]:
        """Return the tests that a value has a type."""
        match t:
            case ScalarT(exact=False):
                return [f"type({v}) in {self.names.constant(_classes(t))}"]
            case ScalarT(kind="int", dtype=None, dim=int() as value):
                # An int in a container that was asked for as a constant.
                return [*self.cls(int, v), f"{v} == {value}"]
            case ScalarT(kind="int", dtype=None, dim=Sym()):
                # Somebody may take it for a size; -1 in a shape is none.
                return [*self.cls(int, v), f"{v} >= 0"]
            case ScalarT(kind=kind, dtype=None):
                return self.cls(PYTHON_CLASSES[kind], v)
            case ScalarT(dtype=dtype) if dtype is not None:
                return self.cls(dtype.type, v)
            case ArrayT() if self.joined:
                return self.any_array(t, v)
            case ArrayT():
                return self.array(t, v)
            case TupleT(items=items, cls=cls):
                return self.sequence(cls, items, v)
            case ListT(items=items) if items is not None:
                return self.sequence(list, items, v)
            case ListT(elem=elem):
                return self.like_items(elem, v)
            case DictT(items=items, cls=cls):
                return self.dict(items, cls, v)
            case ObjT(cls=cls, attrs=attrs):
                out = self.cls(cls, v)
                for name in self.lacking.get(cls, ()):
                    out.append(f"{name!r} not in {v}.__dict__")
                for name, part in attrs:
                    out += self.part(part, f"{v}.{name}")
                return out
            case RangeT() | SliceT():
                return self.cls(range if isinstance(t, RangeT) else slice, v)
            case WordT(value=word):
                return [*self.cls(str, v), f"{v} == {word!r}"]
            case OpaqueT(cls=cls) if cls is type(None):
                return [f"{v} is None"]
            case OpaqueT(cls=cls):
                return [] if cls is object else self.cls(cls, v)
        raise TypeError(f"{t!r} is not the type of an input")

    def cls(self, cls: type, v: str) -> list[str]:
        return [f"type({v}) is {self.names.constant(cls)}"]

    def part(self, t: Type, expr: str) -> list[str]:
        v = self.names.fresh()
        return bind(self.test(t, v), v, expr)

    def array(self, t: ArrayT, v: str) -> list[str]:
        out = self.cls(np.ndarray, v)
        out.append(self.dtype(t.dtype, v))
        if t.dims is None:
            return out
        out.append(f"{v}.ndim == {len(t.dims)}")
        sizes = []
        shape = self.names.fresh()
        for axis, dim in enumerate(t.dims):
            if isinstance(dim, int):
                sizes.append(f"{shape}[{axis}] == {dim}")
            elif isinstance(dim, Sym):
                sizes += self.excluded(dim, f"{shape}[{axis}]")
        return out + bind(sizes, shape, f"{v}.shape")

    def dtype(self, dtype: np.dtype[Any], v: str) -> str:
        """Return the test that an array has a dtype."""
        known = self.names.constant(np.dtype(dtype.char))
        # An array that was unpickled has an equal dtype, but not the same object.
        if self.exact:
            return f"{v}.dtype is {known}"
        return f"{v}.dtype.newbyteorder('=') == {known}"

    def excluded(self, dim: Sym, size: str) -> list[str]:
        """Return tests that an axis has no size that inference relied on not to be."""
        out = [f"{size} != 1"] if dim.key in self.never_one else []
        for relied in self.never_one:
            if not isinstance(relied, Sym):
                continue
            if relied.key == dim.key:
                out.append(f"{size} != {1 - relied.offset}")
            match relied.key:
                case ("least", key) if key == dim.key:
                    out.append(f"{size} >= {relied.offset}")
                case ("//", Sym(key=key, offset=offset), int() as by) if key == dim.key:
                    whole = f"({size} + {offset})" if offset else size
                    out.append(f"{whole} // {by} != {1 - relied.offset}")
        return sorted(out)

    def any_array(self, t: ArrayT, v: str) -> list[str]:
        """Return the tests of an element whose type is a join with those of others."""
        dtypes = frozenset(
            np.dtype(c)
            for c in np.typecodes["All"]
            if kind_of(np.dtype(c)) and np.promote_types(c, t.dtype) == t.dtype
        )
        test = f"type({v}) is {self.names.constant(np.ndarray)}"
        test += f" and {v}.dtype in {self.names.constant(dtypes)}"
        if t.dims is not None:
            test += f" and {v}.ndim == {len(t.dims)}"
            sizes = [(i, d) for i, d in enumerate(t.dims) if isinstance(d, int)]
            test += "".join(f" and {v}.shape[{i}] == {d}" for i, d in sizes)
        if t.dims:
            return [test]
        scalar = ScalarT(kind_of(t.dtype) or "complex", t.dtype, False)
        return [f"(type({v}) in {self.names.constant(_classes(scalar))} or {test})"]

    def sequence(self, cls: type, items: tuple[Type, ...], v: str) -> list[str]:
        out = [*self.cls(cls, v), f"len({v}) == {len(items)}"]
        for i, item in enumerate(items):
            out += self.part(item, f"{v}[{i}]")
        return out

    def like_items(self, elem: Type | None, v: str) -> list[str]:
        out = self.cls(list, v)
        if elem is None:
            return [*out, f"not {v}"]
        item, check = self.names.fresh(), self.names.fresh()
        tests = self.test(elem, item)
        if tests:
            self.names.helpers.append(
                f"def {check}(items):\n"
                f"    for {item} in items:\n"
                f"        if not ({' and '.join(tests)}):\n"
                f"            return False\n"
                f"    return True\n"
            )
            out.append(f"{check}({v})")
        return out

    def dict(self, items: tuple[tuple[Any, Type], ...], cls: type, v: str) -> list[str]:
        keys = tuple(k for k, _ in items)
        out = [*self.cls(cls, v), f"(*{v},) == {self.names.constant(keys)}"]
        classes = tuple(map(type, keys))
        if set(classes) - {str}:  # 1 == 1.0 == True
            out.append(f"(*map(type, {v}),) == {self.names.constant(classes)}")
        for key, item in items:
            out += self.part(item, f"{v}[{self.key(key)}]")
        return out


def make_guard(
    inputs: Iterable[Input],
    never_one: Iterable[Hashable],
    arguments: Mapping[str, Any],
    prefix: str,
    exact: bool = True,
    joined: bool = False,
) -> Guard:
    """Return the guard of a specialisation.

    All names in it begin with `prefix`. With `exact` false, dtypes need only be equal,
    not the same object: slower, for the second look. `joined` allows for arrays in a
    list whose type is a join of several.
    """
    names = Names(prefix)
    writer = Writer(names, frozenset(never_one), exact, joined)
    text = text_of(writer, inputs, arguments)
    return Guard(text, names.values, "".join(names.helpers))


def text_of(
    writer: Writer, inputs: Iterable[Input], arguments: Mapping[str, Any]
) -> str:
    """Return the tests of all inputs as one expression."""
    atoms: list[str] = []
    inputs = list(inputs)
    written = tuple((i.name, *i.path) for i in inputs if isinstance(i.type, Apart))
    for i in inputs:
        if isinstance(i.type, Lacks) and i.root == "class":
            if i.owner.__dictoffset__:
                writer.lacking.setdefault(i.owner, []).append(i.name)
        elif isinstance(i.type, Lacks) and i.root == "global":
            atoms.append(f"{i.name!r} not in {writer.names.constant(i.owner)}")
        elif isinstance(i.type, Lacks):
            owner = writer.names.constant(i.owner)
            atoms.append(f"not hasattr({owner}, {i.name!r})")
    patterns = [i.type.pattern for i in inputs if isinstance(i.type, Overlap)]
    inputs = [i for i in inputs if not isinstance(i.type, Apart | Lacks | Overlap)]
    for (root, name, _), (owner, node) in _tree(inputs, arguments).items():
        atoms += _root(writer, root, name, owner, node, arguments)
    named = ", ".join(f"{name!r}: {name}" for name in arguments)
    if written:
        test, places = writer.names.constant(apart), writer.names.constant(written)
        atoms.append(f"{test}({{{named}}}, {places})")
    for each in patterns:
        test, known = writer.names.constant(pattern), writer.names.constant(each)
        atoms.append(f"{test}({{{named}}}) == {known}")
    return " and ".join(dict.fromkeys(atoms)) or "True"


def _root(
    writer: Writer,
    root: str,
    name: str,
    owner: Any,
    node: _Node,
    arguments: Mapping[str, Any],
) -> list[str]:
    if root == "param":
        return writer.node(node, name, arguments.get(name, _MISSING), None)
    place = writer.names.constant(owner)
    if root == "cell":
        value = getattr(owner, "cell_contents", _MISSING)
        return writer.node(node, f"{place}.cell_contents", value, None)
    if root == "attribute":
        value = getattr(owner, name, _MISSING)
        return writer.node(node, f"{place}.{name}", value, owner)
    if name not in owner:  # a builtin, as long as no global hides it
        return [f"{name!r} not in {place}"]
    return writer.node(node, f"{place}[{name!r}]", owner[name], None)


_Tree = dict[tuple[str, str, int], tuple[Any, _Node]]


def _tree(inputs: Iterable[Input], arguments: Mapping[str, Any]) -> _Tree:
    """Return the inputs of each root as a tree, parameters first."""
    out: _Tree = {}
    for item in sorted(inputs, key=lambda i: i.root != "param"):
        key = (item.root, item.name, id(item.owner))
        owner, node = out.setdefault(key, (item.owner, _Node()))
        value = _root_value(item, arguments)
        for step in item.path:
            attribute = isinstance(step, Attribute) or (
                isinstance(step, str) and not isinstance(value, Mapping)
            )
            if attribute:
                value = getattr(value, step, _MISSING)
            else:
                value = _item(value, step)
            node = node.parts.setdefault((attribute, step), _Node())
        # tests of several arguments, of all objects of a class
        assert not isinstance(item.type, Apart | Lacks | Overlap)
        if item.type not in node.types:
            node.types.append(item.type)
    return out


def _root_value(item: Input, arguments: Mapping[str, Any]) -> Any:
    if item.root == "param":
        return arguments.get(item.name, _MISSING)
    if item.root == "cell":
        return getattr(item.owner, "cell_contents", _MISSING)
    if item.root == "attribute":
        return getattr(item.owner, item.name, _MISSING)
    return item.owner.get(item.name, _MISSING)


def _item(value: Any, step: Any) -> Any:
    try:
        return value[step]
    except Exception:
        return _MISSING


def bind(atoms: list[str], v: str, expr: str) -> list[str]:
    """Return the atoms with `expr` for the variable `v`, read once if it is a path."""
    uses = re.compile(rf"\b{v}\b")
    if expr.isidentifier() or sum(len(uses.findall(a)) for a in atoms) < 2:
        return [uses.sub(lambda _: expr, a) for a in atoms]
    out = list(atoms)
    first = next(i for i, a in enumerate(out) if uses.search(a))
    out[first] = uses.sub(lambda _: f"({v} := {expr})", out[first], count=1)
    return out


def _classes(t: ScalarT) -> frozenset[type]:
    """Return the classes whose numbers a type covers that is not exact."""
    limit = KINDS.index(t.kind)
    out: set[type] = {PYTHON_CLASSES[k] for k in KINDS[: limit + 1]}
    if t.dtype is not None:
        for code in np.typecodes["All"]:
            dtype = np.dtype(code)
            if kind_of(dtype) and np.promote_types(dtype, t.dtype) == t.dtype:
                out.add(dtype.type)
    return frozenset(out)
