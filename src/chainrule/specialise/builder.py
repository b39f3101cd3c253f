"""Write IR one operation at a time, folding what is already known.

In: callables and operands. Out: operands; statements are added to the current block.
Every operation is typed as it is written; what can be computed now, is; parts of
tuples, lists, dicts and objects built here are read back without an operation.
"""

from __future__ import annotations

import builtins
import enum
import math
import operator
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeGuard

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    If,
    Loc,
    Operand,
    Stmt,
    Try,
    Undef,
    Value,
    With,
)
from chainrule.rules.registry import RULES
from chainrule.specialise.algebra import simplify, without_defaults
from chainrule.specialise.memory import MAKERS, Memory, is_mutable
from chainrule.specialise.pools import Pools
from chainrule.specialise.values import Back, Maybe, Poison, is_const
from chainrule.types import lattice as lt
from chainrule.types.constants import ANSWERED, NOT_CONSTANT, constant
from chainrule.types.elementwise import elementwise
from chainrule.types.infer import (
    NeedsStatic,
    Unknown,
    WillRaise,
    infer,
    known,
    rule_for,
)
from chainrule.types.probe import probe

Kwargs = Sequence[tuple[str, Operand]]

STRUCTURE = (
    *(bool, int, str, bytes, type(None), type(Ellipsis), tuple, slice, np.dtype, type),
    frozenset,
    types.UnionType,
)
FOLDABLE = {
    getattr(operator, name)
    for name in (
        "add sub mul truediv floordiv mod pow neg pos abs invert not_ lt le gt ge "
        "eq ne and_ or_ xor lshift rshift getitem contains is_ is_not"
    ).split()
} | {
    *(
        len,
        abs,
        min,
        max,
        sum,
        int,
        float,
        bool,
        str,
        repr,
        round,
        divmod,
        pow,
        tuple,
        slice,
    ),
    *(
        sorted,
        range,
        any,
        all,
        prims.make_tuple,
        isinstance,
        issubclass,
        callable,
        type,
        complex,
    ),
}
ROOTS = (lt.ScalarT, lt.OpaqueT, lt.TupleT, lt.ListT, lt.DictT, lt.ObjT)
MATHEMATICS = {math.sqrt, math.exp, math.log, math.pow, math.sin, math.cos, math.gamma}

PYTHON = (int, float, complex)
PLAIN: dict[type, lt.Type] = {
    **{bool: lt.BOOL, float: lt.FLOAT, complex: lt.COMPLEX},
    **{type(None): lt.NONE, str: lt.STR},
}
READS = (operator.getitem, builtins.getattr)
TAKES_NONE = MAKERS | {operator.is_, operator.is_not, prims.some, prims.list_append}


KEPT = Poison("may be None, and is computed with or kept in a container")
CYCLE = Poison(
    "leads back to itself, and is handed on at run time",
    "CR405",
    "keep numbers in arrays, and who is connected to whom in integers",
)


class Restart(Exception):
    """The value must be known at compile time: begin again with it as a constant."""

    def __init__(self, root: Value, name: str, loc: Loc | None) -> None:
        super().__init__(name)
        self.root = root
        self.name = name
        self.elements = False
        self.loc = loc


class Builder:
    """The current block, what defines each value, and the mode of simplification."""

    def __init__(self, algebra: bool = False) -> None:
        self.block = Block()
        self.defs: dict[Any, Apply] = {}
        self.outer_defs: dict[Any, Apply] = {}
        self.rebuilt: set[Operand] = set()
        self.branches: dict[Value, tuple[If | Try | With, int]] = {}
        self.algebra = algebra
        self.maybes = False
        self.assumed: dict[Block, list[tuple[Operand, bool]]] = {}
        self.loc: Loc | None = None
        self.memory = Memory(self)
        self.memory.pools = Pools(self.memory)
        self.outside: list[Block] = []

    @contextmanager
    def into(self, block: Block) -> Iterator[Block]:
        """Write into another block for a while."""
        outer, self.block = self.block, block
        self.outside.append(outer)
        try:
            yield block
        finally:
            self.block = self.outside.pop()

    def sees(self, op: Value) -> bool:
        """Say whether a value was made in this block or around it, as far as known."""
        where = self.memory.where.get(op)
        return where is None or any(where is x for x in (self.block, *self.outside))

    def add(self, stmt: Stmt) -> None:
        """Append a statement that is already complete."""
        self.block.stmts.append(stmt)
        if isinstance(stmt, Apply):
            self.defs[stmt.out] = stmt
        elif isinstance(stmt, If | Try | With):
            for k, out in enumerate(stmt.outs):
                self.branches[out] = (stmt, k)

    def apply(
        self,
        fn: Callable[..., Any],
        *args: Operand,
        kwargs: Kwargs = (),
        form: str = "call",
        text: str | None = None,
        effect: bool = False,
        hint: str | None = None,
        type_: lt.Type | None = None,
    ) -> Operand:
        """Write `fn(*args, **kwargs)` and return its result."""
        if self.memory.now:
            memory = self.memory
            read = memory.content if fn in MAKERS else memory.current
            args = tuple(map(read, args))
            kwargs = [(k, memory.current(v)) for k, v in kwargs]
            for op in args:
                if isinstance(op, Const) and isinstance(op.value, Poison):
                    raise self.unreadable(op.value)
        if self.maybes and any(is_const(op, Maybe) for op in args):
            raise self.unreadable(KEPT)
        if kwargs or lt.OptionalT in [type(a.type) for a in args if type(a) is Value]:
            args, kwargs = self.present(fn, args, kwargs)
        if not effect:
            folded = self.fold(fn, args, kwargs)
            if folded is not None:
                return folded
            if self.algebra:
                kwargs = without_defaults(fn, kwargs)
                simpler = simplify(self, fn, args, kwargs)
                if simpler is not None:
                    return simpler
        if self.memory.cyclic and fn not in MAKERS:
            if any(map(self.memory.leads_back, args)):
                raise self.unreadable(CYCLE)
        if type_ is None:
            type_ = self.infer(fn, args, kwargs)
        if isinstance(type_, lt.WordT):
            return Const(type_.value)
        if fn in READS and lt.counts_known():
            value = known(type_)
            if not isinstance(value, lt.Type):
                return Const(value)
        out = Value(type_, hint, self.loc)
        stmt = Apply(out, fn, tuple(args), tuple(kwargs), form, effect, self.loc, text)
        self.add(stmt)
        self.memory.enter(stmt)
        return out

    def repeat(self, stmt: Apply, *args: Operand, **changed: Any) -> Operand:
        """Write an operation again, of other operands, as the user spelled it."""
        same = {"kwargs": stmt.kwargs, "form": stmt.form, "text": stmt.text}
        return self.apply(stmt.fn, *args, **{**same, **changed})

    def present(
        self, fn: Callable[..., Any], args: Sequence[Operand], kwargs: Kwargs
    ) -> tuple[tuple[Operand, ...], Kwargs]:
        """Take operands that may be None as the numbers that they are, or leave them
        where None is spoken of.
        """
        if fn in TAKES_NONE or any(
            isinstance(a, Const) and a.value is None for a in args
        ):
            return tuple(args), kwargs
        return tuple(map(self.some, args)), [(k, self.some(v)) for k, v in kwargs]

    def unreadable(self, poison: Poison) -> Exception:
        """Return the error for a value that cannot be used here."""
        poison.begin_again()
        return not_differentiable(
            poison.code, self.loc, f"this {poison.reason}", help=poison.help
        )

    def some(self, op: Operand) -> Operand:
        """Return a number that may be None as the number that it is
        where it is used.
        """
        if is_optional(op):
            out = self.apply(prims.some, op)
            if isinstance(out, Value) and is_mutable(out.type):
                self.memory.version(op, out)
            return out
        return op

    def refuse_unseen(self, args: Iterable[Operand]) -> None:
        """Refuse to conclude anything from objects that only the run knows."""
        for op in args:
            if isinstance(op, Value) and op.type == lt.OpaqueT(object):
                raise not_differentiable(
                    "CR303",
                    self.loc,
                    "an object that is known only at run time is computed with",
                    help="print it, or compare it; compute with it outside",
                )

    def infer(
        self, fn: Callable[..., Any], args: Sequence[Operand], kwargs: Kwargs
    ) -> lt.Type:
        """Return the result type, or explain why there is none."""
        known = [abstract(a) for a in args]
        named = {k: abstract(v) for k, v in kwargs} if kwargs else {}
        for t in (*known, *named.values()):
            if isinstance(t, lt.NeverT):
                return lt.NEVER
        try:
            if rule_for(fn) is None and RULES.has(fn):
                return of_own_rule(fn, known, named)
            return infer(fn, known, named)
        except WillRaise:
            self.refuse_unseen((*args, *(op for _, op in kwargs)))
            return lt.NEVER
        except NeedsStatic as need:
            raise self.restart(str(need), fn, args, kwargs) from None
        except Unknown:
            self.refuse_unseen((*args, *(op for _, op in kwargs)))
            raise not_differentiable(
                "CR301",
                self.loc,
                f"{function_name(fn)} is not known",
                label="chainrule has no types and no derivative for it",
                help="write a rule for it: see chainrule.rules",
            ) from None

    def restart(
        self, name: str, fn: Callable[..., Any], args: Sequence[Operand], kwargs: Kwargs
    ) -> Exception:
        """Find the argument or loop variable that must become a constant."""
        candidates = [v for k, v in kwargs if k == name] or [*args[1:], *args[:1]]
        for op in candidates:
            root = self.root(op)
            if root is not None:
                return Restart(root, name, self.loc)
        return not_differentiable(
            "CR502",
            self.loc,
            f"`{name}` of {function_name(fn)} must be known when the derivative is "
            "made",
            label="computed at run time",
            help="pass a literal, or an argument of the function",
        )

    def root(self, op: Operand) -> Value | None:
        """Return the integer or string parameter that an operand is computed from."""
        seen: list[Operand] = [op]
        while seen:
            value = seen.pop()
            if not isinstance(value, Value):
                continue
            stmt = self.defs.get(value)
            if stmt is not None:
                if stmt.fn is not prims.live:
                    seen.extend(stmt.args)
            elif value not in self.branches and isinstance(value.type, ROOTS):
                plain = value is op and isinstance(value.type, lt.ScalarT)
                word = isinstance(op, Value) and op.type == lt.STR
                if plain or word or not lt.is_differentiable(value.type):
                    return value
        return None

    # ---------------------------------------------------------------- folding

    def fold(
        self, fn: Callable[..., Any], args: Sequence[Operand], kwargs: Kwargs
    ) -> Operand | None:
        """Return the result if it is known now."""
        if fn is operator.getitem and not kwargs:
            part = self.item(args[0], args[1])
            if part is not None:
                return part
        if fn is builtins.getattr and len(args) == 2:
            part = self.attribute(args[0], args[1])
            if part is not None:
                return part
        if fn in FOLDABLE or (self.algebra and fn in MATHEMATICS):
            if Value not in map(type, args) and are_constant(args, kwargs):
                return self.evaluate(fn, args, kwargs)
        if fn not in ANSWERED:
            return None
        known_args = [abstract(a) for a in args]
        result = constant(fn, known_args, {k: abstract(v) for k, v in kwargs})
        return None if result is NOT_CONSTANT else Const(result)

    def evaluate(
        self, fn: Callable[..., Any], args: Sequence[Operand], kwargs: Kwargs
    ) -> Operand | None:
        """Compute a constant; floats as the user wrote them, but turn by turn."""
        values = [a.value for a in args]  # type: ignore[union-attr]
        named = {k: v.value for k, v in kwargs}  # type: ignore[union-attr]
        try:
            result = fn(*values, **named)
        except Exception:
            return None
        if isinstance(result, float | complex) and not (self.algebra or lt.all_turns()):
            if fn is not operator.neg and any(
                isinstance(v, float | complex | int) for v in values
            ):
                return None
        if isinstance(result, STRUCTURE) or isinstance(result, float | complex | range):
            return Const(result)
        if fn in (operator.getitem, min, max) or isinstance(
            result, np.generic | enum.Enum
        ):
            return Const(result)
        return None

    def item(self, base: Operand, index: Operand) -> Operand | None:
        """Read an element of a container that was built in this program."""
        if not isinstance(index, Const):
            return None
        parts = self.parts(base)
        if isinstance(index.value, slice) and parts is None and holds_objects(base):
            parts = self.elements(base)  # a new list of the same objects
        if parts is None:
            return None
        try:
            if isinstance(parts, dict):
                return self.held(parts[index.value])
            if isinstance(index.value, slice):
                maker = prims.make_list if self.is_list(base) else prims.make_tuple
                return self.apply(maker, *map(self.held, parts[index.value]))
            return self.held(parts[operator.index(index.value)])
        except (KeyError, IndexError, TypeError):
            return None

    def attribute(self, base: Operand, name: Operand) -> Operand | None:
        """Read a field of an object that was built in this program."""
        parts = self.parts(base)
        if (
            isinstance(name, Const)
            and isinstance(parts, dict)
            and isinstance(base, Value)
        ):
            if isinstance(base.type, lt.ObjT) and name.value in parts:
                return self.held(parts[name.value])
        return None

    def held(self, part: Operand) -> Operand:
        """Return the object that a part of a container is."""
        return self.memory.current(part) if is_const(part, Back) else part

    def is_list(self, op: Operand) -> bool:
        """Say whether an operand is a list (and not a tuple)."""
        return isinstance(op, Value) and isinstance(op.type, lt.ListT)

    def parts(self, op: Operand) -> list[Operand] | dict[Any, Operand] | None:
        """Return the operands a container was built from."""
        op = self.memory.current(op)
        if isinstance(op, Const):
            if isinstance(op.value, tuple | list):
                return [Const(v) for v in op.value]
            if isinstance(op.value, dict):
                return {k: Const(v) for k, v in op.value.items()}
            return None
        stmt = self.definition(op)
        if stmt is None or stmt.fn not in MAKERS:
            return None
        if stmt.fn is prims.make_dict:
            return dict(zip(stmt.args[0].value, stmt.args[1:], strict=True))  # type: ignore[union-attr]
        if stmt.fn is prims.make_object:
            if isinstance(stmt.out.type, lt.TupleT):
                return list(stmt.args[2:])
            return dict(zip(stmt.args[1].value, stmt.args[2:], strict=True))  # type: ignore[union-attr]
        return list(stmt.args)

    def definition(self, op: Operand) -> Apply | None:
        """Return the operation that defines an operand,
        here or in the forward sweep.
        """
        return self.defs.get(op) or self.outer_defs.get(op)

    # ---------------------------------------------------------------- shorthands

    def getitem(self, base: Operand, index: Any) -> Operand:
        """Write `base[index]` for a constant index."""
        return self.apply(operator.getitem, base, Const(index))

    def elements(self, op: Operand) -> list[Operand] | None:
        """Return the elements of a tuple or list of known length,
        reading them if needed.
        """
        op = self.memory.current(op)
        parts = self.parts(op)
        if isinstance(parts, list):
            return list(map(self.held, parts))
        if isinstance(op, Value) and isinstance(op.type, lt.TupleT | lt.ListT):
            if op.type.items is not None:
                return [self.getitem(op, k) for k in range(len(op.type.items))]
        return None

    def fields(self, op: Operand) -> dict[Any, Operand] | None:
        """Return the values of a dict with known keys, reading them if needed."""
        op = self.memory.current(op)
        t = op.type if isinstance(op, Value) else None
        if t is not None and not isinstance(t, lt.DictT):
            return None
        parts = self.parts(op)
        if isinstance(parts, dict):
            return {k: self.held(v) for k, v in parts.items()}
        return None if t is None else {k: self.getitem(op, k) for k, _ in t.items}

    def select(self, op: Operand, table: dict[int, bool]) -> Operand:
        """Map an exit code that paths chose to a truth value, path by path."""
        if isinstance(op, Undef):
            return UNDEF
        if isinstance(op, Const):
            return Const(table[op.value])
        where = self.branches.get(op)
        if where is None:
            true = [code for code, flag in table.items() if flag]
            return self.apply(operator.contains, Const(tuple(true)), op)
        stmt, k = where
        flags = []
        for path in paths(stmt):
            with self.into(path):
                flags.append(self.select(path.results[k], table))
        known = {flag.value for flag in flags if isinstance(flag, Const)}
        if not any(isinstance(flag, Value) for flag in flags):
            if len(known) < 2:
                return Const(*known) if known else UNDEF
            if isinstance(stmt, If):
                first = flags[0]
                if isinstance(first, Const) and first.value:
                    return stmt.test
                return self.apply(operator.not_, stmt.test)
        return self._new_out(stmt, flags)

    def codes(self, op: Operand) -> set[int]:
        """Return the exit codes that an operand may hold."""
        if isinstance(op, Const):
            return {op.value}
        where = self.branches.get(op) if isinstance(op, Value) else None
        if where is None:
            return set() if isinstance(op, Undef) else {0, 1, 2, 3, 4}
        stmt, k = where
        return set().union(*(self.codes(path.results[k]) for path in paths(stmt)))

    def _new_out(self, stmt: If | Try | With, results: list[Operand]) -> Value:
        # A test that a path ends with may be NumPy's bool.
        out = Value(lt.ScalarT("bool", exact=False), None, stmt.loc)
        for path, result in zip(paths(stmt), results, strict=True):
            path.results += (result,)
        stmt.outs += (out,)
        self.branches[out] = (stmt, len(stmt.outs) - 1)
        return out


def of_own_rule(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> lt.Type:
    """Return the result type of a user's function that has a rule, by running it."""
    rule = RULES.reverse.get(fn)
    if rule is not None and rule.kind == "elementwise":
        return elementwise(fn, *args, **kwargs)
    return probe(fn, *args, **kwargs)


def are_constant(args: Sequence[Operand], kwargs: Kwargs) -> bool:
    """Say whether all operands of an operation are known."""
    return all(isinstance(op, Const) for op in (*args, *(op for _, op in kwargs)))


def is_optional(op: Operand) -> TypeGuard[Value]:
    """Say whether an operand may be None at run time."""
    return isinstance(op, Value) and isinstance(op.type, lt.OptionalT)


def holds_objects(op: Operand) -> bool:
    """Say whether a list or tuple has elements that can be written."""
    t = type_of(op)
    return isinstance(t, lt.ListT | lt.TupleT) and any(map(is_mutable, t.items or ()))


def abstract(op: Operand) -> Any:
    """Return what inference is told: the type of a value, or the constant itself."""
    if isinstance(op, Value):
        return op.type
    if isinstance(op, Const):
        return op.value
    return lt.NEVER


def type_of(op: Operand) -> lt.Type:
    """Return the type of an operand, of constants too."""
    if isinstance(op, Value):
        return op.type
    if isinstance(op, Undef):
        return lt.NEVER
    return type_of_constant(op.value)


def type_of_constant(value: Any) -> lt.Type:
    """Return the type a constant has once it is an ordinary value."""
    if type(value) in PLAIN:
        return PLAIN[type(value)]
    if isinstance(value, PYTHON) and not isinstance(value, np.generic):
        kind = type(value).__name__
        dim = value if isinstance(value, int) and kind == "int" and value > 0 else None
        return (
            lt.ScalarT(kind, dim=dim) if kind in lt.KINDS else lt.OpaqueT(type(value))
        )
    if isinstance(value, np.generic) and lt.kind_of(value.dtype):
        return lt.ScalarT(lt.kind_of(value.dtype) or "", value.dtype)
    if type(value) is tuple:
        return lt.TupleT(tuple(map(type_of_constant, value)))
    if isinstance(value, range):
        return lt.RangeT()
    if isinstance(value, slice):
        return lt.SliceT()
    return lt.OpaqueT(type(value))


def function_name(fn: Any) -> str:
    """Return the name by which messages call a function."""
    name = str(getattr(fn, "__name__", None) or getattr(fn, "__qualname__", repr(fn)))
    module = getattr(fn, "__module__", None) or ""
    if isinstance(fn, np.ufunc) and getattr(np, name, None) is not fn:
        return name
    if isinstance(fn, np.ufunc) or module.startswith("numpy"):
        return f"np.{name}"
    return name if module in ("builtins", "_operator", "") else f"{module}.{name}"
