"""Code for the reverse sweep: `on_cotangent(x, change)`.

In: the operands of the call. Out: an operation that is `x` itself and carries what
`change` does as an IR function of the cotangent and of the values it reads. It is
interpreted here, where the names it reads have the values they have at the call; the
reverse sweep writes its body out (`transform.surgery`). A function from outside that is
not in the language (it keeps a list, say) is called there as it is.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from typing import Any

import gast

from chainrule import api
from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.frontend import source
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Block, Const, Function, Operand, Undef, Value
from chainrule.ir.walk import defined, free_values, substitute
from chainrule.runtime import helpers
from chainrule.specialise import calls
from chainrule.specialise.builder import function_name, type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.specials import Args, Kwargs, special
from chainrule.specialise.values import ArrayMethod, Choice, Closure, Method
from chainrule.types import lattice as lt

HELP = "see help(chainrule.on_cotangent)"
ELSEWHERE = (
    "for on_cotangent, a function that is defined outside is called as it is where it"
    " cannot be written out"
)


@special(api.on_cotangent)
def on_cotangent(ctx: Context, frame: Frame, args: Args, kwargs: Kwargs) -> Any:
    """Return the value, with the code that its cotangent will go through."""
    given = dict(zip(("x", "change"), args, strict=False)) | dict(kwargs)
    if set(given) != {"x", "change"}:
        raise misused(ctx, "on_cotangent takes a value and a function")
    x, change = given["x"], given["change"]
    t = type_of(x)
    if not lt.is_differentiable(t):
        return x
    if not isinstance(t, lt.ScalarT | lt.ArrayT):
        raise misused(ctx, "on_cotangent is for one number or one array", lt.show(t))
    if isinstance(change, Const) and not callable(change.value):
        known = isinstance(change.value, Closure | Method | ArrayMethod | Choice)
        if not known:
            raise misused(ctx, f"on_cotangent needs a function, not {change.value!r}")
    name = name_of(change)
    function = body_of(ctx, frame, change, t, name)
    check_result(ctx, function, t)
    code = Const(function, name)
    made = ctx.builder.apply(prims.on_cotangent, x, code, *function.captured, type_=t)
    return made


def name_of(change: Operand) -> str:
    """Return what the user calls the function, for people who read IR."""
    value = change.value if isinstance(change, Const) else change
    return value.name if isinstance(value, Closure) else function_name(value)


def body_of(
    ctx: Context, frame: Frame, change: Operand, t: lt.Type, name: str
) -> Function:
    """Interpret a call of the user's function on a cotangent."""
    b = ctx.builder
    loc = b.loc
    x_bar = Value(cotangent_type(t), None, loc)
    block, inputs = Block(), dict(ctx.inputs)
    try:
        with b.into(block), apart(ctx, frame, change, x_bar):
            result = calls.call(ctx, frame, change, [x_bar], [])
            result = b.memory.current(result)
            refuse_lost_write(ctx, x_bar, result)
    except NotDifferentiable as error:
        if error.primal_fails:
            raise
        if not is_outside(change):
            raise error.add_context(ELSEWHERE) from None
        b.loc, block, ctx.inputs = loc, Block(), inputs
        with b.into(block):
            result = called_as_it_is(ctx, change, x_bar)
    b.loc = loc
    block.results = (UNDEF if isinstance(result, Undef) else result,)
    captured = tuple(free_values(block, {x_bar}))
    inner = {v: Value(v.type, v.hint, v.loc) for v in captured}
    substitute(block, dict(inner))
    function = Function(name, (x_bar, *inner.values()), block, loc)
    function.captured = captured
    function.result = type_of(result)
    return function


@contextlib.contextmanager
def apart(ctx: Context, frame: Frame, change: Operand, x_bar: Value) -> Iterator[None]:
    """Leave the program as it is: the code does not run where it is called.

    Writes to what was there before would be seen by the rest of the program; they are
    refused.
    """
    memory = ctx.builder.memory
    now, envs = dict(memory.now), [(f, dict(f.env)) for f in frames(frame, change)]
    try:
        yield
        written = {k for k in memory.now if memory.now[k] is not now.get(k)}
        written -= {x_bar, *defined(ctx.builder.block)}
        if written or any(f.env != env for f, env in envs):
            raise misused(
                ctx,
                "code for the reverse sweep writes to what is outside of it",
                "the function itself does not run it",
                "let it return the cotangent, and compute nothing else",
            )
    finally:
        memory.now = now
        for f, env in envs:
            f.env.clear()
            f.env.update(env)


def frames(frame: Frame, change: Operand) -> list[Frame]:
    """Return the activations whose variables the code may assign."""
    found = [frame]
    if isinstance(change, Const) and isinstance(change.value, Closure):
        found.append(change.value.frame)
    for each in found:
        if each.parent is not None and each.parent not in found:
            found.append(each.parent)
    return found


def refuse_lost_write(ctx: Context, x_bar: Value, result: Operand) -> None:
    """Refuse code that writes into the cotangent and does not return it."""
    nothing = isinstance(result, Undef) or type_of(result) == lt.NONE
    if nothing and ctx.builder.memory.current(x_bar) is not x_bar:
        raise misused(
            ctx,
            "code for the reverse sweep writes into the cotangent and returns nothing",
            help="return the cotangent",
        )


def is_outside(change: Operand) -> bool:
    """Say whether a function was there before the derivative was asked for."""
    kinds = types.FunctionType | types.MethodType
    return isinstance(change, Const) and isinstance(change.value, kinds)


def called_as_it_is(ctx: Context, change: Any, x_bar: Value) -> Operand:
    """Call a function of the user's that cannot be interpreted, on a copy."""
    b = ctx.builder
    given: Operand = x_bar
    if isinstance(x_bar.type, lt.ArrayT):
        given = b.apply(prims.copy_value, x_bar, type_=x_bar.type)
    function, text, form = change.value, change.text, "call"
    args = [given]
    if isinstance(function, types.MethodType):
        base = (text or "").rpartition(".")[0] or None
        args = [Const(function.__self__, base), given]
        function, text, form = function.__func__, function.__name__, "method"
    silent = returns_nothing(function)
    t = lt.NONE if silent else lt.OpaqueT(object)
    result = b.apply(function, *args, form=form, text=text, effect=True, type_=t)
    if silent:
        return Const(None)
    return b.apply(helpers.cotangent_or, result, x_bar, type_=x_bar.type)


def returns_nothing(function: Any) -> bool:
    """Say whether a function has no `return` with a value."""
    try:
        tree = source.load(function).tree
    except (NotDifferentiable, AttributeError, TypeError):
        return False
    if isinstance(tree, gast.Lambda):
        return False
    returns = (n for n in gast.walk(tree) if isinstance(n, gast.Return))
    return not any(isinstance(n.value, gast.AST) for n in returns)


def cotangent_type(t: lt.Type) -> lt.Type:
    """Return the type of a cotangent: a number of any class, an array of that dtype."""
    if isinstance(t, lt.ScalarT):
        kind = "complex" if t.kind == "complex" else "float"
        return lt.ScalarT(kind, t.dtype, exact=False)
    return t


def only_watches(function: Function) -> bool:
    """Say whether code for the reverse sweep leaves the cotangent as it is."""
    [result] = function.body.results
    return isinstance(result, Undef) or type_of(result) == lt.NONE


def check_result(ctx: Context, function: Function, t: lt.Type) -> None:
    """Refuse what cannot be the cotangent of a value of type `t`."""
    found = function.result
    if only_watches(function) or isinstance(found, lt.NeverT):
        return
    if not isinstance(found, lt.ScalarT | lt.ArrayT):
        what = "None on some paths" if isinstance(found, lt.OptionalT) else None
        raise misused(ctx, f"{function.name} returns {what or lt.show(found)}")
    if lt.result_dtype(found).kind == "c" and lt.result_dtype(t).kind != "c":
        raise misused(ctx, f"{function.name} returns complex numbers for real ones")
    have, want = lt.dims_of(found), lt.dims_of(t)
    if have and want is not None and not may_be_equal(have, want):
        raise misused(
            ctx,
            f"{function.name} returns an array of another shape",
            f"{lt.show(found)} for a cotangent of {lt.show(t)}",
        )


def may_be_equal(have: lt.Dims, want: lt.Dims) -> bool:
    """Say whether two shapes can turn out to be the same."""
    return len(have) == len(want) and not any(
        isinstance(h, int) and isinstance(w, int) and h != w
        for h, w in zip(have, want, strict=True)
    )


def refuse_unused(ctx: Context, op: Operand) -> None:
    """Refuse the call as a statement of its own: no cotangent would come by."""
    made = ctx.builder.definition(op)
    if made is not None and made.fn is prims.on_cotangent:
        raise misused(
            ctx,
            "the result of on_cotangent is not used",
            help="go on with its result: h = on_cotangent(h, change)",
        )


def misused(ctx: Context, message: str, label: str = "", help: str = HELP) -> Exception:
    """Return the error for a use of `on_cotangent` that means nothing."""
    return not_differentiable("CR310", ctx.builder.loc, message, label=label, help=help)
