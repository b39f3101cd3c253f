"""From text to a function that runs in the user's world.

In: generated text, the user's globals, the free names it needs and the user's closure
cells. Out: the function. It sees the user's globals as they are at each call; free
names are closure cells of its own, so that nothing is written into those globals. Its
text is in `linecache` for tracebacks and `pdb`, and `annotate` names the user's line in
an error.
"""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Mapping
from typing import Any

from chainrule.ir.nodes import Loc

LINES: dict[str, dict[int, Loc]] = {}


def link(
    text: str,
    name: str,
    filename: str,
    globals_: dict[str, Any],
    free: Mapping[str, Any] | None = None,
    cells: Mapping[str, types.CellType] | None = None,
    lines: Mapping[int, Loc] | None = None,
) -> types.FunctionType:
    """Compile text and return its function `name`; `lines` maps lines to the user's."""
    free, cells = dict(free or {}), dict(cells or {})
    register(text, filename, lines)
    functions = _make(text, filename, globals_, free, cells)
    functions[name].__module__ = globals_.get("__name__", "builtins")
    return functions[name]


def register(text: str, filename: str, lines: Mapping[int, Loc] | None) -> None:
    """Let tracebacks find the text and `annotate` the user's lines."""
    entry = (len(text), None, text.splitlines(True), filename)
    linecache.cache[filename] = entry
    LINES[filename] = dict(lines or {})


def _make(
    text: str,
    filename: str,
    globals_: dict[str, Any],
    free: dict[str, Any],
    cells: dict[str, types.CellType],
) -> dict[str, types.FunctionType]:
    """Run the definitions inside a factory whose parameters are the free names."""
    tree = ast.parse(text)
    names = [s.name for s in tree.body if isinstance(s, ast.FunctionDef)]
    outer = [n for n in [*free, *cells] if n not in names]
    parameters = ", ".join(dict.fromkeys(outer))
    frame = ast.parse(f"def factory({parameters}):\n    return {', '.join(names)},")
    factory = frame.body[0]
    assert isinstance(factory, ast.FunctionDef)
    factory.body[:0] = tree.body
    module = compile(frame, filename, "exec")
    code = next(c for c in module.co_consts if isinstance(c, types.CodeType))
    arguments = {**free, **dict.fromkeys(cells)}
    made = types.FunctionType(code, globals_)(**{n: arguments[n] for n in outer})
    functions = dict(zip(names, made, strict=True))
    return _with_cells(functions, cells) if cells else functions


def _with_cells(
    functions: dict[str, types.FunctionType], cells: dict[str, types.CellType]
) -> dict[str, types.FunctionType]:
    """Put the user's own cells in place of the factory's."""
    out = {}
    for name, f in functions.items():
        closure = zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        own = tuple(cells.get(n, cell) for n, cell in closure)
        g = types.FunctionType(f.__code__, f.__globals__, name, f.__defaults__, own)
        g.__kwdefaults__ = f.__kwdefaults__
        g.__doc__ = f.__doc__
        out[name] = g
    for g in out.values():
        # Functions of one module reach each other through cells of the factory.
        for n, cell in zip(g.__code__.co_freevars, g.__closure__ or (), strict=True):
            if n in out and n not in cells:
                cell.cell_contents = out[n]
    return out


def annotate(exc: BaseException, what: str = "") -> BaseException:
    """Add a note with the user's line to an error raised in generated code."""
    place = origin(exc)
    if place is not None:
        where = f"{place.file}:{place.line}"
        function = f" in {place.function}" if place.function else ""
        note = f"{what or 'generated'} from {where}{function}"
        if note not in getattr(exc, "__notes__", ()):
            exc.add_note(note)
    return exc


def origin(exc: BaseException) -> Loc | None:
    """Return the user's place of the innermost generated line in a traceback."""
    found = None
    tb = exc.__traceback__
    while tb is not None:
        lines = LINES.get(tb.tb_frame.f_code.co_filename)
        if lines is not None:
            found = lines.get(tb.tb_lineno, found)
        tb = tb.tb_next
    return found
