"""The smallest program with the same failure.

In: a text, and a function that says whether a text still fails in the same way. Out: a
shorter text. Statements are deleted, compound statements replaced by their bodies,
expressions by their parts or by a constant, until nothing more can go.
"""

from __future__ import annotations

import ast
import copy
import warnings
from collections.abc import Callable, Iterator

Fails = Callable[[str], bool]


def shrink(source: str, fails: Fails, trials: int = 600) -> str:
    """Return a text that fails as `source` does, and no longer when made shorter."""
    best = ast.unparse(ast.parse(source))
    if not fails(best):
        return source
    seen = {best}
    progress = True
    while progress and trials > 0:
        progress = False
        for smaller in _smaller(best):
            if smaller in seen or trials <= 0:
                continue
            seen.add(smaller)
            trials -= 1
            if fails(smaller):
                best = smaller
                progress = True
                break
    return best


def _smaller(source: str) -> Iterator[str]:
    """Yield texts one step smaller, the largest steps first."""
    count = len(_sorted_blocks(source)[1])
    for k in range(count):
        for size in (8, 4, 2, 1):
            yield from _deleted(source, k, size)
    for k in range(count):
        yield from _opened(source, k)
    yield from _expressions(source)


def _sorted_blocks(source: str) -> tuple[ast.Module, list[list[ast.stmt]]]:
    tree = ast.parse(source)
    blocks = [*_blocks(tree)]
    blocks.sort(key=lambda b: -sum(1 for s in b for _ in ast.walk(s)))
    return tree, blocks


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "arguments":
            continue
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _deleted(source: str, k: int, size: int) -> Iterator[str]:
    _, blocks = _sorted_blocks(source)
    length = len(blocks[k])
    if size > 1 and length < size:
        return
    for start in range(length - size, -1, -size):
        tree, blocks = _sorted_blocks(source)
        chosen = blocks[k][start : start + size]
        names = [s.name for s in chosen if isinstance(s, ast.FunctionDef)]
        if "arguments" in names or "f" in names:
            continue
        del blocks[k][start : start + size]
        if not blocks[k]:
            blocks[k].append(ast.Pass())
        text = _text(tree)
        if text is not None and text != source:
            yield text


def _opened(source: str, k: int) -> Iterator[str]:
    """Yield texts in which a branch or a loop is replaced by its body."""
    _, blocks = _sorted_blocks(source)
    for i, statement in enumerate(blocks[k]):
        for name in ("body", "orelse"):
            inner = getattr(statement, name, None)
            compound = isinstance(statement, ast.If | ast.For | ast.While)
            if not compound or not inner:
                continue
            tree, again = _sorted_blocks(source)
            again[k][i : i + 1] = getattr(again[k][i], name)
            text = _text(tree)
            if text is not None:
                yield text


def _expressions(source: str) -> Iterator[str]:
    """Yield texts in which one expression is replaced by a part or a constant."""
    nodes = [_get(*place) for place in _places(ast.parse(source))]
    sizes = [len(ast.unparse(node)) for node in nodes]
    for number in sorted(range(len(nodes)), key=lambda k: -sizes[k]):
        node = nodes[number]
        for option in _options(node):
            tree = ast.parse(source)
            p, f, i = [*_places(tree)][number]
            _set(p, f, i, copy.deepcopy(option))
            text = _text(tree)
            if text is not None and len(text) < len(source):
                yield text


Place = tuple[ast.AST, str, int | None]


def _places(tree: ast.Module) -> Iterator[Place]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "arguments":
            continue
        for parent in ast.walk(function):
            for field, value in ast.iter_fields(parent):
                if isinstance(value, ast.expr):
                    yield parent, field, None
                elif isinstance(value, list):
                    for i, part in enumerate(value):
                        if isinstance(part, ast.expr):
                            yield parent, field, i


def _options(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Constant | ast.Name):
        return
    if isinstance(getattr(node, "ctx", None), ast.Store):
        return
    if not isinstance(node, ast.Slice | ast.Tuple | ast.List):
        yield ast.Constant(0.5)
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        known = {n.id: n for n in names if n.id not in ("np", "math")}
        yield from known.values()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not isinstance(child, ast.Slice):
            yield child


def _get(parent: ast.AST, field: str, index: int | None) -> ast.expr:
    value = getattr(parent, field)
    found: ast.expr = value if index is None else value[index]
    return found


def _set(parent: ast.AST, field: str, index: int | None, node: ast.expr) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _text(tree: ast.Module) -> str | None:
    try:
        text = ast.unparse(ast.fix_missing_locations(tree))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<shrunk>", "exec")
    except (SyntaxError, ValueError, AttributeError, TypeError):
        return None
    return text


def form(source: str) -> str:
    """Return a program without its names and numbers: two of one form fail alike."""
    tree = ast.parse(source)
    kept = [s for s in tree.body if getattr(s, "name", "") != "arguments"]
    for node in ast.walk(ast.Module(kept, [])):
        if isinstance(node, ast.Name) and node.id not in ("np", "math"):
            node.id = "_"
        elif isinstance(node, ast.arg):
            node.arg = "_"
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            node.value = 0
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.name = "_"
    return ast.unparse(ast.Module(kept, []))
