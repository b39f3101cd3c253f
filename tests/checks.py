"""What is checked of every whole program, through the public interface only.

In: a function, its arguments, the positions to differentiate by. Out: nothing, or an
`AssertionError` that says what is wrong. The oracles are the primal itself,
differences, the complex step, and forward against reverse mode.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule import grad, jvp, value_and_grad
from chainrule.checking import structure
from chainrule.checking.differences import Estimate, compare, oracle

Function = Callable[..., Any]


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """Collect what is printed and silence what NumPy and chainrule warn of."""
    out = io.StringIO()
    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        contextlib.redirect_stdout(out),
    ):
        warnings.simplefilter("ignore")
        yield out


def same_bits(a: Any, b: Any) -> bool:
    """Say whether two values are equal in type, structure and every bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        same = a.dtype == b.dtype and a.shape == b.shape
        return bool(same and (a.dtype.hasobject or a.tobytes() == b.tobytes()))
    if isinstance(a, float | complex):
        return np.array(a).tobytes() == np.array(b).tobytes()
    parts, others = structure.children(a), structure.children(b)
    if parts is None or others is None:
        return bool(a == b) if isinstance(a, int | str | bytes) else True
    keys_agree = [k for k, _ in parts] == [k for k, _ in others]
    pairs = zip(parts, others, strict=False)
    return keys_agree and all(same_bits(u, v) for (_, u), (_, v) in pairs)


def same_value(f: Function, value: Any, found: Any) -> bool:
    """Say whether the derivative's value is the function's own, bit for bit.

    From Python 3.12 on, `sum` carries the rounding errors of floats along; a derivative
    adds one by one. There the last digits may differ, and only there.
    """
    if same_bits(value, found):
        return True
    plain = isinstance(value, float) and type(value) is type(found)
    if sys.version_info < (3, 12) or not plain or "sum(" not in inspect.getsource(f):
        return False
    return math.isclose(value, found, rel_tol=1e-13)


def snapshot(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return copies of the arguments that nothing else can reach.

    What two arguments share, their copies share. Functions stay what they are.
    """
    memo = {id(arg): arg for arg in args if callable(arg)}
    return tuple(copy.deepcopy(arg, memo) for arg in args)


def on_copies(f: Function) -> Function:
    """Return the function without what it does to its arguments, to be run often."""
    return lambda *args: f(*snapshot(args))


def random_tangent(x: Any, rng: np.random.Generator) -> Any:
    """Return a random direction in the structure of `x`."""

    def draw(leaf: Any) -> Any:
        real = rng.normal(size=np.shape(leaf))
        if np.iscomplexobj(leaf):
            real = real + 1j * rng.normal(size=np.shape(leaf))
        return _tangent_leaf(leaf, real)

    return structure.map_numbers(draw, x)


def _tangent_leaf(leaf: Any, value: Any) -> Any:
    kind = np.asarray(leaf).dtype.kind
    dtype = np.float64 if kind in "iu" else np.asarray(leaf).dtype
    array = np.broadcast_to(np.asarray(value), np.shape(leaf)).astype(dtype)
    if isinstance(leaf, np.ndarray):
        return array
    return array[()] if isinstance(leaf, np.generic) else array.item()


def gradients(f: Function, args: tuple[Any, ...], wrt: tuple[int, ...]) -> Any:
    """Return value and gradients, always as a tuple."""
    argnums = wrt[0] if len(wrt) == 1 else wrt
    value, gradient = value_and_grad(f, argnums=argnums)(*args)
    return value, (gradient,) if len(wrt) == 1 else gradient


def differentiated(args: tuple[Any, ...], wrt: tuple[int, ...]) -> list[Any]:
    """Return the numbers and arrays that are differentiated by."""
    return [leaf for position in wrt for _, leaf in structure.numbers(args[position])]


def estimates(
    f: Function, args: tuple[Any, ...], wrt: tuple[int, ...], expected: Any = None
) -> list[Estimate]:
    """Return the independent gradient for each position."""
    if expected is None:
        return [oracle(f, args, position) for position in wrt]
    known = expected if len(wrt) > 1 else (expected,)
    pairs = zip(wrt, known, strict=True)
    return [_exactly(args[position], gradient) for position, gradient in pairs]


def _exactly(argument: Any, gradient: Any) -> Estimate:
    vector = structure.gradient_vector(argument, gradient)
    return Estimate(argument, vector, np.zeros_like(vector), "the stated gradient")


def check_program(
    f: Function,
    args: tuple[Any, ...],
    wrt: tuple[int, ...] = (0,),
    *,
    expected: Any = None,
    primal: Function | None = None,
    forward: bool = True,
    rtol: float | None = None,
) -> None:
    """Check value, gradient, structure, printed text, arguments and forward mode.

    The derivative does to the arguments what the function does, and nothing else.
    """
    after = snapshot(args)
    with quiet() as printed:
        value = f(*after)
    given = snapshot(args)
    with quiet() as printed_again:
        found, gradient = gradients(f, given, wrt)
    if any(np.asarray(leaf).dtype.kind in "iu" for leaf in differentiated(args, wrt)):
        value = found if value == found else value  # integers are taken as reals
    assert same_value(f, value, found), f"value {found!r}, the function gives {value!r}"
    assert printed.getvalue() == printed_again.getvalue(), "prints something else"
    assert same_bits(given, after), f"leaves the arguments {given!r}, not {after!r}"
    with quiet():
        second = gradients(f, snapshot(args), wrt)
    assert same_bits((found, gradient), second), "the second call gives other numbers"
    wanted = estimates(on_copies(primal or f), args, wrt, expected)
    for position, g, estimate in zip(wrt, gradient, wanted, strict=True):
        result = compare(g, estimate, rtol, f"gradient of argument {position}")
        assert result, str(result)
    given = snapshot(args)
    with quiet():
        alone = grad(f, argnums=wrt)(*given)
    assert same_bits(given, after), f"grad leaves the arguments {given!r}"
    for position, g, estimate in zip(wrt, alone, wanted, strict=True):
        result = compare(g, estimate, rtol, f"grad of argument {position}")
        assert result, str(result)
    if forward:
        check_forward(f, args, wrt, value, gradient)


def check_forward(
    f: Function,
    args: tuple[Any, ...],
    wrt: tuple[int, ...],
    value: Any,
    gradient: tuple[Any, ...],
) -> None:
    """Check forward mode against reverse mode along a random direction."""
    rng = np.random.default_rng(3)
    tangents: list[Any] = [None] * len(args)
    for position in wrt:
        tangents[position] = random_tangent(args[position], rng)
    after, given = snapshot(args), snapshot(args)
    with quiet():
        f(*after)
        again, tangent = jvp(f, given, tuple(tangents))
    assert same_value(f, value, again), f"jvp gives the value {again!r}, not {value!r}"
    assert same_bits(given, after), f"jvp leaves the arguments {given!r}"
    product = 0.0
    scale = 1e-12
    for position, g in zip(wrt, gradient, strict=True):
        direction = structure.to_vector(tangents[position])
        terms = direction * structure.gradient_vector(args[position], g)
        product += terms.sum()
        scale += np.abs(terms).sum()
    eps = max(np.finfo(d).eps for d in _precisions(value, gradient))
    off = abs(float(np.real(tangent)) - product)
    message = f"forward {tangent!r} and reverse {product!r} differ"
    assert off <= 2000 * eps * scale or scale == np.inf, message


def _precisions(value: Any, gradient: Any) -> Iterator[np.dtype[Any]]:
    for _, leaf in structure.numbers([value, list(gradient), 1.0]):
        dtype = np.asarray(leaf).dtype
        if dtype.kind in "fc":
            yield dtype


def check_raises(f: Function, args: tuple[Any, ...], wrt: tuple[int, ...]) -> None:
    """Check that the derivative raises what the function raises."""
    expected: Exception | None = None
    try:
        with quiet():
            f(*args)
    except Exception as error:
        expected = error
    assert expected is not None, "the function was to raise, and does not"
    try:
        with quiet():
            gradients(f, args, wrt)
    except Exception as error:
        assert type(error) is type(expected), f"raises {error!r}, not {expected!r}"
        assert str(error) == str(expected), f"raises {error!r}, not {expected!r}"
    else:
        raise AssertionError(f"the derivative does not raise {expected!r}")
