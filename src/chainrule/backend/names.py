"""Give every variable a name.

In: a program, its variables and their conflicts. Out: a name for each variable: the
user's own where he gave one, else one that says what it holds (`exp_z`, `mean_x`,
`z_sq`). Variables of one name that conflict get a number: `h`, `h2`. Parameters keep
the signature's names.
"""

from __future__ import annotations

import builtins
import keyword
import operator
import re
from collections.abc import Collection
from typing import Any

import numpy as np

from chainrule.backend import program as p
from chainrule.backend.live import Web
from chainrule.backend.program import Choice, Op
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.types.lattice import ArrayT, ScalarT, TapeT, TupleT

LONGEST, LONGEST_BAR = 20, 18
NUMBERS = {1: "one", 2: "two", 0.5: "half"}
INFIX: dict[Any, str] = {
    operator.add: "{}_plus_{}",
    operator.sub: "{}_minus_{}",
    operator.mul: "{}_times_{}",
    operator.truediv: "{}_over_{}",
    operator.matmul: "{}_at_{}",
    operator.floordiv: "{}_div_{}",
    operator.mod: "{}_mod_{}",
}
WORDS: dict[Any, str] = {
    operator.add: "total",
    operator.sub: "diff",
    operator.mul: "product",
    operator.truediv: "ratio",
    operator.matmul: "product",
    operator.floordiv: "quotient",
    operator.mod: "rest",
    operator.pow: "power",
    operator.neg: "negated",
    operator.pos: "value",
    operator.getitem: "part",
    operator.not_: "negated",
    operator.contains: "found",
    prims.make_tuple: "parts",
    prims.make_list: "items",
    prims.make_dict: "items",
    prims.index_add: "buffer",
    prims.index_set: "buffer",
    prims.fill: "buffer",
    prims.view_set: "buffer",
    prims.list_append: "items",
    prims.list_init: "items",
    prims.unpack: "parts",
    prims.copy_value: "copy",
    prims.format_: "text",
    prims.dim: "size",
    sum: "total",
    np.sum: "total",
    np.max: "largest",
    np.min: "smallest",
    max: "largest",
    min: "smallest",
}
for _fn in (
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
):
    WORDS[_fn] = "test"


def name_variables(
    web: Web, params: dict[Value, str], reserved: Collection[str]
) -> dict[Value, str]:
    """Return the name of each variable, by its representative."""
    naming = _Naming(web, params, reserved)
    for node in p.walk(web.program.nodes):
        if isinstance(node, p.Append):
            naming.saved.setdefault(web.find(node.tape), []).append(node.items)
        for value in p.defines(node):
            naming.name(value, node)
        # What is read but never assigned fails as it does in the user's code.
        for value in web.read(node):
            naming.name(value, node)
    return naming.names


class _Naming:
    def __init__(
        self, web: Web, params: dict[Value, str], reserved: Collection[str]
    ) -> None:
        self.web = web
        self.reserved = reserved
        self.names: dict[Value, str] = {}
        # Of the variables of one name: which they are, and which conflict with them.
        self.holders: dict[str, tuple[int, int]] = {}
        self.reads: set[Value] | None = None
        self.saved: dict[Value, list[tuple[Operand, ...]]] = {}
        self.inner: dict[Value, Value] | None = None
        for value, name in params.items():
            self.give(value, name)

    def used(self, root: Value) -> bool:
        """Say whether anything reads a variable."""
        if self.reads is None:
            self.reads = set()
            for node in p.walk(self.web.program.nodes):
                self.reads.update(map(self.web.find, self.web.read(node)))
        return root in self.reads

    def give(self, value: Value, name: str) -> None:
        root = self.web.find(value)
        self.names[root] = name
        members, conflicts = self.holders.get(name, (0, 0))
        self.holders[name] = (
            members | self.web.members_of(root),
            conflicts | self.web.conflicts[root],
        )

    def name(self, value: Value, node: p.Node) -> None:
        """Name the variable of a value, unless it has a name."""
        root = self.web.find(value)
        if root in self.names:
            return
        self.web.bit(root)
        hint = self.web.hint(root)
        base = self.from_tape(value, node) if isinstance(node, p.For) else None
        if base is None:
            base = clean(hint) if hint else self.describe(value, node)
        if base == "_" and self.used(root):
            base = "item"
        # A local of the user's may hide a global; a name that we make must not.
        if base in self.reserved and hint is None or self.is_taken(base, root):
            stem, number = base if not base[-1].isdigit() else f"{base}_", 2
            while (base := f"{stem}{number}") in self.reserved or self.is_taken(
                base, root
            ):
                number += 1
        self.give(root, base)

    def is_taken(self, name: str, root: Value) -> bool:
        """Say whether a variable of this name conflicts with another."""
        members, conflicts = self.holders.get(name, (0, 0))
        if members & self.web.conflicts[root]:
            return True
        return conflicts & self.web.members[root] != 0

    def from_tape(self, value: Value, node: p.For) -> str | None:
        """Return the name under which a value was saved on the tape."""
        for it in node.iters:
            if value in it.elems and it.unpack:
                for items in self.rows(self.root_of(it.source)):
                    name = self.of_saved(items[it.elems.index(value)])
                    if name is not None:
                        return name
        return None

    def rows(self, tape: Value) -> list[tuple[Operand, ...]]:
        """Return what is appended to a tape, also to one that is read from a tape."""
        if tape not in self.saved and self.inner is None:
            self.inner = {}
            for node in p.walk(self.web.program.nodes):
                for it in node.iters if isinstance(node, p.For) else ():
                    if isinstance(it.source, Value):
                        self.read_tapes(it, self.inner)
        return self.saved.get((self.inner or {}).get(tape, tape), [])

    def read_tapes(self, it: ir.Iter, inner: dict[Value, Value]) -> None:
        """Note which tapes the elements of a tape are."""
        tape = self.root_of(it.source)
        for items in self.saved.get(inner.get(tape, tape), ()):
            for elem, item in zip(it.elems, items, strict=False):
                if isinstance(elem.type, TapeT) and isinstance(item, Value):
                    inner[self.web.find(elem)] = self.web.find(item)

    def root_of(self, source: Operand) -> Value:
        """Return the variable that a loop over it, or over its reverse, reads."""
        assert isinstance(source, Value)
        op = self.web.nested.get(source)
        if isinstance(op, ir.Apply) and op.fn is reversed:
            return self.root_of(op.args[0])
        return self.web.find(source)

    def of_saved(self, item: Operand) -> str | None:
        if not isinstance(item, Value):
            return None
        if item in self.web.nested:
            return _own(self.of_op(self.web.nested[item]))
        return self.names.get(self.web.find(item))

    def describe(self, value: Value, node: p.Node) -> str:
        """Return a name that says what a value without a hint holds."""
        match node:
            case p.Let(op=op):
                return _own(self.of_op(op))
            case p.NewTape():
                return "tape"
            case p.For():
                return "item"
            case p.Copies(pairs=pairs):
                source = next((s for v, s in pairs if v is value), value)
                known = None if source is value else self.of_operand(source)
                if known and known.isidentifier():
                    return _own(known)
                return "done" if _is_flag(value) else "result"
            case p.Try():
                return "exc"
        return "value"

    def of_operand(self, operand: Operand) -> str | None:
        """Return a short word for an operand, or None."""
        if isinstance(operand, Const):
            value = operand.value
            if isinstance(value, int | float) and not isinstance(value, bool):
                small = type(value) is int and 0 <= value < 10
                return NUMBERS.get(value, str(value) if small else None)
            return None
        if not isinstance(operand, Value):
            return None
        if operand in self.web.nested:
            op = self.web.nested[operand]
            simple = isinstance(op, ir.Apply) and op.fn in (operator.getitem, getattr)
            return self.of_operand(op.args[0]) if simple else None  # type: ignore[union-attr]
        return self.names.get(self.web.find(operand)) or self.web.hint(operand)

    def of_op(self, op: Op) -> str:
        """Return a name for the result of an operation."""
        if isinstance(op, Choice):
            return "choice"
        if isinstance(op, ir.Call):
            return op.callee.name.removeprefix("_") + "_out"
        args = [self.of_operand(a) for a in op.args]
        fn = op.fn
        if fn in INFIX and len(args) == 2 and args[0] and args[1]:
            name = INFIX[fn].format(*args)
            if not _is_long(name) and not name[0].isdigit():
                return name
        first = args[0] if args and args[0] and not args[0].isdigit() else None
        if fn is operator.getitem:
            part = _part_name(op)
            if part is not None:
                return part
        if fn is operator.pow and first and args[1] == "two":
            return f"{first}_sq"
        if fn is operator.neg and first:
            return f"neg_{first}"
        if fn is getattr or op.form == "attribute":
            attr = op.args[1] if fn is getattr and len(op.args) > 1 else None
            known = str(attr.value) if isinstance(attr, Const) else op.text
            word = known or str(fn.__name__)
            return f"{first}_{word}" if first else word
        spelled = WORDS.get(fn) or op.text or getattr(fn, "__name__", "value")
        if spelled == "test" and isinstance(op.out.type, ArrayT):
            spelled = "mask"
        word = str(spelled).split(".")[-1]
        name = f"{word}_{first}" if first else word
        return word if _is_long(name) else name


def _is_long(name: str) -> bool:
    """Say whether a name is too long; sums of cotangents have many terms."""
    return len(name) > (LONGEST_BAR if "_bar" in name else LONGEST)


def clean(name: str) -> str:
    """Return an identifier for a hint."""
    if name.isidentifier() and not keyword.iskeyword(name):
        return name
    name = re.sub(r"\W", "_", re.sub("[<>]", "", name))
    if not name:
        return "value"
    if name[0].isdigit():
        name = f"v{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def _part_name(op: ir.Apply) -> str | None:
    """Return the key or the field that a subscript selects."""
    base, index = op.args
    key = index.value if isinstance(index, Const) else None
    if isinstance(base, Value) and isinstance(base.type, TupleT) and type(key) is int:
        fields = getattr(base.type.cls, "_fields", ())
        key = fields[key] if -len(fields) <= key < len(fields) else None
    return key if isinstance(key, str) and key.isidentifier() else None


def _is_flag(value: Value) -> bool:
    return isinstance(value.type, ScalarT) and value.type.kind == "bool"


def _own(name: str) -> str:
    """Return a name of ours that hides no builtin."""
    name = clean(name).lstrip("_")
    return f"{name}_value" if hasattr(builtins, name) else name
