"""The type of a primitive's result from the types of its arguments.

In: a callable, and for each argument either a `Type` or, when it is known at compile time,
the plain constant itself (an int, None, a slice, a dtype ...). Out: the result's `Type`.

Type rules are functions `rule(fn, *args, **kwargs) -> Type` entered with `@typed(...)`, one
module a theme. Everything elementwise needs no entry: shapes are broadcast and the dtype is
found by calling the function itself on a sample of one element, so that it is NumPy's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.types.lattice import Type

TypeRule = Callable[..., Type]
TYPE_RULES: dict[Callable[..., Any], TypeRule] = {}


class NeedsStatic(Exception):
    """The argument of this name must be known at compile time (an axis, say)."""


class WillRaise(Exception):
    """The primitive raises for these types: the user's program is wrong, not ours."""


class Unknown(Exception):
    """No type rule: the callable is outside the closed world."""


def typed(*fns: Callable[..., Any]) -> Callable[[TypeRule], TypeRule]:
    """Enter a type rule for several primitives."""

    def register(rule: TypeRule) -> TypeRule:
        TYPE_RULES.update(dict.fromkeys(fns, rule))
        return rule

    return register
