"""The rule table: which derivative belongs to which primitive.

In: the decorators below, applied to ordinary Python functions in NumPy. Out: `RULES`,
read by the reverse and the forward transformation, which splice a rule's body into the
derivative.

The compiler sums over broadcast axes, projects dtypes, drops what is unused and
accumulates; a rule states mathematics only. Arguments are bound by name to NumPy's own
parameters (by position for elementwise rules, and for functions without a signature); a
keyword that the rule does not name is refused unless it has its default value. So is an
active argument that is not in `wrt`. The cotangent of a `*args` parameter is a tuple or
a list.

A cotangent of a complex number is dL/dRe + i dL/dIm. `linear` and `reverse` rules say
so themselves (with `conj`); for `elementwise` rules the compiler conjugates the partial
in the adjoint, and takes the real part of the tangent where the result is real.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])
Primitive = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One derivative: the `template` to splice, `wrt` the parameters it is for."""

    kind: str
    template: Callable[..., Any]
    wrt: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the primitive's parameters that the template handles."""
        names = tuple(inspect.signature(self.template).parameters)
        return tuple(n for n in names if n not in ("out", "out_bar"))


@dataclass(slots=True)
class RuleTable:
    """Rules by primitive; `listeners` are called when there are others.

    What was compiled before is then forgotten: it may hold a rule that was replaced.
    """

    reverse: dict[Primitive, Rule] = field(default_factory=dict)
    forward: dict[Primitive, Rule] = field(default_factory=dict)
    inactive: set[Primitive] = field(default_factory=set)
    static: set[Primitive] = field(default_factory=set)
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def has(self, fn: Primitive) -> bool:
        """Say whether a function has a derivative, in one mode at least."""
        return fn in self.reverse or fn in self.forward

    def changed(self) -> None:
        """Tell that there are other rules."""
        for tell in self.listeners:
            tell()

    def add(
        self, side: dict[Primitive, Rule], fns: Sequence[Primitive], rule: Rule
    ) -> None:
        """Enter a rule for several primitives."""
        for fn in fns:
            side[fn] = rule
        self.changed()


RULES = RuleTable()


class Refused(Exception):
    """A rule does not handle these arguments; the message says which and why."""


def elementwise(*fns: Primitive, wrt: str | tuple[str, ...] = ()) -> Callable[[F], F]:
    """State the partial derivatives of an elementwise function.

    The rule takes the operands and the result `out`, and returns one partial for each
    name of `wrt`, by default each operand (a single one bare); `None` where there is no
    derivative. An operand may have a default. Of a real function of a complex operand
    (`abs`), the partial p is the one with d out = Re(p dx).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import rules
    >>> @rules.elementwise(np.hypot)
    ... def hypot(x, y, out):
    ...     return x / out, y / out
    """

    def register(template: F) -> F:
        names = (wrt,) if isinstance(wrt, str) else wrt
        rule = Rule("elementwise", template, names)
        if not names:
            rule = replace(rule, wrt=rule.parameters)
        RULES.add(RULES.reverse, fns, rule)
        RULES.add(RULES.forward, fns, rule)
        return template

    return register


def linear(*fns: Primitive, wrt: str | tuple[str, ...]) -> Callable[[F], F]:
    """State the transpose of a function that is linear in each argument of `wrt`.

    The rule takes `out_bar`, then the primitive's parameters by name, and returns one
    cotangent for each name of `wrt` (a single one bare; a list for an argument that is
    a list). The tangent follows: the function itself, applied to each tangent in turn.
    """
    names = (wrt,) if isinstance(wrt, str) else wrt

    def register(template: F) -> F:
        rule = Rule("linear", template, names)
        RULES.add(RULES.reverse, fns, rule)
        RULES.add(RULES.forward, fns, rule)
        return template

    return register


def reverse(*fns: Primitive, wrt: str | tuple[str, ...] = ()) -> Callable[[F], F]:
    """State value and pullback, as a nested function that captures what it needs.

    The pullback takes the cotangent of the result (a tuple when the result is one) and
    returns one cotangent for each name of `wrt`: by default, all parameters that have
    no default.
    """

    def register(template: F) -> F:
        names = (wrt,) if isinstance(wrt, str) else wrt
        if not names:
            parameters = inspect.signature(template).parameters.values()
            names = tuple(p.name for p in parameters if p.default is p.empty)
        RULES.add(RULES.reverse, fns, Rule("reverse", template, names))
        return template

    return register


def forward(*fns: Primitive) -> Callable[[F], F]:
    """State the tangent of the result.

    The rule names what it needs: the primitive's parameters, `out`, and `x_dot` for the
    tangent of parameter `x`. A tangent that is zero comes as zeros.
    """

    def register(template: F) -> F:
        names = tuple(inspect.signature(template).parameters)
        wrt = tuple(n.removesuffix("_dot") for n in names if n.endswith("_dot"))
        RULES.add(RULES.forward, fns, Rule("forward", template, wrt))
        return template

    return register


def composite(*fns: Primitive) -> Callable[[F], F]:
    """Give an equivalent that is made of functions with rules.

    The compiler inlines the template in place of the function when an argument is
    active, in both modes and at every order; the value must be the same.
    """

    def register(template: F) -> F:
        names = tuple(inspect.signature(template).parameters)
        rule = Rule("composite", template, names)
        RULES.add(RULES.reverse, fns, rule)
        RULES.add(RULES.forward, fns, rule)
        return template

    return register


def inactive(*fns: Primitive) -> None:
    """Declare that the results of these functions carry no derivative."""
    RULES.inactive.update(fns)
    RULES.changed()


def static(fn: F) -> F:
    """Let the compiler call this pure helper where all arguments are constants."""
    RULES.static.add(fn)
    RULES.changed()
    return fn


@static
def refuse(reason: str) -> NoReturn:
    """Refuse the arguments at hand, while the rule is spliced in."""
    raise Refused(reason)


def fixed_length(items: Any) -> bool:
    """Say whether the length of a list is known where the rule is spliced in.

    The compiler answers from the type; in a rule that runs by itself it always is.
    """
    return len(items) >= 0


def of_shape(out_bar: Any, x: Any) -> Any:
    """State that a cotangent has the shape of an operand; it is returned as it is.

    The compiler then knows that nothing is to be summed.
    """
    return out_bar


def is_zero(out_bar: Any) -> bool:
    """Say whether the cotangent of one of several results is zero as nobody used it.

    The compiler answers when it knows that; it answers no when it does not.
    """
    return not np.any(out_bar)


def names_twice(index: Any) -> bool:
    """Say whether an index may name an element twice: it has arrays of integers.

    The compiler answers from the type.
    """
    items = index if isinstance(index, tuple) else (index,)
    arrays = [np.asarray(i) for i in items if isinstance(i, list | np.ndarray)]
    return any(a.dtype.kind in "iu" and a.ndim > 0 for a in arrays)


def of_dtype(dot: Any, like: Any) -> Any:
    """Give a tangent the dtype of its value, where that is complex and it is not.

    The compiler answers from the types.
    """
    return np.asarray(dot).astype(np.result_type(dot, like), copy=False)
