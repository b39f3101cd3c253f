"""The calls that the tests of this folder check, for use by other tests.

In: nothing. Out: for each primitive with a rule, the calls `fn(*args, **kwargs)` that
`check_rule` is asked about. The tests are run with a `check_rule` that takes notes:
what is tested by itself is thereby tested through the compiler as well.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent
OTHERS = ("test_closure", "test_compiled")


@dataclass(frozen=True)
class Example:
    """One call of a primitive, and the arguments to differentiate by (None: all)."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    wrt: tuple[str, ...] | None

    def layout(self) -> Any:
        """Return what decides which derivative is made."""
        pairs = [(k, _layout(v)) for k, v in self.kwargs.items()]
        return *map(_layout, self.args), *pairs


def _layout(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        numbers = "" if value.dtype.kind in "fc" else value.tobytes()
        return value.dtype.str, value.shape, numbers
    if isinstance(value, list | tuple):
        return type(value), *map(_layout, value)
    return type(value) if isinstance(value, float | complex) else repr(value)


@functools.cache
def examples() -> dict[Callable[..., Any], list[Example]]:
    """Return the calls by primitive, one for each layout of arguments."""
    found: dict[Any, dict[Any, Example]] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        if path.stem not in OTHERS:
            for example in _of_module(f"tests.rules.{path.stem}"):
                found.setdefault(example.fn, {}).setdefault(example.layout(), example)
    return {fn: list(by_layout.values()) for fn, by_layout in found.items()}


def _of_module(name: str) -> Iterator[Example]:
    module = importlib.import_module(name)
    if not hasattr(module, "check_rule"):
        return
    original, notes = module.check_rule, []

    def note(fn: Any, *args: Any, wrt: Any = None, **kwargs: Any) -> None:
        for option in ("analytic", "rtol", "variations", "seed"):
            kwargs.pop(option, None)
        notes.append(Example(fn, args, kwargs, wrt))

    module.check_rule = note
    try:
        tests = [t for n, t in vars(module).items() if n.startswith("test_")]
        for test in tests:
            for arguments in _parameters(test):
                notes.clear()
                if _passes(test, arguments):
                    yield from notes
    finally:
        module.check_rule = original


def _passes(test: Callable[..., None], arguments: dict[str, Any]) -> bool:
    """Run a test; one that expects a failure of the rule says nothing here."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            test(**arguments)
        except (Exception, pytest.fail.Exception):
            return False
    return True


def _parameters(test: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments that pytest would call a parametrized test with."""
    marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
    axes = []
    for mark in marks:
        names, rows = mark.args[:2]
        if isinstance(names, str):
            names = [n.strip() for n in names.split(",")]
            rows = [(row,) for row in rows] if len(names) == 1 else rows
        axes.append([dict(zip(names, row, strict=True)) for row in rows])
    for chosen in itertools.product(*axes):
        yield {name: value for row in chosen for name, value in row.items()}
