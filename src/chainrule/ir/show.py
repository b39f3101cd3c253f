"""Print IR for people.

In: an `ir.Function`. Out: its text, one statement a line, for `--stage` and for tests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from chainrule.ir.nodes import (
    Apply,
    Block,
    Call,
    Const,
    Function,
    If,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
)
from chainrule.types import lattice


def show(function: Function, types: bool = True, active: Collection[Value] = ()) -> str:
    """Return the text of a function and of every function that it calls.

    A star marks the values that are `active`, where they are defined.
    """
    pending, done, parts = [function], {id(function)}, []
    while pending:
        printer = _Printer(types, active)
        parts.append("\n".join(printer.function(pending.pop(0))))
        for callee in printer.callees:
            if id(callee) not in done:
                done.add(id(callee))
                pending.append(callee)
    return "\n\n".join(parts) + "\n"


class _Printer:
    def __init__(self, types: bool, active: Collection[Value]) -> None:
        self.types = types
        self.active = active
        self.names: dict[Value, str] = {}
        self.callees: list[Function] = []

    def name(self, value: Value) -> str:
        """Return `%hint.3`, numbered in order of appearance so that text is stable."""
        if value not in self.names:
            number = len(self.names)
            hint = value.hint
            self.names[value] = f"%{hint}.{number}" if hint else f"%{number}"
        return self.names[value]

    def typed(self, value: Value) -> str:
        text = self.name(value) + ("*" if value in self.active else "")
        return f"{text}: {lattice.show(value.type)}" if self.types else text

    def operand(self, operand: Operand) -> str:
        if isinstance(operand, Value):
            return self.name(operand)
        return repr(operand) if isinstance(operand, Const) else "undef"

    def operands(self, items: tuple[Operand, ...]) -> str:
        return ", ".join(map(self.operand, items))

    def outs(self, values: tuple[Value, ...]) -> str:
        return ", ".join(map(self.typed, values)) + " = " if values else ""

    def function(self, function: Function) -> Iterator[str]:
        params = ", ".join(map(self.typed, function.params))
        yield f"function {function.name}({params})"
        yield from self.block(function.body, "return")

    def block(self, block: Block, end: str) -> Iterator[str]:
        for stmt in block.stmts:
            for line in self.stmt(stmt):
                yield "    " + line
        if block.results or end == "return":
            yield f"    {end} {self.operands(block.results)}"

    def stmt(self, stmt: Stmt) -> Iterator[str]:
        match stmt:
            case Apply(out=out, fn=fn, args=args, kwargs=kwargs):
                keywords = [f"{k}={self.operand(v)}" for k, v in kwargs]
                inner = ", ".join([*map(self.operand, args), *keywords])
                name = getattr(fn, "__name__", repr(fn))
                mark = " !" if stmt.effect else ""
                yield f"{self.typed(out)} = {name}({inner}){mark}"
            case Call(out=out, callee=callee, args=args):
                self.callees.append(callee)
                yield f"{self.typed(out)} = call {callee.name}({self.operands(args)})"
            case If(test=test, then=then, orelse=orelse, outs=outs):
                guard = " guard" if stmt.guard else ""
                yield f"{self.outs(outs)}if{guard} {self.operand(test)}"
                yield from self.block(then, "yield")
                yield "else"
                yield from self.block(orelse, "yield")
            case Loop():
                yield from self.loop(stmt)
            case Try(body=body, handlers=handlers, outs=outs, final=final):
                yield f"{self.outs(outs)}try"
                yield from self.block(body, "yield")
                for handler in handlers:
                    yield f"except {self.operand(handler.classes or Const(None))}"
                    yield from self.block(handler.block, "yield")
                if final is not None:
                    yield "finally"
                    yield from self.block(final, "yield")
            case With(context=context, name=name, body=body, outs=outs):
                bound = f" as {self.typed(name)}" if name is not None else ""
                yield f"{self.outs(outs)}with {self.operand(context)}{bound}"
                yield from self.block(body, "yield")

    def loop(self, loop: Loop) -> Iterator[str]:
        extra = [f"tape {self.name(loop.tape)}"] if loop.tape is not None else []
        if not loop.last_row:
            extra.append("without the last row")
        if loop.stopped is not None:
            extra.append(f"stopped {self.name(loop.stopped)}")
        iters = [
            f"{', '.join(map(self.typed, it.elems))}{' <-' if it.unpack else ' in'} "
            f"{self.operand(it.source)}"
            for it in loop.iters
        ]
        head = " ".join(["loop", "; ".join(iters), *extra]).rstrip()
        yield f"{self.outs(loop.outs)}{head} from {self.operands(loop.init)}"
        if loop.header is not None:
            yield f"while ({', '.join(map(self.typed, loop.header.params))})"
            yield from self.block(loop.header, "test")
        yield f"do ({', '.join(map(self.typed, loop.body.params))})"
        yield from self.block(loop.body, "next")
