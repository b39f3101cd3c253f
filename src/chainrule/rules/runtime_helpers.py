"""The helpers of `runtime`, which generated code calls where types are not fully known.

In: cotangents. Out: rules, so that such code can be differentiated again. What only
gives its shape has no derivative.
"""

from __future__ import annotations

from typing import Any

from chainrule.rules import registry as rules
from chainrule.runtime import helpers

CALLED = "a function that on_cotangent calls as it is has no derivative of its own"


@rules.linear(helpers.unbroadcast, wrt=("g", "like"))
def unbroadcast(out_bar: Any, g: Any, like: Any) -> Any:
    """Spread what was summed, sum what was spread."""
    return helpers.unbroadcast(out_bar, g), None


@rules.forward(helpers.unbroadcast)
def unbroadcast_dot(g_dot: Any, like: Any, like_dot: Any) -> Any:
    """Sum the tangent alike."""
    return helpers.unbroadcast(g_dot, like)


@rules.linear(helpers.project, wrt=("g", "like"))
def project(out_bar: Any, g: Any, like: Any) -> Any:
    """The compiler projects back."""
    return out_bar, None


@rules.forward(helpers.project)
def project_dot(g_dot: Any, like: Any, like_dot: Any) -> Any:
    """Project the tangent alike."""
    return helpers.project(g_dot, like)


@rules.linear(helpers.cotangent_for, helpers.cotangent_of_rule, wrt=("g", "like"))
def cotangent_for(out_bar: Any, g: Any, like: Any) -> Any:
    """It is the cotangent itself."""
    return out_bar, None


@rules.forward(helpers.cotangent_for, helpers.cotangent_of_rule)
def cotangent_for_dot(g_dot: Any, like: Any, like_dot: Any) -> Any:
    """It is the tangent itself."""
    return g_dot


@rules.linear(helpers.tangent_of_rule, wrt=("dot", "out"))
def tangent_of_rule(out_bar: Any, dot: Any) -> Any:
    """It is the cotangent itself."""
    return out_bar, None


@rules.forward(helpers.tangent_of_rule)
def tangent_of_rule_dot(dot_dot: Any) -> Any:
    """It is the tangent itself."""
    return dot_dot


@rules.linear(helpers.cotangent_or, wrt="g")
def cotangent_or(out_bar: Any, given: Any, g: Any) -> Any:
    """What the user's function does is not known."""
    rules.refuse(CALLED)


@rules.forward(helpers.cotangent_or)
def cotangent_or_dot(given: Any, g_dot: Any) -> Any:
    """What the user's function does is not known."""
    rules.refuse(CALLED)


@rules.linear(helpers.project_all, wrt=("g", "like"))
def project_all(out_bar: Any, g: Any, like: Any) -> Any:
    """The classes of the numbers are another matter."""
    return out_bar, None


@rules.forward(helpers.project_all)
def project_all_dot(g_dot: Any, like: Any, like_dot: Any) -> Any:
    """Project the tangents alike."""
    return helpers.project_all(g_dot, like)


@rules.linear(helpers.add, wrt=("a", "b"))
def add(out_bar: Any, a: Any, b: Any) -> Any:
    """Both terms have the cotangent of the sum."""
    return out_bar, out_bar


@rules.forward(helpers.add)
def add_dot(a_dot: Any, b_dot: Any) -> Any:
    """Add the tangents."""
    return helpers.add(a_dot, b_dot)


rules.inactive(helpers.zeros_like, helpers.in_order_of_set)
