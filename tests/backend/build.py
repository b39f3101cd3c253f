"""A small builder of IR by hand, for tests."""

from __future__ import annotations

from collections.abc import Callable
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
    Undef,
    Value,
)
from chainrule.types.lattice import FLOAT, STR, TapeT, Type


def operand(item: Any) -> Operand:
    """Return a constant for anything that is no operand."""
    return item if isinstance(item, Value | Const | Undef) else Const(item)


def operands(items: Any) -> tuple[Operand, ...]:
    """Return operands for a sequence of values and constants."""
    return tuple(map(operand, items))


class Builder:
    """Appends statements to a block."""

    def __init__(self) -> None:
        self.stmts: list[Stmt] = []

    def value(self, hint: str | None = None, type: Type = FLOAT) -> Value:
        """Return a value that nothing defines yet."""
        return Value(type, hint)

    def op(self, fn: Any, *args: Any, **options: Any) -> Value:
        """Append `fn(*args)`; options are fields of `Apply`, `hint` and `type`."""
        out = Value(options.pop("type", FLOAT), options.pop("hint", None))
        kwargs = tuple((k, operand(v)) for k, v in options.pop("kwargs", {}).items())
        self.stmts.append(Apply(out, fn, operands(args), kwargs, **options))
        return out

    def call(self, callee: Function, *args: Any, hint: str | None = None) -> Value:
        """Append a call of another function."""
        out = Value(FLOAT, hint)
        self.stmts.append(Call(out, callee, operands(args)))
        return out

    def branch(
        self,
        test: Any,
        then: Callable[[Builder], Any],
        orelse: Callable[[Builder], Any],
        outs: tuple[str | None, ...] = (),
        guard: bool = False,
    ) -> tuple[Value, ...]:
        """Append an `If`; the callables fill a block and return its results."""
        values = tuple(Value(FLOAT, h) for h in outs)
        blocks = [block(make) for make in (then, orelse)]
        self.stmts.append(If(operand(test), *blocks, values, guard=guard))
        return values

    def loop(
        self,
        carried: dict[str, Any],
        body: Callable[..., Any],
        iters: tuple[tuple[Any, tuple[str, ...]], ...] = (),
        header: Callable[..., Any] | None = None,
        saved: int = 0,
        ask: bool = False,
        types: dict[str, Type] | None = None,
    ) -> Any:
        """Append a loop and return its `Loop`.

        `body(b, *carried, *elements)` returns `(stop, *carried, *saved)`. Elements are
        unpacked if there are several, or one and `"*"`.
        """
        types = types or {}

        def state() -> tuple[Value, ...]:
            return tuple(Value(types.get(h, FLOAT), h) for h in carried)

        made = []
        names = []
        for source, hints in iters:
            elems = tuple(Value(types.get(h, FLOAT), h) for h in hints if h != "*")
            made.append(Iter(operand(source), elems, len(hints) > 1 or "*" in hints))
            names += elems
        params = state()
        inner = block(lambda b: body(b, *params, *names), params)
        head = None
        if header is not None:
            heads = state()
            head = block(lambda b: header(b, *heads), heads)
        loop = Loop(
            tuple(made),
            operands(carried.values()),
            inner,
            state(),
            head,
            Value(TapeT((FLOAT,) * saved)) if saved else None,
            Value(FLOAT) if ask else None,
        )
        self.stmts.append(loop)
        return loop


def block(make: Callable[[Builder], Any], params: tuple[Value, ...] = ()) -> Block:
    """Return a block whose statements and results a callable makes."""
    builder = Builder()
    results = make(builder)
    if not isinstance(results, tuple):
        results = (results,)
    return Block(params, builder.stmts, operands(results))


def function(
    name: str,
    params: str,
    make: Callable[..., Any],
    namespace: dict[str, Any] | None = None,
    types: dict[str, Type] | None = None,
    **options: Any,
) -> Function:
    """Return a function; `make(builder, *params)` returns its result."""
    types = types or {}
    values = tuple(Value(types.get(h, FLOAT), h) for h in params.split())
    body = block(lambda b: make(b, *values))
    return Function(name, values, body, namespace=namespace or {}, **options)


__all__ = ["STR", "UNDEF", "Builder", "block", "function"]
