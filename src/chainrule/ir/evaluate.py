"""Run IR as it stands.

In: an `ir.Function` and its arguments. Out: its result. Slow and obvious: what a pass
or the printed text computes is tested against it. Who wants to see every value that is
computed passes a class of environments of his own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Block,
    Call,
    Const,
    Function,
    If,
    Iter,
    Loop,
    Operand,
    Stmt,
    Try,
    Undef,
    Value,
    With,
)


class Env(dict[Value, Any]):
    """The values of one call."""

    def inner(self) -> Env:
        """Return the environment for a function that is called from here."""
        return type(self)()

    def scope(self) -> AbstractContextManager[None]:
        """Surround every block, and every iteration of a loop with its elements."""
        return nullcontext()


def evaluate(function: Function, *args: Any, env: Env | None = None) -> Any:
    """Return what the function returns for arguments in the order of `params`."""
    env = Env() if env is None else env
    _bind(env, function.params, args)
    (result,) = _run(function.body, env)
    return None if result is UNDEF else result


def _bind(env: Env, values: tuple[Value, ...], items: Any) -> None:
    for value, item in zip(values, items, strict=True):
        env[value] = item


def _read(operand: Operand, env: Env) -> Any:
    if isinstance(operand, Value):
        return env[operand]
    return operand.value if isinstance(operand, Const) else UNDEF


def _use(operand: Operand, env: Env) -> Any:
    item = _read(operand, env)
    if isinstance(item, Undef):
        raise UnboundLocalError("a variable is used that has no value on this path")
    return item


def _run(block: Block, env: Env, params: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    with env.scope():
        _bind(env, block.params, params)
        for stmt in block.stmts:
            _step(stmt, env)
        return tuple(_read(r, env) for r in block.results)


def _step(stmt: Stmt, env: Env) -> None:
    match stmt:
        case Apply(out=out, fn=fn, args=args, kwargs=kwargs):
            keywords = {name: _use(value, env) for name, value in kwargs}
            env[out] = fn(*(_use(a, env) for a in args), **keywords)
        case Call(out=out, callee=callee, args=args):
            given = [_use(a, env) for a in args]
            env[out] = evaluate(callee, *given, env=env.inner())
        case If(test=test, then=then, orelse=orelse, outs=outs):
            _bind(env, outs, _run(then if _use(test, env) else orelse, env))
        case Loop():
            _loop(stmt, env)
        case Try():
            _bind(env, stmt.outs, _try(stmt, env))
        case With(context=context, name=name, body=body, outs=outs):
            with _use(context, env) as entered:
                if name is not None:
                    env[name] = entered
                _bind(env, outs, _run(body, env))


def _loop(loop: Loop, env: Env) -> None:
    carried = tuple(_read(v, env) for v in loop.init)
    tape: list[tuple[Any, ...]] = []
    sources: list[Iterator[Any]] = [iter(_use(it.source, env)) for it in loop.iters]
    stopped = False
    while not stopped:
        with env.scope():
            if not _advance(loop.iters, sources, env):
                break
            if loop.header is not None:
                test, *rest = _run(loop.header, env, carried)
                carried = tuple(rest)
                if not test:
                    break
            stop, *results = _run(loop.body, env, carried)
        carried = tuple(results[: len(loop.init)])
        stopped = bool(stop)
        if loop.last_row or not stopped:
            tape.append(tuple(results[len(loop.init) :]))
    _bind(env, loop.outs, carried)
    if loop.tape is not None:
        env[loop.tape] = tape
    if loop.stopped is not None:
        env[loop.stopped] = stopped


def _advance(iters: tuple[Iter, ...], sources: list[Iterator[Any]], env: Env) -> bool:
    """Bind the next elements; say whether every iterable had one."""
    for it, source in zip(iters, sources, strict=True):
        try:
            item = next(source)
        except StopIteration:
            return False
        _bind(env, it.elems, tuple(item) if it.unpack else (item,))
    return True


def _try(stmt: Try, env: Env) -> tuple[Any, ...]:
    try:
        return _run(stmt.body, env)
    except BaseException as exc:
        for handler in stmt.handlers:
            classes = BaseException
            if handler.classes is not None:
                classes = _use(handler.classes, env)
            if isinstance(exc, classes):
                if handler.name is not None:
                    env[handler.name] = exc
                return _run(handler.block, env)
        raise
    finally:
        if stmt.final is not None:
            _run(stmt.final, env)
