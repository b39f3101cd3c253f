"""Interpret the rule of an operation once for the same types of operands.

In: a rule's function and the operands of one operation. Out: what interpreting it on
them writes. When a rule meets certain types for the first time, it is interpreted on
operands that stand for any of these types: a *trace*, operations in a row. That is
written with the operands at hand, then and from then on, in other derivatives too, in
which the sizes have other names.

A trace is recorded without algebra, so that its operations are simplified when they are
written, one by one, with what is known of the operands then: the same as interpreting
the rule again. A rule that branches at run time, asks for what is not in the types, or
makes sizes of its own has no trace.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.ir.nodes import operands as read
from chainrule.rules.registry import RULES
from chainrule.specialise.builder import Builder
from chainrule.types import lattice as lt
from chainrule.types.dims import dims_in, map_dims
from chainrule.types.freezing import freeze

Interpret = Callable[[Builder, list[Operand], dict[str, Operand]], Operand]
# What stands for each named size, the same in all derivatives; or the other way round.
Names = dict[lt.Sym, lt.Sym]
MANY = 5000
SIMPLE = {bool, int, float, str, type(None), type(...)}


@dataclass(slots=True)
class Trace:
    """Operations on stand-ins for operands, in order, and the last result.

    With each operation, its result's type, or None if it is not known for all sizes,
    and whether that type names any.
    """

    params: list[Operand]
    stmts: list[tuple[Apply, lt.Type | None, bool]]
    result: Operand
    relied: list[lt.Sym]  # on what of the sizes, as `lattice.consumed` has it

    def holds(self, real: Names) -> bool:
        """Say whether what it relies on holds here, and rely on it again."""
        return not any(lt.maybe_one(real.get(size, size)) for size in self.relied)

    def write(self, b: Builder, operands: list[Operand], real: Names) -> Operand:
        """Write the operations with operands in place of the stand-ins."""
        table: dict[Operand, Operand] = dict(zip(self.params, operands, strict=True))
        others: set[Operand] = set()  # what has become of another type than it was
        for stmt, t, sized in self.stmts:
            args = [table.get(a, a) for a in stmt.args]
            named = [(k, table.get(v, v)) for k, v in stmt.kwargs]
            if t is not None and sized:
                t = _renamed(t, real)
            same = not others or others.isdisjoint(read(stmt))
            before = len(b.block.stmts)
            out = b.repeat(stmt, *args, kwargs=named, type_=t if same else None)
            table[stmt.out] = out
            if not isinstance(out, Value):
                others.add(stmt.out)
                continue
            if out.type != t:
                others.add(stmt.out)
            is_new = len(b.block.stmts) > before and out.hint is None
            if is_new and b.defs.get(out) is b.block.stmts[-1]:
                out.hint = stmt.out.hint
        return table.get(self.result, self.result)


class Traces:
    """The traces of one derivative; those of `SHARED` hold in all of them."""

    def __init__(self) -> None:
        self.known: dict[Any, Trace | None] = {}

    def run(
        self,
        b: Builder,
        rule: Any,
        args: Sequence[Operand],
        kwargs: dict[str, Operand],
        interpret: Interpret,
    ) -> Operand:
        """Write what a rule says of these operands."""
        operands = [*args, *kwargs.values()]
        key, names = _key(rule, operands, kwargs)
        if key is None or b.memory.now:
            return interpret(b, list(args), kwargs)
        known = self.known if names is None else SHARED.known
        if key not in known:
            if len(known) > MANY:
                known.clear()
            known[key] = _record(operands, len(args), list(kwargs), interpret, names)
        trace = known[key]
        real = {stands: dim for dim, stands in names.items()} if names else {}
        if trace is None or not trace.holds(real):
            return interpret(b, list(args), kwargs)
        return trace.write(b, operands, real)


SHARED = Traces()
RULES.listeners.append(SHARED.known.clear)


@functools.cache
def _stand_in(number: int) -> lt.Sym:
    return lt.Sym(("stand-in", number), never_one=True)


def _dims(t: lt.Type) -> Sequence[lt.Dim | None]:
    """Return the sizes that a number's type names, None for what is not known."""
    if isinstance(t, lt.ArrayT):
        return (None,) if t.dims is None else t.dims
    return (t.dim,) if isinstance(t, lt.ScalarT) else ()


def _key(
    rule: Any, operands: list[Operand], kwargs: dict[str, Operand]
) -> tuple[Any, Names | None]:
    """Return the same for operands for which a rule writes the same; None if unsure.

    Also return what stands for the sizes in all derivatives; None if a trace is good
    for one only: if a user wrote the rule, for it may read what changes; and where a
    size has no guard, for the arguments at hand decide what is known of it.
    """
    everywhere = rule.__module__.startswith("chainrule.")
    names: Names = {}
    parts: list[Any] = [rule, lt.counts_known(), *kwargs]
    for k, op in enumerate(operands):
        if isinstance(op, Value) and isinstance(op.type, lt.NUMBERS):
            t = op.type
            parts += operands.index(op), type(t)
            if isinstance(t, lt.ScalarT):
                parts += t.kind, t.exact
            parts.append(None if t.dtype is None else t.dtype.str)
            for dim in _dims(t):
                if isinstance(dim, lt.Sym):
                    if dim not in names:
                        names[dim] = _stand_in(len(names))
                        everywhere &= dim.never_one and not dim.offset
                    parts.append(names[dim].key)
                else:
                    parts.append(dim)
        elif isinstance(op, Const) and is_simple(op.value):
            parts += k, freeze(op.value)
        else:
            return None, None
    if everywhere:
        return tuple(parts), names
    return (*parts, *((dim, dim.never_one) for dim in names)), None


def is_simple(value: Any) -> bool:
    """Say whether a constant is equal to another that is written like it."""
    if isinstance(value, slice):
        value = (value.start, value.stop, value.step)
    if type(value) is tuple:
        return all(map(is_simple, value))
    return type(value) in SIMPLE or isinstance(value, np.dtype)


def _record(
    operands: list[Operand],
    count: int,
    words: list[str],
    interpret: Interpret,
    names: Names | None,
) -> Trace | None:
    """Interpret a rule on stand-ins; return None if what it does is not a trace."""
    table: dict[Operand, Operand] = {}
    for op in operands:
        table.setdefault(op, _stands_for(op, names or {}))
    params = [table[op] for op in operands]
    b = Builder()
    try:
        rest = dict(zip(words, params[count:], strict=True))
        with lt.consumed(apart=names is not None) as keys:
            result = interpret(b, params[:count], rest)
    except Exception:  # what is wrong is said about the real operands
        return None
    stmts = [s for s in b.block.stmts if isinstance(s, Apply)]
    if len(stmts) < len(b.block.stmts) or any(s.effect for s in stmts):
        return None
    relied = [lt.relied(key) for key in keys]
    if names is not None and not {*relied} <= {*names.values()}:
        return None
    sizes = {d for p in params if isinstance(p, Value) for d in _sizes(p.type)}
    for stmt in stmts:
        if not _sizes(stmt.out.type) <= sizes:
            return None
        if not isinstance(stmt.out.type, lt.TupleT) and stmt.out.type != b.infer(
            stmt.fn, stmt.args, stmt.kwargs
        ):
            return None
    known = None if names is None else {*names.values()}
    typed = [(s, *_type_of_result(s.out.type, known)) for s in stmts]
    return Trace(params, typed, result, relied)


def _stands_for(op: Operand, names: Names) -> Operand:
    """Return a value that stands for an operand, with the sizes that stand for its."""
    if not isinstance(op, Value):
        return op
    return Value(_renamed(op.type, names))


def _renamed(t: lt.Type, names: Names) -> lt.Type:
    """Return a type with other sizes for those that have a name."""

    def change(dim: lt.Dim) -> lt.Dim:
        return names.get(dim, dim) if isinstance(dim, lt.Sym) else dim

    return map_dims(t, change)


def _type_of_result(
    t: lt.Type, sizes: set[lt.Sym] | None
) -> tuple[lt.Type | None, bool]:
    """Return a type, None if it has other named sizes, and whether it has any."""
    named = [d for d in dims_in(t) if isinstance(d, lt.Sym)]
    return (t if sizes is None or sizes.issuperset(named) else None), bool(named)


def _sizes(t: lt.Type) -> set[lt.Dim]:
    """Return the sizes that a type names."""
    if isinstance(t, lt.TupleT):
        return set().union(*map(_sizes, t.items))
    return set(lt.dims_of(t) or ()) if isinstance(t, lt.NUMBERS) else set()
