"""Objects with given attributes, of classes whose own construction must not run again.

In: a class or an object, and values of attributes. Out: an object. Plain Python,
nothing of the compiler: generated code may call `instance`.
"""

from __future__ import annotations

import copy
import dataclasses
import types
from collections import defaultdict
from typing import Any


def by_keywords(cls: type) -> bool:
    """Say whether `cls(name=value, ...)` does no more than set these attributes."""
    if cls is types.SimpleNamespace or hasattr(cls, "_fields"):
        return True
    if not dataclasses.is_dataclass(cls) or hasattr(cls, "__post_init__"):
        return False
    if issubclass(cls, BaseException):  # it has `args` as well
        return False
    made = cls.__init__.__qualname__.startswith("__create_fn__") or (
        cls.__init__.__code__.co_filename == "<string>"
        if isinstance(cls.__init__, types.FunctionType)
        else False
    )
    return made and all(f.init for f in dataclasses.fields(cls))


def instance(of: Any, /, **attributes: Any) -> Any:
    """Return an object of a class, or one like another object,
    with these attributes.
    """
    out: Any = copy.copy(of) if not isinstance(of, type) else new(of)
    for name, value in attributes.items():
        object.__setattr__(out, name, value)
    return out


def new(cls: type) -> Any:
    """Return an object of a class, without attributes."""
    return cls.__new__(cls) if issubclass(cls, BaseException) else object.__new__(cls)


def mapping(cls: Any, items: dict[Any, Any]) -> Any:
    """Return a dict of a class."""
    if issubclass(cls, defaultdict):
        return cls(None, items)
    return cls(items)


FOREIGN = ("builtins", "numpy", "collections", "functools", "itertools", "re", "io")


def attributes(x: Any) -> list[str]:
    """Return the names of the data attributes of an object of a program's own class."""
    cls = type(x)
    if cls.__module__.partition(".")[0] in FOREIGN:
        return []
    if isinstance(x, type | types.FunctionType | types.MethodType | types.ModuleType):
        return []
    slots = [
        name
        for base in cls.__mro__
        for name in _names(base.__dict__.get("__slots__", ()))
    ]
    names = dict.fromkeys([*slots, *getattr(x, "__dict__", ())])
    return [n for n in names if not n.startswith("__") and hasattr(x, n)]


def _names(slots: str | tuple[str, ...]) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)
