"""Where the NaN or the infinity in a gradient comes from: `debug="nan"`.

In: the entry of a gradient. Out: an entry that raises `FloatingPointError` where the
gradient is not finite. The generated code is the same; only then is the program run a
second time, operation by operation, to find the first whose result is not finite.
"""

from __future__ import annotations

import contextlib
import io
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.arguments import leaves, map_leaves
from chainrule.errors import Diagnostic, place, render
from chainrule.ir.evaluate import Env, evaluate
from chainrule.ir.nodes import Apply, Block, Const, Function, Loc, Operand, Value
from chainrule.ir.walk import defined, statements
from chainrule.request import Request

CODE = "CR601"
SYMBOLS: dict[Any, str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
}


def badness(x: Any) -> str:
    """Return `nan` or `inf`, what a number or an array holds; else an empty text."""
    if not isinstance(x, float | complex | np.ndarray | np.generic):
        return ""
    x = np.asarray(x)
    if x.dtype.kind not in "fc" or np.isfinite(x).all():
        return ""
    return "nan" if np.isnan(x).any() else "inf"


def worst(x: Any) -> str:
    """Return the badness of a container of numbers."""
    found = set(map(badness, leaves(x)))
    return "nan" if "nan" in found else "inf" if "inf" in found else ""


@dataclass(frozen=True)
class Event:
    """An operation whose result is not finite, with the values it had."""

    stmt: Apply
    result: Any
    args: tuple[Any, ...]
    reverse: bool

    @property
    def loc(self) -> Loc | None:
        """The user's place."""
        return self.stmt.loc or self.stmt.out.loc

    @property
    def elementwise(self) -> bool:
        """Whether an element of the result is made of the same of the operands."""
        fn = self.stmt.fn
        return isinstance(fn, np.ufunc) or (fn in SYMBOLS and fn is not operator.matmul)

    def sweep(self) -> str:
        """Return in which sweep it is."""
        return f"in the {'reverse' if self.reverse else 'forward'} sweep"

    def text(self) -> str:
        """Return the operation with names, its result, and what the names hold."""
        result = np.asarray(self.result)
        test = np.isnan if badness(result) == "nan" else np.isinf
        index = tuple(map(int, np.argwhere(test(result))[0]))
        named: dict[str, str] = {}
        operands = []
        for op, value in zip(self.stmt.args, self.args, strict=True):
            shape = result.shape if self.elementwise else None
            shown = _entry(value, index, shape)
            hint = op.hint if isinstance(op, Value) else None
            operands.append(hint or shown)
            if hint:
                named[hint] = shown
        at = f" at {list(index)}" if index else ""
        where = ", ".join(f"{name} = {shown}" for name, shown in named.items())
        text = f"{_spelled(self.stmt, operands)} = {_number(result[index])}{at}"
        if self.stmt.out.hint:
            text = f"{self.stmt.out.hint} = {text}"
        return f"{text}, where {where}" if where else text


def _spelled(stmt: Apply, operands: list[str]) -> str:
    symbol = SYMBOLS.get(stmt.fn)
    if symbol is not None and len(operands) == 2:
        return f" {symbol} ".join(operands)
    from chainrule.specialise.builder import function_name

    name, module = function_name(stmt.fn), getattr(stmt.fn, "__module__", None) or ""
    if name.startswith("np.") and module.startswith("numpy."):
        name = name.replace("np.", f"np.{module.removeprefix('numpy.')}.")
    return f"{name}({', '.join(operands)})"


def _entry(value: Any, index: tuple[int, ...], shape: tuple[int, ...] | None) -> str:
    """Return the element that an element of the result is made of, or a summary."""
    if not isinstance(value, bool | int | float | complex | np.ndarray | np.generic):
        return repr(value) if isinstance(value, str | None) else type(value).__name__
    array = np.asarray(value)
    if array.ndim == 0:
        return _number(array)
    if shape is not None and array.ndim <= len(shape):
        with contextlib.suppress(ValueError):
            return _number(np.broadcast_to(array, shape)[index])
    return f"{array.dtype} of shape {array.shape}"


def _number(x: Any) -> str:
    return f"{x.item():.6g}" if np.asarray(x).dtype.kind in "fc" else str(x)


@dataclass
class Trail:
    """The first operation that makes a NaN of none, and an infinity of finite numbers.

    `argument` is what an argument holds that is not finite, and its name.
    """

    events: dict[str, Event]
    argument: tuple[str, str] | None = None


def checked(
    entry: Callable[..., Any], prepare: Callable[..., Any], verb: str, has_aux: bool
) -> Callable[..., Any]:
    """Return an entry that looks at the gradient it returns.

    `prepare` returns the request and the arguments by name, for those of a call.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        before = map_leaves(_copy, (args, kwargs))
        out = entry(*args, **kwargs)
        gradient = out[1] if verb == "value_and_grad" else out[0] if has_aux else out
        kind = worst(gradient)
        if kind:
            args, kwargs = before
            request, arguments = prepare(*args, **kwargs)
            raise FloatingPointError(explain(request, kind, follow(request, arguments)))
        return out

    return run


def _copy(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def follow(request: Request, arguments: dict[str, Any]) -> Trail:
    """Run a gradient operation by operation, and look at each result."""
    function, reverse = _program(request, arguments)
    made = {
        s.out: s
        for f in _all(function)
        for s in statements(f.body)
        if isinstance(s, Apply)
    }
    trail = Trail({})
    for name, value in arguments.items():
        if worst(value):
            trail.argument = trail.argument or (name, worst(value))

    class Watching(Env):
        """Looks at each number that is computed."""

        def __setitem__(self, value: Value, item: Any) -> None:
            super().__setitem__(value, item)
            kind, stmt = badness(item), made.get(value)
            if not kind or kind in trail.events or stmt is None:
                return
            args = tuple(self.read(a) for a in stmt.args)
            inputs = set(map(worst, args))
            if kind not in inputs and not (kind == "inf" and "nan" in inputs):
                trail.events[kind] = Event(stmt, item, args, value in reverse)

        def read(self, op: Operand) -> Any:
            """Return what an operand holds."""
            if isinstance(op, Value):
                return self.get(op)
            return op.value if isinstance(op, Const) else None

    with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        evaluate(function, *arguments.values(), env=Watching())
    return trail


def _program(
    request: Request, arguments: dict[str, Any]
) -> tuple[Function, set[Value]]:
    """Return the IR of a gradient, and the values of its reverse sweep."""
    from chainrule import pipeline

    forward: set[Value] = set()
    stages = pipeline.Stages(wanted=True)

    def look(name: str, functions: list[Function]) -> None:
        if name == "derivative":
            stmts = functions[0].body.stmts[: stages.forward]
            forward.update(defined(Block(stmts=stmts)))

    stages.look = look
    function = pipeline.derivative_function(request, arguments, stages)
    stmts = function.body.stmts
    last = max(
        (k for k, s in enumerate(stmts) if defined(Block(stmts=[s])) & forward),
        default=-1,
    )
    reverse = defined(Block(stmts=stmts[last + 1 :]))
    for callee in _all(function):
        if callee.name.endswith("_bwd"):
            reverse |= defined(callee.body)
    return function, reverse


def _all(function: Function) -> list[Function]:
    from chainrule.transform.pairs import callees

    return [*callees(function), function]


def explain(request: Request, kind: str, trail: Trail) -> str:
    """Return the message: the user's line, the operation, the values involved."""
    name = getattr(request.function, "__name__", "the function")
    message = f"the gradient of `{name}` holds {kind}"
    first = trail.events.get(kind) or trail.events.get("inf")
    notes = []
    if trail.argument is not None:
        argument, holds = trail.argument
        notes.append(f"the argument `{argument}` holds {holds}")
    if first is None:
        if not notes:
            notes.append("a second run was finite: the program draws random numbers?")
        return render(Diagnostic(CODE, message, notes=tuple(notes)))
    notes.append(f"{first.sweep()}: {first.text()}")
    source = trail.events.get("inf")
    if source is not None and source is not first:
        at = f" at {place(source.loc)}" if source.loc else ""
        notes.append(f"inf was first{at}, {source.sweep()}: {source.text()}")
    what = "the derivative of this" if first.reverse else "this"
    label = f"{what} is the first to give {badness(first.result)}"
    return render(Diagnostic(CODE, message, first.loc, label, notes=tuple(notes)))
