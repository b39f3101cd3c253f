"""Programs that call one primitive and reduce its result to a number.

In: a call of a primitive. Out: a function in a module of its own, as a user would have
written it, its arguments, and which of them to differentiate by.
"""

from __future__ import annotations

import builtins
import importlib.util
import itertools
import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.special

from chainrule.rules.registry import RULES
from tests.rules.collected import Example
from tests.rules.harness import bind, is_active

HEADER = """\
import builtins
import math
import operator
from math import inf, nan

import numpy as np
import scipy.linalg
import scipy.special
from numpy import complex128, float32, float64

from chainrule import grad

"""
NAMESPACES: dict[str, Any] = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "np.polynomial.polynomial": np.polynomial.polynomial,
    "math": math,
    "operator": operator,
    "builtins": builtins,
    "scipy.special": scipy.special,
    "scipy.linalg": scipy.linalg,
}
_numbers = itertools.count()


@dataclass
class Program:
    """A function of the arguments of one call that are not spelled in its text."""

    text: str
    values: tuple[Any, ...]
    wrt: tuple[int, ...]
    weights: dict[str, Any] = field(default_factory=dict)

    def load(self, folder: Path, more: str = "") -> dict[str, Any]:
        """Write the text to a file and import it; return the module's names."""
        name = f"wrapped_{next(_numbers)}"
        path = folder / f"{name}.py"
        path.write_text(self.text + more)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        vars(module).update(self.weights)
        return vars(module)


def spelling(fn: Callable[..., Any]) -> str | None:
    """Return how a user writes a function, None if it is one of ours."""
    owner = getattr(fn, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{fn.__name__}"
    for path, namespace in NAMESPACES.items():
        for name in (getattr(fn, "__name__", ""), *dir(namespace)):
            if name and getattr(namespace, name, None) is fn:
                return f"{path}.{name}"
    return None


def program(example: Example) -> Program | None:
    """Return the program of a call; None where there is nothing to differentiate."""
    path = spelling(example.fn)
    if path is None:
        return None
    moved = _moved(example)
    out = Program("", (), ())
    params: list[str] = []

    def spell(value: Any) -> str:
        if not moved(value) and not _holds_array(value):
            return value.__name__ if isinstance(value, type) else repr(value)
        params.append(f"x{len(params)}")
        out.values += (value,)
        out.wrt += (len(params) - 1,) if moved(value) else ()
        return params[-1]

    arguments = [spell(value) for value in example.args]
    arguments += [f"{name}={spell(value)}" for name, value in example.kwargs.items()]
    result = example.fn(*example.args, **example.kwargs)
    terms = list(_terms(result, "out", out.weights, np.random.default_rng(5)))
    if not out.wrt or not terms:
        return None
    out.text = (
        f"{HEADER}\ndef f({', '.join(params)}):\n"
        f"    out = {path}({', '.join(arguments)})\n    return {' + '.join(terms)}\n"
    )
    return out


def _moved(example: Example) -> Callable[[Any], bool]:
    """Return the question whether an argument is one to differentiate by."""
    rule = RULES.reverse[example.fn]
    if rule.kind == "composite":
        return lambda x: is_active(x) and not isinstance(x, float)
    bound = bind(example.fn, rule, example.args, dict(example.kwargs))
    chosen = [bound[name] for name in example.wrt or rule.wrt if name in bound]
    parts = [v for c in chosen for v in (c if isinstance(c, tuple) else (c,))]
    return lambda x: is_active(x) and any(x is v for v in (*chosen, *parts))


def _holds_array(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_array, value))
    return isinstance(value, np.ndarray)


def _terms(
    value: Any, text: str, weights: dict[str, Any], rng: np.random.Generator
) -> Iterator[str]:
    """Yield the weighted sum of each number or array in a result."""
    if isinstance(value, list | tuple):
        for k, part in enumerate(value):
            yield from _terms(part, f"{text}[{k}]", weights, rng)
        return
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return
    name = f"W{len(weights)}"
    weight = rng.uniform(0.5, 1.5, array.shape)
    weights[name] = weight if array.shape else float(weight)
    if array.dtype.kind == "c":
        yield f"np.sum(np.real({text}) * {name} + 2 * np.imag({text}) * {name})"
    elif array.shape:
        yield f"np.sum({name} * {text})"
    else:
        yield f"{name} * {text}"
