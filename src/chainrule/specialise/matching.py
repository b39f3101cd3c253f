"""The `match` statement: each case is a test and some bindings.

In: the statement. Out: the variables after it. What the type of the subject decides is
decided now; the rest becomes a chain of `If`.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gast

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import comparisons, displays, expressions, statements
from chainrule.specialise.attributes import attribute
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.stand_ins import real_class
from chainrule.specialise.values import Maybe, is_const
from chainrule.types import lattice as lt

Bindings = list[tuple[str, Operand | Callable[[], Operand]]]


def match(ctx: Context, frame: Frame, node: Any) -> None:
    """Interpret a `match` statement."""
    subject = expressions.evaluate(ctx, frame, node.subject)
    if not is_const(subject, Maybe):
        _case(ctx, frame, node.cases, subject)
        return
    absent, there = subject.value.absent, subject.value.there
    statements.either(
        ctx,
        frame,
        absent,
        lambda: _case(ctx, frame, node.cases, Const(None)),
        lambda: _case(ctx, frame, node.cases, ctx.builder.memory.current(there)),
    )


def _case(ctx: Context, frame: Frame, cases: list[Any], subject: Operand) -> None:
    if not cases:
        return
    case, rest = cases[0], cases[1:]
    bindings: Bindings = []
    test = pattern(ctx, frame, case.pattern, subject, bindings)

    def bind() -> None:
        for name, value in bindings:
            frame.env[name] = value() if callable(value) else value

    if case.guard is not None:

        def guard() -> Operand:
            bind()
            return expressions.truth(
                ctx, frame, expressions.evaluate(ctx, frame, case.guard)
            )

        test = expressions.short_circuit(ctx, frame, test, False, guard)

    def body() -> None:
        bind()
        statements.block(ctx, frame, case.body)

    if isinstance(test, Const):
        if test.value:
            body()
        else:
            _case(ctx, frame, rest, subject)
        return
    statements.either(ctx, frame, test, body, lambda: _case(ctx, frame, rest, subject))


def pattern(
    ctx: Context, frame: Frame, node: Any, subject: Operand, bindings: Bindings
) -> Operand:
    """Return the test that a pattern stands for; collect what it binds."""
    handler = HANDLERS.get(type(node).__name__)
    if handler is None:
        raise not_differentiable(
            "CR101",
            frame.loc(node),
            f"{type(node).__name__} patterns are not supported",
        )
    return handler(ctx, frame, node, subject, bindings)


def _all(ctx: Context, frame: Frame, tests: Sequence[Callable[[], Operand]]) -> Operand:
    result: Operand = Const(True)
    for test in tests:
        result = expressions.short_circuit(ctx, frame, result, False, test)
    return result


def _value(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    value = expressions.evaluate(ctx, frame, node.value)
    if isinstance(value, Const) and isinstance(value.value, str):
        if isinstance(type_of(subject), lt.ScalarT | lt.ArrayT | lt.TupleT | lt.ObjT):
            return Const(False)
    return comparisons.compare(ctx, frame, gast.Eq(), subject, value)


def _singleton(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    return comparisons.compare(ctx, frame, gast.Is(), subject, Const(node.value))


def _as(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    test: Operand = Const(True)
    if node.pattern is not None:
        test = pattern(ctx, frame, node.pattern, subject, out)
    if node.name is not None:
        out.append((node.name, subject))
    return test


def _or(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    result: Operand = Const(False)
    for option in node.patterns:
        result = expressions.short_circuit(
            ctx,
            frame,
            result,
            True,
            partial(pattern, ctx, frame, option, subject, out),
        )
    return result


def _sequence(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    items = ctx.builder.elements(subject)
    if items is None:
        return _of_any_length(ctx, frame, node, subject, out)
    patterns = node.patterns
    star = next(
        (k for k, p in enumerate(patterns) if type(p).__name__ == "MatchStar"), None
    )
    if star is None:
        if len(items) != len(patterns):
            return Const(False)
        pairs = list(zip(patterns, items, strict=True))
    else:
        after = len(patterns) - star - 1
        if len(items) < len(patterns) - 1:
            return Const(False)
        stop = len(items) - after
        if patterns[star].name is not None:
            middle = ctx.builder.apply(prims.make_list, *items[star:stop])
            out.append((patterns[star].name, middle))
        pairs = list(zip(patterns[:star], items[:star], strict=True))
        pairs += list(zip(patterns[star + 1 :], items[stop:], strict=True))
    tests = [partial(pattern, ctx, frame, p, i, out) for p, i in pairs]
    return _all(ctx, frame, tests)


def _of_any_length(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    """Match a list of which only the run knows the length."""
    t, b = type_of(subject), ctx.builder
    if not isinstance(t, lt.ListT):
        _refuse_other(ctx, frame, node, subject, collections.abc.Sequence)
        return Const(False)
    stars = [k for k, p in enumerate(node.patterns) if type(p).__name__ == "MatchStar"]
    count, after = len(node.patterns), len(node.patterns)
    relation: Any = gast.Eq()
    if stars:
        count, after, relation = count - 1, stars[0], gast.GtE()
    length = b.apply(len, subject)

    def read(k: int) -> Callable[[], Operand]:
        place = k if k <= after else k - len(node.patterns)
        index: Any = place
        if k in stars:
            index = slice(k, k + 1 - len(node.patterns) or None)
        return lambda: b.getitem(subject, index)

    tests = [partial(comparisons.compare, ctx, frame, relation, length, Const(count))]
    for k, part in enumerate(node.patterns):
        tests.append(partial(_part, ctx, frame, part, read(k), out))
    return _all(ctx, frame, tests)


def _part(
    ctx: Context, frame: Frame, node: Any, read: Callable[[], Operand], out: Bindings
) -> Operand:
    """Match what may be read only where the tests before have passed."""
    match type(node).__name__:
        case "MatchStar" | "MatchAs" if getattr(node, "pattern", None) is None:
            if node.name is not None:
                out.append((node.name, read))
            return Const(True)
        case "MatchValue" | "MatchSingleton":
            return pattern(ctx, frame, node, read(), out)
    raise not_differentiable(
        "CR303",
        frame.loc(node),
        "a pattern inside one of a list or dict that only the run knows",
        help="bind the element to a name, and match that in a statement of its own",
    )


def _refuse_other(
    ctx: Context, frame: Frame, node: Any, subject: Operand, kind: type
) -> None:
    """Refuse to take objects apart that are sequences or mappings by their class."""
    t = type_of(subject)
    cls = real_class(t.cls) if isinstance(t, lt.ObjT) else None
    if (cls and issubclass(cls, kind)) or isinstance(t, lt.RangeT):
        raise not_differentiable(
            "CR303",
            frame.loc(node),
            f"a pattern that takes a {cls.__name__ if cls else lt.show(t)} apart",
            help="make a list or a dict of it first",
        )


def _mapping(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    fields = ctx.builder.fields(subject)
    if fields is None:
        _refuse_other(ctx, frame, node, subject, collections.abc.Mapping)
        return Const(False)
    keys = [
        displays.static_key(ctx, frame, k, expressions.evaluate(ctx, frame, k))
        for k in node.keys
    ]
    if any(k not in fields for k in keys):
        return Const(False)
    if node.rest is not None:
        rest = {k: v for k, v in fields.items() if k not in keys}
        out.append((node.rest, displays.make_dict(ctx, rest)))
    pairs = zip(node.patterns, keys, strict=True)
    return _all(
        ctx,
        frame,
        [partial(pattern, ctx, frame, p, fields[k], out) for p, k in pairs],
    )


def _class(
    ctx: Context, frame: Frame, node: Any, subject: Operand, out: Bindings
) -> Operand:
    from chainrule.specialise import calls

    cls = expressions.evaluate(ctx, frame, node.cls)
    test = calls.call(ctx, frame, Const(isinstance), [subject, cls], [])
    if isinstance(test, Const) and not test.value:
        return test
    assert isinstance(cls, Const)
    names = list(getattr(cls.value, "__match_args__", ()))

    def held(name: str, part: Any) -> Operand:
        return pattern(ctx, frame, part, attribute(ctx, frame, subject, name), out)

    tests: list[Callable[[], Operand]] = [lambda: test]
    if node.patterns and not names:
        tests.append(lambda: pattern(ctx, frame, node.patterns[0], subject, out))
    else:
        for name, part in zip(names, node.patterns, strict=False):
            tests.append(partial(held, name, part))
    for name, part in zip(node.kwd_attrs, node.kwd_patterns, strict=True):
        tests.append(partial(held, name, part))
    return _all(ctx, frame, tests)


HANDLERS: dict[str, Callable[..., Operand]] = {
    "MatchValue": _value,
    "MatchSingleton": _singleton,
    "MatchAs": _as,
    "MatchOr": _or,
    "MatchSequence": _sequence,
    "MatchMapping": _mapping,
    "MatchClass": _class,
}
