"""The text and the tree of a function.

In: a function (or a method, or a lambda), perhaps with an explicit text. Out: `Source`,
whose tree is gast, whose positions are true in the file (lines from 1, columns in
characters from 0), and which is known to be the text of the code that runs.

The whole file is parsed once; the function is found by name and line, and compared with
the running code by compiling the top-level statement that holds it (`recompile`).
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import linecache
import re
import textwrap
import types
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gast

from chainrule.frontend import missing, positions, recompile, trees
from chainrule.frontend.positions import Found
from chainrule.ir.nodes import Loc


@dataclass(frozen=True)
class Source:
    """A function and its tree. The tree is shared by all users: read it only."""

    tree: gast.FunctionDef | gast.AsyncFunctionDef | gast.Lambda
    text: str
    filename: str
    function: types.FunctionType
    first_line: int
    docstring: str | None
    qualname: str

    def segment(self, node: gast.AST) -> str:
        """Return the text of a node of one line, or nothing."""
        if node.lineno != node.end_lineno:
            return ""
        line = linecache.getline(self.filename, node.lineno)
        return line[node.col_offset : node.end_col_offset]

    def loc(self, node: gast.AST | None = None) -> Loc:
        """Return the place of a node; the function's first line without one."""
        if node is None or getattr(node, "lineno", None) is None:
            return Loc(self.filename, self.first_line, function=self.qualname)
        return Loc(
            self.filename,
            node.lineno,
            node.col_offset,
            node.end_lineno,
            node.end_col_offset,
            self.qualname,
        )


def load(function: Callable[..., Any], source: str | None = None) -> Source:
    """Return the source of a function; raise `NotDifferentiable` if there is none."""
    plain = plain_function(function)
    code = plain.__code__
    found = _cache.get(id(code)) if source is None else None
    if found is not None:
        return dataclasses.replace(found, function=plain, qualname=plain.__qualname__)
    try:
        found = _load_file(plain) if source is None else _load_given(plain, source)
    except RecursionError:
        line = code.co_firstlineno
        raise missing.too_deep(Loc(code.co_filename, line)) from None
    if source is None:
        _remember(found)
    return found


def give(function: Callable[..., Any], source: str) -> None:
    """Take a text for that of a function from now on, if it is."""
    _remember(load(function, source))


def _remember(found: Source) -> None:
    """Keep what was found as long as the code lives."""
    assert isinstance(_stand_in, types.FunctionType)
    code = found.function.__code__
    _cache[id(code)] = dataclasses.replace(found, function=_stand_in)
    weakref.finalize(code, _cache.pop, id(code), None).atexit = False


def plain_function(function: Callable[..., Any]) -> types.FunctionType:
    """Return the Python function behind a method, static method or class method."""
    inner: Any = function
    while isinstance(inner, types.MethodType | staticmethod | classmethod):
        inner = inner.__func__
    if isinstance(inner, types.FunctionType):
        return inner
    raise missing.not_python(inner)


def wrapped_chain(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Yield a function, then what `functools.wraps` put inside it, outermost first."""
    seen: set[int] = set()
    inner: Any = function
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        inner = getattr(inner, "__wrapped__", None)


def _stand_in() -> None:
    """Stand for the function in the cache, which must not keep it alive."""


# Code objects compare by value, two files may hold equal ones: the key is identity.
_cache: dict[int, Source] = {}


def _load_file(function: types.FunctionType) -> Source:
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    lines = lines or _registered_lines(code)
    if not lines:
        raise missing.no_source(function)
    module = _parse("".join(lines))
    node, current = (None, False) if module is None else _find(module, function)
    if node is not None and current:
        return _make(function, node, lines, code.co_filename)
    found = _load_block(function, lines, code.co_filename, code.co_firstlineno)
    found = found or _load_example(function)
    if found is not None:
        return found
    if module is None:
        raise missing.not_there(function, "the file is not Python")
    if code.co_filename == "<string>":
        # Python 3.13 keeps the text of `python -c` under the name that exec() uses too.
        raise missing.no_source(function)
    raise missing.edited(function, code.co_firstlineno if node is None else node.lineno)


def _registered_lines(code: types.CodeType) -> list[str]:
    """Return what Python 3.13 and later keep of the prompt and of `python -c`."""
    lookup = getattr(linecache, "_getlines_from_code", None)
    return [] if lookup is None else list(lookup(code))


def _load_block(
    function: types.FunctionType, lines: list[str], filename: str, line: int
) -> Source | None:
    """Find the function as a block in a text that is not a module, as a README."""
    block, indent = positions.block_at(lines, line)
    module = _parse("\n" * (line - 1) + block)
    if module is None:
        return None
    node, current = _find(module, function, part=True)
    if node is None or not current:
        return None
    return _make(function, node, lines, filename, indent)


def _load_example(function: types.FunctionType) -> Source | None:
    """Find the function among the examples of a file that sybil runs as doctests."""
    match = re.fullmatch(r"<doctest (.+)\[\d+\]>", function.__code__.co_filename)
    lines = linecache.getlines(match[1]) if match else []
    for number, line in enumerate(lines, 1):
        if match and line.lstrip().startswith(">>> "):
            found = _load_block(function, lines, match[1], number)
            if found is not None:
                return found
    return None


def _load_given(function: types.FunctionType, text: str) -> Source:
    """Take the text that the user gives; register it, so that errors can show it."""
    code = function.__code__
    text = textwrap.dedent(text).strip("\n") + "\n"
    module = _parse(text)
    if module is None:
        raise missing.not_that(code.co_name, "it does not parse")
    found = [
        node
        for node, stmt in _functions(module, code.co_name)
        if recompile.is_current(code, module, stmt, anywhere=True, part=True)
    ]
    if not found:
        why = "it compiles to other code than the function that runs"
        raise missing.not_that(code.co_name, why)
    filename = f"<source of {function.__qualname__}>"
    lines = text.splitlines(keepends=True)
    linecache.cache[filename] = (len(text), None, lines, filename)
    return _make(function, found[-1], lines, filename)


@functools.lru_cache(maxsize=32)
def _parse(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user has seen them at the import
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):
            return None


Place = tuple[Found, ast.stmt]


def _functions(module: ast.Module, name: str) -> list[Place]:
    """Return the functions of this name, each with the top-level statement it is in."""
    return _index(module).get(name, [])


@functools.lru_cache(maxsize=32)
def _index(module: ast.Module) -> dict[str, list[Place]]:
    index: dict[str, list[Place]] = {}
    for stmt in module.body:
        for node in trees.walk(stmt):
            if isinstance(node, Found):
                name = getattr(node, "name", "<lambda>")
                index.setdefault(name, []).append((node, stmt))
    return index


def _find(
    module: ast.Module, function: types.FunctionType, part: bool = False
) -> tuple[Found | None, bool]:
    """Return the node of a function, and whether it compiles to the code that runs."""
    code = function.__code__
    nodes = _functions(module, code.co_name)
    here = [(n, s) for n, s in nodes if positions.first_line(n) == code.co_firstlineno]
    several = len(here) > 1
    if several:
        here = positions.enclosing(here, code)
    if len(here) > 1 and len({ast.dump(node) for node, _ in here}) > 1:
        raise missing.not_there(function, "several functions on this line fit")
    for node, stmt in here:
        if recompile.is_current(code, module, stmt, exact=several, part=part):
            return node, True
    # The lines above may have changed while the function itself did not.
    if len(nodes) == 1:
        node, stmt = nodes[0]
        if recompile.is_current(code, module, stmt, anywhere=True, part=part):
            return node, True
    return (here[0][0] if here else None), False


def _make(
    function: types.FunctionType,
    node: Found,
    lines: list[str],
    filename: str,
    indent: int = 0,
) -> Source:
    tree = gast.ast_to_gast(node)
    if not isinstance(tree, gast.Lambda):
        tree.decorator_list = []
    positions.to_characters(tree, lines, indent)
    text = positions.segment(lines, node, indent)
    doc = None if isinstance(node, ast.Lambda) else ast.get_docstring(node)
    return Source(
        tree, text, filename, function, node.lineno, doc, function.__qualname__
    )
