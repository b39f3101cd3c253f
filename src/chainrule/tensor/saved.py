"""What a residual holds of a tensor's memory: asked when the memory was written since.

In: a pullback, its residual, and memory that has another version now. Out: whether the
pullback reads that memory. A pullback that only asks for shapes does not.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arguments import leaves

LAYOUT = {"shape", "dtype", "ndim", "size"}
# Functions, and which argument they ask for no more than that.
LIKE = {
    "np.zeros_like": 0,
    "np.ones_like": 0,
    "np.empty_like": 0,
    "np.full_like": 0,
    "np.ndim": 0,
    "np.shape": 0,
    "isinstance": 0,
    "len": 0,
    "unbroadcast": 1,
}


class Memory:
    """The memory of a tensor and its views: how often it was written, and where."""

    version = 0
    bounds = (0, 0)

    def wrote(self, array: np.ndarray[Any, Any]) -> None:
        """Note a write to memory to which this array belongs."""
        while isinstance(array.base, np.ndarray):
            array = array.base
        self.bounds = bounds(array)
        self.version += 1


def bounds(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """Return the first address of an array and the one after its last."""
    low = high = array.__array_interface__["data"][0]
    for n, stride in zip(array.shape, array.strides, strict=True):
        low += min(0, (n - 1) * stride)
        high += max(0, (n - 1) * stride)
    return low, high + array.itemsize if array.size else low


def reads_memory(backward: Any, residual: Any, memory: Memory) -> bool:
    """Say whether a pullback reads elements of this memory."""
    read = parts_read(backward)
    parts = residual if read is None else [residual[k] for k in read]
    first, last = memory.bounds
    for array in leaves(parts):
        if isinstance(array, np.ndarray):
            low, high = bounds(array)
            if low < last and first < high:
                return True
    return False


@functools.lru_cache(maxsize=256)
def parts_read(backward: Callable[..., Any]) -> list[int] | None:
    """Return the positions of a residual whose elements are read; None: all may be."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(backward)))
    except (OSError, TypeError, SyntaxError):
        return None
    reader = Reader(backward.__code__.co_varnames[0])
    reader.visit(tree)
    if reader.whole:
        return None
    return sorted({k for name, k in reader.parts if name in reader.read})


class Reader(ast.NodeVisitor):
    """Collects which parts of the residual get a name, and which of these are read."""

    def __init__(self, residual: str) -> None:
        self.residual = residual
        self.parts: set[tuple[str, int]] = set()
        self.read: set[str] = set()
        self.whole = False

    def visit_Assign(self, node: ast.Assign) -> None:
        """See `a, b = residual` and `a = residual[0]`."""
        [target], value = node.targets, node.value
        if _is_name(value, self.residual) and isinstance(target, ast.Tuple):
            for k, name in enumerate(target.elts):
                self._named(name, k)
        elif self._part(value) is not None:
            self._named(target, self._part(value))
        else:
            self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Pass over `a.shape`: the elements are not read."""
        if node.attr not in LAYOUT or not self._is_array(node.value):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Pass over the array in `np.zeros_like(a)`."""
        name = ast.unparse(node.func)
        for k, argument in enumerate(node.args):
            if LIKE.get(name) != k or not self._is_array(argument):
                self.visit(argument)
        self.visit(node.func)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """See `residual[0]` inside an expression."""
        part = self._part(node)
        if part is None:
            self.generic_visit(node)
        else:
            self.parts.add((f"[{part}]", part))
            self.read.add(f"[{part}]")

    def visit_Name(self, node: ast.Name) -> None:
        """See a name that is read, or the residual as a whole."""
        self.whole |= node.id == self.residual
        self.read.add(node.id)

    def _named(self, target: Any, part: int | None) -> None:
        if isinstance(target, ast.Name) and part is not None:
            self.parts.add((target.id, part))
        else:
            self.whole = True

    def _is_array(self, node: ast.expr) -> bool:
        """Say whether an expression is a name, or a part of the residual."""
        if isinstance(node, ast.Name):
            return node.id != self.residual
        return self._part(node) is not None

    def _part(self, node: ast.expr) -> int | None:
        """Return the position k of `residual[k]`."""
        match node:
            case ast.Subscript(
                value=ast.Name(id=name), slice=ast.Constant(value=int(k))
            ):
                return k if name == self.residual else None
        return None


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
