"""Whether a text is that of the code that runs.

In: a code object, the module and the top-level statement that should hold it. Out: yes
or no, by compiling and comparing. The statement is compiled alone, not the module: what
a function compiles to depends on the functions and classes around it, and in CPython on
which names the module imports.
"""

from __future__ import annotations
import __future__

import ast
import functools
import types
import warnings
from collections.abc import Iterator
from itertools import combinations
from typing import Any

_FUTURE = functools.reduce(
    lambda flags, name: flags | getattr(__future__, name).compiler_flag,
    [
        n
        for n in __future__.all_feature_names
        if n not in ("nested_scopes", "generators")
    ],
    0,
)
# *args, **kwargs, generator, coroutine, async generator
_FLAGS = 0x04 | 0x08 | 0x20 | 0x80 | 0x200


def is_current(
    code: types.CodeType,
    module: ast.Module,
    stmt: ast.stmt,
    *,
    anywhere: bool = False,
    exact: bool = False,
    part: bool = False,
) -> bool:
    """Say whether one of the functions in a statement compiles to this code.

    `anywhere` accepts other line numbers; `exact` wants the same columns, too; `part`
    says that the module is a part of the text only: any name may be an import.
    """
    for compiled in _contexts(code, module, stmt, part):
        found = [c for c in _codes(compiled) if c.co_name == code.co_name]
        if not anywhere:
            found = [c for c in found if c.co_firstlineno == code.co_firstlineno]
        if exact:
            places = list(code.co_positions())
            found = [c for c in found if list(c.co_positions()) == places]
        if any(_same(c, code) for c in found):
            return True
    return False


def _contexts(
    code: types.CodeType, module: ast.Module, stmt: ast.stmt, part: bool
) -> Iterator[types.CodeType]:
    """Yield the ways in which the statement may have been compiled, likely ones first.

    With the imports of its module; alone, as in a notebook; in a function that has the
    variables of a closure; with all of its module; with imports that are not seen.
    """
    flags = code.co_flags & _FUTURE
    yield _compile((*_imports(module), stmt), flags)
    yield _compile((stmt,), flags)
    if code.co_freevars:
        cells = ", ".join(code.co_freevars)
        around = ast.parse(f"def around({cells}): pass").body[0]
        assert isinstance(around, ast.FunctionDef)
        around.body = [stmt]
        yield _compile((*_imports(module), around), flags)
    yield _compile(tuple(module.body), flags)
    roots = _call_roots(stmt) if part else []
    for imported in (c for n in range(1, 7) for c in combinations(roots, n)):
        names = ast.Import([ast.alias(name) for name in imported])
        ast.fix_missing_locations(names)
        yield _compile((names, stmt), flags)


def _call_roots(stmt: ast.stmt) -> list[str]:
    """Return the first six names whose attributes are called: `np` of `np.sum(x)`."""
    found: dict[str, None] = {}
    for node in ast.walk(stmt):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
                found[name] = None
    return list(found)[:6]


@functools.lru_cache(maxsize=32)
def _imports(module: ast.Module) -> tuple[ast.stmt, ...]:
    """Return the imports of a module, also those in `try` and `if`."""
    found: list[ast.stmt] = []
    stack: list[ast.AST] = list(module.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            found.append(node)
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            found.append(node)
        elif not isinstance(node, _SCOPES | ast.expr):
            stack.extend(ast.iter_child_nodes(node))
    return tuple(found)


_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@functools.lru_cache(maxsize=64)
def _compile(body: tuple[ast.stmt, ...], flags: int) -> types.CodeType:
    module = ast.Module(list(body), [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user has seen them at the import
        code = compile(module, "<chainrule>", "exec", flags, dont_inherit=True)
    assert isinstance(code, types.CodeType)
    return code


def _same(compiled: types.CodeType, running: types.CodeType) -> bool:
    if _asserts_rewritten(running):
        return _alike(compiled, running)
    return _shape(compiled) == _shape(running)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _codes(const)


def _shape(code: types.CodeType) -> tuple[Any, ...]:
    """Return all of a code object but names of files and positions."""
    return (
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & _FLAGS,
        tuple(map(_constant, code.co_consts)),
    )


def _constant(value: Any) -> Any:
    """Return a key that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    if isinstance(value, types.CodeType):
        return _shape(value)
    if isinstance(value, tuple):
        return tuple(map(_constant, value))
    if isinstance(value, frozenset):
        return frozenset(map(_constant, value))
    return type(value), repr(value)


def _asserts_rewritten(code: types.CodeType) -> bool:
    """Say whether pytest rewrote the assertions of this function."""
    return any("@pytest_ar" in c.co_names + c.co_freevars for c in _codes(code))


def _alike(compiled: types.CodeType, running: types.CodeType) -> bool:
    """Compare with a function whose assertions were rewritten: it only has more.

    The arguments, and every name and every number of the text, in any order.
    """
    arguments = compiled.co_argcount + compiled.co_kwonlyargcount
    return (
        compiled.co_varnames[:arguments] == running.co_varnames[:arguments]
        and set(compiled.co_names) <= set(running.co_names) | {"AssertionError"}
        and set(compiled.co_varnames) <= set(running.co_varnames)
        and compiled.co_freevars == running.co_freevars
        and _numbers(compiled) <= _numbers(running)
    )


def _numbers(code: types.CodeType) -> set[Any]:
    return {
        _constant(c) for c in code.co_consts if isinstance(c, int | float | complex)
    }
