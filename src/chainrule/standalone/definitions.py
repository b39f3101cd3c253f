"""What generated code refers to, written out beside it.

In: names, and the objects that they stand for where the code was made. Out:
`Definitions`: imports of NumPy, SciPy and the standard library, constants, and the
source of functions and classes: the user's, and the helpers of `chainrule.runtime`.
"""

from __future__ import annotations

import ast
import builtins
import collections
import importlib
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType, GenericAlias, MethodType, ModuleType
from typing import Any

from chainrule.backend.render import render
from chainrule.backend.scope import known_path
from chainrule.errors import CannotExport, NotDifferentiable
from chainrule.frontend import source
from chainrule.standalone import references
from chainrule.standalone.literals import double_quoted, literal

LIBRARIES = {"numpy", "scipy"}
OURS = (
    "chainrule.arguments",
    "chainrule.cache.overlap",
    "chainrule.ir.prims",
    "chainrule.runtime",
)
MISSING = object()
Resolve = Callable[[str], Any]


@dataclass
class Definitions:
    """The parts of a module that other parts refer to, by name.

    `first` are constants, classes, and functions that something calls while the module
    is loaded, each after what it needs; the order of `functions` does not matter.
    """

    objects: dict[str, Any] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)

    def needed(self, text: str, resolve: Resolve, where: str) -> str:
        """Enter all that a text refers to; return it with the names that it has here.

        `resolve` finds what a name stands for; `where` says whose text it is.
        """
        changes: dict[str, str] = {}
        for name in references.free_names(text):
            item = resolve(name)
            if item is MISSING:
                continue  # fails as it does where it comes from
            if isinstance(item, ModuleType) and not is_library(item):
                changes.update(self.of_module(text, name, item, where))
            elif isinstance(item, ModuleType):
                self.module(text, name, item)
            elif getattr(builtins, name, MISSING) is not item:
                self.add(name, item, where)
        for name in references.annotation_names(text):
            item = resolve(name)
            if isinstance(item, GenericAlias):
                self.alias(name, item)
            elif comes_from_library(item) and getattr(builtins, name, None) is not item:
                self.add(name, item, where)
        return references.replaced(text, changes)

    def add(self, name: str, item: Any, where: str) -> None:
        """Define a name; one name cannot stand for two objects."""
        if name in self.objects:
            self.same(name, item)
            return
        self.objects[name] = item
        what = f"`{name}`, which {where} uses,"
        if isinstance(item, FunctionType | type) and not comes_from_library(item):
            self.source(name, item, what)
        elif plain(item) is not None:
            self.source(name, item, what)
        elif comes_from_library(item):
            self.imports[name] = import_of(name, item, what)
        else:
            tree = ast.parse(f"{name} = {literal(item, what)}")
            self.first[name] = double_quoted(render(tree).text.strip("\n") + "\n")
            if "np." in self.first[name]:
                self.imports["np"] = "import numpy as np"

    def alias(self, name: str, item: GenericAlias) -> None:
        """Define a name for a type, such as `Place = tuple[Any, ...]`."""
        if name not in self.objects:
            self.objects[name] = item
            text = f"{name} = {item!r}\n".replace("typing.", "")
            self.first[name] = self.needed(text, _typing, name)

    def same(self, name: str, item: Any) -> None:
        """Raise where a name stands for something else already."""
        known = self.objects[name]
        if known is item or plain(known) is item or known is plain(item):
            return
        try:
            if literal(known) == literal(item):
                return
        except CannotExport:
            pass
        raise CannotExport(
            f"`{name}` stands for two different things in the code that would be"
            " written; rename one of them"
        )

    def of_module(
        self, text: str, name: str, module: ModuleType, where: str
    ) -> dict[str, str]:
        """Enter what a text reads of a module of the user's; return the new names."""
        changes = {}
        for path in references.paths(text, name):
            item: Any = module
            steps = path.split(".")[1:]
            while steps and isinstance(item, ModuleType):
                short = steps.pop(0)
                item = getattr(item, short, MISSING)
            if item is MISSING or isinstance(item, ModuleType):
                raise CannotExport(
                    f"`{path}`, which {where} uses, is of the module"
                    f" `{module.__name__}`, which a module of its own cannot import;"
                    " import what is needed of it by name"
                )
            if not comes_from_library(item) and name in references.free_names(short):
                raise CannotExport(f"`{path}` and `{name}` would have one name")
            self.add(short, item, where)
            full = ".".join(path.split(".")[: len(path.split(".")) - len(steps)])
            changes[full] = short
        return changes

    def module(self, text: str, name: str, module: ModuleType) -> None:
        """Import a module of a library, and those that the text reads through it."""
        self.add_import(name, module)
        for path in references.paths(text, name):
            item: Any = module
            for step in path.split(".")[1:]:
                item = getattr(item, step, None)
                if not isinstance(item, ModuleType):
                    break
                full = item.__name__
                if name == module.__name__ and not full.startswith("numpy."):
                    self.imports[full] = f"import {full}"

    def add_import(self, name: str, module: ModuleType) -> None:
        if self.objects.setdefault(name, module) is not module:
            self.same(name, module)
        self.imports[name] = module_import(name, module)

    def source(self, name: str, item: Any, what: str) -> None:
        """Enter a function or a class with all that it refers to."""
        if item.__module__.startswith("chainrule") and not is_ours(item):
            raise CannotExport(
                f"{what} is part of chainrule and runs only where that is installed;"
                " call it outside of what is exported"
            )
        text = _record(name, item)
        if text is None:
            text = _text(item, name, what)
        names = _names_of(item)
        marks = {n for n in references.free_names(text) if _is_mark(names(n))}
        text = references.without(text, marks)
        text = self.needed(text, names, f"`{name}`")
        early = isinstance(item, type) or not text.startswith("def ")
        (self.first if early else self.functions)[name] = text


def _typing(name: str) -> Any:
    return getattr(builtins, name, vars(typing).get(name, MISSING))


def is_library(module: ModuleType) -> bool:
    """Say whether a module is there without the user's own code and chainrule."""
    root = module.__name__.partition(".")[0]
    return root in LIBRARIES or root in sys.stdlib_module_names


def comes_from_library(item: Any) -> bool:
    """Say whether a function, class or module is NumPy's, SciPy's or Python's."""
    if isinstance(item, ModuleType):
        return is_library(item)
    if known_path(item)[0] is not None:
        return True
    name = getattr(item, "__name__", None)
    module = getattr(item, "__module__", None)
    if not isinstance(name, str) or isinstance(item, MethodType):
        return False
    if isinstance(module, str):
        return module.partition(".")[0] in LIBRARIES | sys.stdlib_module_names - {
            "__main__"
        }
    return _home(name, item) is not None


def plain(item: Any) -> Any:
    """Return the function behind what only marks or remembers it, or None."""
    inner = getattr(item, "__wrapped__", None)
    kinds = ("Differentiable", "_lru_cache_wrapper")
    if isinstance(inner, FunctionType) and type(item).__name__ in kinds:
        return inner
    return None


def is_ours(item: Any) -> bool:
    """Say whether something of chainrule may be written out."""
    module: str = item.__module__
    return module.startswith(OURS) or item.__name__ == "stop_gradient"


def module_import(name: str, module: ModuleType) -> str:
    """Return the statement that imports a module under a name."""
    full = module.__name__
    parent, _, last = full.rpartition(".")
    if name == full:
        return f"import {full}"
    if name == last and parent:
        return f"from {parent} import {last}"
    return f"import {full} as {name}"


def import_of(name: str, item: Any, what: str) -> str:
    """Return the statement that imports a function or class under a name."""
    module, path = known_path(item)
    home = None if module is None else module.__name__
    short = path.rpartition(".")[2]
    if home is None:
        short = item.__name__
        home = _home(short, item)
    elif "." in path:
        home = f"{home}.{path.rpartition('.')[0]}"
    if home is None:
        raise CannotExport(f"{what} cannot be imported by a name; pass it as argument")
    return f"from {home} import {short}{'' if short == name else f' as {name}'}"


def _home(name: str, item: Any) -> str | None:
    """Return the public module of a library that has an object under its name."""
    module = getattr(item, "__module__", None)
    root = (module or "").partition(".")[0]
    roots = {root} if root else LIBRARIES
    homes = [
        full
        for full, loaded in list(sys.modules.items())
        if full.partition(".")[0] in roots
        and "._" not in f".{full}"
        and vars(loaded).get(name, MISSING) is item
    ]
    if homes:
        return min(homes, key=lambda full: (full.count("."), full))
    try:
        found = getattr(importlib.import_module(module or ""), name, None)
    except (ImportError, ValueError):
        return None
    return module if found is item else None


def _record(name: str, item: Any) -> str | None:
    """Return the definition of a named tuple that was not written as a class."""
    if not isinstance(item, type) or not hasattr(item, "_fields"):
        return None
    if item.__bases__ != (tuple,) or item.__annotations__:
        return None
    fields = ", ".join(f'"{f}"' for f in item._fields)
    return f'{name} = namedtuple("{item.__name__}", [{fields}])\n'


def _text(item: Any, name: str, what: str) -> str:
    """Return the source of a function or class, defined under a name."""
    try:
        if isinstance(item, type) or hasattr(item, "__wrapped__"):
            item = inspect.unwrap(item)  # with its decorators
            text = textwrap.dedent(inspect.getsource(item))
        else:
            text = source.load(item).text
    except (OSError, TypeError, NotDifferentiable):
        kind = "class" if isinstance(item, type) else "function"
        raise CannotExport(f"{what} is a {kind} whose source is not known") from None
    if item.__name__ == "<lambda>":
        body = ast.parse(f"({text})", mode="eval").body
        assert isinstance(body, ast.Lambda)
        made = ast.FunctionDef(name, body.args, [ast.Return(body.body)], [], lineno=1)
        made.type_params = []  # type: ignore[attr-defined]
        tree = ast.Module([ast.fix_missing_locations(made)], [])
        return render(tree).text.strip("\n") + "\n"
    old = re.escape(item.__name__)
    return re.sub(rf"^(def|class) {old}\b", rf"\1 {name}", text, count=1, flags=re.M)


def _names_of(item: Any) -> Resolve:
    """Return how the names in a function or class are found."""
    cells: dict[str, Any] = {}
    scope: Mapping[str, Any] = vars(sys.modules.get(item.__module__, builtins))
    item = inspect.unwrap(item)
    functions = [item] if isinstance(item, FunctionType) else vars(item).values()
    for function in functions:
        if not isinstance(function, FunctionType):
            continue
        if function.__module__ == item.__module__:
            scope = {**scope, **function.__globals__}
        closure = function.__closure__ or ()
        for name, cell in zip(function.__code__.co_freevars, closure, strict=True):
            if name != "__class__":
                cells[name] = cell.cell_contents

    def resolve(name: str) -> Any:
        if name == "namedtuple":
            return collections.namedtuple  # noqa: PYI024
        found = scope.get(name, getattr(builtins, name, MISSING))
        return cells.get(name, found)

    return resolve


def _is_mark(item: Any) -> bool:
    """Say whether a decorator only gives a function its derivatives."""
    module = getattr(item, "__module__", "")
    names = ("differentiate", "checkpoint", "grad")
    return module == "chainrule.api" and item.__name__ in names
