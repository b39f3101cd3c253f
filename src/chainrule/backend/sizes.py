"""How wide an expression prints, roughly, and what kind of operation it is.

In: operations of a program. Out: numbers that `nest` compares with its limits, and the
questions about a primitive that several passes ask.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.backend.program import Choice, Op
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise.algebra import only_adds_axes
from chainrule.types.lattice import DictT, ListT, ObjT, ScalarT, TupleT

STATEMENTS = frozenset(
    {
        prims.index_add,
        prims.index_set,
        prims.fill,
        prims.view_set,
        prims.list_append,
        prims.list_init,
        prims.commit,
        prims.put_item,
        prims.drop_item,
        prims.put_attribute,
        *prims.OUTSIDE,
        prims.unpack,
        prims.remark,
        prims.raise_,
        prims.assert_,
    }
)
ATTRIBUTES = frozenset({"shape", "ndim", "size", "dtype", "T"})
BINARY: dict[Any, str] = {
    operator.add: "Add",
    operator.sub: "Sub",
    operator.mul: "Mult",
    operator.truediv: "Div",
    operator.floordiv: "FloorDiv",
    operator.mod: "Mod",
    operator.pow: "Pow",
    operator.matmul: "MatMult",
    operator.and_: "BitAnd",
    operator.or_: "BitOr",
    operator.xor: "BitXor",
    operator.lshift: "LShift",
    operator.rshift: "RShift",
}
AUGMENTED: dict[Any, str] = {
    operator.iadd: "Add",
    operator.isub: "Sub",
    operator.imul: "Mult",
    operator.itruediv: "Div",
    operator.ifloordiv: "FloorDiv",
    operator.imod: "Mod",
    operator.ipow: "Pow",
    operator.imatmul: "MatMult",
    operator.iand: "BitAnd",
    operator.ior: "BitOr",
    operator.ixor: "BitXor",
    operator.ilshift: "LShift",
    operator.irshift: "RShift",
}
COMPARE: dict[Any, str] = {
    operator.lt: "Lt",
    operator.le: "LtE",
    operator.gt: "Gt",
    operator.ge: "GtE",
    operator.eq: "Eq",
    operator.ne: "NotEq",
    operator.is_: "Is",
    operator.is_not: "IsNot",
}
UNARY: dict[Any, str] = {
    operator.neg: "USub",
    operator.pos: "UAdd",
    operator.invert: "Invert",
    operator.not_: "Not",
}
JOINS = frozenset(
    {np.array, np.asarray, np.stack, np.concatenate, np.hstack, np.vstack}
)
SUMS = frozenset({operator.add, operator.sub})
LOOSE = STATEMENTS | {
    prims.make_tuple,
    prims.make_list,
    prims.make_dict,
    prims.make_object,
}
IN_PLACE = STATEMENTS | SUMS | AUGMENTED.keys()
INFIX = frozenset({*BINARY, *AUGMENTED, *COMPARE, operator.contains})


def is_statement(op: Op) -> bool:
    """Say whether an operation prints as a statement of its own."""
    return isinstance(op, ir.Apply) and op.fn in STATEMENTS


def is_in_place(op: Op) -> bool:
    """Say whether an operation may print as an update of its first operand."""
    return isinstance(op, ir.Apply) and op.fn in IN_PLACE


def is_loose(op: Op) -> bool:
    """Say whether an operation only puts its operands side by side."""
    return isinstance(op, ir.Apply) and op.fn in LOOSE


def takes_display(op: Op) -> bool:
    """Say whether an operation makes an array of what it is given side by side."""
    return isinstance(op, ir.Apply) and op.fn in JOINS


def is_sum(op: Op) -> bool:
    """Say whether an operation adds to its first operand, or takes from it."""
    return isinstance(op, ir.Apply) and op.fn in SUMS


def is_addition_at(op: Op) -> bool:
    """Say whether an operation adds to elements of an array."""
    return isinstance(op, ir.Apply) and op.fn is prims.index_add


def is_multiple(op: Op) -> bool:
    """Say whether an operation is a number times something."""
    return (
        isinstance(op, ir.Apply)
        and op.fn is operator.mul
        and isinstance(op.args[0], Const)
    )


def has_effect(op: Op) -> bool:
    """Say whether an operation must keep its place among the effects."""
    return isinstance(op, ir.Call) or (isinstance(op, ir.Apply) and op.effect)


def is_cheap(op: Op) -> bool:
    """Say whether an operation may be printed, and run, at each of its uses."""
    if not isinstance(op, ir.Apply) or op.effect or op.kwargs:
        return False
    if op.fn is getattr:
        name = op.args[1] if len(op.args) == 2 else None
        if not isinstance(name, Const):
            return False
        return name.value in ATTRIBUTES or is_field(op.args[0], name.value)
    if op.form == "attribute":
        return (op.text or getattr(op.fn, "__name__", "")) in ATTRIBUTES
    if op.fn in (prims.dim, prims.live, prims.now):
        return True
    if op.fn is operator.getitem:
        base, index = op.args
        if isinstance(index, Const) and only_adds_axes(index.value):
            return True
        whole = isinstance(index, Const) and isinstance(index.value, int | str)
        return (
            whole
            and isinstance(base, Value)
            and isinstance(base.type, TupleT | ListT | DictT)
        )
    if op.fn is operator.neg:
        return isinstance(op.args[0], Value) and isinstance(op.args[0].type, ScalarT)
    if op.fn is prims.make_tuple or op.fn is slice:
        return all(not isinstance(a, Value) or a.hint for a in op.args)
    return False


def is_read(op: Op) -> bool:
    """Say whether an operation only reads a part at a fixed place, or names places."""
    if not isinstance(op, ir.Apply):
        return False
    if op.fn is operator.getitem:
        return isinstance(op.args[1], Const)
    return op.fn is prims.dim or op.fn is slice or op.fn is prims.make_tuple


def is_field(base: Operand, name: object) -> bool:
    """Say whether an attribute is kept in an object: reading it computes nothing."""
    t = base.type if isinstance(base, Value) else None
    return isinstance(t, ObjT) and any(name == known for known, _ in t.attrs)


def const_width(const: Const) -> int:
    """Return how wide a constant prints."""
    if const.text is not None:
        return len(const.text)
    value = const.value
    if isinstance(value, int | float | str | complex) or value is None:
        return len(repr(value))
    if isinstance(value, np.generic):
        return len(repr(value))
    if isinstance(value, tuple | list):
        return 2 + sum(const_width(Const(v)) + 2 for v in value)
    return len(getattr(value, "__name__", "")) + 3 or 8


def width(op: Op, widths: list[int]) -> int:
    """Return how wide an operation prints, from the widths of its operands."""
    total = sum(widths)
    if isinstance(op, Choice):
        return total + 10
    if isinstance(op, ir.Call):
        return total + len(op.callee.name) + 2 * len(widths)
    if op.fn is getattr or op.form == "attribute":
        return total + 1
    if op.fn in INFIX:
        return total + 3
    if op.fn in UNARY:
        return total + 1
    if op.fn is operator.getitem:
        return total + 2
    if op.fn is slice:
        said = [w for a, w in zip(op.args, widths, strict=False) if not _is_none(a)]
        return sum(said) + 2
    if op.fn is prims.make_tuple or op.fn is prims.make_list:
        return total + 2 * len(widths)
    if op.fn is prims.format_ and isinstance(op.args[0], Const):
        literals = sum(len(first) + len(spec or "") for first, spec in op.args[0].value)
        return total - widths[0] + literals + 3
    if op.fn is prims.now:
        return len(op.args[1].value) if isinstance(op.args[1], Const) else total
    if op.fn is prims.live:
        return len(op.args[0].text or "") if isinstance(op.args[0], Const) else total
    name = op.text or getattr(op.fn, "__name__", "") or "function"
    keywords = sum(len(k) + 1 for k, _ in op.kwargs)
    module = 0 if op.text or op.form != "call" else 3
    return total + len(name) + module + keywords + 2 * len(widths)


def _is_none(operand: Operand) -> bool:
    return isinstance(operand, Const) and operand.value is None


def operand_width(operand: Operand) -> int:
    """Return how wide an operand prints that is not nested."""
    if isinstance(operand, Value):
        return len(operand.hint) if operand.hint else 6
    return const_width(operand) if isinstance(operand, Const) else 4
