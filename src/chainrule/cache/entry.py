"""The function that a user calls: his own signature, guards, and the derivative behind.

In: parameters and the specialisations made so far. Out: the text of a function such as

    def grad(x, w, *, scale=_kdefault):
        if scale is _kdefault:
            scale = _kfunction.__kwdefaults__['scale']
        try:
            if type(x) is _k0 and x.dtype is _k1 and x.ndim == 2:
                _kcall = _kcall0
            else:
                _kcall, (x, w, scale) = None, (x, w, scale)
        ...

whose code is swapped when a specialisation is added: no wrapper, no look-up in a table.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any

from chainrule.cache.guards import Guard
from chainrule.cache.signatures import Parameters, late_defaults, parameter_list
from chainrule.frontend.trees import walk

Wrap = str
FILE = "<chainrule entry>"
SHOWN = "# call the derivative that was made for arguments of these types\n"


def entry_text(
    parameters: Parameters, cases: Sequence[tuple[Guard, str]], returns: Wrap
) -> str:
    """Return the text of an entry; `cases` are guards and the names of what they call.

    `returns` is a format of the result, with `{call}` for the derivative's call.
    """
    p = parameters.prefix
    call, names = f"{p}call", _tuple(parameters.names)
    lines = [f"def {p}entry({parameter_list(parameters, f'{p}default')}):"]
    lines += _indent(late_defaults(parameters, f"{p}default", f"{p}function"))
    if cases:
        lines.append("    try:")
        # Tools that reload modules put other code into the same function.
        lines.append(f"        if {p}function.__code__ is not {p}code:")
        lines.append(f"            {call} = None")
        for guard, name in cases:
            lines.append(f"        elif {guard.text}:")
            lines.append(f"            {call} = {name}")
        lines += ["        else:", f"            {call} = None"]
        # A guard that raises is a miss: a global is gone, an attribute is gone.
        lines += ["    except Exception:", f"        {call} = None"]
        lines.append(f"    if {call} is None:")
        lines.append(f"        {call}, {names} = {p}miss{names}")
    else:
        lines.append(f"    {call}, {names} = {p}miss{names}")
    lines.append("    try:")
    lines += _indent(returns.format(call=f"{call}{names}", p=p).splitlines(), 8)
    lines += [f"    except Exception as {p}error:", f"        {p}note({p}error)"]
    lines.append("        raise")
    helpers = "".join(guard.helpers for guard, _ in cases)
    return helpers + "\n".join(lines) + "\n"


def bind_text(parameters: Parameters) -> str:
    """Return the text of a function that returns its arguments in order."""
    p = parameters.prefix
    lines = [f"def {p}bind({parameter_list(parameters, f'{p}default')}):"]
    lines += _indent(late_defaults(parameters, f"{p}default", f"{p}function"))
    lines.append(f"    return {_tuple(parameters.names)}")
    return "\n".join(lines) + "\n"


def check_text(parameters: Parameters, guard: Guard) -> str:
    """Return the text of a guard as a function of its own."""
    p = parameters.prefix
    names = ", ".join(parameters.names)
    return f"{guard.helpers}def {p}check({names}):\n    return {guard.text}\n"


def compile_function(
    text: str, name: str, namespace: dict[str, Any]
) -> Callable[..., Any]:
    """Return the function of this name that the text defines."""
    linecache.cache[FILE] = (len(SHOWN), None, [SHOWN], FILE)
    exec(_compiled(text), namespace)
    function: Callable[..., Any] = namespace.pop(name)
    return function


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> CodeType:
    """Return the code of a text: functions of like arguments have the same.

    For debuggers and tracebacks it is one line: its tests are of no interest there.
    """
    tree = ast.parse(text)
    node: Any
    for node in walk(tree):
        if hasattr(node, "lineno"):
            node.lineno = node.end_lineno = 1
            node.col_offset, node.end_col_offset = 0, len(SHOWN) - 1
    return compile(tree, FILE, "exec")


def swap(entry: FunctionType, text: str, name: str, namespace: dict[str, Any]) -> None:
    """Give an entry the code of a new text; calls that are running end in the old."""
    made: Any = compile_function(text, name, namespace)
    code: CodeType = made.__code__
    entry.__code__ = code.replace(
        co_name=entry.__name__, co_qualname=entry.__qualname__
    )
    entry.__defaults__ = made.__defaults__
    entry.__kwdefaults__ = made.__kwdefaults__


def _tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def _indent(lines: Sequence[str], by: int = 4) -> list[str]:
    return [" " * by + line for line in lines]
