"""From text to a function that runs in the user's world.

In: generated text, the user's globals, the free names it needs and the user's closure
cells. Out: the function. It sees the user's globals as they are at each call; free
names are closure cells of its own, so that nothing is written into those globals. Its
text is in `linecache` for tracebacks and `pdb`, and `annotate` names the user's line in
an error.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.errors import excerpt
from chainrule.ir.nodes import Loc

Span = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Places:
    """The user's places of the lines and of the expressions of a generated text."""

    lines: Mapping[int, Loc]
    spans: Mapping[Span, Loc]

    def at(self, tb: types.TracebackType) -> Loc | None:
        """Return the place of the smallest expression around what was running."""
        positions = tb.tb_frame.f_code.co_positions()
        line, end, column, end_column = next(
            itertools.islice(positions, tb.tb_lasti // 2, None), (None,) * 4
        )
        if None not in (line, end, column, end_column):
            start, stop = (line, column), (end, end_column)
            around = [
                span for span in self.spans if span[:2] <= start and stop <= span[2:]
            ]
            if around:
                return self.spans[max(around, key=lambda s: (s[:2], _before(s[2:])))]
        return self.lines.get(tb.tb_lineno)


def _before(end: tuple[int, int]) -> tuple[int, int]:
    return -end[0], -end[1]


PLACES: dict[str, Places] = {}


def link(
    text: str,
    name: str,
    filename: str,
    globals_: dict[str, Any],
    free: Mapping[str, Any] | None = None,
    cells: Mapping[str, types.CellType] | None = None,
    lines: Mapping[int, Loc] | None = None,
    spans: Mapping[Span, Loc] | None = None,
    tree: ast.Module | None = None,
) -> types.FunctionType:
    """Compile text and return its function `name`.

    `lines` and `spans` map its lines and its expressions to the user's places. Who has
    parsed the text passes its `tree`.
    """
    free, cells = dict(free or {}), dict(cells or {})
    register(text, filename, lines, spans)
    tree = ast.parse(text) if tree is None else tree
    functions = _make(tree, filename, globals_, free, cells)
    functions[name].__module__ = globals_.get("__name__", "builtins")
    return functions[name]


def register(
    text: str,
    filename: str,
    lines: Mapping[int, Loc] | None = None,
    spans: Mapping[Span, Loc] | None = None,
) -> None:
    """Let tracebacks find the text and `annotate` the user's lines."""
    entry = (len(text), None, text.splitlines(True), filename)
    linecache.cache[filename] = entry
    PLACES[filename] = Places(dict(lines or {}), dict(spans or {}))


def _make(
    tree: ast.Module,
    filename: str,
    globals_: dict[str, Any],
    free: dict[str, Any],
    cells: dict[str, types.CellType],
) -> dict[str, types.FunctionType]:
    """Run the definitions inside a factory whose parameters are the free names."""
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
        note = "\n".join(
            [f"{what or 'generated'} from {where}{function}", *excerpt(place)]
        )
        if note not in getattr(exc, "__notes__", ()):
            exc.add_note(note)
    return exc


def origin(exc: BaseException) -> Loc | None:
    """Return the user's place of the innermost generated code in a traceback."""
    found = None
    tb = exc.__traceback__
    while tb is not None:
        places = PLACES.get(tb.tb_frame.f_code.co_filename)
        if places is not None:
            found = places.at(tb) or found
        tb = tb.tb_next
    return found
