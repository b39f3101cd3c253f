"""Built-ins that are given a generator.

In: a built-in, and operands of which one is a generator. Out: another generator, or
what comes of running it to its end. Those that take elements one by one do so as
`lazily` says.
"""

from __future__ import annotations

import builtins
import copy
import functools
import itertools
import math
import operator
import types
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import gast
import numpy as np

from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir.nodes import Block, Const, Operand, Value
from chainrule.optimise.dead import has_effect
from chainrule.specialise import (
    calls,
    folds,
    generators,
    inlining,
    iterables,
    keyed_models,
    lazily,
    stepping,
)
from chainrule.specialise.attributes import attribute, is_library
from chainrule.specialise.builder import function_name, type_of
from chainrule.specialise.frames import Context, Frame, frame_of_function
from chainrule.specialise.memory import is_mutable
from chainrule.specialise.values import (
    Choice,
    Closure,
    Generated,
    Items,
    Method,
    Streams,
    is_const,
)
from chainrule.types import lattice as lt

Kwargs = Sequence[tuple[str, Operand]]

ONE_BY_ONE: dict[Any, Callable[..., Any]] = {
    builtins.enumerate: lazily.enumerate_,
    builtins.map: lazily.map_,
    builtins.any: lazily.any_,
    builtins.all: lazily.all_,
    itertools.starmap: lazily.starmap,
    itertools.takewhile: lazily.takewhile,
    operator.contains: lazily.contains,
}
WHOLE: set[Any] = {
    builtins.list,
    builtins.tuple,
    builtins.sorted,
    builtins.min,
    builtins.max,
    builtins.set,
    builtins.frozenset,
    builtins.dict,
    functools.reduce,
    math.fsum,
    math.prod,
    itertools.product,
    itertools.combinations,
    itertools.permutations,
    itertools.accumulate,
    itertools.pairwise,
    np.fromiter,
}
FUNCTION_FIRST: set[Any] = {map, filter, itertools.starmap, itertools.takewhile}
CUTTING = {itertools.islice, itertools.chain}
TAKING: set[Any] = {*ONE_BY_ONE, *WHOLE, *CUTTING, filter, zip, sum, iter}


def call(
    ctx: Context, frame: Frame, fn: Any, args: list[Operand], kwargs: Kwargs
) -> Operand | None:
    """Call a built-in on generators; None where it is called like any function.

    Generators in `args` that are run to their end are replaced by lists.
    """
    if fn is dict and args and has_keys(args[0]):
        args[0] = inlining.call_function(ctx, frame, keyed_models.pairs, args[:1], [])  # type: ignore[arg-type]
    if isinstance(fn, Hashable) and fn in TAKING:
        args[:] = [opened(ctx, frame, a) for a in args]
    places = [k for k, a in enumerate(args) if is_const(a, Generated)]
    if not places or fn in (sum, next) or belongs_to_user(fn):
        return None
    if fn is iter:
        return args[0]
    written: Any
    if fn is filter:
        plain = isinstance(args[0], Const) and args[0].value is None
        written = lazily.filter_true if plain else lazily.filter_
    elif fn is itertools.islice:
        written = lazily.islice if len(args) == 2 else lazily.islice_from
    elif fn is itertools.chain:
        written = lazily.chain
        return inlining.call_function(ctx, frame, written, args, kwargs)
    elif fn is zip:
        return _zip(ctx, frame, args, places, kwargs)
    elif fn in ONE_BY_ONE:
        written = ONE_BY_ONE[fn]
    elif fn in WHOLE:
        for k in places:
            args[k] = generators.collect(ctx, frame, args[k].value)  # type: ignore[union-attr]
        return None
    else:
        raise _refused(ctx, fn)
    if places != [1 if fn in FUNCTION_FIRST else 0]:
        raise _refused(ctx, fn)
    if fn is itertools.islice and not all(_is_count(a) for a in args[1:]):
        raise _refused(ctx, fn)
    if fn is map and len(args) > 2:
        raise _refused(ctx, fn)
    return inlining.call_function(ctx, frame, written, args, kwargs)


def has_keys(op: Operand) -> bool:
    """Say whether an object is a mapping for `dict`."""
    t = type_of(op)
    return isinstance(t, lt.ObjT) and hasattr(t.cls, "keys")


def belongs_to_user(fn: Any) -> bool:
    """Say whether a callable is the program's own, which may do anything with it."""
    if not isinstance(fn, types.FunctionType | types.MethodType | type):
        return isinstance(fn, Closure | Choice | Method)
    return not is_library(fn.__module__ or "")


def _is_count(op: Operand) -> bool:
    """Say whether an operand is a number of elements, not None."""
    return isinstance(type_of(op), lt.ScalarT)


def _refused(ctx: Context, fn: Any) -> Exception:
    return not_differentiable(
        "CR303",
        ctx.builder.loc,
        f"{function_name(fn)} of a generator is not supported",
        help="make a list of it first: items = list(...)",
    )


def _zip(
    ctx: Context, frame: Frame, args: list[Operand], places: list[int], kwargs: Kwargs
) -> Operand:
    """Take a generator and a sequence, or two generators, in step."""
    lenient = all(isinstance(v, Const) and not v.value for _, v in kwargs)
    if len(args) != 2 or not lenient:
        raise _refused(ctx, zip)
    steady: dict[Value, Operand] = {}
    if len(places) == 2:
        args[1], steady = beforehand(ctx, frame, args[1])
    for k, op in enumerate(args):
        if is_const(op, (Items, Streams)):
            args[k] = folds.listed(ctx, frame, op)
    written = lazily.zip_sequence if places == [1] else lazily.zip_generator
    zipped = inlining.call_function(ctx, frame, written, args, [])  # type: ignore[arg-type]
    assert is_const(zipped, Generated)
    zipped.value.steady = steady
    return zipped


def beforehand(
    ctx: Context, frame: Frame, op: Operand, one_by_one: bool = False
) -> tuple[Operand, dict[Value, Operand]]:
    """Run a generator before its time, if nobody can tell.

    Return the list of what it yields, and what the arrays that it reads hold.
    """
    assert is_const(op, Generated)
    inner, b = op.value.frame, ctx.builder
    steady: dict[Value, Operand] = {}
    for value in _reads(ctx, inner):
        if isinstance(value, Const) and not isinstance(value.value, int | float):
            raise generators.in_turns(ctx, inner)
        if isinstance(value, Value) and is_mutable(value.type):
            if not isinstance(value.type, lt.ArrayT):
                raise generators.in_turns(ctx, inner)
            root = b.memory.root(value)
            current = b.memory.current(root)
            assert isinstance(current, Value)
            steady[root] = current
    before, mark = dict(b.memory.now), len(b.block.stmts)
    items = generators.collect(ctx, frame, op.value, one_by_one)
    after = {k: v for k, v in b.memory.now.items() if k in before}
    if after != before or has_effect(Block(stmts=b.block.stmts[mark:])):
        raise generators.in_turns(ctx, inner)
    return items, steady


def _reads(ctx: Context, inner: Frame) -> list[Operand]:
    """Return the arguments of a generator, and what it reads from around it."""
    if inner.cells:
        raise generators.in_turns(ctx, inner)
    found = list(inner.env.values())
    for name in scope.scope_of(inner.tree).free:
        where = inner.parent
        while where is not None and name not in where.locals:
            where = where.parent
        if where is None:
            continue
        around = scope.scope_of(where.tree)
        if name in around.assigned or name in scope.shared_names(where.tree):
            raise generators.in_turns(ctx, inner)
        found.append(where.env[name])
    return found


# ------------------------------------------------------------- iterable objects


def opened(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return what a loop over an object of the program runs over."""
    t = type_of(op)
    if not isinstance(t, lt.ObjT):
        return op
    if not isinstance(getattr(t.cls, "__iter__", None), types.FunctionType):
        return op
    method = attribute(ctx, frame, op, "__iter__")
    memory, first = ctx.builder.memory, Value(lt.NEVER).id
    before = dict(memory.now)
    found = memory.current(calls.call(ctx, frame, method, [], []))
    t = type_of(found)
    kept = any(memory.now.get(k) is not v for k, v in before.items())
    if not kept and isinstance(found, Value) and memory.object(found).id >= first:
        if stepping.begins(ctx, frame, found):
            return attribute(ctx, frame, found, "items")
    if isinstance(t, lt.ObjT):
        return stepped(ctx, frame, found, t.cls)
    return found


def stepped(ctx: Context, frame: Frame, op: Operand, cls: type) -> Operand:
    """Make a generator of an object with a method `__next__`."""
    fn = getattr(cls, "__next__", None)
    if not isinstance(fn, types.FunctionType):
        raise iterables.not_iterable(ctx, op)
    attribute(ctx, frame, op, "__next__")  # it must stay the same
    source = inlining.load(fn)
    inner = frame_of_function(fn, source)
    [me] = [p.id for p in source.tree.args.args]
    known = getattr(source.tree, "repeated", None)
    if known is None:
        known = source.tree.repeated = Repeated(inner).tree
    inner.tree, inner.env = known, {me: op}
    return generators.made(inner, fn)


class Repeated(gast.NodeTransformer):  # type: ignore[misc]
    """Turns a `__next__` into a generator: `while True`, what it returns is yielded."""

    def __init__(self, frame: Frame) -> None:
        self.frame, self.loops = frame, 0
        tree = copy.deepcopy(frame.tree)
        body = [n for s in tree.body for n in self.many(self.visit(s))]
        test = gast.copy_location(gast.Constant(True, None), tree.body[0])
        tree.body = [gast.copy_location(gast.While(test, body, []), tree.body[0])]
        tree.yields = True
        self.tree = tree

    def many(self, found: Any) -> list[Any]:
        return found if isinstance(found, list) else [found]

    def refuse(self, node: Any) -> Exception:
        return not_differentiable(
            "CR303",
            self.frame.loc(node),
            "this `__next__` cannot be taken apart",
            label="leaves from inside a loop or `try`",
            help="write `__iter__` as a generator",
        )

    def visit_Return(self, node: Any) -> Any:
        """Yield the value, and go on with the next one."""
        if self.loops:
            raise self.refuse(node)
        given = gast.Expr(gast.Yield(node.value))
        out = [given, gast.Continue()]
        for part in (given.value, *out):
            gast.copy_location(part, node)
        return out

    def visit_Raise(self, node: Any) -> Any:
        """End where there is no next element."""
        error = node.exc.func if isinstance(node.exc, gast.Call) else node.exc
        if getattr(error, "id", None) != "StopIteration":
            return node
        return gast.copy_location(gast.Return(None), node)

    def visit_FunctionDef(self, node: Any) -> Any:
        """Leave the functions inside alone."""
        return node

    def inside(self, node: Any) -> Any:
        """Note that `continue` would mean another loop."""
        self.loops += 1
        self.generic_visit(node)
        self.loops -= 1
        return node

    visit_Lambda = visit_FunctionDef
    visit_For = visit_While = visit_Try = visit_With = inside
