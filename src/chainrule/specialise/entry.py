"""The door of this folder: a function and the types of its arguments in, IR out.

In: a Python function and, for each parameter, an operand description: a type (the value
differs from call to call) or a constant. Out: `Specialised`, with the IR function and
the inputs that inference consumed.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from chainrule.derivative import Derivative
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Const,
    Function,
    If,
    Loc,
    Operand,
    Undef,
    Value,
)
from chainrule.ir.walk import inner_blocks, substitute
from chainrule.optimise.sink import sink
from chainrule.request import Input
from chainrule.specialise import (
    arrays,
    commits,
    cycles,
    generators,
    inlining,
    layouts,
    mirrors,
    nested,
    outside_state,
    recursion,
    stand_ins,
)
from chainrule.specialise.builder import Builder, type_of
from chainrule.specialise.frames import Context, frame_of_function
from chainrule.specialise.places import Place
from chainrule.specialise.values import Maybe, Poison, is_const
from chainrule.types import lattice as lt


@dataclass(slots=True)
class Specialised:
    """A function in IR for one combination of argument types."""

    function: Function
    inputs: tuple[Input, ...]
    builder: Builder


def specialise(
    fn: types.FunctionType,
    arguments: Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    stepped: frozenset[Loc] = frozenset(),
    keyed: frozenset[Loc] = frozenset(),
    cyclic: bool = False,
    written: Mapping[Place, Any] | None = None,
) -> Specialised:
    """Interpret a function whose parameters have the given types or constants.

    `values` are the arguments themselves: how their memory lies may be asked. `stepped`
    says where iterators are made that `next` steps through, `keyed` where dicts are of
    which the run decides the keys, `cyclic` that objects may hold each other, `written`
    which places outside of the function it writes.
    """
    base: Any = fn
    while isinstance(base, Derivative):
        base = base.target.function
    source = inlining.load(base)
    builder = Builder()
    frame = frame_of_function(base, source)
    frame.live = True
    ctx = Context(builder, root_globals=base.__globals__, values=dict(values or {}))
    ctx.stepped, ctx.keyed = stepped, keyed
    ctx.places.written = dict(written or {})
    params: list[Value] = []
    loc = Loc(source.filename, source.first_line, function=frame.name)
    for name, what in arguments.items():
        op: Operand
        value = Value(
            what if isinstance(what, lt.Type) else type_of(Const(what)), name, loc
        )
        params.append(value)
        ctx.params[value] = name
        frame.env[name] = value if isinstance(what, lt.Type) else Const(what)
    block = Block()
    builder.memory.cyclic = cyclic
    builder.memory.is_copy = partial(layouts.is_copy, ctx)
    builder.memory.check_view = partial(arrays.check_layout, ctx)
    with builder.into(block):
        copies = mirrors.keep_in_step(ctx, params)
        frame.env |= {p.hint: copy for p, copy in copies.items() if p.hint}
        if base is fn:
            op = recursion.enter(ctx, frame, fn)
            op = cycles.refuse(builder, builder.memory.current(op))
            op = present(builder, op, frame.name)
        else:
            builder.loc = loc
            op = nested.of_derivative(ctx, fn, frame.env)
        generators.refuse_kept(ctx, op)
        stand_ins.refuse_kept(ctx, op)
        commits.commit(ctx, params, copies)
        outside_state.settle(ctx)
    block.results = (UNDEF if isinstance(op, Undef) else op,)
    for each in (
        block,
        *(made.function.body for all_ in ctx.functions.values() for made in all_),
    ):
        forget_copies(each)
        sink(each)
    function = Function(
        fn.__name__ if base is not fn else frame.name,
        tuple(params),
        block,
        loc,
        None,
        namespace=base.__globals__,
        cells=dict(frame.cells),
    )
    function.result = type_of(op)
    return Specialised(function, tuple(ctx.inputs.values()), builder)


def forget_copies(block: Block) -> None:
    """Let a value stand for its copies: nothing is written in IR."""
    table: dict[Value, Operand] = {}
    for holder in inner_blocks(block):
        for stmt in holder.stmts:
            if isinstance(stmt, Apply) and stmt.fn is prims.same:
                source = stmt.args[0]
                table[stmt.out] = (
                    table.get(source, source) if isinstance(source, Value) else source
                )
        holder.stmts[:] = [
            s for s in holder.stmts if not (isinstance(s, Apply) and s.fn is prims.same)
        ]
    substitute(block, table)


def present(b: Builder, op: Operand, name: str) -> Operand:
    """Refuse a None that is returned on some paths: it has no derivative."""
    if is_const(op, Poison):
        raise b.unreadable(op.value)
    if is_const(op, Maybe):
        missing = op.value.absent
    elif isinstance(type_of(op), lt.OptionalT):
        missing = b.apply(operator.is_, op, Const(None))
    else:
        return op
    stmt = If(missing, Block(), Block(), (), b.loc, guard=True)
    with b.into(stmt.then):
        message = Const(f"{name} returned None, which has no derivative")
        error = b.apply(TypeError, message, effect=True, type_=lt.OpaqueT(TypeError))
        b.apply(prims.raise_, error, effect=True, type_=lt.NEVER)
    b.add(stmt)
    return b.some(op)
