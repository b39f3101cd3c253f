"""Check that IR is well formed.

In: an `ir.Function`. Out: nothing, or `IRError` that names the function and the value.
Tests run it between passes.
"""

from __future__ import annotations

from chainrule.ir.nodes import (
    UNDEF,
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
    blocks,
    inner_values,
    operands,
    outputs,
)
from chainrule.types.lattice import Type


class IRError(AssertionError):
    """A pass made IR that means nothing."""


def verify(function: Function) -> None:
    """Check dominance, single definition, arities and types, callees included."""
    pending, seen = [function], {id(function)}
    while pending:
        checker = _Checker(pending.pop())
        checker.function()
        for callee in checker.callees:
            if id(callee) not in seen:
                seen.add(id(callee))
                pending.append(callee)


class _Checker:
    def __init__(self, function: Function) -> None:
        self.root = function
        self.defined: set[Value] = set()
        self.callees: list[Function] = []

    def fail(self, message: str) -> None:
        raise IRError(f"{self.root.name}: {message}")

    def arity(self, what: str, found: int, expected: int) -> None:
        if found != expected:
            self.fail(f"{what} has {found} results, {expected} expected")

    def function(self) -> None:
        root = self.root
        if root.body.params:
            self.fail("the parameters of a function belong to it, not to its block")
        self.arity("the body", len(root.body.results), 1)
        self.block(root.body, set(), root.params)

    def define(self, scope: set[Value], values: tuple[Value, ...]) -> None:
        for value in values:
            if not isinstance(value, Value) or not isinstance(value.type, Type):
                self.fail(f"{value!r} has no type")
            if value in self.defined:
                self.fail(f"{value!r} is defined twice")
            self.defined.add(value)
            scope.add(value)

    def use(self, scope: set[Value], operand: Operand, result: bool = False) -> None:
        if operand is UNDEF:
            if not result:
                self.fail("an undefined operand is used by a statement")
        elif isinstance(operand, Value):
            if operand not in scope:
                self.fail(f"{operand!r} is used where it is not defined")
        elif not isinstance(operand, Const):
            self.fail(f"{operand!r} is no operand")

    def block(
        self, block: Block, outer: set[Value], extra: tuple[Value, ...] = ()
    ) -> None:
        scope = set(outer)
        self.define(scope, (*extra, *block.params))
        for stmt in block.stmts:
            # What comes before the first iteration may be undefined; nothing else may.
            free = set(stmt.init) if isinstance(stmt, Loop) else set()
            for operand in operands(stmt):
                self.use(scope, operand, operand in free)
            self.arities(stmt)
            inner = inner_values(stmt)
            for index, part in enumerate(blocks(stmt)):
                self.block(part, scope, inner if index == 0 else ())
                scope.update(inner)
            scope.difference_update(inner)
            self.define(scope, outputs(stmt))
        for operand in block.results:
            self.use(scope, operand, result=True)

    def arities(self, stmt: Stmt) -> None:
        match stmt:
            case If(then=then, orelse=orelse, outs=outs):
                self.arity("the then-block", len(then.results), len(outs))
                self.arity("the else-block", len(orelse.results), len(outs))
            case Loop():
                self.loop(stmt)
            case Call(callee=callee, args=args):
                self.callees.append(callee)
                self.arity(f"a call of {callee.name}", len(args), len(callee.params))
            case Try(body=body, handlers=handlers, outs=outs, final=final):
                for part in (body, *(h.block for h in handlers)):
                    self.arity("a block of try", len(part.results), len(outs))
                if final is not None:
                    self.arity("finally", len(final.results), 0)
            case With(body=body, outs=outs):
                self.arity("a with-block", len(body.results), len(outs))

    def loop(self, loop: Loop) -> None:
        carried = len(loop.outs)
        self.arity("the initial state of a loop", len(loop.init), carried)
        self.arity("the parameters of a loop", len(loop.body.params), carried)
        found = len(loop.body.results)
        if found < 1 + carried:
            self.fail(f"a loop body has {found} results, 1 + {carried} expected")
        if loop.tape is None:
            self.arity("a loop body without tape", found, 1 + carried)
        if loop.header is not None:
            self.arity("a loop header", len(loop.header.results), 1 + carried)
            self.arity("the parameters of a header", len(loop.header.params), carried)
        elif not loop.iters:
            self.fail("a loop has neither iterables nor a header")
        for it in loop.iters:
            if not it.unpack and len(it.elems) != 1:
                self.fail("an iterable has several elements but is not unpacked")
