"""How generated code reaches functions, modules and constants by name.

In: the user's globals, the names of his closure cells, and all names that are local to
the functions of one module. Out: dotted paths that mean the object in question
(`np.exp` through the user's own alias of numpy), and `free`: the objects that his
globals do not provide, under the names that generated code uses for them.
"""

from __future__ import annotations

import builtins
import cmath
import functools
import itertools
import keyword
import math
import operator
import re
import sys
from collections.abc import Collection
from types import ModuleType
from typing import Any

import numpy as np

_MODULES: tuple[ModuleType, ...] = (math, cmath, operator, itertools, functools)
_USUAL = {"absolute": "abs", "conjugate": "conj"}
_LEFT_OUT = ("abs", "max", "min", "round")  # of NumPy 1's `__all__`
_SUBMODULES = ("linalg", "fft", "random", "lib.stride_tricks", "polynomial")


@functools.cache
def _known_paths() -> dict[int, tuple[ModuleType, str]]:
    """Return module and path of the functions of known modules, by identity."""
    out: dict[int, tuple[ModuleType, str]] = {}
    for module in _MODULES:
        for name, item in vars(module).items():
            if callable(item) and not name.startswith("_"):
                out.setdefault(id(item), (module, name))
    # Only what is loaded: asking NumPy for a name may import a module.
    loaded = vars(np)
    for name in sorted({*np.__all__, *_LEFT_OUT}):
        item = loaded.get(name)
        if callable(item):
            short = getattr(item, "__name__", name)
            better = short if loaded.get(short) is item else name
            out[id(item)] = (np, _USUAL.get(better, better))
    for name, item in vars(builtins).items():
        out[id(item)] = (builtins, name)
    return out


def known_path(item: Any) -> tuple[ModuleType | None, str]:
    """Return the module in which an object has a name, and that name."""
    found = _known_paths().get(id(item))
    if found is not None:
        return found
    name = getattr(item, "__name__", "")
    for sub in _SUBMODULES:
        module = sys.modules.get(f"numpy.{sub}")
        if module is not None and vars(module).get(name, np) is item:
            return np, f"{sub}.{name}"
    owner = getattr(item, "__self__", None)
    if isinstance(owner, np.ufunc):
        module, path = known_path(owner)
        return module, f"{path}.{name}" if module is not None else ""
    return None, ""


class Scope:
    """Names for objects in one generated module."""

    def __init__(
        self,
        namespace: dict[str, Any],
        cells: Collection[str] = (),
        local: Collection[str] = (),
    ) -> None:
        self.namespace = namespace
        self.cells = frozenset(cells)
        self.taken: set[str] = set(local)
        self.free: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        self.kept: list[Any] = []

    def path(self, item: Any, text: str | None = None) -> str:
        """Return how to spell an object; `text` is how the user did."""
        if text is not None and self.means(text, item):
            return text
        if id(item) in self.names:
            return self.names[id(item)]
        name = self.find(item, text)
        self.names[id(item)] = name
        self.kept.append(item)
        return name

    def means(self, text: str, item: Any) -> bool:
        """Say whether a dotted path reaches the object from generated code."""
        root, *rest = text.split(".")
        if root in self.taken or not root.isidentifier():
            return False
        if root in self.cells:
            return True
        found = self.namespace.get(root, getattr(builtins, root, self))
        for name in rest:
            found = getattr(found, name, self)
        return found is item or (type(found) is type(item) and _equal(found, item))

    def find(self, item: Any, text: str | None) -> str:
        if isinstance(item, ModuleType):
            return self.module(item)
        module, name = known_path(item)
        if module is builtins:
            if name not in self.taken and name not in self.namespace:
                return name
        elif module is not None:
            return f"{self.path(module)}.{name}"
        word = text.split(".")[-1] if text else getattr(item, "__name__", None)
        return self.inject(word or type(item).__name__.lower(), item)

    def owner(self, item: Any) -> str:
        """Return how to reach the globals of a module, or a closure cell."""
        if id(item) not in self.names:
            self.names[id(item)] = self.inject("outside", item)
            self.kept.append(item)
        return self.names[id(item)]

    def module(self, module: ModuleType) -> str:
        """Return the user's alias of a module, or a name of ours."""
        usual = "np" if module is np else module.__name__.split(".")[-1]
        if self.namespace.get(usual) is module and usual not in self.taken:
            return usual
        for name, item in self.namespace.items():
            if item is module and name not in self.taken and name.isidentifier():
                return name
        parent, _, rest = module.__name__.partition(".")
        if parent == "numpy" and rest and getattr(np, rest, None) is module:
            return f"{self.path(np)}.{rest}"
        return self.inject(usual, module)

    def inject(self, word: str, item: Any) -> str:
        """Provide an object under a name that nobody else uses."""
        word = re.sub(r"\W", "_", word).strip("_") or "value"
        if word[0].isdigit() or keyword.iskeyword(word):
            word = f"{word}_" if not word[0].isdigit() else f"v{word}"
        name, number = word, 1
        while (
            name in self.taken
            or name in self.free
            or name in self.cells
            or self.namespace.get(name, item) is not item
        ):
            number += 1
            name = f"{word}_{number}"
        self.free[name] = item
        return name


def _equal(a: Any, b: Any) -> bool:
    return isinstance(a, int | float | complex | str) and a == b
