"""Calls: who is called, with what, and what becomes of it.

In: a callee and its arguments as operands. Out: the result. Functions of the program
are interpreted in place (inlined) or, when they recurse, called as IR functions;
primitives become operations; what is neither is refused.
"""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gast
import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.rules.registry import RULES
from chainrule.specialise import (
    absences,
    attributes,
    binding,
    builtin_calls,
    comprehensions,
    construct,
    container_calls,
    dicts,
    displays,
    escapes,
    exhaustion,
    expressions,
    first_elements,
    inlining,
    iterators,
    library,
    lists,
    managers,
    numpy_calls,
    object_calls,
    outside_state,
    sequence_calls,
    static_calls,
    stepping,
    stores,
    writers,
    writing,
)
from chainrule.specialise.builder import function_name, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import (
    ArrayMethod,
    Choice,
    Closure,
    Getter,
    Maybe,
    Method,
    is_const,
)
from chainrule.types import lattice as lt
from chainrule.types.infer import TYPE_RULES
from chainrule.types.methods import METHODS, MUTATING, normalise

Kwargs = list[tuple[str, Operand]]

DUNDERS = {
    operator.add: "add",
    operator.sub: "sub",
    operator.mul: "mul",
    operator.truediv: "truediv",
    operator.floordiv: "floordiv",
    operator.mod: "mod",
    operator.pow: "pow",
    operator.matmul: "matmul",
    operator.neg: "neg",
    operator.pos: "pos",
    operator.lt: "lt",
    operator.le: "le",
    operator.gt: "gt",
    operator.ge: "ge",
    operator.eq: "eq",
    operator.ne: "ne",
    operator.abs: "abs",
    operator.invert: "invert",
    operator.and_: "and",
    operator.or_: "or",
    operator.xor: "xor",
    operator.lshift: "lshift",
    operator.rshift: "rshift",
}
# The method that the right operand is asked for by a comparison.
MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


def operator_method(
    ctx: Context, fn: Callable[..., Any], op: Operand, swapped: bool
) -> Operand | None:
    """Return the method by which a user's class overloads an operator, if it does."""
    if fn not in DUNDERS:
        return None
    t = type_of(op)
    named = isinstance(t, lt.TupleT) and t.cls is not tuple
    cls = t.cls if named else attributes.class_of(op)  # type: ignore[attr-defined]
    name = DUNDERS[fn]
    if swapped:
        name = MIRRORED.get(name, f"r{name}")
    name = f"__{name}__"
    found = getattr(cls, name, None)
    if cls is None or not isinstance(found, types.FunctionType):
        return None
    if found.__qualname__.startswith("__create_fn__"):
        return None
    attributes.stays(ctx, cls, name)
    return Const(found)


def overloaded(
    ctx: Context, frame: Frame, fn: Callable[..., Any], left: Operand, right: Operand
) -> Operand | None:
    """Call the methods by which the operands overload an operator, till one answers."""
    for a, b, swapped in ((left, right, False), (right, left, True)):
        method = operator_method(ctx, fn, a, swapped)
        if method is not None:
            found = call(ctx, frame, method, [a, b], [])
            if not (isinstance(found, Const) and found.value is NotImplemented):
                return found
    return None


def call_node(ctx: Context, frame: Frame, node: gast.Call) -> Operand:
    """Interpret a call expression."""
    if isinstance(node.func, gast.Name) and node.func.id == "super":
        callee = expressions.evaluate(ctx, frame, node.func)
        if isinstance(callee, Const) and callee.value is super and not node.args:
            return construct.super_object(ctx, frame, node)
    callee = expressions.callee(ctx, frame, node.func)
    if is_const(callee) and callee.value is zip and not node.keywords:
        if len(node.args) == 1 and isinstance(node.args[0], gast.Starred):
            rows = expressions.evaluate(ctx, frame, node.args[0].value)
            columns = sequence_calls.transposed(ctx, frame, rows)
            if columns is not None:
                return columns
    if is_const(callee) and callee.value is next and node.args:
        element = first_elements.taken(ctx, frame, node)
        if element is not None:
            return element
    named = [k.arg for k in node.keywords]
    args = displays.starred(
        ctx, frame, node.args, lambda given: binding.missing(callee, given, named)
    )
    kwargs: Kwargs = []
    for keyword in node.keywords:
        value = expressions.evaluate(ctx, frame, keyword.value)
        if keyword.arg is not None:
            kwargs.append((keyword.arg, value))
            continue
        fields = displays.named(ctx, frame, value)
        if fields is None:
            raise not_differentiable(
                "CR502", frame.loc(node), "the keywords must be known"
            )
        kwargs.extend((str(k), v) for k, v in fields.items())
    escapes.arm(ctx, node, callee)
    return call(ctx, frame, callee, args, kwargs)


def call(
    ctx: Context, frame: Frame, callee: Operand, args: Sequence[Operand], kwargs: Kwargs
) -> Operand:
    """Call anything."""
    args = list(args)
    if not isinstance(callee, Const):
        return _call_object(ctx, frame, callee, args, kwargs)
    fn = callee.value
    if isinstance(fn, Closure):
        return inlining.call_closure(ctx, frame, fn, args, kwargs)
    if isinstance(fn, Method):
        merged = [*((k, v) for k, v in fn.kwargs if k not in dict(kwargs)), *kwargs]
        return call(ctx, frame, fn.function, [*fn.args, *args], merged)
    if isinstance(fn, ArrayMethod):
        return call_method(ctx, frame, fn, args, kwargs)
    if isinstance(fn, Choice):
        return expressions.branch(
            ctx,
            frame,
            fn.test,
            lambda: call(ctx, frame, fn.then, args, kwargs),
            lambda: call(ctx, frame, fn.orelse, args, kwargs),
        )
    k = next((k for k, a in enumerate(args) if is_const(a, Maybe)), None)
    if k is not None:
        return call_on_maybe(ctx, frame, callee, args, kwargs, k)
    if isinstance(fn, Getter):
        return object_calls.get(ctx, frame, fn, args[0])
    if ctx.splicing and isinstance(fn, types.FunctionType):
        answered = static_calls.answer(ctx.builder, fn, args, kwargs)
        if answered is not NotImplemented:
            return answered  # type: ignore[no-any-return]
    if fn is len and len(args) == 1 and outside_state.is_sample(ctx, args[0]):
        return outside_state.length(ctx, args[0])
    stepper = stepping.call(ctx, frame, fn, args, kwargs)
    if stepper is not None:
        return stepper
    streamed = iterators.call(ctx, frame, fn, args, kwargs)
    if streamed is not None:
        return streamed
    special = builtin_calls.treatment(fn)
    if special is not None:
        result = special(ctx, frame, args, kwargs)
        if result is not NotImplemented:
            exhaustion.stamp(ctx, result, args)
            return result  # type: ignore[no-any-return]
    if is_primitive(fn):
        return primitive(ctx, frame, fn, args, kwargs, callee.text)
    return call_outside(ctx, frame, callee, args, kwargs)


def call_on_maybe(
    ctx: Context,
    frame: Frame,
    callee: Const,
    args: list[Operand],
    kwargs: Kwargs,
    k: int,
) -> Operand:
    """Call a built-in on a container that may be None."""

    def on(op: Operand) -> Operand:
        return call(ctx, frame, callee, [*args[:k], op, *args[k + 1 :]], kwargs)

    maybe = args[k]
    if callee.value not in (isinstance, type, bool):
        says = "'NoneType' object is not iterable"
        return on(absences.there(ctx.builder, maybe, says))
    absent, there = maybe.value.absent, maybe.value.there  # type: ignore[union-attr]
    return expressions.branch(
        ctx,
        frame,
        absent,
        lambda: on(Const(None)),
        lambda: on(ctx.builder.memory.current(there)),
    )


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


def is_primitive(fn: Any) -> bool:
    """Say whether a callable is in the closed world: it has a type or a derivative."""
    if not _hashable(fn):
        return False
    if fn in TYPE_RULES or fn in RULES.inactive or RULES.has(fn):
        return True
    return isinstance(fn, np.ufunc)


def call_outside(
    ctx: Context, frame: Frame, callee: Const, args: list[Operand], kwargs: Kwargs
) -> Operand:
    """Call a function, class or object that was made before the
    derivative was asked for.
    """
    fn = callee.value
    wrapped = library.unwrap(fn)
    if wrapped is not None:
        return call(ctx, frame, Const(wrapped), args, kwargs)
    if managers.is_made_by_generator(fn):
        return managers.make(ctx, frame, fn, args, kwargs)
    of_numpy = numpy_calls.call(ctx, frame, fn, args, kwargs)
    if of_numpy is not None:
        return of_numpy
    library.refuse_writer(ctx, fn)
    if isinstance(fn, types.MethodType) and is_primitive(fn.__func__):
        base = Const(fn.__self__, (callee.text or "").rpartition(".")[0] or None)
        args, name = [base, *args], fn.__name__
        return primitive(ctx, frame, fn.__func__, args, kwargs, name, form="method")
    derivative = library.derivative(ctx, frame, fn, args, kwargs)
    if derivative is not None:
        return derivative
    if library.is_single_dispatch(fn) and args:
        chosen = library.dispatched(
            ctx, fn, call(ctx, frame, Const(type), args[:1], [])
        )
        return call(ctx, frame, Const(chosen), args, kwargs)
    if isinstance(fn, types.FunctionType) and not library.is_opaque(fn):
        return inlining.call_function(ctx, frame, fn, args, kwargs)
    if getattr(fn, "__name__", "") == "_make" and args and is_const(args[0], type):
        items = comprehensions.static_items(ctx, frame, args[1])
        if items is not None:
            return construct.named_tuple(ctx, args[0].value, items, [])
    of_text = library.of_text(ctx, fn, args, kwargs)
    if of_text is not None:
        return of_text  # type: ignore[no-any-return]
    opaque = library.on_constants(ctx, fn, args, kwargs, callee.text)
    if opaque is not None:
        return opaque
    if isinstance(fn, types.MethodType):
        return call(ctx, frame, Const(fn.__func__), [Const(fn.__self__), *args], kwargs)
    if isinstance(fn, functools.partial):
        filled = [
            (k, Const(v)) for k, v in fn.keywords.items() if k not in dict(kwargs)
        ]
        first: list[Operand] = [Const(a) for a in fn.args]
        return call(ctx, frame, Const(fn.func), [*first, *args], [*filled, *kwargs])
    if isinstance(fn, type):
        return construct.construct(ctx, frame, fn, args, kwargs, callee.text)
    bound = getattr(fn, "__self__", None)
    if isinstance(fn, types.BuiltinFunctionType) and bound is not None:
        if not isinstance(bound, types.ModuleType):
            base = Const(bound, (callee.text or "").rpartition(".")[0] or None)
            method = ArrayMethod(base, fn.__name__)
            return call_method(ctx, frame, method, args, kwargs)
    call_dunder = type(fn).__call__
    if isinstance(call_dunder, types.FunctionType):
        attributes.stays(ctx, type(fn), "__call__")
        return inlining.call_function(ctx, frame, call_dunder, [callee, *args], kwargs)
    raise not_differentiable(
        "CR301",
        ctx.builder.loc,
        f"{function_name(fn)} has no rule",
        label="chainrule cannot see inside it",
        help="write a rule for it with chainrule.rules, or compute it with "
        "NumPy functions",
    )


def _call_object(
    ctx: Context, frame: Frame, callee: Operand, args: list[Operand], kwargs: Kwargs
) -> Operand:
    t = type_of(callee)
    if isinstance(t, lt.ObjT):
        method = t.cls.__call__
        if isinstance(method, types.FunctionType):
            attributes.stays(ctx, t.cls, "__call__")
            return inlining.call_function(ctx, frame, method, [callee, *args], kwargs)
    if isinstance(t, lt.NeverT):
        return callee
    given = given_function(ctx, callee)
    if given is not None:
        return call(ctx, frame, given, args, kwargs)
    raise not_differentiable(
        "CR303",
        ctx.builder.loc,
        "the function that is called is not known when the derivative is made",
        label="chosen at run time",
        help="call each function in its own branch: y = f(x) if test else g(x)",
    )


def given_function(ctx: Context, callee: Operand) -> Const | None:
    """Return a function that an argument holds: the guard asks for the same one."""
    place = _place_among_arguments(ctx, callee)
    if place is None or len(place) == 1:
        return None
    name, *path = place
    value: Any = ctx.values.get(name)
    for step in path:
        by_name = isinstance(step, str) and not isinstance(value, Mapping)
        try:
            value = getattr(value, step) if by_name else value[step]
        except (AttributeError, LookupError, TypeError):
            return None
    if not callable(value) or isinstance(value, type):
        return None
    ctx.known("param", name, None, tuple(path), value)
    return Const(value)


def _place_among_arguments(ctx: Context, op: Operand) -> tuple[Any, ...] | None:
    """Return the argument that holds a value, and how it is read from that."""
    if not isinstance(op, Value):
        return None
    if op in ctx.params:
        return (ctx.params[op],)
    made = ctx.builder.definition(op)
    reads = made is not None and made.fn in (getattr, operator.getitem)
    if made is None or not reads or not isinstance(made.args[1], Const):
        return None
    above = _place_among_arguments(ctx, made.args[0])
    return None if above is None else (*above, made.args[1].value)


def call_method(
    ctx: Context, frame: Frame, method: ArrayMethod, args: list[Operand], kwargs: Kwargs
) -> Operand:
    """Call a method of an array, a number, a container or an opaque object."""
    base, name = method.base, method.name
    t = type_of(base)
    if name == "__getitem__" and len(args) == 1:
        return expressions.subscript(ctx, frame, base, args[0])
    if name == "__setitem__" and len(args) == 2:
        stores.item(ctx, frame, base, args[0], args[1])
        return Const(None)
    changed = mutation(ctx, frame, base, name, args, kwargs)
    if changed is not None:
        return changed
    if t is lt.NEVER:  # the read fails, or is of a recursion that is not settled yet
        return base
    special = container_calls.method(ctx, frame, base, name, args, kwargs)
    if special is not NotImplemented:
        exhaustion.stamp(ctx, special, [])
        return special  # type: ignore[no-any-return]
    if name == "astype" and isinstance(t, lt.ArrayT):
        if keeps_array(ctx, t, args, dict(kwargs)):
            return base
    if name in ("conj", "conjugate") and isinstance(t, lt.ArrayT) and not args:
        if t.dtype.kind != "c":
            return base  # unlike `np.conj`, which makes a new array
    if isinstance(t, lt.ArrayT | lt.ScalarT):
        found = normalise(name, args, dict(kwargs), ctx.builder)
        if found is None and name in METHODS:
            found = (METHODS[name], [*args], dict(kwargs))
        if found is not None:
            fn, rest, named = found
            if "initial" in named or "where" in named:
                return call(ctx, frame, Const(fn), [base, *rest], list(named.items()))
            return primitive(
                ctx, frame, fn, [base, *rest], list(named.items()), name, form="method"
            )
    return library.opaque_method(ctx, frame, base, name, args, kwargs)


def keeps_array(
    ctx: Context, t: lt.ArrayT, args: list[Operand], named: dict[str, Operand]
) -> bool:
    """Say whether `x.astype(dtype, copy=False)` is `x` itself."""
    copy = named.get("copy", args[4] if len(args) > 4 else Const(True))
    dtype = named.get("dtype", args[0] if args else None)
    if isinstance(copy, Const) and copy.value:
        return False
    known = isinstance(copy, Const) and isinstance(dtype, Const)
    if not known or "order" in named or len(args) > 1:
        raise not_differentiable(
            "CR413",
            ctx.builder.loc,
            "astype(..., copy=...) gives the array or a copy",
            label="which of them is known only at run time",
            help="leave `copy` out",
        )
    return bool(np.dtype(dtype.value) == t.dtype)  # type: ignore[union-attr]


def mutation(
    ctx: Context,
    frame: Frame,
    base: Operand,
    name: str,
    args: list[Operand],
    kwargs: Kwargs,
) -> Operand | None:
    """Call a method that writes into its object, if it is one."""
    base = ctx.builder.memory.current(base)
    if outside_state.is_sample(ctx, base):
        return outside_state.method(ctx, frame, base, name, args, kwargs)
    match type_of(base):
        case lt.ArrayT() if name in MUTATING["array"]:
            return writers.method(ctx, frame, base, name, args, kwargs)
        case lt.ListT() if name in MUTATING["list"]:
            return lists.method(ctx, frame, base, name, args, kwargs)
        case lt.DictT(cls=cls) if any(
            name in MUTATING.get(c.__name__, ()) for c in cls.__mro__
        ):
            return dicts.method(ctx, frame, base, name, args, kwargs)
    if name in outside_state.NOTHING | outside_state.GIVES:
        outside_state.begin_again(ctx, base)
    if is_set(base) and name in MUTATING["set"]:
        raise not_differentiable(
            "CR404",
            ctx.builder.loc,
            f"`.{name}` changes {writing.called(base, 'its set')} in place",
            label="what sets hold is known only as it was when they were made",
            help="make a new set: seen = seen | {value}; or use a list",
        )
    if writing.is_outside(base) and name in MUTATING[kind_of(base)]:
        raise writing.outside(ctx, base)
    return None


def kind_of(op: Operand) -> str:
    """Return under which name the methods of a constant are listed that write."""
    kinds = {"list": list, "dict": dict, "set": set}
    assert isinstance(op, Const)
    return next((k for k, cls in kinds.items() if isinstance(op.value, cls)), "array")


def is_set(op: Operand) -> bool:
    """Say whether an operand is a set."""
    return isinstance(op, Const) and isinstance(op.value, set | frozenset)


def primitive(
    ctx: Context,
    frame: Frame,
    fn: Callable[..., Any],
    args: list[Operand],
    kwargs: Kwargs,
    text: str | None,
    form: str = "call",
) -> Operand:
    """Write a call of a primitive."""
    target = writers.target(ctx, fn, args, kwargs)
    if target is not None:
        return writers.into(ctx, frame, fn, args, kwargs, text, form, target)
    args = [library.prepare(ctx, frame, fn, k, a) for k, a in enumerate(args)]
    effect = fn in library.EFFECTS
    return ctx.builder.apply(
        fn, *args, kwargs=tuple(kwargs), form=form, text=text, effect=effect
    )
