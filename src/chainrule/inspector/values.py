"""Find values for a function's arguments, so that their types are known.

In: a target and the text given with `--args`. Out: the arguments, and a note for each
that was assumed: from its default, from its annotation, or, for lack of both, a number.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import math
import types
import typing
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.inspector.target import Target, UsageError


@dataclass
class Arguments:
    """Arguments of a function by parameter, and what was assumed of them."""

    bound: inspect.BoundArguments
    assumed: list[str] = field(default_factory=list)

    @property
    def values(self) -> dict[str, Any]:
        """The argument of every parameter that has one."""
        return dict(self.bound.arguments)

    @property
    def args(self) -> tuple[Any, ...]:
        """What is passed by position."""
        return self.bound.args

    @property
    def kwargs(self) -> dict[str, Any]:
        """What is passed by name."""
        return self.bound.kwargs

    def fresh(self) -> Arguments:
        """Return a copy to run with: the function may write into its arguments."""
        bound = inspect.BoundArguments(
            self.bound.signature, OrderedDict(duplicate(self.bound.arguments))
        )
        return Arguments(bound, self.assumed)

    def replaced(self, changes: dict[str, Any]) -> Arguments:
        """Return these arguments with other values for some parameters."""
        values = {n: changes.get(n, v) for n, v in self.values.items()}
        changed = inspect.BoundArguments(self.bound.signature, OrderedDict(values))
        return Arguments(changed)


def duplicate(values: Any) -> Any:
    """Return a deep copy, or the values themselves where there is none to be had."""
    try:
        return copy.deepcopy(values)
    except Exception:
        return values


def choose(target: Target, text: str | None, needed: Sequence[str] = ()) -> Arguments:
    """Return the given arguments, completed by assumed ones.

    A parameter with a default is left out, unless it is one of `needed` or before it.
    """
    args, kwargs = evaluate(text, target.namespace) if text else ((), {})
    signature = target.signature
    try:
        bound = signature.bind_partial(*args, **kwargs)
    except TypeError as problem:
        raise UsageError(
            f"--args does not fit {target.name}{signature}: {problem}"
        ) from None
    assumed = []
    hints = _annotations(target)
    needed = _with_those_before(signature, needed)
    for i, (name, parameter) in enumerate(signature.parameters.items()):
        if name in bound.arguments or parameter.kind in VARIADIC:
            continue
        if parameter.default is not parameter.empty:
            if name in needed:
                bound.arguments[name] = parameter.default
                assumed.append(f"{name} = {parameter.default!r} (its default)")
            continue
        expression, why = _assume(target, parameter, hints.get(name), i)
        bound.arguments[name] = _make(name, expression, target.namespace)
        assumed.append(f"{name} = {expression} ({why})")
    names = [n for n in signature.parameters if n in bound.arguments]
    ordered = OrderedDict((n, bound.arguments[n]) for n in names)
    return Arguments(inspect.BoundArguments(signature, ordered), assumed)


def _with_those_before(
    signature: inspect.Signature, needed: Sequence[str]
) -> Sequence[str]:
    """Return parameters, and those that come before one that is passed by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ordered = [p.name for p in signature.parameters.values() if p.kind in kinds]
    last = max((ordered.index(n) for n in needed if n in ordered), default=-1)
    return [*ordered[: last + 1], *needed]


def given(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Return the arguments of a call."""
    return Arguments(target.signature.bind(*args, **kwargs))


def _make(name: str, expression: str, namespace: dict[str, Any]) -> Any:
    try:
        return eval(expression, {**namespace, "np": np})
    except Exception as problem:
        raise UsageError(
            f"cannot make up {name} ({expression}: {problem}); give it with --args"
        ) from None


def evaluate(
    text: str, namespace: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Evaluate `"w=np.ones(3), x=2.0"` as the arguments of a call."""

    def collect(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, kwargs

    refusal = f"--args {text!r} is not a list of arguments"
    try:
        tree = ast.parse(f"__collect({text}\n)", mode="eval")
    except SyntaxError as problem:
        raise UsageError(f"{refusal}: {problem.msg}") from None
    if not (isinstance(tree.body, ast.Call) and isinstance(tree.body.func, ast.Name)):
        raise UsageError(refusal)
    scope = {"np": np, "numpy": np, "math": math, **namespace, "__collect": collect}
    try:
        out = eval(compile(tree, "<--args>", "eval"), scope)
    except Exception as problem:
        what = type(problem).__name__
        raise UsageError(f"--args {text!r}: {what}: {problem}") from None
    args, kwargs = out
    return args, kwargs


def active(target: Target, wrt: str | None) -> tuple[str, ...] | str | None:
    """Return the parameters that `--wrt "w, b"` or `--wrt 0,2` names.

    None when nothing is said: what the decorator says holds, else the first argument.
    """
    if wrt is None:
        return None
    names = list(target.signature.parameters)
    out = []
    for item in (part.strip() for part in wrt.split(",")):
        if item.lstrip("-").isdigit() and -len(names) <= int(item) < len(names):
            out.append(names[int(item)])
        elif item in names:
            out.append(item)
        else:
            known = ", ".join(names)
            raise UsageError(
                f"{target.name} has no parameter {item!r} (it has {known})"
            )
    if len(set(out)) < len(out):
        raise UsageError(f"--wrt names a parameter twice: {', '.join(out)}")
    return out[0] if "," not in wrt else tuple(out)


def _annotations(target: Target) -> dict[str, Any]:
    function: Any = target.function
    while isinstance(function, functools.partial):
        function = function.func
    if not hasattr(function, "__annotations__"):
        function = type(function).__call__
    try:
        return typing.get_type_hints(function)
    except Exception:
        return dict(getattr(function, "__annotations__", {}))


def _assume(
    target: Target, parameter: inspect.Parameter, hint: Any, position: int
) -> tuple[str, str]:
    """Return an expression for a value, and where it comes from."""
    if position == 0 and target.owner is not None:
        path = target.label.rpartition(":")[2].rpartition(".")[0]
        return f"{path}()", "an instance made without arguments"
    if hint is not None:
        expression = example(hint, position)
        if expression is None:
            raise UsageError(
                f"cannot make up a value of type {hint} for {parameter.name}; "
                f'give one: --args "{parameter.name}=..."'
            )
        return expression, "from its annotation"
    return example(float, position) or "1.0", "no annotation: a float"


def example(hint: Any, position: int = 0) -> str | None:
    """Return an expression for a value of an annotated type, or None."""
    start = 1.0 + 0.5 * position
    if hasattr(hint, "__value__"):  # type Vector = np.ndarray, and NDArray since 2.5
        params = typing.get_args(hint)
        return example(hint.__value__[params] if params else hint.__value__, position)
    if hint in _SCALARS:
        return _SCALARS[hint].format(start)
    origin, params = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return example(params[0], position)
    if origin in (typing.Union, types.UnionType):
        found = (example(p, position) for p in params if p is not type(None))
        return next((e for e in found if e is not None), None)
    if hint is np.ndarray or origin is np.ndarray:
        dtype = _dtype(params)
        items = ", ".join(f"{start + 0.5 * k:g}" for k in range(3))
        return f"np.array([{items}]{dtype})"
    if isinstance(hint, type) and issubclass(hint, np.generic):
        return f"np.{hint.__name__}({start:g})"
    if origin is tuple:
        fixed = params[:1] * 3 if params[1:] == (Ellipsis,) else params
        return _container("({},)", fixed, position)
    if origin in (list, Sequence) or hint is list:
        return _container("[{}]", (params or (float,)) * 3, position)
    return None


def _container(shape: str, params: tuple[Any, ...], position: int) -> str | None:
    items = [example(p, position + k) for k, p in enumerate(params)]
    if any(item is None for item in items):
        return None
    return shape.format(", ".join(item for item in items if item is not None))


def _dtype(params: tuple[Any, ...]) -> str:
    scalars = [p for item in params[1:] for p in typing.get_args(item)]
    if scalars and isinstance(scalars[0], type) and issubclass(scalars[0], np.generic):
        if scalars[0] is not np.float64 and not scalars[0].__subclasses__():
            return f", dtype=np.{scalars[0].__name__}"
    return ""


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_SCALARS: dict[Any, str] = {
    float: "{}",
    complex: "{} + 0.5j",
    int: "3",
    bool: "True",
    str: "''",
    typing.Any: "{}",
}
