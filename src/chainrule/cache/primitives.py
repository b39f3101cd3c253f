"""Functions of C as functions of Python: `grad(np.sin)` works as `grad(lambda x: ...)`.

In: a callable without Python code (a ufunc, a function of `math` or NumPy). Out: a
small function that calls it, with its source in `linecache`, where the front end finds
it.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_SHORT = {"numpy": "np", "numpy.linalg": "np.linalg", "math": "math"}


def is_primitive(given: Any) -> bool:
    """Say whether a function is of NumPy or SciPy: called, not looked into."""
    module = getattr(given, "__module__", None) or ""
    return module.partition(".")[0] in ("numpy", "scipy")


@functools.lru_cache(maxsize=256)
def as_function(given: Any) -> Callable[..., Any]:
    """Return a Python function of the required parameters that calls `given`."""
    name = getattr(given, "__name__", None)
    if not callable(given) or isinstance(given, type) or not str(name).isidentifier():
        kind = "class" if isinstance(given, type) else type(given).__name__
        raise TypeError(f"a {kind} cannot be differentiated: {given!r} is no function")
    names = _parameters(given)
    called, namespace = spelling(given, str(name))
    call = f"{called}({', '.join(names)})"
    return define(str(name), names, call, namespace, f"<chainrule primitive {called}>")


def define(
    name: str, names: list[str], call: str, namespace: dict[str, Any], file: str
) -> Callable[..., Any]:
    """Return the function of these parameters that returns `call`, with its source."""
    text = f"def {name}({', '.join(names)}):\n    return {call}\n"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    namespace["__name__"] = file
    exec(compile(text, file, "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function


def _parameters(given: Any) -> list[str]:
    if isinstance(given, np.ufunc):
        return ["x", "y", "z", "u"][: given.nin]
    try:
        parameters = inspect.signature(given).parameters.values()
    except (TypeError, ValueError):
        return ["x"]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def spelling(given: Any, name: str) -> tuple[str, dict[str, Any]]:
    """Return how a person writes the function, and the names in that."""
    for module, short in _SHORT.items():
        if getattr(sys.modules.get(module), name, None) is given:
            root = module.partition(".")[0]
            return f"{short}.{name}", {short.partition(".")[0]: sys.modules[root]}
    owner = getattr(given, "__self__", None)
    if isinstance(owner, np.ufunc):
        called, namespace = spelling(owner, owner.__name__)
        return f"{called}.{name}", namespace
    return f"{name}_", {f"{name}_": given}
