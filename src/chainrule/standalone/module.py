"""The text of a module that holds a derivative.

In: a `Derivative`, the arguments of one or several calls, and the command that writes
the module again. Out: its text: docstring, imports, constants and classes, the function
to call with an `if` for each specialisation, the generated functions, and helpers.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import chainrule
from chainrule.derivative import Derivative
from chainrule.frontend import source
from chainrule.standalone import recipe
from chainrule.standalone.compiled import Call, Specialisation, specialise
from chainrule.standalone.definitions import Definitions
from chainrule.standalone.digest import digest
from chainrule.standalone.literals import double_quoted
from chainrule.standalone.public import Public, name_of

WIDTH = 88
TITLES = {
    "grad": "Gradient of `{}`, with respect to {}",
    "value_and_grad": "`{}` and its gradient, with respect to {}",
    "vjp": "`{}` and its pullback, with respect to {}",
    "jvp": "`{}` and its tangent, in a direction of {}",
}
REFUSAL = '''\
def _refusal(**given):
    """Return the error for arguments of other types."""
    shown = ", ".join(f"{name}: {_type_of(x)}" for name, x in given.items())
    return TypeError(f"{_MADE_FOR}, not for\\n    ({shown})")


def _type_of(x):
    """Return the type of an argument in words."""
    if isinstance(x, np.ndarray):
        return f"{x.dtype} array of shape {x.shape}"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k!r}: {_type_of(v)}" for k, v in x.items()) + "}"
    if isinstance(x, list):
        return "[" + ", ".join(map(_type_of, x)) + "]"
    if isinstance(x, tuple):
        return f"{type(x).__name__}({', '.join(map(_type_of, x))})"
    return type(x).__name__
'''


PULL = '''\
def _pull(backward, value, residual, value_bar):
    """Return the cotangents of the arguments, if the value's own fits."""
    if np.shape(value_bar) != np.shape(value):
        shapes = f"{np.shape(value_bar)}, expected {np.shape(value)}"
        raise ValueError(f"the cotangent: shape {shapes}")
    if isinstance(value, np.ndarray):
        value_bar = np.asarray(value_bar, value.dtype)
    return backward(residual, value_bar)
'''


def write(
    made: Derivative[Any, Any],
    path: str | os.PathLike[str],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    """Write the derivative for the types of these arguments."""
    command = recipe.of_call(made, os.fspath(path), args, kwargs)
    text = module_text(made, [(args, kwargs)], command)
    Path(path).write_text(text, encoding="utf-8")


def module_text(
    made: Derivative[Any, Any], calls: Sequence[Call], command: recipe.Command | None
) -> str:
    """Return the text of a module with a specialisation for each call."""
    found = Definitions()
    specs: list[Specialisation] = []
    for k, call in enumerate(calls, 1):
        taken = {**found.objects, **dict.fromkeys(_texts(specs))}
        number = k if len(calls) > 1 else 0
        dispatcher, spec = specialise(made, call, taken, number)
        known = next((s for s in specs if s.test == spec.test), None)
        if known is None:
            specs.append(spec)
            _enter(found, spec, made)
        else:
            known.integers.update(spec.integers)
    public = Public(made, dispatcher, specs)
    entry = public.text(found)
    texts = [entry, *_texts(specs).values(), *found.functions.values(), REFUSAL]
    if "_pull" in entry:
        texts.insert(-1, PULL)
    found.first["_MADE_FOR"] = _refusal(public)
    found.imports.setdefault("np", "import numpy as np")
    parts = [_docstring(public, command), _imports(found, texts)]
    constants = [t for t in found.first.values() if _is_assignment(t)]
    classes = [t for t in found.first.values() if not _is_assignment(t)]
    parts += ["".join(constants)] if constants else []
    head = "\n".join(parts)
    return "\n\n".join([head, *classes, *texts])


def _texts(specs: Sequence[Specialisation]) -> dict[str, str]:
    return {name: text for spec in specs for name, text in spec.texts.items()}


def _enter(
    found: Definitions, spec: Specialisation, made: Derivative[Any, Any]
) -> None:
    """Define what the generated functions refer to."""
    where = f"the derivative of `{name_of(made)}`"
    whole = "\n\n".join(spec.texts.values())
    for name in spec.texts:
        found.objects[name] = spec
    whole = found.needed(whole, spec.resolve, where)
    spec.texts = {
        node.name: double_quoted(_segment(whole, node))
        for node in ast.parse(whole).body
        if isinstance(node, ast.FunctionDef)
    }


def _segment(text: str, node: ast.stmt) -> str:
    """Return the lines of a statement."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[node.lineno - 1 : node.end_lineno])


def _docstring(public: Public, command: recipe.Command | None) -> str:
    """Return the docstring of the module: what it was made from."""
    base: Any = public.dispatcher.base
    title = TITLES[public.made.transform].format(name_of(public.made), public.wrt)
    code = base.__code__
    place = f"`{base.__qualname__}` in {Path(code.co_filename).name}"
    lines = [
        f"{title}.",
        "",
        f"Written by chainrule {chainrule.__version__} from {place}",
        f"(SHA-256 of its code: {digest(source.load(base).text)}), for",
        "",
        *_listed(public.made_for),
        "",
        "Constants, functions and classes are as they were then.",
    ]
    if command is not None:
        lines += ["To write it again, and to see whether it is up to date:", ""]
        lines += command.lines()
    text = "\n".join(lines)
    raw = "r" if "\\" in text else ""
    return f'{raw}"""{text}\n"""\n'


def _refusal(public: Public) -> str:
    """Return the constant that says what the function was made for."""
    made = "\n".join(_listed(public.made_for))
    return f'_MADE_FOR = """\\\n{public.name} was made for\n{made}"""\n'


def _listed(made_for: Sequence[Sequence[str]]) -> list[str]:
    """Return the types of every specialisation, on a line where there is room."""
    lines = []
    for k, parts in enumerate(made_for):
        line = f"    {'or ' if k else ''}({', '.join(parts)})"
        if len(line) <= WIDTH - len(", not for"):
            lines.append(line)
            continue
        start = "    or (" if k else "    ("
        rest = [*(f"{part}," for part in parts[:-1]), f"{parts[-1]})"]
        lines += [start + rest[0], *(" " * len(start) + part for part in rest[1:])]
    return lines


def _is_assignment(text: str) -> bool:
    return not text.startswith(("def ", "class ", "@", "from "))


def _imports(found: Definitions, texts: Sequence[str]) -> str:
    """Return the imports, the standard library first."""
    everything = [*found.first.values(), *texts]
    lines = sorted(_merged(found.imports.values()), key=_order)
    groups: dict[bool, list[str]] = {True: [], False: []}
    for line in lines:
        groups[line.split()[1].partition(".")[0] in sys.stdlib_module_names].append(
            line
        )
    blocks = ["\n".join(g) + "\n" for g in (groups[True], groups[False]) if g]
    if any(_has_annotations(text) for text in everything):
        blocks.insert(0, "from __future__ import annotations\n")
    return "\n".join(blocks)


def _merged(lines: Iterable[str]) -> list[str]:
    """Return import statements, one for all names of a module."""
    out = {line for line in lines if not line.startswith("from")}
    names: dict[str, set[str]] = {}
    for line in set(lines) - out:
        head, _, name = line.partition(" import ")
        names.setdefault(head, set()).add(name)
    for head, parts in names.items():
        line = f"{head} import {', '.join(sorted(parts))}"
        if len(line) > WIDTH:
            inner = "".join(f"    {part},\n" for part in sorted(parts))
            line = f"{head} import (\n{inner})"
        out.add(line)
    return list(out)


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _has_annotations(text: str) -> bool:
    return any(
        getattr(node, "annotation", None) or getattr(node, "returns", None)
        for node in ast.walk(ast.parse(text))
    )
