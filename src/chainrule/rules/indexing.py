"""Reading parts of arrays, and the buffers that collect the cotangents of reads.

In: an array and an index. Out: the cotangent added at that index of a buffer of zeros;
`prims.index_add` prints as `buffer[index] += value`.
"""

from __future__ import annotations

import operator
from typing import Any

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import zeros_like


@rules.linear(operator.getitem, wrt="a")
def getitem(out_bar: Any, a: Any, b: Any) -> Any:
    """Add the cotangent at the index that was read."""
    return prims.index_add(zeros_like(a), b, out_bar)


@rules.linear(prims.index_add, wrt=("buffer", "value"))
def index_add(out_bar: Any, buffer: Any, index: Any, value: Any) -> Any:
    """The buffer's cotangent is unchanged, the value's is read at the index."""
    return out_bar, out_bar[index]


@rules.forward(prims.index_add)
def index_add_dot(buffer_dot: Any, index: Any, value_dot: Any) -> Any:
    """Add the tangent at the index."""
    return prims.index_add(buffer_dot, index, value_dot)


@rules.linear(prims.index_set, wrt=("buffer", "value"))
def index_set(out_bar: Any, buffer: Any, index: Any, value: Any) -> Any:
    """What was overwritten has no derivative; the value's is read at the index."""
    return prims.index_set(out_bar, index, 0.0), out_bar[index]


@rules.forward(prims.index_set)
def index_set_dot(buffer_dot: Any, index: Any, value_dot: Any) -> Any:
    """Set the tangent at the index."""
    return prims.index_set(buffer_dot, index, value_dot)
