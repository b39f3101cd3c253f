"""Matrices of derivatives, one product with the Jacobian for each row or column.

In: a target and the arguments of a call. Out: for every leaf of the result and every
leaf of the arguments an array of shape `result.shape + argument.shape`, nested as the
result and then as the argument. `jacobian` takes the direction that needs fewer
products.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.arguments import as_real, is_real_or_complex, leaves, map_leaves
from chainrule.cache.specialisations import Dispatcher, Specialisation
from chainrule.errors import not_differentiable
from chainrule.products import Pullback, call, push
from chainrule.request import Overlap
from chainrule.target import Options, Target, target_of


def run_jacobian(target: Target, options: Options, /, *args: Any, **kwargs: Any) -> Any:
    """Return the Jacobian by the cheaper direction."""
    wrt = target.wrt(options, len(args))
    forward = target.dispatcher("jvp", wrt, options)
    actives = _actives(forward, target.bind(forward, args, kwargs))
    columns = _size(actives)
    if columns == 1 or forward.preferred:
        return _forward(target, options, wrt, args, kwargs)
    made = target.dispatcher("vjp", wrt, options)
    spec, values = made.find(target.bind(made, args, kwargs))
    unwritten = Unwritten(spec, values)
    fwd, bwd = spec.built.calls
    value, residual = call(made, fwd, values)
    aux = None
    if options.has_aux:
        value, aux = value
    _refuse_complex(value, "result")
    if columns < _size(value):
        forward.preferred = True
        return _columns(forward, unwritten.values(), options)
    pull = Pullback(bwd, residual, value, range(len(wrt)))
    rows = [list(map(pull, _basis(value, leaf))) for leaf in _indices(value)]
    out = _from_rows(value, rows, list(made.active(values)), options.as_tuple)
    return (out, aux) if options.has_aux else out


def run_hessian(target: Target, options: Options, /, *args: Any, **kwargs: Any) -> Any:
    """Return the Hessian: forward over reverse."""
    gradient = _gradient(target, options)
    wrt = gradient.wrt(options, len(args))
    return _forward(gradient, options, wrt, args, kwargs)


def run_hvp(target: Target, options: Options, /, *args: Any, **kwargs: Any) -> Any:
    """Return the Hessian times the last positional argument."""
    if not args:
        raise TypeError("hvp needs the arguments of the function, then the vector")
    *primals, vector = args
    gradient = _gradient(target, options)
    wrt = gradient.wrt(options, len(primals))
    made = gradient.dispatcher("jvp", wrt, options)
    values = gradient.bind(made, tuple(primals), kwargs)
    tangents = list(vector) if options.as_tuple else [vector]
    _, out, *aux = push(made, values, tangents)
    return (out, *aux) if aux else out


RUNNERS = {
    "jacobian": run_jacobian,
    "hessian": run_hessian,
    "hvp": run_hvp,
}


def _gradient(target: Target, options: Options) -> Target:
    from chainrule.derivative import derivative

    shifted = options.shift(len(target.args))
    out = target_of(derivative(target.function, "grad", shifted))
    out.args, out.kwargs = target.args, target.kwargs
    return out


def _forward(
    target: Target,
    options: Options,
    wrt: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    made = target.dispatcher("jvp", wrt, options)
    return _columns(made, target.bind(made, args, kwargs), options)


def _columns(made: Dispatcher, values: tuple[Any, ...], options: Options) -> Any:
    """Run the tangent of every element of the arguments."""
    actives = _actives(made, values)
    _refuse_complex(actives, "argument")
    unwritten: Unwritten | None = None
    value: Any = None
    aux: list[Any] = []
    columns: list[list[Any]] = []
    for leaf in _indices(actives):
        tangents = []
        for direction in _basis(actives, leaf):
            if unwritten is None:
                spec, values = made.find(values)
                unwritten = Unwritten(spec, values)
            else:
                values = unwritten.values()
            value, tangent, *aux = push(made, values, direction)
            tangents.append(tangent)
        columns.append(tangents)
    if value is None:  # nothing to vary, but the result has a shape
        value, _, *aux = push(made, values, [_fill_zero(x) for x in actives])
    made.preferred = _size(actives) < _size(value)
    out = _from_columns(value, columns, actives, options.as_tuple)
    return (out, *aux) if options.has_aux else out


class Unwritten:
    """The arguments of a call that is made several times, as they are before it.

    The first call leaves them as the function does; the others work on copies.
    """

    def __init__(self, spec: Specialisation, values: tuple[Any, ...]) -> None:
        self.writes = spec.built.writes
        if self.writes and any(isinstance(i.type, Overlap) for i in spec.built.inputs):
            raise not_differentiable(
                "CR416",
                None,
                "a Jacobian of a function that writes into arguments that share memory",
                help="pass copies: f(x.copy(), y.copy())",
            )
        self.kept = copy.deepcopy(values) if self.writes else values

    def values(self) -> tuple[Any, ...]:
        """Return the arguments for one more call."""
        return copy.deepcopy(self.kept) if self.writes else self.kept


def _actives(made: Dispatcher, values: tuple[Any, ...]) -> list[Any]:
    return [map_leaves(as_real, x) for x in made.active(values)]


def _refuse_complex(x: Any, what: str) -> None:
    if any(np.iscomplexobj(leaf) for leaf in leaves(x) if is_real_or_complex(leaf)):
        raise TypeError(
            f"a Jacobian is a matrix of real derivatives, but the {what} is complex;"
            " use vjp or jvp, or separate real and imaginary parts"
        )


def _size(x: Any) -> int:
    return sum(np.size(leaf) for leaf in leaves(x) if is_real_or_complex(leaf))


def _indices(x: Any) -> list[int]:
    """Return the positions of the leaves that carry derivatives."""
    return [i for i, leaf in enumerate(leaves(x)) if is_real_or_complex(leaf)]


def _basis(x: Any, which: int) -> Iterator[Any]:
    """Yield structures like `x`, zero but for one 1 in one leaf, for each of its
    elements."""
    parts = leaves(x)
    zeros = [_zero(leaf) for leaf in parts]
    for i in range(np.size(parts[which])):
        unit = np.zeros(np.shape(parts[which]), np.asarray(parts[which]).dtype)
        unit.flat[i] = 1
        yield _fill(x, [*zeros[:which], unit, *zeros[which + 1 :]])


def _zero(leaf: Any) -> Any:
    if not is_real_or_complex(leaf):
        return leaf
    return np.zeros(np.shape(leaf), np.asarray(leaf).dtype)


def _fill(x: Any, parts: list[Any]) -> Any:
    """Return the structure of `x` with these leaves."""
    rest = iter(parts)
    return map_leaves(lambda _: next(rest), x)


def _fill_zero(x: Any) -> Any:
    return _fill(x, [_zero(leaf) for leaf in leaves(x)])


def _from_rows(
    value: Any, rows: list[list[Any]], actives: list[Any], as_tuple: bool
) -> Any:
    """Nest cotangents: `rows` holds for each leaf of the value one for each element."""
    rest = iter(rows)

    def cell(leaf: Any) -> Any:
        if not is_real_or_complex(leaf):
            return None
        bars = next(rest)
        out = [
            _stack_structure(x, [bar[i] for bar in bars], np.shape(leaf))
            for i, x in enumerate(actives)
        ]
        return tuple(out) if as_tuple else out[0]

    return map_leaves(cell, value)


def _stack_structure(x: Any, bars: list[Any], outer: tuple[int, ...]) -> Any:
    """Return the structure of `x` with, for each leaf, the rows stacked."""
    table = [leaves(bar) for bar in bars]
    out: list[Any] = []
    for i, leaf in enumerate(leaves(x)):
        if not is_real_or_complex(leaf):
            out.append(None)
        elif outer == ():
            out.append(table[0][i])
        else:
            parts = [np.asarray(row[i]) for row in table]
            out.append(_stack(parts, 0, outer + np.shape(leaf), leaf))
    return _fill(x, out)


def _from_columns(
    value: Any, columns: list[list[Any]], actives: list[Any], as_tuple: bool
) -> Any:
    """Nest tangents: `columns` holds for each active leaf one for each element."""
    table = [[leaves(tangent) for tangent in column] for column in columns]
    position = -1

    def cell(leaf: Any) -> Any:
        nonlocal position
        position += 1
        if not is_real_or_complex(leaf):
            return None
        rest = iter(table)
        out = [map_leaves(lambda x: inner(x, leaf, rest), active) for active in actives]
        return tuple(out) if as_tuple else out[0]

    def inner(x: Any, leaf: Any, rest: Iterator[list[list[Any]]]) -> Any:
        if not is_real_or_complex(x):
            return None
        parts = [tangent[position] for tangent in next(rest)]
        if np.shape(x) == ():
            return parts[0]
        return _stack(parts, -1, np.shape(leaf) + np.shape(x), leaf)

    return map_leaves(cell, value)


def _stack(parts: list[Any], axis: int, shape: tuple[int, ...], like: Any) -> Any:
    if not parts:
        return np.zeros(shape, np.asarray(like).dtype)
    return np.stack(parts, axis).reshape(shape)
