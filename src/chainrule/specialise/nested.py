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
from chainrule.specialise import calls, cycles, nested_products, outside_state
from chainrule.specialise.builder import Builder, function_name, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.specialise.nested_arguments import Key, Settled, settle
from chainrule.specialise.nested_writes import Outside
from chainrule.specialise.values import Closure
from chainrule.target import Options
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
    """A derivative of a function of the program, before it is called.

    `wrt` are positions and names of parameters; the gradient is a tuple if `as_tuple`.
    """

    function: Operand
    transform: str
    wrt: tuple[Key, ...] = (0,)
    as_tuple: bool = False
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
        return _of_options(ctx, frame, fn, args, kwargs)
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


def _of_options(
    ctx: Context, frame: Frame, fn: Any, args: list[Operand], kwargs: Kwargs
) -> Operand:
    """Call a derivative that was made outside the program."""
    function = Const(fn.function)
    if fn.transform == "jvp":
        return nested_products.jvp(ctx, frame, [function, *args], kwargs)
    if fn.transform == "vjp":
        aux = (("has_aux", Const(fn.has_aux)),)
        return nested_products.vjp(ctx, frame, [function, *args], (*aux, *kwargs))
    wrt = _wrt(fn.argnums, fn.argnames)
    inner = Inner(function, fn.transform, wrt, fn.options.as_tuple, fn.has_aux)
    return run(ctx, frame, inner, args, kwargs)


def _wrt(argnums: Any, argnames: Any) -> tuple[Key, ...]:
    """Return positions and names as `grad` and its kin are given them."""
    chosen = argnames if argnames is not None else 0 if argnums is None else argnums
    return (chosen,) if isinstance(chosen, int | str) else tuple(chosen)


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
    has_aux = bool(given.pop("has_aux", False))
    options = Options(given.get("argnums", 0), given.get("argnames"), has_aux)
    wrt = _wrt(options.argnums, options.argnames)
    return Const(Inner(args[0], transform, wrt, options.as_tuple, has_aux))


def run(
    ctx: Context, frame: Frame, inner: Inner, args: list[Operand], kwargs: Kwargs
) -> Operand:
    """Call an inner derivative."""
    b = ctx.builder
    if inner.transform in ("hessian", "hvp"):
        first = Const(Inner(inner.function, "grad", inner.wrt, inner.as_tuple))
        outer = Inner(first, "jacobian", inner.wrt, inner.as_tuple)
        if inner.transform == "hessian":
            return run(ctx, frame, outer, args, kwargs)
        return nested_products.hvp(ctx, frame, outer, args, kwargs)
    call = settle(ctx, inner.function, inner.wrt, args, kwargs)
    scope = Scope(ctx, frame, inner.function, call)
    if inner.transform == "jacobian":
        return nested_products.jacobian(ctx, scope, inner)
    value, aux = scope.value(inner.has_aux)
    grads = scope.reverse(value, Const(1.0))
    gradient = b.apply(prims.make_tuple, *grads) if inner.as_tuple else grads[0]
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
    keys: dict[str, Key] = {}
    given = fn.target.parameters
    for name in given.names:
        op = arguments[name]
        if name == given.varargs:
            for k, item in enumerate(ctx.builder.elements(op) or []):
                keys[f"{name}[{k}]"] = len(args)
                args.append(item)
        elif name == given.varkw:
            fields = ctx.builder.fields(op) or {}
            keys.update({f"{name}[{k!r}]": k for k in fields})
            kwargs.update(fields)
        elif name in given.keyword_only:
            keys[name] = name
            kwargs[name] = op
        else:
            keys[name] = len(args)
            args.append(op)
    inner = Inner(
        Const(request.function),
        request.transform,
        tuple(keys[name] for name in request.wrt),
        fn.options.as_tuple,
        request.has_aux,
    )
    return run(ctx, Frame(None, "", "", {}), inner, args, list(kwargs.items()))


class Scope:
    """One inner function, interpreted with parameters of its own."""

    def __init__(
        self,
        ctx: Context,
        frame: Frame,
        function: Operand,
        call: Settled,
    ) -> None:
        self.ctx = ctx
        b = self.b = ctx.builder
        self.block, self.around = Block(), b.block
        self.table: dict[Value, Operand] = {}
        self.params: list[Operand] = []
        args, named = call.args, call.kwargs
        fn = function.value if isinstance(function, Const) else function
        name = fn.name if isinstance(fn, Closure) else function_name(fn)
        where = f"`{name}`, whose derivative is taken,"
        self.outside = Outside(ctx, where, dict(b.memory.now))
        with b.into(self.block):
            for key in call.keys:
                if isinstance(key, int):
                    param = args[key] = self.fresh(args[key], f"x{key}")
                else:
                    param = named[key] = self.fresh(named[key], key)
                self.params.append(param)
            self.outside.keep_in_step()
            self.outside.first = Value(lt.NEVER).id
            result = calls.call(ctx, frame, function, args, list(named.items()))
            self.result = b.memory.current(result)
            self.outside.collect(self.params, self.block)

    def fresh(self, op: Operand, name: str) -> Operand:
        """Return a parameter of the structure of an argument."""
        cycles.refuse(self.b, op)
        layout = layout_of(op)
        if layout is not None:
            with self.b.into(self.around):
                parts = read_parts(self.b, op)
            params = [self.fresh(part, name) for part in parts]
            whole = self.stands_for(make(self.b, layout, params), op)
            self.outside.parts[whole] = params
            return whole
        t = type_of(op)
        if isinstance(t, lt.ScalarT) and t.kind in ("int", "bool"):
            t = lt.ScalarT("float", t.dtype and np.dtype(float))
        if not lt.is_differentiable(t):
            return op
        value = Value(t, op.hint if isinstance(op, Value) else name, self.b.loc)
        self.table[value] = op
        if isinstance(op, Value) and op in self.ctx.params:
            self.ctx.params[value] = self.ctx.params[op]  # it lies as the argument does
        return self.stands_for(value, op)

    def stands_for(self, value: Operand, op: Operand) -> Operand:
        """Note for which operand a parameter, or a container of such, stands."""
        if isinstance(value, Value):
            self.outside.given[value] = op
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
        from chainrule.analysis.lossy import refuse_read_back
        from chainrule.optimise.expand import expand

        outside_state.settle(self.ctx)
        function = self.function((value, *self.keep(value)))
        wrt = list(self.table)
        refuse_read_back(function, wrt)
        expand(function, wrt)
        return function, active_values(function, wrt)

    def keep(self, value: Operand) -> tuple[Operand, ...]:
        result = (self.result,) if self.result is not value else ()
        return (*self.outside.contents, *result)

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

    def write(self, block: Block) -> None:
        """Put the statements, of the function at least, in place of the call."""
        from chainrule.transform.tapes import lower_tapes

        lower_tapes(block)
        substitute(block, self.table)
        for stmt in block.stmts:
            self.b.add(stmt)
        for stmt in statements(block):
            if isinstance(stmt, Apply):
                self.b.defs.setdefault(stmt.out, stmt)
        self.outside.restore(block.results[1:])

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
