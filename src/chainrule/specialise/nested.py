"""Derivatives that are called inside a program that is differentiated itself.

In: a callable that is a derivative (`grad(g)`, `f.grad`) or makes one, and operands.
Out: its result. The inner function is interpreted with parameters of its own in place
of the active arguments, reversed as usual, and written in place of the call: what comes
out is ordinary IR, which the outer derivative differentiates again.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import api
from chainrule.derivative import Derivative
from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Block, Const, Function, Operand, Value
from chainrule.ir.walk import statements, substitute
from chainrule.specialise import calls, nested_products, writing
from chainrule.specialise.builder import Builder, function_name, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.specialise.values import Closure
from chainrule.types import lattice as lt

Kwargs = Sequence[tuple[str, Operand]]


MAKERS = {
    api.grad: "grad",
    api.value_and_grad: "value_and_grad",
    api.jacobian: "jacobian",
    api.hessian: "hessian",
    api.hvp: "hvp",
}


@dataclass(eq=False, slots=True)
class Inner:
    """A derivative of a function of the program, before it is called."""

    function: Operand
    transform: str
    argnums: int | tuple[int, ...] = 0
    argnames: tuple[str, ...] = ()
    has_aux: bool = False


@dataclass(eq=False, slots=True)
class InnerPullback:
    """What `vjp` returns inside a program: the reverse sweep, written at each call."""

    block: Block
    value_bar: Value


def call(
    ctx: Context, frame: Frame, fn: Any, args: list[Operand], kwargs: Kwargs
) -> Operand | None:
    """Return the result of a derivative's call, or None if `fn` is none."""
    if isinstance(fn, Inner):
        return run(ctx, frame, fn, args, kwargs)
    if isinstance(fn, InnerPullback):
        return nested_products.pull_back(ctx, fn, args[0])
    if isinstance(fn, Derivative):
        found = Inner(Const(fn.function), fn.transform)
        found.argnums = 0 if fn.argnums is None else _numbers(fn.argnums)
        names = fn.argnames
        found.argnames = (
            ()
            if names is None
            else (names,)
            if isinstance(names, str)
            else tuple(names)
        )
        found.has_aux = fn.has_aux
        return run(ctx, frame, found, args, kwargs)
    if not isinstance(fn, types.FunctionType):
        return None
    if fn in MAKERS:
        return maker(ctx, MAKERS[fn], args, kwargs)
    if fn is api.vjp:
        return nested_products.vjp(ctx, frame, args, kwargs)
    if fn is api.jvp:
        return nested_products.jvp(ctx, frame, args, kwargs)
    if fn is api.stop_gradient:
        return ctx.builder.apply(prims.stop, args[0], type_=type_of(args[0]))
    if fn is api.checkpoint:
        return args[0]
    return None


def _numbers(argnums: Any) -> int | tuple[int, ...]:
    return argnums if isinstance(argnums, int) else tuple(argnums)


def maker(ctx: Context, transform: str, args: list[Operand], kwargs: Kwargs) -> Operand:
    """Return the derivative of a function, not yet called."""
    given: dict[str, Any] = {}
    for name, op in [
        *zip(("argnums", "argnames", "has_aux"), args[1:], strict=False),
        *kwargs,
    ]:
        if not isinstance(op, Const):
            raise not_differentiable(
                "CR502", ctx.builder.loc, f"`{name}` must be known"
            )
        given[name] = op.value
    names = given.get("argnames") or ()
    names = (names,) if isinstance(names, str) else tuple(names)
    argnums = given.get("argnums")
    if argnums is None:
        argnums = () if names else 0
    return Const(
        Inner(args[0], transform, _numbers(argnums), names, bool(given.get("has_aux")))
    )


def run(
    ctx: Context, frame: Frame, inner: Inner, args: list[Operand], kwargs: Kwargs
) -> Operand:
    """Call an inner derivative."""
    if inner.transform == "hessian":
        first = Const(Inner(inner.function, "grad", inner.argnums, inner.argnames))
        return run(ctx, frame, Inner(first, "jacobian", inner.argnums), args, kwargs)
    if inner.transform == "hvp":
        first = Const(Inner(inner.function, "grad", inner.argnums, inner.argnames))
        tangent = dict(kwargs).get("v") or args[-1]
        rest = args[:-1] if "v" not in dict(kwargs) else args
        number = inner.argnums if isinstance(inner.argnums, int) else inner.argnums[0]
        _, dot = nested_products.push(ctx, frame, first, rest, {number: tangent})
        return dot
    numbers, names = positions(inner, args), inner.argnames
    scope = Scope(ctx, frame, inner.function, args, kwargs, numbers, names)
    if inner.transform == "jacobian":
        return nested_products.jacobian(ctx, scope, inner)
    value, aux = scope.value(inner.has_aux)
    grads = scope.reverse(value, Const(1.0))
    single = (
        isinstance(inner.argnums, int)
        and not names
        or (inner.argnums == () and len(names) == 1)
    )
    b = ctx.builder
    gradient = grads[0] if single else b.apply(prims.make_tuple, *grads)
    if inner.transform == "grad":
        return (
            b.apply(prims.make_tuple, gradient, scope.outer(aux))
            if inner.has_aux
            else gradient
        )
    head = scope.outer(value)
    if inner.has_aux:
        head = b.apply(prims.make_tuple, head, scope.outer(aux))
    return b.apply(prims.make_tuple, head, gradient)


def of_derivative(ctx: Context, fn: Any, arguments: dict[str, Operand]) -> Operand:
    """Call a derivative that is itself the function to differentiate."""
    request = fn.request
    args: list[Operand] = []
    kwargs: dict[str, Operand] = {}
    numbers: list[int] = []
    names: list[str] = []
    given = fn.target.parameters
    for name in given.names:
        op = arguments[name]
        if name == given.varargs:
            for k, item in enumerate(ctx.builder.elements(op) or []):
                if f"{name}[{k}]" in request.wrt:
                    numbers.append(len(args))
                args.append(item)
        elif name == given.varkw:
            fields = ctx.builder.fields(op) or {}
            names += [k for k in fields if f"{name}[{k!r}]" in request.wrt]
            kwargs.update(fields)
        elif name in given.keyword_only:
            names += [name] if name in request.wrt else []
            kwargs[name] = op
        else:
            numbers += [len(args)] if name in request.wrt else []
            args.append(op)
    single = isinstance(fn.argnums, int) or fn.argnums is None and len(request.wrt) == 1
    argnums: Any = numbers[0] if single and numbers else tuple(numbers)
    inner = Inner(
        Const(request.function),
        request.transform,
        argnums,
        tuple(names),
        request.has_aux,
    )
    return run(ctx, Frame(None, "", "", {}), inner, args, list(kwargs.items()))


def positions(inner: Inner, args: Sequence[Operand]) -> tuple[int, ...]:
    """Return the positions of the active arguments."""
    numbers = (inner.argnums,) if isinstance(inner.argnums, int) else inner.argnums
    return tuple(n % len(args) if n < 0 else n for n in numbers)


class Scope:
    """One inner function, interpreted with parameters of its own."""

    def __init__(
        self,
        ctx: Context,
        frame: Frame,
        function: Operand,
        args: list[Operand],
        kwargs: Kwargs,
        numbers: tuple[int, ...],
        names: tuple[str, ...] = (),
    ) -> None:
        self.ctx = ctx
        b = self.b = ctx.builder
        self.block, self.around = Block(), b.block
        self.table: dict[Value, Operand] = {}
        self.params: list[Operand] = []
        args, named = list(args), dict(kwargs)
        before, first = dict(b.memory.now), Value(lt.NEVER).id
        with b.into(self.block):
            for n in numbers:
                args[n] = self.fresh(args[n], f"x{n}")
                self.params.append(args[n])
            for name in names:
                named[name] = self.fresh(named[name], name)
                self.params.append(named[name])
            result = calls.call(ctx, frame, function, args, list(named.items()))
            result = b.memory.current(result)
        fn = function.value if isinstance(function, Const) else function
        name = fn.name if isinstance(fn, Closure) else function_name(fn)
        where = f"`{name}`, whose derivative is taken,"
        writing.refuse_since(ctx, before, first, self.table, where)
        self.result = result

    def fresh(self, op: Operand, name: str) -> Operand:
        """Return a parameter of the structure of an argument."""
        layout = layout_of(op)
        if layout is not None:
            with self.b.into(self.around):
                parts = read_parts(self.b, op)
            return make(self.b, layout, [self.fresh(p, name) for p in parts])
        t = type_of(op)
        if isinstance(t, lt.ScalarT) and t.kind in ("int", "bool"):
            t = lt.ScalarT("float", t.dtype and np.dtype(float))
        if not lt.is_differentiable(t):
            return op
        value = Value(t, op.hint if isinstance(op, Value) else name, self.b.loc)
        self.table[value] = op
        return value

    def value(self, has_aux: bool) -> tuple[Operand, Operand]:
        """Return value and auxiliary output of the inner function."""
        if not has_aux:
            return self.result, Const(None)
        parts = self.b.elements(self.result) or []
        return parts[0], parts[1]

    def function(self, results: tuple[Operand, ...]) -> Function:
        """Return the inner program as a function of its parameters."""
        self.block.results = results
        return Function("inner", tuple(self.table), self.block)

    def prepare(self, value: Operand) -> tuple[Function, set[Value]]:
        """Expand composite operations, and find what is active."""
        from chainrule.analysis.activity import active_values
        from chainrule.optimise.expand import expand

        function = self.function((value, *self.keep(value)))
        wrt = list(self.table)
        expand(function, wrt)
        return function, active_values(function, wrt)

    def keep(self, value: Operand) -> tuple[Operand, ...]:
        return (self.result,) if self.result is not value else ()

    def outer(self, op: Operand) -> Operand:
        """Return an operand in terms of the outer program."""
        return self.table.get(op, op) if isinstance(op, Value) else op

    def back(
        self, value: Operand, value_bar: Operand
    ) -> tuple[Block, list[Operand], Operand]:
        """Write the reverse sweep into a block of its own."""
        from chainrule.transform.outputs import as_given
        from chainrule.transform.pairs import Pairs
        from chainrule.transform.reverse import Reverse
        from chainrule.transform.tapes import lower_pair

        function, active = self.prepare(value)
        value = function.body.results[0]
        b = Builder(algebra=True)
        b.loc = self.b.loc
        b.outer_defs = {**self.b.outer_defs, **self.b.defs}
        for s in statements(function.body):
            if isinstance(s, Apply):
                b.outer_defs[s.out] = s
        pairs = Pairs()
        rev = Reverse(b, active, pairs)
        block = Block()
        with b.into(block):
            if isinstance(value, Value) and value in active:
                rev.cot.add(value, value_bar)
            rev.block(function.body)
            for param in self.table:
                rev.cot.bars.setdefault(param, rev.cot.zero(param))
            grads = [as_given(b, self.gradient(b, rev, p), p) for p in self.params]
        block.results = tuple(grads)
        rev.finish(function.body, block)
        for halves in pairs.made.values():
            lower_pair(*halves)
        value = rev.resolve(value)
        return block, list(block.results), value

    def gradient(self, b: Builder, rev: Any, param: Operand) -> Operand:
        """Return the gradient in the structure of one argument."""
        layout = layout_of(param)
        if layout is not None:
            parts = [self.gradient(b, rev, p) for p in read_parts(b, param)]
            return make(b, layout, parts)
        if isinstance(param, Value) and param in self.table:
            return rev.cot.complete(rev.cot.bars.get(param), param)  # type: ignore[no-any-return]
        return Const(None)

    def write(self, *blocks: Block) -> None:
        """Put statements in place of the call."""
        from chainrule.transform.tapes import lower_tapes

        for block in blocks:
            lower_tapes(block)
            substitute(block, self.table)
            for stmt in block.stmts:
                self.b.add(stmt)
            for stmt in statements(block):
                if isinstance(stmt, Apply):
                    self.b.defs.setdefault(stmt.out, stmt)

    def reverse(self, value: Operand, value_bar: Operand) -> list[Operand]:
        """Write both sweeps; return the gradients."""
        from chainrule.optimise.dead import remove_dead

        block, _, _ = self.back(value, value_bar)
        count = len(self.block.results)
        whole = Function("inner", tuple(self.table), self.block)
        self.block.stmts += block.stmts
        self.block.results += block.results
        remove_dead(whole)
        self.write(self.block)
        return [self.outer(g) for g in self.block.results[count:]]
