"""Calls of NumPy's functions as tiny functions of what varies in them.

In: a function and the arguments of a call. Out: a key of what is fixed in it, the
values that vary, and on demand the Python function that makes the call from those. The
compiler differentiates that like any function of the user:

    np.clip(x, 0.5, None)        def clip(x, y):
                                     return np.clip(x, y, None)

Arrays and floats vary. Integers do in operators, ufuncs and indices; in other functions
they are axes and the like, which decide what the derivative is, as an infinite `ord` of
a norm does.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.cache.primitives import define, spelling
from chainrule.tensor import methods, tensors, views

# A longer list of tensors is one argument: its length may vary.
LONG = 4
NUMBERS = (int, float, complex)
VARYING = {
    np.broadcast_to,
    np.repeat,
    np.reshape,
    np.roll,
    np.take,
    operator.getitem,
}

POWERS = {operator.pow, np.power}
LARGEST_POWER = 8


def index_put(a: Any, value: Any, chosen: Any) -> Any:
    """Return an array after a write: `chosen` says which element of the value each
    element gets, -1 where nothing was written.
    """
    return np.where(chosen < 0, a, np.ravel(value)[chosen])


WRITTEN_AS = {
    operator.add: "{} + {}",
    operator.sub: "{} - {}",
    operator.mul: "{} * {}",
    operator.truediv: "{} / {}",
    operator.floordiv: "{} // {}",
    operator.mod: "{} % {}",
    operator.pow: "{}**{}",
    operator.matmul: "{} @ {}",
    operator.neg: "-{}",
    operator.pos: "+{}",
    index_put: "np.where({2} < 0, {0}, np.ravel({1})[{2}])",
}


def varies(fn: Any, args: tuple[Any, ...]) -> bool:
    """Say whether the integers of a call vary; `x**2` is an operation of its own."""
    if fn in POWERS and type(args[-1]) is int and abs(args[-1]) <= LARGEST_POWER:
        return False
    return fn in WRITTEN_AS or isinstance(fn, np.ufunc) or fn in VARYING


def read(x: Any, key: list[Any], values: list[Any], integers: bool) -> bool:
    """Add what is fixed in an argument to the key, and what varies to the values;
    return whether a gradient is wanted for any of it.
    """
    if isinstance(x, tensors.Tensor):
        if x._version != x._memory.version:
            views.refresh(x)
        active = x._source is not None
        key += (active, x._data.ndim, x._data.dtype.char)
        values.append(x)
        return active
    if not integers and is_literal(x):
        key += ("fixed", type(x), frozen(x))
    elif type(x) in NUMBERS or isinstance(x, np.generic):
        key.append(type(x))
        values.append(x)
    elif type(x) is np.ndarray:
        key += (np.ndarray, x.ndim, x.dtype.char)
        values.append(x)
    elif isinstance(x, tuple | list):
        if is_whole(x):
            active = is_active(x)
            key += (type(x), active)
            values.append(x)
            return active
        key += (type(x), len(x))
        active = False
        for item in x:
            active |= read(item, key, values, integers)
        return active
    elif isinstance(x, slice):
        key.append(slice)
        for part in (x.start, x.stop, x.step):
            read(part, key, values, integers)
    else:
        key += ("fixed", type(x), x)
    return False


def is_active(x: Any) -> bool:
    """Say whether a value is, or a list holds, a tensor that requires a gradient."""
    if isinstance(x, tensors.Tensor):
        return x.requires_grad
    return isinstance(x, list | tuple) and any(map(is_active, x))


def is_whole(items: Any) -> bool:
    """Say whether a container is one argument; else its elements are."""
    return all(map(is_number, items)) or (
        len(items) > LONG and all(map(is_array, items))
    )


def is_literal(x: Any) -> bool:
    """Say whether an argument is an integer, infinite, or a container of those."""
    if isinstance(x, tuple | list):
        return all(map(is_literal, x))
    return type(x) is int or isinstance(x, np.integer) or is_infinite(x)


def is_infinite(x: Any) -> bool:
    """Say whether an argument is an infinite number of Python."""
    return type(x) is float and math.isinf(x)


def frozen(x: Any) -> Any:
    """Return a literal as something that can be looked up."""
    if isinstance(x, tuple | list):
        return type(x), *map(frozen, x)
    return x if is_infinite(x) else int(x)


def literal(x: Any) -> str:
    """Return how a literal is written."""
    if isinstance(x, list):
        return f"[{', '.join(map(literal, x))}]"
    if isinstance(x, tuple):
        return f"({''.join(f'{literal(item)}, ' for item in x).rstrip()})"
    if is_infinite(x):
        return "np.inf" if x > 0 else "-np.inf"
    return repr(int(x))


def is_number(x: Any) -> bool:
    """Say whether an element is a number, or a container of numbers."""
    if isinstance(x, tuple | list):
        return all(map(is_number, x))
    return type(x) in NUMBERS


def is_array(x: Any) -> bool:
    """Say whether an element is a tensor, an array or a number."""
    if isinstance(x, tensors.Tensor | np.ndarray | np.generic):
        return True
    return type(x) in NUMBERS


def function(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the Python function of the values that makes this call."""
    name = str(getattr(fn, "__name__", ""))
    if not name.isidentifier():
        name = "operation"
    names = parameter_names()
    params: list[str] = []
    namespace: dict[str, Any] = {"np": np}

    def spell(x: Any) -> str:
        return text(x, names, params, namespace, varies(fn, args))

    if fn is operator.getitem:
        call = f"{spell(args[0])}[{index_text(args[1], spell)}]"
    elif fn in WRITTEN_AS:
        call = WRITTEN_AS[fn].format(*map(spell, args))
    else:
        inside = [spell(x) for x in args]
        if isinstance(fn, methods.Method):
            called = f"{inside.pop(0)}.{name}"
        else:
            called, more = spelling(fn, name)
            namespace.update(more)
        inside += [f"{key}={spell(x)}" for key, x in kwargs.items()]
        call = f"{called}({', '.join(inside)})"
    return define(name, params, call, namespace, f"<chainrule tensor {call}>")


def text(
    x: Any,
    names: Iterator[str],
    params: list[str],
    namespace: dict[str, Any],
    integers: bool,
) -> str:
    """Return how an argument is written; parameters and constants are entered."""

    def spell(part: Any) -> str:
        return text(part, names, params, namespace, integers)

    if not integers and is_literal(x):
        return literal(x)
    if isinstance(x, tuple | list) and not is_whole(x):
        items = ", ".join(map(spell, x))
        if isinstance(x, list):
            return f"[{items}]"
        return f"({items},)"
    if isinstance(x, slice):
        return f"slice({spell(x.start)}, {spell(x.stop)}, {spell(x.step)})"
    if is_array(x) or isinstance(x, tuple | list):
        params.append(next(names))
        return params[-1]
    if x is None or isinstance(x, bool | str):
        return repr(x)
    if x is ...:
        return "..."
    constant = f"constant{len(namespace)}"
    namespace[constant] = x
    return constant


def index_text(index: Any, spell: Callable[[Any], str]) -> str:
    """Return how an index is written between brackets: `a:b, c`."""
    if isinstance(index, slice):
        parts = (index.start, index.stop, index.step)
        start, stop, step = ("" if p is None else spell(p) for p in parts)
        return f"{start}:{stop}" + (f":{step}" if step else "")
    if isinstance(index, tuple) and not is_whole(index):
        return ", ".join(index_text(part, spell) for part in index) + ","
    return spell(index)


def parameter_names() -> Iterator[str]:
    """Yield x, y, z, ..., then x6, x7, ..."""
    yield from "xyzuvw"
    yield from (f"x{k}" for k in itertools.count(6))
