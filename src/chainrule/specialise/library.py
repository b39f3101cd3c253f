"""What chainrule knows of libraries beyond types and rules.

In: callables from outside the program. Out: which are opaque, which are wrappers to
look through, how classes are instantiated, which calls have effects.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand
from chainrule.specialise import binding, expressions, stand_ins
from chainrule.specialise.attributes import is_library
from chainrule.specialise.builder import abstract, function_name, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.models import Deque
from chainrule.specialise.values import Generated, Generator, Items, Streams
from chainrule.types import lattice as lt
from chainrule.types.infer import NeedsStatic, Unknown, WillRaise, lift
from chainrule.types.python import REPORTING
from chainrule.types.random import infer_method

Kwargs = list[tuple[str, Operand]]

EFFECTS: set[Any] = {
    print,
    prims.raise_,
    prims.assert_,
    np.seterr,
    np.set_printoptions,
    *REPORTING,
    *(getattr(np.random, n) for n in dir(np.random) if callable(getattr(np.random, n))),
}

WRITERS = {
    "copyto",
    "put",
    "place",
    "putmask",
    "fill_diagonal",
    "put_along_axis",
    "shuffle",
}

# Functions of two arrays; a list of integers stands for an array, too.
PAIRS = {
    np.dot,
    np.inner,
    np.outer,
    np.vdot,
    np.kron,
    np.cross,
    np.convolve,
    np.correlate,
    np.tensordot,
}

# Functions that take a list of arrays; elsewhere a list stands for one array.
SEQUENCES = {
    np.array,
    np.asarray,
    np.concatenate,
    np.stack,
    np.vstack,
    np.hstack,
    np.dstack,
    np.column_stack,
    np.block,
    np.select,
    np.choose,
    np.meshgrid,
    np.broadcast_arrays,
    np.linalg.multi_dot,
    np.einsum,
    np.ix_,
    np.pad,
    np.reshape,
    np.tile,
    np.lexsort,
    np.asanyarray,
    np.ascontiguousarray,
    np.zeros,
    np.ones,
    np.empty,
    np.full,
}


CALCULATES = {float, complex, abs, round, range, pow, divmod}
WRITTEN_OUT = {*REPORTING, print, str, repr, ascii, format}


def prepare(
    ctx: Context, frame: Frame, fn: Callable[..., Any], position: int, op: Operand
) -> Operand:
    """Make an array of a list of numbers that is given where an array belongs."""
    if position < 2 and (fn in PAIRS or isinstance(fn, np.ufunc)):
        t = type_of(op)
        if isinstance(t, lt.ListT | lt.TupleT) and _numbers_in(t):
            return ctx.builder.apply(np.array, op)
    if isinstance(op, Const):
        if isinstance(op.value, Generated | Generator | Items | Streams):
            from chainrule.specialise.comprehensions import static_items

            items = static_items(ctx, frame, op)
            if items is not None:
                return ctx.builder.apply(prims.make_list, *items)
            from chainrule.specialise.folds import listed

            return listed(ctx, frame, op)
        return op
    t = type_of(op)
    if isinstance(t, lt.ObjT) and t.cls is Deque and _of_numpy(fn):
        op = ctx.builder.apply(getattr, op, Const("items"))
    if fn in WRITTEN_OUT:
        stand_ins.refuse_kept(ctx, op)
    elif fn in CALCULATES or _of_numpy(fn) or fn.__module__ == "math":
        op = expressions.integer(ctx, op)
    if not takes_arrays(fn) or position > 1:
        return op
    t = type_of(op)
    if isinstance(t, lt.ListT | lt.TupleT) and (t.items or isinstance(t, lt.ListT)):
        if lt.is_differentiable(t):
            return ctx.builder.apply(np.array, op)
    return op


def takes_arrays(fn: Callable[..., Any]) -> bool:
    """Say whether a function turns lists into arrays by itself."""
    if fn in SEQUENCES:
        return False
    return _of_numpy(fn)


def _of_numpy(fn: Callable[..., Any]) -> bool:
    module = getattr(fn, "__module__", None) or ""
    return isinstance(fn, np.ufunc) or module.startswith("numpy")


def refuse_writer(ctx: Context, fn: Any) -> None:
    """Refuse a function whose purpose is to write into its argument."""
    at = isinstance(getattr(fn, "__self__", None), np.ufunc) and fn.__name__ == "at"
    if not at and getattr(fn, "__name__", "") not in WRITERS:
        return
    module = str(getattr(fn, "__module__", None) or "")
    if at or module.partition(".")[0] in ("numpy", "random"):
        raise not_differentiable(
            "CR407",
            ctx.builder.loc,
            f"{_writer_name(fn)} writes into its argument",
            label="how it changes the array is not known",
            help="write x[index] = value, or build an array with np.where or np.stack",
        )


def _writer_name(fn: Any) -> str:
    """Return `np.add.at` for the method of a ufunc, and the usual name otherwise."""
    ufunc = getattr(fn, "__self__", None)
    if isinstance(ufunc, np.ufunc):
        return f"{function_name(ufunc)}.{fn.__name__}"
    module = str(getattr(fn, "__module__", None) or "")
    if isinstance(ufunc, np.random.RandomState):
        return f"np.random.{fn.__name__}"
    return f"{module}.{fn.__name__}" if module == "random" else function_name(fn)


def unwrap(fn: Any) -> Any:
    """Return the function inside a wrapper that does not change what is computed."""
    from chainrule.differentiable import Differentiable

    if isinstance(fn, Differentiable):
        return fn.__wrapped__
    if isinstance(fn, functools._lru_cache_wrapper):
        return fn.__wrapped__
    return None


def derivative(
    ctx: Context, frame: Frame, fn: Any, args: list[Operand], kwargs: Kwargs
) -> Operand | None:
    """Call a derivative inside the program, if `fn` is one or makes one."""
    from chainrule.specialise import nested

    return nested.call(ctx, frame, fn, args, kwargs)


def is_single_dispatch(fn: Any) -> bool:
    """Say whether a function was made by `functools.singledispatch`."""
    wrapper = isinstance(fn, types.FunctionType) and hasattr(fn, "registry")
    return wrapper and fn.__code__.co_filename == functools.__file__


def dispatched(ctx: Context, fn: Any, cls: Operand) -> Any:
    """Return what a `singledispatch` function calls for this class."""
    if isinstance(cls, Const):
        return fn.dispatch(cls.value)
    raise not_differentiable(
        "CR303",
        ctx.builder.loc,
        f"which implementation of `{fn.__name__}` is called is decided at run time",
        label="by the class of its first argument",
    )


# What `functools.total_ordering` gives a class.
ORDERINGS = {
    fn for pairs in getattr(functools, "_convert", {}).values() for _, fn in pairs
}


def is_opaque(fn: types.FunctionType) -> bool:
    """Say whether a Python function belongs to a library that has to have rules."""
    if fn in ORDERINGS:
        return False
    module = getattr(fn, "__module__", None) or ""
    ours = module.startswith(OURS)
    return is_library(module) and not ours


OURS = (
    "chainrule.rules",
    "chainrule.specialise.attributes_model",
    "chainrule.specialise.context_models",
    "chainrule.specialise.iterator_models",
    "chainrule.specialise.keyed_models",
    "chainrule.specialise.models",
    "chainrule.specialise.set_model",
    "chainrule.specialise.numpy_models",
    "chainrule.specialise.polynomial_models",
)
CALCULATING = ("numpy.polynomial", "scipy.special", "scipy.signal", "scipy.linalg")


TEXT: set[Any] = {re.compile, re.findall, re.finditer, re.fullmatch, re.match}
TEXT |= {re.search, re.split, re.sub}


def of_text(ctx: Context, fn: Any, args: list[Operand], kwargs: Kwargs) -> Any:
    """Call a function of `re` on a text that is known, if it is one."""
    operands = [*args, *(v for _, v in kwargs)]
    known = isinstance(fn, types.FunctionType) and fn in TEXT
    if not known or not all(isinstance(a, Const) for a in operands):
        return None
    values = [a.value for a in args]  # type: ignore[union-attr]
    named = {k: v.value for k, v in kwargs}  # type: ignore[union-attr]
    try:
        return _constant(ctx, fn(*values, **named))
    except Exception as error:
        raise binding.misuse(ctx, str(error)) from None


def _constant(ctx: Context, result: Any) -> Operand:
    """Return what a function of constants gives; a list is one of constants."""
    if isinstance(result, list) or hasattr(result, "__next__"):
        return ctx.builder.apply(prims.make_list, *map(Const, result))
    return Const(result)


def on_constants(
    ctx: Context, fn: Any, args: list[Operand], kwargs: Kwargs, text: str | None
) -> Operand | None:
    """Call a numerical function without a rule on constants,
    which have no derivative.
    """
    operands = [*args, *(v for _, v in kwargs)]
    module = getattr(fn, "__module__", None) or ""
    if not module.startswith(CALCULATING) or not isinstance(fn, types.FunctionType):
        return None
    if not all(isinstance(a, Const) for a in operands):
        return None
    values = [a.value for a in args]  # type: ignore[union-attr]
    named = {k: v.value for k, v in kwargs}  # type: ignore[union-attr]
    try:
        t = lift(fn(*values, **named))
    except Exception as error:
        raise binding.misuse(ctx, str(error)) from None
    return ctx.builder.apply(fn, *args, kwargs=kwargs, text=text, type_=t)


def opaque_method(
    ctx: Context,
    frame: Frame,
    base: Operand,
    name: str,
    args: list[Operand],
    kwargs: Kwargs,
) -> Operand:
    """Call a method of an object without a derivative: a string, a random generator."""
    b = ctx.builder
    if name == "join" and type_of(base) == lt.STR and len(args) == 1:
        args = [_strings(ctx, frame, args[0])]
    constants = all(
        isinstance(a, Const) for a in (base, *args, *(v for _, v in kwargs))
    )
    cls = (
        type(base.value)
        if isinstance(base, Const)
        else getattr(type_of(base), "cls", object)
    )
    if constants and cls in (
        str,
        bytes,
        int,
        float,
        bool,
        complex,
        range,
        frozenset,
        tuple,
        re.Pattern,
        re.Match,
    ):
        try:
            result = getattr(base.value, name)(  # type: ignore[union-attr]
                *(a.value for a in args),  # type: ignore[union-attr]
                **{k: v.value for k, v in kwargs},  # type: ignore[union-attr]
            )
        except Exception as error:
            raise binding.misuse(ctx, str(error)) from None
        return _constant(ctx, result)
    if name == "shuffle":
        raise not_differentiable(
            "CR404",
            b.loc,
            "`.shuffle` changes its argument in place",
            label="which element goes where is not known to the derivative",
            help="use the result of permutation: x = rng.permutation(x)",
        )
    active = [a for a in (*args, *(v for _, v in kwargs)) if _number(a)]
    function = getattr(cls, name, None)
    if isinstance(base, Const):
        function = getattr(type(base.value), name, function)
    if function is not None:
        try:
            t = infer_method(
                cls,
                name,
                [abstract(a) for a in args],
                {k: abstract(v) for k, v in kwargs},
            )
        except WillRaise:
            t = lt.NEVER
        except NeedsStatic as need:
            raise b.restart(str(need), function, args, kwargs) from None
        except Unknown:
            t = None
        if t is None and not active and cls is not object:
            t = lt.OpaqueT(object)
        if t is not None:
            return b.apply(
                function,
                base,
                *args,
                kwargs=kwargs,
                form="method",
                text=name,
                effect=cls not in (str, bytes, int, float, bool),
                type_=t,
            )
    raise not_differentiable(
        "CR301",
        b.loc,
        f"method `.{name}()` of {lt.show(type_of(base))} has no rule",
        label="chainrule cannot see inside it",
    )


def _strings(ctx: Context, frame: Frame, op: Operand) -> Operand:
    """Write what is joined as a list, or as a constant if it is known."""
    from chainrule.specialise.comprehensions import static_items
    from chainrule.specialise.folds import listed

    items = static_items(ctx, frame, op)
    if items is None:
        return listed(ctx, frame, op)
    if all(isinstance(item, Const) for item in items):
        return Const([item.value for item in items])  # type: ignore[union-attr]
    return ctx.builder.apply(prims.make_list, *items)


def _numbers_in(t: lt.Type) -> bool:
    """Say whether a type holds numbers, integers too, and nothing else."""
    match t:
        case lt.ListT(items=None, elem=elem):
            return elem is not None and _numbers_in(elem)
        case lt.ListT(items=items) | lt.TupleT(items=items):
            return bool(items) and all(map(_numbers_in, items or ()))
    return isinstance(t, lt.ScalarT | lt.ArrayT)


def _number(op: Operand) -> bool:
    return not isinstance(op, Const) and lt.is_differentiable(type_of(op))
