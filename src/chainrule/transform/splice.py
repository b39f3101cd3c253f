"""Write the body of a rule into the derivative.

In: a rule and the operands of the operation it is for. Out: the operands the rule
returns. The rule is interpreted like a function of the program, with its `if`s folded
and its helpers inlined; what it reads from outside are constants of ours, never
guarded.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.debugging import log
from chainrule.errors import not_differentiable, place
from chainrule.ir.nodes import Apply, Block, Const, Loc, Operand, Value
from chainrule.ir.walk import defined, statements
from chainrule.rules.registry import Refused, Rule
from chainrule.specialise import calls, inlining
from chainrule.specialise.builder import Builder, Restart, function_name
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.values import Poison
from chainrule.transform import foreign
from chainrule.transform.traces import Traces


class Splicer:
    """Runs rules into one builder."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.ctx = Context(builder, splicing=True)
        self.frame = Frame(None, "<rule>", "<rule>", {})
        self.traces = Traces()

    def run(
        self,
        template: Callable[..., Any],
        args: Sequence[Operand],
        kwargs: dict[str, Operand],
    ) -> Operand:
        """Interpret a rule's function on operands."""
        return self.interpret(self.used(template), args, kwargs)

    def used(self, template: Callable[..., Any]) -> Any:
        """Return a rule's plain function, and log that it is used."""
        plain: Any = unwrapped(template)
        if log.listens(log.rules):
            tell(plain, self.builder.loc)
        return plain

    def interpret(
        self, plain: Any, args: Sequence[Operand], kwargs: dict[str, Operand]
    ) -> Operand:
        """Interpret a function, and let it come from the user's line."""
        with self.at_the_operation():
            return inlining.call_function(
                self.ctx, self.frame, plain, list(args), list(kwargs.items())
            )

    def traced(
        self,
        template: Callable[..., Any],
        args: Sequence[Operand],
        kwargs: dict[str, Operand],
    ) -> Operand:
        """Write what an elementwise or linear rule says, interpreted as seldom as can
        be.
        """
        plain = self.used(template)

        def interpret(
            b: Builder, args: list[Operand], kwargs: dict[str, Operand]
        ) -> Operand:
            here = self if b is self.builder else Splicer(b)
            return here.interpret(plain, args, kwargs)

        return self.traces.run(self.builder, plain, args, kwargs, interpret)

    def call(self, function: Operand, args: Sequence[Operand]) -> Operand:
        """Call a pullback."""
        with self.at_the_operation():
            return calls.call(self.ctx, self.frame, function, list(args), [])

    @contextlib.contextmanager
    def at_the_operation(self) -> Iterator[None]:
        """Let what a rule writes or refuses come from the user's line, not its own."""
        loc, block = self.builder.loc, self.builder.block
        start = len(block.stmts)
        try:
            yield
        except Refused as reason:
            raise not_differentiable("CR302", loc, str(reason)) from None
        except Restart as need:
            raise not_differentiable(
                "CR502",
                need.loc,
                f"`{need.name}` must be known when the derivative is made",
            ) from None
        self.builder.loc = loc
        written = Block(stmts=block.stmts[start:])
        for stmt in statements(written):
            stmt.loc = loc
        for value in defined(written):
            value.loc = loc


def tell(rule: Any, loc: Loc | None) -> None:
    """Log which rule is written out, and where."""
    code = rule.__code__
    file = "/".join(Path(code.co_filename).parts[-2:])
    where = place(loc) if loc else "no line"
    log.rules.debug("%s (%s:%d) at %s", rule.__name__, file, code.co_firstlineno, where)


unwrapped = functools.cache(inspect.unwrap)


@functools.cache
def signature(fn: Any) -> inspect.Signature | None:
    """Return the signature of a primitive, if it has one."""
    if isinstance(fn, np.ufunc) or getattr(fn, "__module__", "") == "_operator":
        return None
    try:
        return inspect.signature(fn)
    except (TypeError, ValueError):
        return None


POSITIONAL = inspect.Parameter.VAR_POSITIONAL
KEYWORD = inspect.Parameter.KEYWORD_ONLY


@functools.cache
def kinds(template: Any) -> dict[str, Any]:
    """Return of what kind each parameter of a rule's function is."""
    return {n: p.kind for n, p in inspect.signature(template).parameters.items()}


@functools.cache
def wanted(template: Any) -> tuple[str, ...]:
    """Return the parameters of the operation that a rule's function names."""
    names = (n for n in kinds(template) if n not in ("out", "out_bar"))
    return tuple(dict.fromkeys(n.removesuffix("_dot") for n in names))


def bind(stmt: Apply, rule: Rule) -> dict[str, Operand]:
    """Return the operands of an operation by the names of the rule's parameters.

    A `*args` parameter is bound to a list of operands. Raises `NotDifferentiable` for
    an argument that the rule does not name, unless it has its default value.
    """
    sig = None if rule.kind == "elementwise" else signature(stmt.fn)
    if sig is None or _takes_any(sig):
        return _by_position(stmt, rule)
    try:
        bound = sig.bind(*stmt.args, **dict(stmt.kwargs))
    except TypeError:
        return _by_position(stmt, rule)
    names = wanted(rule.template)
    out: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        parameter = sig.parameters[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            for key, op in value.items():
                out[key] = _checked(stmt, key, op, names, None)
        else:
            out[name] = _checked(stmt, name, value, names, parameter.default)
    return {k: v for k, v in out.items() if v is not None}


def _takes_any(sig: inspect.Signature) -> bool:
    """Say whether arguments have no names: the rule may name the first of them."""
    return any(p.kind is p.VAR_POSITIONAL for p in sig.parameters.values())


def _checked(
    stmt: Apply, name: str, op: Any, names: tuple[str, ...], default: Any
) -> Any:
    if name in names:
        return op
    value = op.value if isinstance(op, Const) else op
    if (
        value is None
        or value is default
        or (isinstance(op, Const) and _equal(value, default))
    ):
        return None
    if isinstance(op, tuple) and not op:
        return None
    raise not_handled(stmt, name)


def _equal(a: Any, b: Any) -> bool:
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:
        return False


def left_out_numbers(stmt: Apply, rule: Rule) -> dict[str, Operand]:
    """Return the defaults of numbers that a rule is for and a call leaves out."""
    sig = signature(stmt.fn)
    known = {} if sig is None else sig.parameters
    defaults = {n: known[n].default for n in rule.wrt if n in known}
    return {
        name: Const(value)
        for name, value in defaults.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _by_position(stmt: Apply, rule: Rule) -> dict[str, Any]:
    kind_of, names = kinds(rule.template), wanted(rule.template)
    out: dict[str, Any] = {}
    positional = list(stmt.args)
    for name in names:
        kind = kind_of[name if name in kind_of else f"{name}_dot"]
        if kind is POSITIONAL:
            out[name] = tuple(positional)
            positional = []
        elif positional and kind is not KEYWORD:
            out[name] = positional.pop(0)
    if positional:
        raise not_handled(stmt, f"argument {len(stmt.args)}")
    for name, op in stmt.kwargs:
        if name in names:
            out[name] = op
        elif not (isinstance(op, Const) and op.value is None):
            raise not_handled(stmt, name)
    return out


def not_handled(stmt: Apply, name: str) -> Exception:
    """Return the error for an argument that a rule does not handle."""
    return not_differentiable(
        "CR302",
        stmt.loc,
        f"the rule of {function_name(stmt.fn)} does not handle `{name}`",
        label="no derivative for this argument",
    )


def refuse_others(
    stmt: Apply, rule: Rule, bound: dict[str, Any], active: Callable[[Any], bool]
) -> None:
    """Refuse an active argument that the rule says nothing about."""
    for name, op in bound.items():
        if name not in rule.wrt and any(map(active, listed(op))):
            raise not_differentiable(
                "CR302",
                stmt.loc,
                f"the rule of {function_name(stmt.fn)} has no derivative for `{name}`",
                label="depends on the argument",
            )


def arguments(
    rule: Rule, bound: dict[str, Any], special: dict[str, Operand]
) -> tuple[list[Operand], dict[str, Operand]]:
    """Arrange bound operands as the rule's own positional and keyword arguments."""
    args: list[Operand] = []
    kwargs: dict[str, Operand] = {}
    by_name = False
    for name, kind in kinds(rule.template).items():
        value = special.get(name, bound.get(name))
        if kind is POSITIONAL:
            args.extend(bound.get(name, ()))
            by_name = True
        elif value is None:
            by_name = True
        elif by_name or kind is KEYWORD:
            kwargs[name] = value
        else:
            args.append(value)
    return args, kwargs


def paired(
    b: Builder, stmt: Apply, rule: Rule, bound: dict[str, Any], result: Operand
) -> list[tuple[Operand, Operand]]:
    """Return each operand of an elementwise operation with its partial derivative."""
    names = list(rule.wrt)
    variadic = kinds(rule.template)[names[0]] is POSITIONAL
    count = len(bound.get(names[0], ())) if variadic else len(names)
    if foreign.is_foreign(rule):
        bare = count == 1 and not variadic
        partials = foreign.one_each(b, stmt, rule, count, result, bare)
    elif len(names) == 1 and not variadic:
        partials = [result]
    else:
        partials = b.elements(result) or []
    if variadic:
        found = list(zip(bound.get(names[0], ()), partials, strict=False))
    else:
        pairs = zip(names, partials, strict=False)
        found = [(bound[n], partial) for n, partial in pairs if n in bound]
    return _joined(b, found)


def _joined(
    b: Builder, pairs: list[tuple[Operand, Operand]]
) -> list[tuple[Operand, Operand]]:
    """Double the partial of an operand that stands twice, as in `x * x`."""
    if len(pairs) == 2 and pairs[0][0] is pairs[1][0] and pairs[0][1] is pairs[1][1]:
        operand, partial = pairs[0]
        if isinstance(partial, Value):
            return [(operand, b.apply(operator.mul, Const(2), partial))]
    return pairs


def usable(op: Operand, loc: Loc | None) -> Operand:
    """Return an operand a rule gave, or say why it gave none."""
    if isinstance(op, Const) and isinstance(op.value, Poison):
        raise not_differentiable(op.value.code, loc, f"a value {op.value.reason}")
    return op


def listed(op: Any) -> list[Operand]:
    """Return the operands that are bound to one name: none, one or several."""
    if op is None:
        return []
    return list(op) if isinstance(op, tuple) else [op]


def no_rule(stmt: Apply) -> Exception:
    """Return the error for an operation without a derivative."""
    return not_differentiable(
        "CR301",
        stmt.loc,
        f"{function_name(stmt.fn)} has no derivative rule",
        label="depends on what is differentiated",
        help="write a rule for it with chainrule.rules, or stop_gradient() its "
        "argument",
    )
