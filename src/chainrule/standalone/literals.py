"""Values as expressions that mean the same in another module.

In: a value. Out: `literal` writes exactly this value, `sample` one of the same types
(the command line that writes a module again needs no more). What cannot be written
raises `CannotExport`.
"""

from __future__ import annotations

import dataclasses
import io
import math
import tokenize
from typing import Any

import numpy as np

from chainrule.errors import CannotExport

LARGEST = 1000
PLAIN = (bool, int, str, bytes, type(None), type(...))


def literal(value: Any, what: str = "the value") -> str:
    """Return an expression for a value; NumPy is `np` in it."""
    cls = type(value)
    if cls in PLAIN:
        return repr(value)
    if cls is float:
        return _float(value)
    if cls is complex:
        return f"complex({_float(value.real)}, {_float(value.imag)})"
    if cls in (tuple, list, set, frozenset, dict):
        return _display(value, lambda x: literal(x, what))
    if isinstance(value, np.dtype) and value.isbuiltin == 1:
        return f"np.dtype({value.name!r})"
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return f"np.{cls.__name__}({literal(value.item(), what)})"
    if isinstance(value, range | slice):
        parts = (value.start, value.stop, value.step)
        return f"{cls.__name__}({', '.join(literal(p, what) for p in parts)})"
    if cls is np.ndarray and value.dtype.kind in "biufc":
        return _array(value, what)
    raise CannotExport(
        f"{what} is {_article(cls.__name__)}, which cannot be written into a file;"
        " pass it as an argument"
    )


def sample(value: Any, known: dict[str, Any]) -> str | None:
    """Return an expression for a value of the same types, or None.

    `known` are the names that it may use.
    """
    if type(value) is np.ndarray:
        shape = value.shape[0] if value.ndim == 1 else value.shape
        dtype = "" if value.dtype == np.float64 else f", {_dtype(value.dtype)}"
        return f"np.ones({shape}{dtype})"
    if type(value) in (tuple, list, dict):
        parts = value.values() if type(value) is dict else value
        if any(sample(x, known) is None for x in parts):
            return None
        return _display(value, lambda x: str(sample(x, known)))
    name = getattr(value, "__name__", None) or type(value).__name__
    if known.get(name) is value:
        return str(name)
    if known.get(name) is type(value):
        fields = _fields(value)
        parts = {} if fields is None else {f: sample(x, known) for f, x in fields}
        if fields is None or None in parts.values():
            return None
        return f"{name}({', '.join(f'{f}={x}' for f, x in parts.items())})"
    try:
        return literal(value)
    except CannotExport:
        return None


def double_quoted(text: str) -> str:
    """Return code with double quotes around its strings, where that is all there is."""
    lines = text.splitlines(keepends=True)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    for token in tokens:
        inner = token.string[1:-1]
        plain = token.type == tokenize.STRING and token.string[0] == "'"
        if plain and not set(inner) & {"'", '"', "\\"}:
            (number, start), (_, end) = token.start, token.end
            line = lines[number - 1]
            lines[number - 1] = f'{line[:start]}"{inner}"{line[end:]}'
    return "".join(lines)


def _fields(value: Any) -> list[tuple[str, Any]] | None:
    """Return what a record is built from."""
    if hasattr(value, "_fields"):
        return [(name, getattr(value, name)) for name in value._fields]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return [(f.name, getattr(value, f.name)) for f in fields if f.init]
    return None


def _display(value: Any, write: Any) -> str:
    match value:
        case dict():
            pairs = (f"{write(k)}: {write(v)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        case tuple():
            return f"({', '.join(map(write, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(write, value))}]"
    items = ", ".join(sorted(map(write, value)))  # the order of a set is not fixed
    if isinstance(value, frozenset):
        return f"frozenset({{{items}}})" if items else "frozenset()"
    return f"{{{items}}}" if items else "set()"


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def _dtype(dtype: np.dtype[Any]) -> str:
    return f"np.{dtype.type.__name__}"


def _array(value: np.ndarray[Any, Any], what: str) -> str:
    if value.size > LARGEST:
        raise CannotExport(
            f"{what} is an array of {value.size} numbers, too many to be written into"
            " a file; pass it as an argument"
        )
    if value.size == 0:
        return f"np.zeros({value.shape}, {_dtype(value.dtype)})"
    items = literal(value.tolist(), what)
    usual = value.dtype in (np.float64, np.int64, np.complex128, np.bool_)
    return f"np.array({items}{'' if usual else f', {_dtype(value.dtype)}'})"


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
