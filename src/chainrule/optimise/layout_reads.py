"""Ask the array that is there now for its shape, not one that it has replaced.

In: a function. Out: the same function, in which what reads only the layout of an array
(its shape, zeros like it) reads the last of the contents that stores gave it. The old
content would be copied, or the store not be in place, only to be asked for its size.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.analysis.memory import STORES
from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Const,
    Function,
    If,
    Loop,
    Operand,
    Try,
    Value,
    With,
    blocks,
)
from chainrule.types.lattice import ArrayT

LIKE: set[Any] = {np.zeros_like, np.ones_like, np.empty_like, np.full_like}
SIZES: set[Any] = {np.shape, np.size, np.ndim, builtins.len, prims.dim}
ATTRIBUTES = {"shape", "size", "ndim"}
Versions = dict[Value, Value]


def read_last_layout(function: Function) -> None:
    """Let what reads the layout of an array read its last content."""
    _block(function.body, {})


def _block(block: Block, last: Versions) -> Versions:
    """Walk a block; return what has replaced what at its end."""
    last = dict(last)
    for stmt in block.stmts:
        if isinstance(stmt, Apply):
            if _asks_for_layout(stmt):
                stmt.args = (_last(stmt.args[0], last), *stmt.args[1:])
            elif stmt.fn in STORES and isinstance(stmt.out.type, ArrayT):
                _replace(stmt.args[0], stmt.out, last)
        elif isinstance(stmt, If | Try | With):
            ends = {id(inner): _block(inner, last) for inner in blocks(stmt)}
            for k, out in enumerate(stmt.outs):
                _join(out, [(p.results[k], ends[id(p)]) for p in paths(stmt)], last)
        elif isinstance(stmt, Loop):
            _loop(stmt, last)
    return last


def _loop(stmt: Loop, last: Versions) -> None:
    """Walk a loop; an array that it only stores into is replaced by what is left."""
    body = stmt.body
    ends = {id(inner): _block(inner, last) for inner in blocks(stmt)}
    for k, param in enumerate(body.params):
        result = body.results[1 + k]
        if isinstance(param.type, ArrayT) and _last(param, ends[id(body)]) is result:
            _replace(stmt.init[k], stmt.outs[k], last)


def _join(out: Value, ends: list[tuple[Operand, Versions]], last: Versions) -> None:
    """Note that a choice replaces an array, if each path left a content of it."""
    if not isinstance(out.type, ArrayT):
        return
    for old in dict.fromkeys(v for _, end in ends for v in end):
        if all(_last(old, end) is op for op, end in ends):
            _replace(old, out, last)
            return


def _replace(old: Operand, new: Value, last: Versions) -> None:
    if isinstance(old, Value):
        last[old] = new


def _last(op: Operand, last: Versions) -> Operand:
    while isinstance(op, Value) and op in last:
        op = last[op]
    return op


def _asks_for_layout(stmt: Apply) -> bool:
    if not stmt.args or not isinstance(stmt.args[0], Value):
        return False
    if not isinstance(stmt.args[0].type, ArrayT):
        return False
    if stmt.fn is builtins.getattr:
        name = stmt.args[1]
        return isinstance(name, Const) and name.value in ATTRIBUTES
    return stmt.fn in LIKE or stmt.fn in SIZES
