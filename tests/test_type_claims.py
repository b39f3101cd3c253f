"""What the compiler believes of values is so for all arguments that a guard accepts.

Programs are compiled once; then the specialised function and its gradient are evaluated
as IR for other sizes, lengths and numbers, and every value is held against its type.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import NotDifferentiable, pipeline
from chainrule.cache.specialisations import Dispatcher
from chainrule.ir.nodes import Function
from chainrule.optimise.dead import remove_dead
from chainrule.target import Options, target_of
from chainrule.types import lattice as lt
from fixtures.cases import CASES, Case
from tests import programs
from tests.checks import quiet
from tests.claims import evaluate_checked

FOLDER = Path(__file__).parent.parent / "fixtures" / "language"
for _path in sorted(FOLDER.glob("[a-z]*.py")):
    importlib.import_module(f"fixtures.language.{_path.stem}")
THEMES = sorted({c.name.partition(".")[0] for c in CASES})
# One program of so many, to be quick: the others are as those.
STRIDE = 3


@dataclass
class Compiled:
    """A program as IR, and whether its guard takes certain arguments."""

    primal: Function
    gradient: Function
    not_one: frozenset[Hashable]
    accepts: Callable[..., tuple[Any, ...] | None]


def compiled(function: Any, args: tuple[Any, ...], wrt: tuple[int, ...]) -> Compiled:
    """Compile the gradient of a function at some arguments."""
    target = target_of(function)
    options = Options(argnums=wrt)
    dispatcher: Dispatcher = target.dispatcher("grad", target.wrt(options), options)
    dispatcher.forget()
    with lt.consumed() as keys:
        spec, values = dispatcher.find(target.bind(dispatcher, args, {}))
    request, arguments = dispatcher.request, dispatcher.arguments(values)
    with lt.consumed(), lt.sizes_of_arguments():
        made, _ = pipeline.taking_as_little_as_possible(
            lambda: pipeline.specialise_for(
                request.function, arguments, frozenset(), request.wrt
            )
        )
        _, functions, _ = pipeline.derivative_ir(
            request, arguments, frozenset(), pipeline.Stages()
        )

    def accepts(*others: Any) -> tuple[Any, ...] | None:
        bound = target.bind(dispatcher, others, {})
        bound = dispatcher._as_real(bound, deep=True)
        with contextlib.suppress(Exception):
            if spec.check(*bound):
                return bound
        return None

    remove_dead(made.function)  # as a container of what has no value yet
    return Compiled(made.function, functions[0], frozenset(keys), accepts)


def variants(args: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments, and others of the same kinds."""
    yield args
    changes: list[Callable[[int], int]] = [
        lambda n: n + 1,
        lambda n: 2 * n,
        lambda n: 2,
        lambda n: 3,
        lambda n: 0,
    ]
    for change in changes:
        yield tuple(resized(a, change) for a in args)
    for by in (1, -1):
        yield tuple(a + by if type(a) is int else a for a in args)
    yield tuple(a * 0.7 if type(a) is float else a for a in args)


def resized(x: Any, change: Callable[[int], int]) -> Any:
    """Return an argument with axes of other sizes; those of size 1 stay."""
    match x:
        case np.ndarray():
            shape = tuple(n if n == 1 else change(n) for n in x.shape)
            return np.resize(x, shape).astype(x.dtype) if x.size else x
        case list() if all(type(v) is float for v in x) and len(x) > 4:
            return list(np.resize(x, change(len(x))).tolist())
        case list() | tuple() if type(x) in (list, tuple):
            return type(x)(resized(v, change) for v in x)
        case dict() if type(x) is dict:
            return {k: resized(v, change) for k, v in x.items()}
    return x


def check_claims(
    function: Any, args: tuple[Any, ...], wrt: tuple[int, ...], loose: bool = False
) -> int:
    """Evaluate a program and its gradient for many arguments; return for how many.

    `loose` for programs that take derivatives themselves.
    """
    with quiet():
        try:
            made = compiled(function, args, wrt)
        except NotDifferentiable:
            return 0  # another test demands its derivative
        done = 0
        for others in variants(args):
            values = made.accepts(*others)
            if values is None:
                continue
            try:
                returned = function(*copy.deepcopy(others))
            except Exception:
                continue  # its own exceptions are checked elsewhere
            if not isinstance(returned, float | np.ndarray):
                continue
            # Programs may write into their arguments.
            given = (copy.deepcopy(values), copy.deepcopy(values))
            # NumPy's `out=` takes empty results of any shape.
            empty = any(isinstance(a, np.ndarray) and not a.size for a in values)
            with contextlib.suppress(*(ValueError,) if empty else ()):
                evaluate_checked(
                    made.primal, *given[0], not_one=made.not_one, loose=loose
                )
            # Not every rule takes empty arrays; that is an error, not a belief.
            with contextlib.suppress(ArithmeticError, ValueError):
                evaluate_checked(
                    made.gradient, *given[1], not_one=made.not_one, loose=True
                )
            done += 1
    return done


@pytest.mark.parametrize("theme", THEMES)
def test_claims_about_small_programs_hold(theme: str) -> None:
    """Class, dtype, rank, sizes and layout of every value are as its type says."""
    cases = [c for c in CASES if c.name.startswith(f"{theme}.")]
    done = sum(map(_check, cases[::STRIDE]))
    assert done > len(cases[::STRIDE]) // 2


def _check(case: Case) -> int:
    if case.raises is not None:
        return 0
    try:
        loose = case.name.startswith("derivatives.")
        return check_claims(case.function, case.arguments(), case.wrt, loose)
    except Exception as error:
        error.add_note(f"in {case.name}")
        raise


@pytest.mark.parametrize("name", programs.NAMES[::STRIDE])
def test_claims_about_whole_programs_hold(name: str) -> None:
    """The scientists' programs too."""
    module = programs.load(name)
    args, wrt = programs.arguments(module), getattr(module, "WRT", (0,))
    assert check_claims(getattr(module, name), args, wrt)
