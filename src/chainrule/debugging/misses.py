"""Why a guard fails: the first thing that inference relied on and that is not so.

In: what a derivative consumed, and the arguments of a call. Out: a sentence.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import short_path
from chainrule.request import Attribute, Input, Known, Lacks
from chainrule.types import lattice as lt
from chainrule.types.typeof import type_of


def why(inputs: Iterable[Input], arguments: Mapping[str, Any]) -> str:
    """Return what is different from what a derivative was made for."""
    for each in inputs:
        if isinstance(each.type, Lacks):
            continue
        try:
            value = read(each, arguments)
        except Exception as error:
            return f"{label(each)} is gone ({type(error).__name__})"
        found = difference(each, value)
        if found:
            return f"{label(each)} is {found}"
    return (
        "memory is shared or laid out otherwise, an object has got an attribute that"
        " hides one of its class, or the code has changed"
    )


def label(each: Input) -> str:
    """Return what an input is called, as `argument x`, `global LIMIT`."""
    name = each.name
    if each.root == "class":
        return f"objects of {each.owner.__name__}"
    for step in each.path:
        name += f".{step}" if isinstance(step, Attribute) else f"[{step!r}]"
    if each.root == "attribute":
        return f"attribute {type(each.owner).__name__}.{name}"
    word = {"param": "argument", "cell": "closure variable"}.get(each.root, each.root)
    return f"{word} {name}"


def relied(each: Input) -> str:
    """Return what a derivative relies on of an input."""
    t: Any = each.type
    if isinstance(t, Known):
        return f"the same {_shown(t.value)}"
    if isinstance(t, Lacks) and each.root == "global":
        return f"none that hides the builtin {each.name}"
    if isinstance(t, Lacks):
        return f"no attribute {each.name} of their own"
    return lt.show(t) if isinstance(t, lt.Type) else type(t).__name__.lower()


def read(each: Input, arguments: Mapping[str, Any]) -> Any:
    """Return what an input is now."""
    match each.root:
        case "param":
            value = arguments[each.name]
        case "attribute":
            value = getattr(each.owner, each.name)
        case "cell":
            value = each.owner.cell_contents
        case _:
            value = each.owner[each.name]
    for step in each.path:
        by_name = isinstance(step, Attribute) or (
            isinstance(step, str) and not isinstance(value, Mapping)
        )
        value = getattr(value, step) if by_name else value[step]
    return value


def difference(each: Input, value: Any) -> str:
    """Return what a value is and was, if that makes a difference."""
    t: Any = each.type
    if isinstance(t, Known):
        same = t.value is value or (type(t.value) is type(value) and _equal(t, value))
        return "" if same else f"{_shown(value)}, was {_shown(t.value)}"
    if not isinstance(t, lt.Type):
        return ""
    now = type_of(value, ("now",))
    have, want = lt.show(now) if isinstance(now, lt.Type) else _shown(value), lt.show(t)
    if have != want:
        return f"{have}, was {want}"
    if isinstance(t, lt.ArrayT) and t.dims is not None:
        for axis, (dim, size) in enumerate(zip(t.dims, np.shape(value), strict=True)):
            if (dim == 1) != (size == 1):
                were = "1 entry" if dim == 1 else "several entries"
                return f"of length {size} along axis {axis}, was of {were}"
    return ""


def _equal(known: Known, value: Any) -> bool:
    try:
        return bool(known.value == value)
    except Exception:
        return False


def _shown(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    code = getattr(value, "__code__", None)
    if code is not None:
        at = f"{short_path(code.co_filename)}:{code.co_firstlineno}"
        return f"{value.__qualname__} ({at})"
    if callable(value):
        return str(getattr(value, "__qualname__", type(value).__name__))
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."
