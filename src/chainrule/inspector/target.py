"""Find the function that a command line names.

In: `module:function`, `path/to/file.py:function`, either with a dotted path to a
method. Out: a `Target`. The module is imported, that is run; what it prints goes to
standard error.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from chainrule.cache.primitives import as_function


class UsageError(Exception):
    """The command line asks for something that is not there; exit status 2.

    `hint` is what to say after the message, where there is a command line to correct.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Target:
    """A function to look at: the object that was named and the function behind it."""

    label: str
    object: Any
    function: Callable[..., Any]
    owner: type | None
    namespace: dict[str, Any]

    @property
    def name(self) -> str:
        """The function's own name."""
        return getattr(self.function, "__name__", self.label)

    @property
    def signature(self) -> inspect.Signature:
        """The parameters of the function."""
        function = self.function
        if isinstance(function, np.ufunc):  # NumPy 1 gives it no signature
            function = as_function(function)
        try:
            return inspect.signature(function)
        except (TypeError, ValueError) as problem:
            raise UsageError(f"{self.label} has no signature: {problem}") from None


def find(label: str) -> Target:
    """Return the function that `label` names."""
    place, colon, path = label.replace("::", ":").rpartition(":")
    if not colon or not place or not path:
        raise UsageError(
            f"{label!r} is not of the form module:function or file.py:function"
        )
    loaded = module(place)
    owner: Any = None
    found: Any = loaded
    for name in path.split("."):
        owner, found = found, _attribute(found, name, label)
    if not callable(found) or inspect.isclass(found):
        raise UsageError(f"{label} is not a function but {_describe(found)}")
    function = found.__wrapped__ if is_decorated(found) else found
    cls = owner if inspect.isclass(owner) and _takes_self(owner, path) else None
    return Target(label, found, function, cls, vars(loaded))


def module(place: str) -> ModuleType:
    """Import a module by its name or from its file."""
    return _from_file(place) if place.endswith(".py") else _from_name(place)


def of(found: Any) -> Target:
    """Return a function that is at hand as a target."""
    function = found.__wrapped__ if is_decorated(found) else found
    module = getattr(function, "__module__", None)
    label = f"{module}:{getattr(function, '__qualname__', repr(function))}"
    namespace = getattr(function, "__globals__", {})
    return Target(label, found, function, None, namespace)


def is_decorated(found: Any) -> bool:
    """Say whether an object was made by `differentiate`."""
    return hasattr(found, "value_and_grad") and hasattr(found, "__wrapped__")


def _from_name(name: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        missing = importlib.util.find_spec(name) is None
    except (ImportError, ValueError):
        missing = True
    if missing and name not in sys.modules:
        raise UsageError(f"there is no module {name!r} (a file is named with its .py)")
    return _run(lambda: importlib.import_module(name), name)


def _from_file(name: str) -> ModuleType:
    """Import a file under its own name, a file of a package as part of that package."""
    path = Path(name).resolve()
    if not path.is_file():
        raise UsageError(f"there is no file {name}")
    parts, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    if len(parts) > 1:
        full = ".".join(parts[:-1] if path.stem == "__init__" else parts)
        return _run(lambda: importlib.import_module(full), name)
    known = sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    return _run(lambda: _execute(path), name)


def _execute(path: Path) -> ModuleType:
    name = path.stem if path.stem not in sys.modules else f"inspected_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _run(load: Callable[[], ModuleType], name: str) -> ModuleType:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return load()
    except (Exception, SystemExit) as problem:
        last = traceback.format_exception_only(problem)[-1].strip()
        place = _last_place(problem)
        if isinstance(problem, SyntaxError):
            last, place = f"SyntaxError: {problem.msg}", _place_of(problem)
        raise UsageError(f"running {name} failed: {last}{place}") from None


def _last_place(problem: BaseException) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    outside = [f for f in frames if not f.filename.startswith("<frozen")]
    if not outside or outside[-1].filename == __file__:
        return ""
    return f" ({outside[-1].filename}:{outside[-1].lineno})"


def _place_of(problem: SyntaxError) -> str:
    return f" ({problem.filename}:{problem.lineno})" if problem.filename else ""


def _attribute(holder: Any, name: str, label: str) -> Any:
    try:
        return getattr(holder, name)
    except AttributeError:
        pass
    known = [n for n in dir(holder) if callable(getattr(holder, n, None))]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(f"{label}: there is no {name!r}{hint}")


def _takes_self(cls: type, path: str) -> bool:
    kind = inspect.getattr_static(cls, path.rpartition(".")[2])
    return not isinstance(kind, staticmethod | classmethod)


def _describe(found: Any) -> str:
    return f"the class {found.__name__}" if inspect.isclass(found) else repr(found)
