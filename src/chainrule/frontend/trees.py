"""What is inside a node of a tree, for walks that are made again and again.

In: a node of `ast` or `gast`. Out: the nodes in it, in the order of the text, but for
those that say only how a name or an operator is meant (`Load()`, `Add()`): these are
read where they belong, and are half of all nodes. Annotations of parameters, which are
names in `gast`, are left out too.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from typing import Any

LEAVES = {"Name", "Constant"}
NO_PARTS = {"ctx", "op", "ops", "id", "attr", "arg", "kind", "type_comment"}


@functools.cache
def _fields(cls: Any) -> tuple[str, ...]:
    """Return the fields of a class of nodes that hold other nodes."""
    if cls.__name__ in LEAVES:
        return ()
    return tuple(name for name in cls._fields if name not in NO_PARTS)


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly inside a node."""
    found: list[ast.AST] = []
    kind: Any = type(node)
    for name in _fields(kind):
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [part for part in value if isinstance(part, ast.AST)]
    return found


def walk(root: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all nodes inside it, in the order of the text."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(children(node))
