"""The rule table: derivatives of primitives as plain NumPy functions, by theme.

In: nothing. Out: `RULES`, filled on import, and the decorators that add to it.
"""

from chainrule.rules.registry import (
    RULES,
    Refused,
    Rule,
    composite,
    elementwise,
    fixed_length,
    forward,
    inactive,
    linear,
    refuse,
    reverse,
    static,
)

# isort: split
# every theme enters its rules when it is imported
from chainrule.rules import (
    arithmetic,
    complexes,
    convolution,
    einsum,
    exponential,
    indexing,
    joining,
    mathmodule,
    noderivative,
    products,
    reductions,
    selection,
    shaping,
    trigonometry,
    vector_products,
)

__all__ = [
    "vector_products",
    "einsum",
    "convolution",
    "RULES",
    "Refused",
    "Rule",
    "arithmetic",
    "complexes",
    "composite",
    "elementwise",
    "exponential",
    "fixed_length",
    "forward",
    "inactive",
    "indexing",
    "joining",
    "linear",
    "mathmodule",
    "noderivative",
    "products",
    "reductions",
    "refuse",
    "reverse",
    "selection",
    "shaping",
    "static",
    "trigonometry",
]
