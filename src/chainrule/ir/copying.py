"""Copy IR: fresh values, same structure.

In: a function or a block. Out: a copy that shares no value or statement with it, and
the table from old values to new ones. Functions that are called are shared, not copied.
"""

from __future__ import annotations

from dataclasses import replace

from chainrule.ir.nodes import (
    Apply,
    Block,
    Call,
    Function,
    Handler,
    If,
    Iter,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
)

Table = dict[Value, Operand]


def copy_function(function: Function) -> tuple[Function, Table]:
    """Return a copy of a function with parameters of its own."""
    table: Table = {}
    params = tuple(_fresh(p, table) for p in function.params)
    return replace(
        function, params=params, body=copy_block(function.body, table)
    ), table


def copy_block(block: Block, table: Table) -> Block:
    """Return a copy of a block; `table` maps values from outside, and grows."""
    params = tuple(_fresh(p, table) for p in block.params)
    stmts = [_copy(stmt, table) for stmt in block.stmts]
    return Block(params, stmts, _map(block.results, table))


def _fresh(value: Value, table: Table) -> Value:
    new = Value(value.type, value.hint, value.loc)
    table[value] = new
    return new


def _op(op: Operand, table: Table) -> Operand:
    return table.get(op, op) if isinstance(op, Value) else op


def _map(ops: tuple[Operand, ...], table: Table) -> tuple[Operand, ...]:
    return tuple(_op(op, table) for op in ops)


def _optional(value: Value | None, table: Table) -> Value | None:
    return None if value is None else _fresh(value, table)


def _outs(values: tuple[Value, ...], table: Table) -> tuple[Value, ...]:
    return tuple(_fresh(v, table) for v in values)


def _copy(stmt: Stmt, table: Table) -> Stmt:
    match stmt:
        case Apply():
            args = _map(stmt.args, table)
            kwargs = tuple((k, _op(v, table)) for k, v in stmt.kwargs)
            return replace(stmt, args=args, kwargs=kwargs, out=_fresh(stmt.out, table))
        case Call():
            args = _map(stmt.args, table)
            return replace(stmt, args=args, out=_fresh(stmt.out, table))
        case If():
            test = _op(stmt.test, table)
            then, orelse = copy_block(stmt.then, table), copy_block(stmt.orelse, table)
            return replace(
                stmt, test=test, then=then, orelse=orelse, outs=_outs(stmt.outs, table)
            )
        case Loop():
            return _loop(stmt, table)
        case With():
            context = _op(stmt.context, table)
            name = _optional(stmt.name, table)
            body = copy_block(stmt.body, table)
            return replace(
                stmt,
                context=context,
                name=name,
                body=body,
                outs=_outs(stmt.outs, table),
            )
        case Try():
            body = copy_block(stmt.body, table)
            handlers = tuple(_handler(h, table) for h in stmt.handlers)
            final = None if stmt.final is None else copy_block(stmt.final, table)
            outs = _outs(stmt.outs, table)
            return replace(stmt, body=body, handlers=handlers, final=final, outs=outs)


def _handler(handler: Handler, table: Table) -> Handler:
    classes = None if handler.classes is None else _op(handler.classes, table)
    name = _optional(handler.name, table)
    return Handler(classes, name, copy_block(handler.block, table))


def _loop(stmt: Loop, table: Table) -> Loop:
    sources = [_op(it.source, table) for it in stmt.iters]
    init = _map(stmt.init, table)
    iters = tuple(
        Iter(source, _outs(it.elems, table), it.unpack)
        for it, source in zip(stmt.iters, sources, strict=True)
    )
    header = None if stmt.header is None else copy_block(stmt.header, table)
    body = copy_block(stmt.body, table)
    outs = _outs(stmt.outs, table)
    return replace(
        stmt,
        iters=iters,
        init=init,
        header=header,
        body=body,
        outs=outs,
        tape=_optional(stmt.tape, table),
        stopped=_optional(stmt.stopped, table),
    )
