"""Iterators as objects: what `next` steps through, or what is run over in two places.

In: the call that makes an iterator. Out: an object of a class of `iterator_models`, if
the iterator is one that the program steps through, or is made of one. That `next` is
called is known only later: then all begins again (`Stepwise`), and iterators made at
this place of the program are objects from the start.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import gast

from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Loc, Operand, Value
from chainrule.specialise import (
    calls,
    comprehensions,
    construct,
    exhaustion,
    folds,
    frames,
    generators,
    generators_in_steps,
    iterators,
    objects,
    recursion,
    set_model,
    stand_ins,
)
from chainrule.specialise import iterator_models as models
from chainrule.specialise import models as containers
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import (
    Closure,
    Generated,
    Generator,
    Items,
    Streams,
    is_const,
)
from chainrule.types import lattice as lt

LAZY = (Items, Streams, Generator, Generated)
Kwargs = Sequence[tuple[str, Operand]]


class Stepwise(Exception):
    """`next` is called on what was made here: begin again with an object there."""

    def __init__(self, site: Loc) -> None:
        super().__init__(site)
        self.site = site


def made(ctx: Context, op: Operand) -> Operand:
    """Note where an iterator was made."""
    if is_const(op, LAZY) and ctx.builder.loc is not None and not ctx.splicing:
        ctx.sites.setdefault(id(op.value), (op.value, ctx.builder.loc))
    return op


def begin_again(ctx: Context, op: Operand) -> Exception:
    """Return what makes an object of an iterator that `next` steps through."""
    if isinstance(op, Const):
        _, site = ctx.sites.get(id(op.value), (None, None))
    else:
        site = op.loc if isinstance(op, Value) else None
    if site is not None and site not in ctx.stepped:
        return Stepwise(site)
    return not_differentiable(
        "CR303", ctx.builder.loc, "next() is not supported", help="use a for loop"
    )


def is_stepper(op: Operand) -> bool:
    """Say whether an operand is one of the objects that are made here."""
    t = type_of(op)
    return isinstance(t, lt.ObjT) and issubclass(t.cls, models.Iterator)


def _is_listed(op: Operand) -> bool:
    t = type_of(op)
    return isinstance(t, lt.ObjT) and t.cls is set_model.Listed


def begins(ctx: Context, frame: Frame, op: Operand) -> bool:
    """Say whether an operand steps through a sequence, and has not begun."""
    t = type_of(op)
    if not (isinstance(t, lt.ObjT) and t.cls is models.Elements):
        return False
    place = attribute(ctx, frame, op, "place")
    return isinstance(place, Const) and place.value == 0


def call(
    ctx: Context, frame: Frame, fn: Any, args: Sequence[Operand], kwargs: Kwargs
) -> Operand | None:
    """Make an object of the iterator that a call makes, if it is to be one."""
    if fn in (sorted, len) and len(args) == 1 and not kwargs and _is_listed(args[0]):
        items = attribute(ctx, frame, args[0], "items")
        return calls.call(ctx, frame, Const(fn), [items], [])
    if fn is iter and len(args) == 1 and is_stepper(args[0]):
        return args[0]
    model = stand_ins.STEPPING.get(fn) if isinstance(fn, type) else None
    if model is None or kwargs or (ctx.builder.loc is None or ctx.splicing):
        return None
    wanted = ctx.builder.loc in ctx.stepped or any(map(is_stepper, args))
    if not wanted or (fn is itertools.islice and not _from_start(args)):
        return None
    first = {map: 1}.get(fn, 0)
    last = len(args) if fn is zip else first + 1
    source = listed if fn in (itertools.cycle, reversed) else iterator
    given = list(args)
    if fn is zip and sum(map(is_stepper, args)) < 2:
        model = models.Apart
    if fn not in (itertools.count, itertools.repeat):
        given[first:last] = [source(ctx, frame, a) for a in args[first:last]]
    return _object(ctx, frame, model, given)


def _from_start(args: Sequence[Operand]) -> bool:
    return len(args) == 2 and isinstance(type_of(args[1]), lt.ScalarT)


def iterator(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return an object that steps through an iterable."""
    if is_stepper(op):
        return op
    if is_const(op, Generated) and op.value.key is containers.cycle:
        raise begin_again(ctx, op)
    if is_const(op, Generated):
        return of_generator(ctx, frame, op)
    if is_const(op, Generator) and len(op.value.tree.generators) == 1:
        return of_expression(ctx, frame, op)
    return _object(ctx, frame, models.Elements, [listed(ctx, frame, op)])


def listed(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return a sequence of the elements of an iterable."""
    kinds = lt.ArrayT | lt.ListT | lt.TupleT | lt.RangeT
    if isinstance(type_of(op), kinds) or is_const(op, (range, tuple, list, str)):
        return op
    items = comprehensions.static_items(ctx, frame, op)
    if items is not None:
        return ctx.builder.apply(prims.make_list, *items)
    return folds.listed(ctx, frame, op)


def _object(ctx: Context, frame: Frame, model: Any, args: list[Operand]) -> Operand:
    return construct.initialise(ctx, frame, model, model.__init__, {}, args, [])


def instead(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Return an object in place of an iterator made here, if it is to be one."""
    if is_const(op, LAZY) and ctx.builder.loc in ctx.stepped and not ctx.splicing:
        return iterator(ctx, frame, op)
    return made(ctx, op)


def at_once(
    ctx: Context, frame: Frame, op: Operand, run: Callable[[Operand], None]
) -> bool:
    """Run over all that is left of a sequence, if the loop does not step through it."""
    t, b = type_of(op), ctx.builder
    if not (isinstance(t, lt.ObjT) and t.cls is models.Elements):
        return False
    place, items = (attribute(ctx, frame, op, n) for n in ("place", "items"))
    if not isinstance(place, Const):
        return False
    mark, start = len(b.block.stmts), frames.here(ctx, frame)
    before = b.memory.current(op)
    try:
        run(b.getitem(items, slice(place.value, None)) if place.value else items)
        same = b.memory.current(items) is items and b.memory.current(op) is before
    except NotDifferentiable:
        same = False
    if same:
        count = calls.call(ctx, frame, Const(len), [items], [])
        objects.set_attribute(ctx, frame, op, "place", count)
        return True
    del b.block.stmts[mark:]
    frames.resume(ctx, frame, start)
    return False


def of_expression(ctx: Context, frame: Frame, op: Const) -> Operand:
    """Return an object that steps through a generator expression."""
    exhaustion.consume(ctx, op.value)
    inner: Frame = op.value.frame
    [each] = op.value.tree.generators
    source = iterator(ctx, frame, inner.env[comprehensions.SOURCE])
    for test in each.ifs:
        keep = _function_of(inner, each.target, test)
        source = _object(ctx, frame, models.Filter, [keep, source])
    value = _function_of(inner, each.target, op.value.tree.elt)
    return _object(ctx, frame, models.Map, [value, source])


def _function_of(frame: Frame, target: Any, value: Any) -> Const:
    """Return the function of an element that an expression is."""
    made = gast.ast_to_gast(ast.parse(ELEMENT)).body[0]
    made.body[0].targets = [target]
    made.body[1].value = value
    for node in gast.walk(made):
        if not hasattr(node, "lineno"):
            gast.copy_location(node, value)
    return Const(Closure(made, frame, name="<genexpr>"))


ELEMENT = """
def element(item):
    target = item
    return value
"""


def of_generator(ctx: Context, frame: Frame, op: Const) -> Operand:
    """Return an object that steps through what a generator yields.

    One without end that yields at one place becomes a function that runs up to there;
    of another the elements are computed ahead, if nobody can tell.
    """
    inner: Frame = op.value.frame
    tree = generators_in_steps.up_to_yield(inner.tree)
    if tree is not None:
        generators.begin(ctx, op.value)
        around = copy.copy(inner)
        around.tree, around.env = tree, dict(inner.env)
        around.locals = frames.local_names(tree)
        step = recursion.enter(ctx, around, op.value.key)
        return _object(ctx, frame, models.Stepped, [step])
    items, steady = iterators.beforehand(ctx, frame, op, one_by_one=True)
    for item in ctx.builder.elements(items) or [items]:
        if steady:
            ctx.builder.memory.frozen[item] = list(steady)  # type: ignore[index]
    return _object(ctx, frame, models.Elements, [items])
