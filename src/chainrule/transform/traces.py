"""Interpret the rule of an operation once for the same types of operands.

In: a rule's function and the operands of one operation. Out: what interpreting it on
them writes. When a rule meets certain types for the first time, it is interpreted on
operands that stand for any of these types: a *trace*, operations in a row. That is
written with the operands at hand, then and from then on, in other derivatives too.

A trace is recorded without algebra, so that its operations are simplified when they are
written, one by one, with what is known of the operands then: the same as interpreting
the rule again. A rule that branches at run time, asks for what is not in the types, or
makes sizes of its own has no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.ir.nodes import operands as read
from chainrule.rules.registry import RULES
from chainrule.specialise.builder import Builder
from chainrule.types import lattice as lt
from chainrule.types.freezing import freeze

Interpret = Callable[[Builder, list[Operand], dict[str, Operand]], Operand]
MANY = 5000
SIMPLE = {bool, int, float, str, type(None), type(...)}


@dataclass(slots=True)
class Trace:
    """Operations on stand-ins for operands, in order, and the last result."""

    params: list[Operand]
    stmts: list[Apply]
    result: Operand
    relied: tuple[lt.Sym, ...]  # on what of the sizes, as `lattice.consumed` has it

    def write(self, b: Builder, operands: list[Operand]) -> Operand:
        """Write the operations with operands in place of the stand-ins."""
        table: dict[Operand, Operand] = dict(zip(self.params, operands, strict=True))
        others: set[Operand] = set()  # what has become of another type than it was
        for stmt in self.stmts:
            args = [table.get(a, a) for a in stmt.args]
            named = [(k, table.get(v, v)) for k, v in stmt.kwargs]
            same = not others or others.isdisjoint(read(stmt))
            before = len(b.block.stmts)
            out = b.apply(
                stmt.fn,
                *args,
                kwargs=named,
                form=stmt.form,
                text=stmt.text,
                type_=stmt.out.type if same else None,
            )
            table[stmt.out] = out
            if not isinstance(out, Value):
                others.add(stmt.out)
                continue
            if out.type != stmt.out.type:
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
        key, everywhere = _key(rule, operands, kwargs)
        if key is None or b.memory.now:
            return interpret(b, list(args), kwargs)
        known = SHARED.known if everywhere else self.known
        if key not in known:
            if len(known) > MANY:
                known.clear()
            known[key] = _record(operands, len(args), list(kwargs), interpret)
        trace = known[key]
        # What it relies on is relied on again, if it holds for the arguments at hand.
        if trace is None or any(map(lt.maybe_one, trace.relied)):
            return interpret(b, list(args), kwargs)
        return trace.write(b, operands)


SHARED = Traces()
RULES.listeners.append(SHARED.known.clear)


def _key(
    rule: Any, operands: list[Operand], kwargs: dict[str, Operand]
) -> tuple[Any, bool]:
    """Return the same for operands for which a rule writes the same; None if unsure.

    Also say whether it writes that in other derivatives too: not if a user wrote it,
    for it may read what changes; nor where a size has no guard, for the arguments at
    hand decide what is known of it.
    """
    everywhere = rule.__module__.startswith("chainrule.")
    parts: list[Any] = [rule, lt.counts_known(), *kwargs]
    for k, op in enumerate(operands):
        if isinstance(op, Value) and isinstance(op.type, lt.NUMBERS):
            parts += op.type, operands.index(op), op.hint is None
            for dim in lt.dims_of(op.type) or ():
                if not isinstance(dim, int):
                    parts.append(dim.never_one)
                    everywhere &= dim.never_one and not dim.offset
        elif isinstance(op, Const) and is_simple(op.value):
            parts += k, freeze(op.value)
        else:
            return None, False
    return tuple(parts), everywhere


def is_simple(value: Any) -> bool:
    """Say whether a constant is equal to another that is written like it."""
    if isinstance(value, slice):
        value = (value.start, value.stop, value.step)
    if type(value) is tuple:
        return all(map(is_simple, value))
    return type(value) in SIMPLE or isinstance(value, np.dtype)


def _record(
    operands: list[Operand], count: int, names: list[str], interpret: Interpret
) -> Trace | None:
    """Interpret a rule on stand-ins; return None if what it does is not a trace."""
    table: dict[Operand, Operand] = {}
    for op in operands:
        stands = Value(op.type, op.hint) if isinstance(op, Value) else op
        table.setdefault(op, stands)
    params = [table[op] for op in operands]
    b = Builder()
    try:
        rest = dict(zip(names, params[count:], strict=True))
        with lt.consumed() as keys:
            result = interpret(b, params[:count], rest)
    except Exception:  # what is wrong is said about the real operands
        return None
    stmts = [s for s in b.block.stmts if isinstance(s, Apply)]
    if len(stmts) < len(b.block.stmts) or any(s.effect for s in stmts):
        return None
    sizes = {d for p in params if isinstance(p, Value) for d in _sizes(p.type)}
    for stmt in stmts:
        if not _sizes(stmt.out.type) <= sizes:
            return None
        if not isinstance(stmt.out.type, lt.TupleT) and stmt.out.type != b.infer(
            stmt.fn, stmt.args, stmt.kwargs
        ):
            return None
    return Trace(params, stmts, result, tuple(map(lt.relied, keys)))


def _sizes(t: lt.Type) -> set[lt.Dim]:
    """Return the sizes that a type names."""
    if isinstance(t, lt.TupleT):
        return set().union(*map(_sizes, t.items))
    return set(lt.dims_of(t) or ()) if isinstance(t, lt.NUMBERS) else set()
