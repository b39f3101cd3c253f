"""Built-in functions that take programs apart: `zip`, `map`, `sum`, `isinstance` ...

In: operands. Out: an operand, or `NotImplemented` to let the call be an ordinary
primitive. `SPECIAL` holds functions, `method` the methods of containers.
"""

from __future__ import annotations

import builtins
import collections
import copy
import functools
import itertools
import operator
import types
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import gast
import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise import (
    calls,
    choices,
    comprehensions,
    expressions,
    iterables,
    loops,
)
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import Restart, type_of
from chainrule.specialise.frames import CTL, NEXT, Context, Frame
from chainrule.specialise.joins import layout_of, make
from chainrule.specialise.values import (
    ArrayMethod,
    Closure,
    Generator,
    Instance,
    Items,
    Method,
    Streams,
)
from chainrule.types import lattice as lt

Args = list[Operand]
Kwargs = list[tuple[str, Operand]]
Special = Callable[[Context, Frame, Args, Kwargs], Any]
SPECIAL: dict[Any, Special] = {}


def special(*fns: Any) -> Callable[[Special], Special]:
    """Enter the treatment of a built-in."""

    def register(handler: Special) -> Special:
        SPECIAL.update(dict.fromkeys(fns, handler))
        return handler

    return register


def columns(ctx: Context, frame: Frame, ops: Args) -> tuple[list[Any], bool]:
    """Return how each operand is iterated, and whether all have known elements."""
    plans = [iterables.plan(ctx, frame, op) for op in ops]
    return plans, all(isinstance(p, list) for p in plans)


def streams(ctx: Context, ops: Args, plans: list[Any]) -> list[iterables.Plan]:
    """Return run-time iterables for all operands, those of known elements too."""
    out = []
    for op, plan in zip(ops, plans, strict=True):
        if isinstance(plan, list):
            if not isinstance(op, Value) or not iterables.alike(plan):
                items = iterables.elements_if_known(ctx, op, 10_000) or []
                if not iterables.alike(items):
                    raise not_differentiable(
                        "CR303", ctx.builder.loc, "unlike elements are iterated in step"
                    )
                op = ctx.builder.apply(prims.make_tuple, *items)
            plan = iterables.single(op)
        out.append(plan)
    return out


@special(zip)
def zip_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take iterables in step."""
    make = partial(ctx.builder.apply, prims.make_tuple)
    if not args:
        return Const(Items(()))
    plans, static = columns(ctx, frame, args)
    lengths = {len(p) for p in plans if isinstance(p, list)}
    if static:
        strict = any(
            k == "strict" and isinstance(v, Const) and v.value for k, v in kwargs
        )
        if strict and len(lengths) > 1:
            raise iterables.primal_error(ctx, "zip() arguments have different lengths")
        return Const(Items(tuple(make(*row) for row in zip(*plans, strict=False))))
    known = [
        p if isinstance(p, list) else iterables.elements_if_known(ctx, a, 64)
        for a, p in zip(args, plans, strict=True)
    ]
    if all(k is not None for k in known) and any(isinstance(p, list) for p in plans):
        rows = zip(*known, strict=False)
        return Const(Items(tuple(make(*row) for row in rows)))
    if any(isinstance(p, list) and not iterables.alike(p) for p in plans):
        known = _as_long_as(ctx, args, known)
        if all(k is not None for k in known):
            rows = zip(*known, strict=False)
            return Const(Items(tuple(make(*row) for row in rows)))
    parts = streams(ctx, args, plans)
    counts = [len(p.sources) for p in parts]

    def compose(elems: list[Operand]) -> Operand:
        row, start = [], 0
        for plan, count in zip(parts, counts, strict=True):
            row.append(plan.compose(elems[start : start + count]))
            start += count
        return make(*row)

    return Const(Streams(tuple(s for p in parts for s in p.sources), compose))


def _as_long_as(
    ctx: Context, args: Args, known: list[list[Operand] | None]
) -> list[list[Operand] | None]:
    """Take as many elements of arrays and lists as the operands of
    known length have.
    """
    b = ctx.builder
    count = min(len(items) for items in known if items is not None)
    out = []
    for op, items in zip(args, known, strict=True):
        if items is None and isinstance(type_of(op), lt.ArrayT | lt.ListT):
            first = b.getitem(op, slice(None, count))
            parts = b.apply(prims.unpack, first, Const(count))
            items = [b.getitem(parts, k) for k in range(count)]
        out.append(items)
    return out


@special(enumerate)
def enumerate_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Number the elements."""
    start = args[1] if len(args) > 1 else dict(kwargs).get("start", Const(0))
    plan = iterables.plan(ctx, frame, args[0])
    make = partial(ctx.builder.apply, prims.make_tuple)
    if isinstance(plan, list):
        if isinstance(start, Const):
            numbered = enumerate(plan, start.value)
            return Const(Items(tuple(make(Const(i), e) for i, e in numbered)))
        b = ctx.builder
        return Const(
            Items(
                tuple(
                    make(b.apply(operator.add, start, Const(i)), e)
                    for i, e in enumerate(plan)
                )
            )
        )
    count = ctx.builder.apply(itertools.count, start, type_=lt.OpaqueT(itertools.count))
    return Const(
        Streams(
            (count, *plan.sources),
            lambda elems: make(elems[0], plan.compose(elems[1:])),
        )
    )


@special(reversed)
def reversed_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Run backwards."""
    op = args[0]
    if isinstance(op, Const) and isinstance(op.value, range):
        return Const(op.value[::-1])
    plan = iterables.plan(ctx, frame, op)
    if isinstance(plan, list):
        return Const(Items(tuple(reversed(plan))))
    if isinstance(op, Value):
        t = type_of(op)
        if isinstance(t, lt.ArrayT):
            return ctx.builder.getitem(op, slice(None, None, -1))
        if isinstance(t, lt.ListT) and t.items is not None:
            return ctx.builder.apply(
                prims.make_list, *reversed(ctx.builder.elements(op) or [])
            )
        return ctx.builder.apply(reversed, op, type_=_reversed_type(t))
    raise iterables.not_iterable(ctx, op)


def _reversed_type(t: lt.Type) -> lt.Type:
    return lt.RangeT() if isinstance(t, lt.RangeT) else t


@special(range)
def range_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Count."""
    if all(isinstance(a, Const) for a in args):
        try:
            return Const(range(*(a.value for a in args)))  # type: ignore[union-attr]
        except (TypeError, ValueError) as error:
            raise iterables.primal_error(ctx, str(error)) from None
    return ctx.builder.apply(range, *args, type_=lt.RangeT())


@special(map)
def map_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Call a function on every element, in order."""
    return _per_element(ctx, frame, args[0], args[1:])


@special(itertools.starmap)
def starmap(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Call a function on every tuple of arguments."""
    rows = comprehensions.static_items(ctx, frame, args[1])
    if rows is None:
        raise not_differentiable(
            "CR303", ctx.builder.loc, "starmap over unknown elements"
        )
    out = [
        calls.call(ctx, frame, args[0], ctx.builder.elements(row) or [], [])
        for row in rows
    ]
    return Const(Items(tuple(out)))


def _per_element(ctx: Context, frame: Frame, fn: Operand, sources: Args) -> Operand:
    row_source = sources[0] if len(sources) == 1 else zip_(ctx, frame, sources, [])
    plan = iterables.plan(ctx, frame, row_source)

    def one(element: Operand) -> Operand:
        args = [element] if len(sources) == 1 else ctx.builder.elements(element) or []
        return calls.call(ctx, frame, fn, args, [])

    if isinstance(plan, list):
        return Const(Items(tuple(one(e) for e in plan)))
    return Const(Streams(plan.sources, lambda elems: one(plan.compose(elems))))


def _is_none(op: Operand) -> bool:
    return isinstance(op, Const) and op.value is None


@special(list)
def list_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a list."""
    return _sequence(ctx, frame, args, prims.make_list)


@special(tuple)
def tuple_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a tuple."""
    return _sequence(ctx, frame, args, prims.make_tuple)


def _sequence(ctx: Context, frame: Frame, args: Args, maker: Callable[..., Any]) -> Any:
    if not args:
        return ctx.builder.apply(maker)
    items = comprehensions.static_items(ctx, frame, args[0])
    if items is not None:
        return ctx.builder.apply(maker, *items)
    t = type_of(args[0])
    if isinstance(t, lt.ListT) and maker is prims.make_list:
        return args[0]
    return listed(ctx, frame, args[0])


def listed(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Run an iterable of unknown length into a list."""
    scope = Frame(
        None, frame.file, frame.name, frame.globals, parent=frame, env={CTL: NEXT}
    )
    empty = ctx.builder.apply(prims.make_list, type_=lt.ListT(None, None))
    scope.env["$list"] = empty

    def bind(item: Operand) -> None:
        scope.env["$list"] = comprehensions.append(ctx, scope.env["$list"], item)

    node = SimpleNamespace(body=[], orelse=[])
    loops.loop(ctx, scope, node, op, bind, lambda: None, ["$list"])
    return scope.env["$list"]


@special(sum)
def sum_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Add up, from the left, beginning with 0, as Python does."""
    start = args[1] if len(args) > 1 else dict(kwargs).get("start", Const(0))
    return fold(ctx, frame, args[0], start, lambda a, e: _add(ctx, frame, a, e))


def _add(ctx: Context, frame: Frame, total: Operand, element: Operand) -> Operand:
    if isinstance(total, Const) and type(total.value) is int and total.value == 0:
        if isinstance(type_of(element), lt.ScalarT | lt.ArrayT):
            return element
    return expressions.binary(ctx, frame, operator.add, total, element)


def fold(
    ctx: Context,
    frame: Frame,
    iterable: Operand,
    start: Operand,
    step: Callable[[Operand, Operand], Operand],
) -> Operand:
    """Combine the elements of an iterable from the left."""
    if isinstance(iterable, Const) and isinstance(iterable.value, Generator):
        return _fold_generator(ctx, frame, iterable.value, start, step)
    items = None
    plan = iterables.plan(ctx, frame, iterable)
    if isinstance(plan, list):
        items = plan
    if items is not None:
        for item in items:
            start = step(start, item)
        return start
    scope = Frame(
        None, frame.file, frame.name, frame.globals, parent=frame, env={CTL: NEXT}
    )
    scope.env["total"] = start

    def bind(item: Operand) -> None:
        scope.env["total"] = _hinted(step(scope.env["total"], item), "total")

    node = SimpleNamespace(body=[], orelse=[])
    loops.loop(ctx, scope, node, iterable, bind, lambda: None, ["total"])
    return scope.env["total"]


def _hinted(op: Operand, hint: str) -> Operand:
    if isinstance(op, Value) and op.hint is None:
        op.hint = hint
    return op


def _fold_generator(
    ctx: Context,
    frame: Frame,
    generator: Generator,
    start: Operand,
    step: Callable[[Operand, Operand], Operand],
) -> Operand:
    iterables.consume(ctx, generator)
    node = generator.tree
    items = comprehensions.unrolled(
        ctx,
        generator.frame,
        node,
        lambda f: expressions.evaluate(ctx, f, node.elt),
    )
    if items is not None:
        for item in items:
            start = step(start, item)
        return start
    scope = comprehensions.inner(generator.frame, node)
    scope.env["total"] = start

    def add() -> None:
        element = expressions.evaluate(ctx, scope, node.elt)
        scope.env["total"] = _hinted(step(scope.env["total"], element), "total")

    comprehensions.run_generators(ctx, generator.frame, scope, node, add, ["total"])
    return scope.env["total"]


@special(functools.reduce)
def reduce_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Combine elements with a function of two arguments."""

    def step(total: Operand, element: Operand) -> Operand:
        return calls.call(ctx, frame, args[0], [total, element], [])

    if len(args) > 2:
        return fold(ctx, frame, args[1], args[2], step)
    items = comprehensions.static_items(ctx, frame, args[1])
    if items is not None:
        if not items:
            raise iterables.primal_error(ctx, "reduce() of empty iterable")
        total = items[0]
        for item in items[1:]:
            total = step(total, item)
        return total
    rest = ctx.builder.getitem(args[1], slice(1, None))
    return fold(ctx, frame, rest, ctx.builder.getitem(args[1], 0), step)


def _logic(fn: Callable[..., Any], stop_on: bool) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        if isinstance(type_of(args[0]), lt.ArrayT):
            return NotImplemented
        items = comprehensions.static_items(ctx, frame, args[0])
        if items is None:
            return ctx.builder.apply(fn, listed(ctx, frame, args[0]), type_=lt.BOOL)
        result: Operand = Const(not stop_on)
        for item in items:
            result = expressions.short_circuit(
                ctx,
                frame,
                result,
                stop_on,
                partial(expressions.truth, ctx, frame, item),
            )
        return result

    return handler


SPECIAL[any] = _logic(any, True)
SPECIAL[all] = _logic(all, False)


def _extreme(fn: Callable[..., Any]) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        named = dict(kwargs)
        key, default = named.get("key"), named.get("default")
        if len(args) == 1:
            if isinstance(type_of(args[0]), lt.ArrayT):
                return NotImplemented
            items = comprehensions.static_items(ctx, frame, args[0])
            if items is None:
                return _extreme_of_list(ctx, frame, fn, args[0], key)
            if not items and default is not None:
                return default
        else:
            items = args
        if not items:
            raise iterables.primal_error(
                ctx, f"{fn.__name__}() arg is an empty sequence"
            )
        if key is not None and not _is_none(key):
            return _by_key(ctx, frame, fn, items, key)
        if len(items) == 1:
            return items[0]
        if any(isinstance(type_of(item), lt.TupleT | lt.ListT) for item in items):
            return _by_key(ctx, frame, fn, items, Const(_identity))
        return ctx.builder.apply(fn, *items, text=fn.__name__)

    return handler


def _extreme_of_list(
    ctx: Context, frame: Frame, fn: Callable[..., Any], op: Operand, key: Operand | None
) -> Operand:
    if isinstance(op, Const):
        op = listed(ctx, frame, op)
    if isinstance(lt.element_type(type_of(op)), lt.TupleT) and (
        key is None or _is_none(key)
    ):
        key = Const(_identity)
    if key is not None and not _is_none(key):
        return _extreme_by_key(ctx, frame, fn, op, key)
    rest = ctx.builder.getitem(op, slice(1, None))
    step = partial(ctx.builder.apply, fn, text=fn.__name__)
    return fold(ctx, frame, rest, ctx.builder.getitem(op, 0), step)


def _extreme_by_key(
    ctx: Context, frame: Frame, fn: Callable[..., Any], op: Operand, key: Operand
) -> Operand:
    b = ctx.builder
    first = b.getitem(op, 0)
    start = b.apply(prims.make_tuple, first, calls.call(ctx, frame, key, [first], []))

    def step(best: Operand, item: Operand) -> Operand:
        found = b.apply(prims.make_tuple, item, calls.call(ctx, frame, key, [item], []))
        better = gast.Gt() if fn is max else gast.Lt()
        test = expressions.compare(
            ctx, frame, better, b.getitem(found, 1), b.getitem(best, 1)
        )
        return expressions.branch(ctx, frame, test, lambda: found, lambda: best)

    rest = b.getitem(op, slice(1, None))
    return b.getitem(fold(ctx, frame, rest, start, step), 0)


def _by_key(
    ctx: Context, frame: Frame, fn: Callable[..., Any], items: Args, key: Operand
) -> Operand:
    best = items[0]
    score = calls.call(ctx, frame, key, [best], [])
    better = gast.Gt() if fn is max else gast.Lt()
    for item in items[1:]:
        other = calls.call(ctx, frame, key, [item], [])
        test = expressions.compare(ctx, frame, better, other, score)
        if isinstance(test, Const):
            best, score = (item, other) if test.value else (best, score)
            continue
        pair = expressions.branch(
            ctx,
            frame,
            test,
            partial(ctx.builder.apply, prims.make_tuple, item, other),
            partial(ctx.builder.apply, prims.make_tuple, best, score),
        )
        best, score = ctx.builder.elements(pair) or []
    return best


SPECIAL[max] = _extreme(max)
SPECIAL[min] = _extreme(min)


@special(len)
def len_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Count elements; known for everything built in the program."""
    op = args[0]
    if isinstance(op, Const) and isinstance(op.value, Items):
        return Const(len(op.value.items))
    if isinstance(type_of(op), lt.ObjT):
        return calls.call(ctx, frame, attribute(ctx, frame, op, "__len__"), [], [])
    fields = ctx.builder.fields(op)
    if fields is not None:
        return Const(len(fields))
    elements = ctx.builder.elements(op)
    return NotImplemented if elements is None else Const(len(elements))


@special(dict, collections.OrderedDict)
def dict_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a dict with known keys."""
    fields: dict[Any, Operand] = {}
    if args:
        found = ctx.builder.fields(args[0])
        if found is None:
            rows = comprehensions.static_items(ctx, frame, args[0])
            if rows is None:
                raise not_differentiable(
                    "CR502", ctx.builder.loc, "the keys must be known"
                )
            pairs = [ctx.builder.elements(row) or [] for row in rows]
            found = {expressions.static_key(ctx, frame, None, k): v for k, v in pairs}
        fields.update(found)
    fields.update(kwargs)
    return expressions.make_dict(ctx, fields)


@special(set, frozenset)
def set_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make a set of constants."""
    items = comprehensions.static_items(ctx, frame, args[0]) if args else []
    if items is None or not all(isinstance(i, Const) for i in items):
        raise not_differentiable(
            "CR505", ctx.builder.loc, "a set of computed values has no derivative"
        )
    return Const(frozenset(i.value for i in items))  # type: ignore[union-attr]


@special(isinstance)
def isinstance_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Answer from the type, or ask at run time."""
    op, classes = args
    t = type_of(op)
    if isinstance(op, Const):
        if isinstance(op.value, Closure | Method | ArrayMethod):
            return Const(False)
        if isinstance(op.value, Instance) and isinstance(classes, Const):
            return Const(issubclass(op.value.cls, _classes(classes.value)))
        return NotImplemented
    if isinstance(t, lt.ObjT | lt.TupleT | lt.DictT) and isinstance(classes, Const):
        return Const(issubclass(t.cls, _classes(classes.value)))
    if isinstance(t, lt.ListT) and isinstance(classes, Const):
        return Const(issubclass(list, _classes(classes.value)))
    return NotImplemented


def _classes(value: Any) -> Any:
    return value.__args__ if isinstance(value, types.UnionType) else value


@special(getattr)
def getattr_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Read an attribute whose name is known."""
    name = args[1]
    if not isinstance(name, Const):
        raise not_differentiable(
            "CR502", ctx.builder.loc, "the attribute's name must be known"
        )
    if len(args) == 3 and not _has(args[0], name.value):
        return args[2]
    return attribute(ctx, frame, args[0], name.value)


@special(hasattr)
def hasattr_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Answer from the type."""
    name = args[1]
    if not isinstance(name, Const):
        return NotImplemented
    return Const(_has(args[0], name.value))


def _has(op: Operand, name: str) -> bool:
    if isinstance(op, Const):
        return hasattr(op.value, name)
    match type_of(op):
        case lt.ArrayT():
            return hasattr(np.ndarray, name)
        case lt.ScalarT(dtype=None, kind=kind):
            return hasattr(getattr(builtins, kind), name)
        case lt.ScalarT(dtype=dtype) if dtype is not None:
            return hasattr(dtype.type, name)
        case lt.ObjT(cls=cls, attrs=pairs):
            return name in dict(pairs) or hasattr(cls, name)
        case lt.TupleT(cls=cls) | lt.DictT(cls=cls) | lt.OpaqueT(cls=cls):
            return hasattr(cls, name)
        case lt.ListT():
            return hasattr(list, name)
    return False


@special(callable)
def callable_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Answer from the type."""
    op = args[0]
    if isinstance(op, Const):
        if isinstance(op.value, Closure | Method | ArrayMethod):
            return Const(True)
        return Const(callable(op.value))
    t = type_of(op)
    classes = t.cls.__mro__ if isinstance(t, lt.ObjT) else ()
    return Const(any("__call__" in vars(cls) for cls in classes))


@special(iter)
def iter_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Iterate; the iterable itself serves where it is consumed once."""
    items = comprehensions.static_items(ctx, frame, args[0])
    return args[0] if items is None else Const(Items(tuple(items)))


@special(next)
def next_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take the first element of a generator expression."""
    op = args[0]
    if isinstance(op, Const) and isinstance(op.value, Generator):
        items = comprehensions.static_items(ctx, frame, op)
        if items:
            return items[0]
        if items is not None and len(args) > 1:
            return args[1]
    raise not_differentiable(
        "CR303", ctx.builder.loc, "next() is not supported", help="use a for loop"
    )


@special(copy.copy, copy.deepcopy)
def copy_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Copy; values are never written here, so containers need no copy."""
    if isinstance(type_of(args[0]), lt.ArrayT):
        return ctx.builder.apply(np.copy, args[0])
    return args[0]


@special(itertools.chain)
def chain_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Join iterables whose elements are known."""
    return _spread(ctx, frame, args)


def _spread(ctx: Context, frame: Frame, args: Args) -> Operand:
    known = [comprehensions.static_items(ctx, frame, op) for op in args]
    if all(items is not None for items in known):
        return Const(Items(tuple(i for items in known for i in items or ())))
    total = listed(ctx, frame, args[0])
    for op in args[1:]:
        total = ctx.builder.apply(operator.add, total, listed(ctx, frame, op))
    return total


@special(itertools.chain.from_iterable)
def chain_from(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Join the iterables in an iterable."""
    parts = comprehensions.static_items(ctx, frame, args[0])
    if parts is not None:
        return _spread(ctx, frame, parts)
    empty = ctx.builder.apply(prims.make_list, type_=lt.ListT(None, None))

    def join(total: Operand, element: Operand) -> Operand:
        return ctx.builder.apply(operator.add, total, listed(ctx, frame, element))

    return fold(ctx, frame, args[0], empty, join)


def _combinatoric(fn: Callable[..., Any]) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        """Run a function of `itertools` on elements that are known one by one."""
        rows = []
        for op in args:
            items = None
            if not isinstance(type_of(op), lt.ScalarT | lt.OpaqueT) or isinstance(
                op, Const
            ):
                if not (
                    isinstance(op, Const) and isinstance(op.value, int | type(None))
                ):
                    items = comprehensions.static_items(ctx, frame, op)
            if items is not None:
                rows.append(items)
            elif isinstance(op, Const):
                rows.append(op.value)
            else:
                chosen = choices.by_position(ctx, frame, fn, args, kwargs)
                if chosen is not None:
                    return chosen
                raise _unknown_elements(ctx, fn, op)
        named = {k: v.value for k, v in kwargs if isinstance(v, Const)}
        found = list(itertools.islice(fn(*rows, **named), 10_000))
        make = partial(ctx.builder.apply, prims.make_tuple)
        return Const(
            Items(tuple(make(*e) if isinstance(e, tuple) else e for e in found))
        )

    return handler


def _unknown_elements(ctx: Context, fn: Callable[..., Any], op: Operand) -> Exception:
    root = ctx.builder.root(op)
    if root is None and isinstance(op, Value):
        stmt = ctx.builder.defs.get(op)
        for arg in stmt.args if stmt else ():
            root = root or ctx.builder.root(arg)
    if root is not None:
        return Restart(root, "elements", ctx.builder.loc)
    return not_differentiable(
        "CR502",
        ctx.builder.loc,
        f"itertools.{fn.__name__}() needs elements known beforehand",
    )


@special(itertools.islice)
def islice(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take a slice of an iterable of any length."""
    items = comprehensions.static_items(ctx, frame, args[0])
    index = ctx.builder.apply(slice, *args[1:])
    if items is not None and isinstance(index, Const):
        return Const(Items(tuple(items[index.value])))
    whole = args[0]
    if not isinstance(type_of(whole), lt.ArrayT):
        whole = listed(ctx, frame, whole)
    return ctx.builder.apply(operator.getitem, whole, index)


@special(itertools.pairwise)
def pairwise(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Take neighbours: a list in step with the list from its second element on."""
    items = comprehensions.static_items(ctx, frame, args[0])
    if items is not None:
        rows = zip(items, items[1:], strict=False)
        return Const(
            Items(tuple(ctx.builder.apply(prims.make_tuple, *row) for row in rows))
        )
    whole = args[0]
    if not isinstance(type_of(whole), lt.ArrayT):
        whole = listed(ctx, frame, whole)
    return zip_(ctx, frame, [whole, ctx.builder.getitem(whole, slice(1, None))], [])


COMBINATORIC: tuple[Callable[..., Any], ...] = (
    itertools.product,
    itertools.combinations,
    itertools.permutations,
    itertools.combinations_with_replacement,
    itertools.repeat,
    itertools.zip_longest,
)
SPECIAL.update({fn: _combinatoric(fn) for fn in COMBINATORIC})


@special(itertools.accumulate)
def accumulate(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return running totals of elements that are known one by one."""
    items = comprehensions.static_items(ctx, frame, args[0])
    named = dict(kwargs)
    fn = args[1] if len(args) > 1 else named.get("func", Const(operator.add))
    initial = named.get("initial")
    if items is None:
        return _accumulated(ctx, frame, fn, args[0], initial)
    out = [] if initial is None else [initial]
    for item in items:
        out.append(item if not out else calls.call(ctx, frame, fn, [out[-1], item], []))
    return Const(Items(tuple(out)))


@special(np.fromiter)
def fromiter(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Make an array of what an iterable yields."""
    named = dict(kwargs)
    dtype = args[1] if len(args) > 1 else named.get("dtype")
    if dtype is None or set(named) - {"dtype"} or len(args) > 2:
        return NotImplemented
    items = _sequence(ctx, frame, args[:1], prims.make_list)
    return ctx.builder.apply(np.array, items, kwargs=(("dtype", dtype),))


def _accumulated(
    ctx: Context, frame: Frame, fn: Operand, op: Operand, initial: Operand | None
) -> Operand:
    """Write a loop that appends running totals to a list."""
    b = ctx.builder
    if not isinstance(type_of(op), lt.ArrayT):
        op = listed(ctx, frame, op)
    if initial is None:
        first = b.getitem(op, slice(None, 1))  # empty where there is no element
        start = listed(ctx, frame, first)
        op = b.getitem(op, slice(1, None))
    else:
        start = b.apply(prims.make_list, initial)

    def step(done: Operand, item: Operand) -> Operand:
        total = calls.call(ctx, frame, fn, [b.getitem(done, -1), item], [])
        return comprehensions.append(ctx, done, total)

    return fold(ctx, frame, op, start, step)


def _operator(fn: Callable[..., Any]) -> Special:
    def handler(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
        if len(args) != 2:
            return NotImplemented
        return expressions.binary(ctx, frame, fn, *args)

    return handler


SPECIAL.update({fn: _operator(fn) for fn in expressions.BINARY.values()})


@special(functools.partial)
def partial_(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Fill in arguments."""
    return Const(Method(args[0], tuple(args[1:]), tuple(kwargs)))


@special(functools.lru_cache, functools.cache)
def decorator(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Decorators that do not change what a pure function computes."""
    if len(args) == 1 and isinstance(args[0], Const) and callable(args[0].value):
        return args[0]
    if (
        len(args) == 1
        and isinstance(args[0], Const)
        and isinstance(args[0].value, Closure)
    ):
        return args[0]
    return Const(Method(Const(_identity)))


@special(functools.wraps)
def wraps(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the decorator that copies names, and changes nothing else."""
    return Const(Method(Const(_identity)))


def _identity(function: Any) -> Any:
    return function


@special(_identity)
def identity(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the decorated function itself."""
    return args[0]


def method(
    ctx: Context, frame: Frame, base: Operand, name: str, args: Args, kwargs: Kwargs
) -> Any:
    """Call a method of a tuple, list or dict; `NotImplemented` for other objects."""
    b = ctx.builder
    fields = b.fields(base)
    if fields is not None:
        return _dict_method(ctx, frame, fields, base, name, args)
    t = type_of(base)
    if isinstance(t, lt.ListT) and name == "copy":
        return base
    if isinstance(t, lt.TupleT) and name == "_replace":
        parts = dict(zip(t.cls._fields, b.elements(base) or [], strict=True))  # type: ignore[attr-defined]
        parts.update(kwargs)
        layout = layout_of(base)
        assert layout is not None
        return make(b, layout, list(parts.values()))
    if isinstance(t, lt.TupleT) and name == "_asdict":
        names = t.cls._fields  # type: ignore[attr-defined]
        return expressions.make_dict(
            ctx, dict(zip(names, b.elements(base) or [], strict=True))
        )
    if isinstance(t, lt.ListT) and t.items is None and name in ("index", "count"):
        return _position(ctx, base, name, args)
    elements = None if isinstance(base, Const) else b.elements(base)
    if elements is not None and name in ("index", "count"):
        if all(isinstance(e, Const) for e in (*elements, *args)):
            values = [e.value for e in elements]  # type: ignore[union-attr]
            try:
                return Const(getattr(values, name)(*(a.value for a in args)))  # type: ignore[union-attr]
            except ValueError as error:
                raise iterables.primal_error(ctx, str(error)) from None
        if isinstance(t, lt.ListT):
            return _position(ctx, base, name, args)
    return NotImplemented


def _position(ctx: Context, base: Operand, name: str, args: Args) -> Operand:
    """Search a list at run time."""
    fn = getattr(list, name)
    return ctx.builder.apply(
        fn, base, *args, form="method", text=name, effect=True, type_=lt.INT
    )


def _dict_method(
    ctx: Context,
    frame: Frame,
    fields: dict[Any, Operand],
    base: Operand,
    name: str,
    args: Args,
) -> Any:
    b = ctx.builder
    if name == "keys":
        return Const(Items(tuple(Const(k) for k in fields), view=True))
    if name == "values":
        return Const(Items(tuple(fields.values()), view=True))
    if name == "items":
        rows = (b.apply(prims.make_tuple, Const(k), v) for k, v in fields.items())
        return Const(Items(tuple(rows), view=True))
    if name == "copy":
        return base
    if name == "get":
        key = expressions.static_key(ctx, frame, None, args[0])
        if key in fields:
            return fields[key]
        return args[1] if len(args) > 1 else Const(None)
    return NotImplemented
