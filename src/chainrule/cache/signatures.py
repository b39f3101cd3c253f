"""What a function's code says of its parameters, and which of them are active.

In: a Python function. Out: `Parameters`, the text of a parameter list that accepts the
same calls, and the names that `argnums` and `argnames` stand for. Read from the code
object, so that annotations are never evaluated.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Argnums = int | tuple[int, ...]
Argnames = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a function by kind; `optional` have a default."""

    positional_only: tuple[str, ...]
    positional: tuple[str, ...]
    keyword_only: tuple[str, ...]
    varargs: str | None
    varkw: str | None
    optional: frozenset[str]

    @property
    def ordered(self) -> tuple[str, ...]:
        """Names that can be passed by position, in order."""
        return self.positional_only + self.positional

    @property
    def names(self) -> tuple[str, ...]:
        """All names in the order of the signature: those of a generated function."""
        star = () if self.varargs is None else (self.varargs,)
        stars = () if self.varkw is None else (self.varkw,)
        return self.ordered + star + self.keyword_only + stars

    @property
    def prefix(self) -> str:
        """The beginning of names that no parameter has."""
        prefix = "_"
        while any(name.startswith(prefix) for name in self.names):
            prefix += "_"
        return prefix + "k"


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """Return the parameters of a plain Python function."""
    code: Any = getattr(function, "__code__")  # noqa: B009
    names = code.co_varnames
    count, only = code.co_argcount, code.co_posonlyargcount
    end = count + code.co_kwonlyargcount
    rest = list(names[end:])
    varargs = rest.pop(0) if code.co_flags & inspect.CO_VARARGS else None
    varkw = rest.pop(0) if code.co_flags & inspect.CO_VARKEYWORDS else None
    defaults = len(getattr(function, "__defaults__", None) or ())
    optional = set(getattr(function, "__kwdefaults__", None) or ())
    optional.update(names[count - defaults : count])
    return Parameters(
        names[:only],
        names[only:count],
        names[count:end],
        varargs,
        varkw,
        frozenset(optional),
    )


def parameter_list(parameters: Parameters, default: str) -> str:
    """Return the text between the parentheses of `def`; every default is one name."""

    def show(name: str) -> str:
        return f"{name}={default}" if name in parameters.optional else name

    out = list(map(show, parameters.positional_only))
    if out:
        out.append("/")
    out += map(show, parameters.positional)
    if parameters.varargs is not None:
        out.append(f"*{parameters.varargs}")
    elif parameters.keyword_only:
        out.append("*")
    out += map(show, parameters.keyword_only)
    if parameters.varkw is not None:
        out.append(f"**{parameters.varkw}")
    return ", ".join(out)


def late_defaults(parameters: Parameters, default: str, function: str) -> list[str]:
    """Return statements that fill in the defaults the function has at that moment."""
    out = []
    for i, name in enumerate(parameters.ordered):
        if name in parameters.optional:
            value = f"{function}.__defaults__[{i - len(parameters.ordered)}]"
            out += [f"if {name} is {default}:", f"    {name} = {value}"]
    for name in parameters.keyword_only:
        if name in parameters.optional:
            value = f"{function}.__kwdefaults__[{name!r}]"
            out += [f"if {name} is {default}:", f"    {name} = {value}"]
    return out


def depends_on_call(parameters: Parameters, argnums: Argnums) -> bool:
    """Say whether what `argnums` names depends on how many arguments are passed."""
    nums = (argnums,) if isinstance(argnums, int) else argnums
    varies = parameters.varargs is not None or parameters.optional & set(
        parameters.ordered
    )
    return bool(varies) and any(n < 0 for n in nums)


def resolve(
    parameters: Parameters,
    argnums: Argnums,
    argnames: Argnames,
    bound: int = 0,
    passed: int | None = None,
) -> tuple[str, ...]:
    """Return the names of the active parameters, as `Request.wrt` has them.

    The first `bound` parameters are filled in already (`self`); `passed` counts the
    positional arguments of this call, if that matters.
    """
    if argnames is not None:
        names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
        out = [_by_name(parameters, name) for name in names]
    else:
        nums = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        out = [_by_number(parameters, n, bound, passed) for n in nums]
    if len(set(out)) < len(out):
        raise ValueError(f"an argument is named twice: {', '.join(out)}")
    return tuple(out)


def _by_name(parameters: Parameters, name: str) -> str:
    if name in parameters.positional or name in parameters.keyword_only:
        return name
    if name in parameters.positional_only:
        return name
    if parameters.varkw is not None:
        return f"{parameters.varkw}[{name!r}]"
    raise ValueError(f"the function has no parameter {name!r}: {_list(parameters)}")


def _by_number(
    parameters: Parameters, number: int, bound: int, passed: int | None
) -> str:
    ordered = parameters.ordered
    count = len(ordered) - bound if passed is None else passed
    index = number + (count if number < 0 else 0) + bound
    if bound <= index < len(ordered):
        return ordered[index]
    if index >= len(ordered) and parameters.varargs is not None:
        return f"{parameters.varargs}[{index - len(ordered)}]"
    raise ValueError(
        f"argnums={number} names no positional argument: {_list(parameters)}"
    )


def _list(parameters: Parameters) -> str:
    return f"its parameters are ({parameter_list(parameters, '...')})"
