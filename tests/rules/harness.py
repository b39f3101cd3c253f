"""Check rules as they stand, without the compiler.

In: a primitive with a rule, and arguments. Out: an `AssertionError` if the adjoint
differs from differences of the primitive itself, or the tangent from the adjoint.

`check_rule(fn, *args, **kwargs)` calls the registered template as a Python function and
does by hand what the compiler does for it: binds arguments, conjugates partials, takes
real parts, sums cotangents over broadcast axes. The primal is the only oracle.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.rules.registry import RULES, Rule

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)


def check_rule(
    fn: Any,
    *args: Any,
    wrt: tuple[str, ...] | None = None,
    analytic: bool = False,
    rtol: float = 1e-6,
    variations: bool = True,
    seed: int = 0,
    **kwargs: Any,
) -> None:
    """Compare the rules of `fn` at these arguments with differences of `fn`.

    `wrt` limits the arguments that are moved, `analytic` adds the complex step,
    `variations` repeats with float32 and with strided memory.
    """
    rule = RULES.reverse[fn]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if rule.kind == "composite":
            assert_same_value(rule.template(*args, **kwargs), fn(*args, **kwargs))
            return
        bound = bind(fn, rule, args, kwargs)
        names = [n for n in wrt or rule.wrt if n in bound and is_active(bound[n])]
        assert names, "no argument to differentiate"
        run = primal(fn, rule, args, kwargs)
        out = run(bound)
        out_bar = random_like(out, np.random.default_rng(seed))
        bars = adjoint(rule, bound, out, out_bar, names)
        for k, name in enumerate(names):
            _check_differences(run, bound, name, out_bar, bars, rtol, seed + k + 1)
            if analytic:
                _check_complex_step(run, bound, name, out_bar, bars, seed + k + 1)
        if fn in RULES.forward:
            _check_forward(fn, run, bound, out, out_bar, bars, names, rtol, seed + 99)
        if variations:
            _check_variations(run, rule, bound, out_bar, bars, names)


def is_active(x: Any) -> bool:
    """Say whether a value can carry a derivative."""
    if isinstance(x, list | tuple):
        return any(map(is_active, x))
    if isinstance(x, float | complex | np.inexact):
        return True
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def bind(fn: Any, rule: Rule, args: tuple[Any, ...], kwargs: Any) -> dict[str, Any]:
    """Bind arguments to the template's parameters, by the primitive's own names."""
    own = _template_signature(rule)
    signature = _signature(fn, rule)
    bound = dict(signature.bind(*args, **kwargs).arguments)
    for name, p in signature.parameters.items():
        if p.kind is p.VAR_KEYWORD and name not in own.parameters:
            bound.update(bound.pop(name, {}))
    unknown = [n for n in bound if n not in own.parameters]
    assert not unknown, f"the rule of {fn} does not handle {unknown}"
    for name, p in own.parameters.items():
        if p.default is not p.empty:
            bound.setdefault(name, p.default)
    return bound


def _signature(fn: Any, rule: Rule) -> inspect.Signature:
    """Return the signature to bind by: the template's own if fn has none by name."""
    own = _template_signature(rule)
    if rule.kind == "elementwise" or isinstance(fn, np.ufunc):
        return own
    try:
        signature = inspect.signature(fn)
    except ValueError:
        return own
    parameters = list(signature.parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return own
    for k, name in enumerate(own.parameters):
        # what is passed by position only may have another name in the rule
        if (
            k < len(parameters)
            and parameters[k].kind is inspect.Parameter.POSITIONAL_ONLY
        ):
            parameters[k] = parameters[k].replace(name=name)
    return signature.replace(parameters=parameters)


def _template_signature(rule: Rule) -> inspect.Signature:
    signature = inspect.signature(rule.template)
    parameters = [p for n, p in signature.parameters.items() if n in rule.parameters]
    return signature.replace(parameters=parameters)


def call(template: Any, bound: dict[str, Any], **extra: Any) -> Any:
    """Call a template with values by name, unpacking those of a `*args` parameter."""
    values = {**bound, **extra}
    parameters = inspect.signature(template).parameters
    if not any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return template(**{n: v for n, v in values.items() if n in parameters})
    args: list[Any] = []
    keywords = {}
    for name, p in parameters.items():
        if p.kind is p.VAR_POSITIONAL:
            args.extend(values.get(name, ()))
        elif p.kind is p.KEYWORD_ONLY:
            if name in values:
                keywords[name] = values[name]
        else:
            args.append(values[name])
    return template(*args, **keywords)


Function = Callable[[dict[str, Any]], Any]


def primal(fn: Any, rule: Rule, args: tuple[Any, ...], kwargs: Any) -> Function:
    """Return fn as a function of bound values, called in the form of this call."""
    signature = _signature(fn, rule)
    positional = list(signature.bind_partial(*args).arguments)

    def run(bound: dict[str, Any]) -> Any:
        values: list[Any] = []
        for name in positional:
            if signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
                values.extend(bound[name])
            else:
                values.append(bound[name])
        return fn(*values, **{name: bound[name] for name in kwargs})

    return run


def adjoint(
    rule: Rule, bound: dict[str, Any], out: Any, out_bar: Any, names: list[str]
) -> dict[str, Any]:
    """Return the cotangents that the rule gives, projected to the arguments."""
    if rule.kind == "elementwise":
        partials = _sequence(call(rule.template, bound, out=out), rule)
        bars: Any = [None if p is None else np.conj(p) * out_bar for p in partials]
    elif rule.kind == "linear":
        bars = _sequence(call(rule.template, bound, out=out, out_bar=out_bar), rule)
    else:
        value, pullback = call(rule.template, bound)
        assert_same_value(value, out)
        bars = _sequence(pullback(out_bar), rule)
    assert len(bars) == len(rule.wrt), f"{len(bars)} cotangents for {rule.wrt}"
    found = dict(zip(rule.wrt, bars, strict=True))
    return {n: project(found[n], bound[n]) for n in names}


def _sequence(value: Any, rule: Rule) -> Any:
    return value if len(rule.wrt) > 1 else (value,)


def project(bar: Any, x: Any) -> Any:
    """Sum a cotangent to the shape of its argument; real for a real argument."""
    if isinstance(x, list | tuple):
        # the compiler takes an array apart where the argument is a list
        assert isinstance(bar, list | tuple | np.ndarray), f"a list, not {bar!r}"
        assert len(bar) == len(x)
        return [
            project(b, v) if is_active(v) else None for b, v in zip(bar, x, strict=True)
        ]
    bar = np.zeros(np.shape(x)) if bar is None else np.asarray(bar)
    shape = np.shape(x)
    lead = bar.ndim - len(shape)
    assert lead >= 0, f"cotangent of shape {bar.shape} for an argument of shape {shape}"
    bar = bar.sum(axis=tuple(range(lead)))
    ones = tuple(k for k, n in enumerate(shape) if n == 1 and bar.shape[k] != 1)
    bar = bar.sum(axis=ones, keepdims=True) if ones else bar
    assert bar.shape == shape, f"cotangent of shape {bar.shape} for {shape}"
    return bar if np.iscomplexobj(x) else np.real(bar)


def tangent(
    fn: Any, run: Function, bound: dict[str, Any], dots: dict[str, Any], out: Any
) -> Any:
    """Return the tangent of the result by the forward rule."""
    rule = RULES.forward[fn]
    if rule.kind == "elementwise":
        partials = _sequence(call(rule.template, bound, out=out), rule)
        terms = zip(rule.wrt, partials, strict=True)
        total: Any = np.zeros(np.shape(out))
        for name, partial in terms:
            if name in dots and partial is not None:
                total = total + partial * dots[name]
        return total if np.iscomplexobj(out) else np.real(total)
    if rule.kind == "linear":
        total = None
        for name, dot in dots.items():
            term = run({**bound, name: dot})
            total = term if total is None else _map2(np.add, total, term)
        return total
    zeros = {f"{n}_dot": zeros_like(bound[n]) for n in rule.wrt}
    given = {f"{n}_dot": dot for n, dot in dots.items()}
    return call(rule.template, bound, out=out, **{**zeros, **given})


def cotangents(fn: Any, *args: Any, **kwargs: Any) -> list[Any]:
    """Return the cotangents of all operands for a cotangent of ones, as lists."""
    rule = RULES.reverse[fn]
    out = fn(*args, **kwargs)
    bound = bind(fn, rule, args, kwargs)
    names = [n for n in rule.wrt if n in bound]
    bars = adjoint(rule, bound, out, np.ones(np.shape(out)), names)
    return [map_items(bars[n], lambda v: v.tolist()) for n in names]


def map_items(x: Any, change: Any) -> Any:
    """Apply a function to all items of nested lists and tuples."""
    if isinstance(x, list | tuple):
        return [map_items(v, change) for v in x]
    return change(x)


def random_like(x: Any, rng: np.random.Generator) -> Any:
    """Return random numbers in the structure of x; zeros for integers and bools."""
    if isinstance(x, list | tuple):
        items = [random_like(v, rng) for v in x]
        return items if isinstance(x, list) else tuple(items)
    if not is_active(x):
        return np.zeros(np.shape(x))
    value = rng.uniform(0.2, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
    if np.iscomplexobj(x):
        value = value + 1j * rng.standard_normal(np.shape(x))
    return value if isinstance(x, np.ndarray) else value.item()


def zeros_like(x: Any) -> Any:
    """Return zeros in the structure of x."""
    if isinstance(x, list | tuple):
        return [zeros_like(v) for v in x]
    return np.zeros_like(x) if isinstance(x, np.ndarray) else 0.0


def dot(a: Any, b: Any) -> float:
    """Return the real inner product of two structures."""
    if isinstance(a, list | tuple):
        return sum(dot(u, v) for u, v in zip(a, b, strict=True) if u is not None)
    return float(np.real(np.sum(np.conj(a) * b)))


def shift(x: Any, v: Any, h: Any) -> Any:
    """Return x + h * v in the structure of x."""
    if isinstance(x, list | tuple):
        items = [shift(a, b, h) for a, b in zip(x, v, strict=True)]
        return type(x)(items)
    return x + h * v if is_active(x) else x


def _map2(op: Any, a: Any, b: Any) -> Any:
    if isinstance(a, list | tuple):
        return [_map2(op, u, v) for u, v in zip(a, b, strict=True)]
    return op(a, b)


def assert_same_value(a: Any, b: Any) -> None:
    """Assert equal structure and (up to rounding) values."""
    if isinstance(b, list | tuple):
        assert len(a) == len(b)
        for u, v in zip(a, b, strict=True):
            assert_same_value(u, v)
        return
    assert np.shape(a) == np.shape(b)
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def _check_differences(
    run: Function,
    bound: dict[str, Any],
    name: str,
    out_bar: Any,
    bars: dict[str, Any],
    rtol: float,
    seed: int,
) -> None:
    """One of several step sizes must agree with the adjoint, in two directions."""
    rng = np.random.default_rng(seed)
    for _ in range(2):
        v = random_like(bound[name], rng)
        expected = dot(bars[name], v)
        found = []
        for h in STEPS:
            plus = run({**bound, name: shift(bound[name], v, h)})
            minus = run({**bound, name: shift(bound[name], v, -h)})
            difference = _map2(np.subtract, plus, minus)
            found.append(dot(out_bar, difference) / (2 * h))
        errors = [abs(f - expected) for f in found]
        scale = 1 + abs(expected)
        assert np.nanmin(errors) <= rtol * scale, (
            f"d/d{name}: adjoint {expected}, differences {found}"
        )


def _check_complex_step(
    run: Function,
    bound: dict[str, Any],
    name: str,
    out_bar: Any,
    bars: dict[str, Any],
    seed: int,
) -> None:
    v = random_like(bound[name], np.random.default_rng(seed))
    moved = run({**bound, name: shift(bound[name], v, 1e-30j)})
    expected = dot(bars[name], v)
    found = dot(out_bar, np.imag(moved)) / 1e-30
    np.testing.assert_allclose(expected, found, rtol=1e-12, atol=1e-13)


def _check_forward(
    fn: Any,
    run: Function,
    bound: dict[str, Any],
    out: Any,
    out_bar: Any,
    bars: dict[str, Any],
    names: list[str],
    rtol: float,
    seed: int,
) -> None:
    """The tangent and the adjoint are transposes of each other."""
    rng = np.random.default_rng(seed)
    wrt = RULES.forward[fn].wrt
    dots = {n: random_like(bound[n], rng) for n in names if n in wrt}
    assert list(dots) == names, f"forward rule has {wrt}, adjoint {names}"
    out_dot = tangent(fn, run, bound, dots, out)
    left = dot(out_bar, out_dot)
    right = sum(dot(bars[n], dots[n]) for n in names)
    assert abs(left - right) <= rtol * 1e-3 * (1 + abs(left)), (
        f"tangent {left}, adjoint {right}"
    )
    _assert_shapes(out_dot, out)


def _assert_shapes(a: Any, b: Any) -> None:
    if isinstance(b, list | tuple):
        for u, v in zip(a, b, strict=True):
            _assert_shapes(u, v)
    elif is_active(b):
        assert np.shape(a) == np.shape(b), f"tangent {np.shape(a)}, value {np.shape(b)}"


def _check_variations(
    run: Function,
    rule: Rule,
    bound: dict[str, Any],
    out_bar: Any,
    bars: dict[str, Any],
    names: list[str],
) -> None:
    """Strided memory gives the same cotangents; float32 the same up to its rounding."""
    strided = {n: map_arrays(bound[n], _strided) for n in bound}
    out = run(strided)
    again = adjoint(rule, strided, out, map_arrays(out_bar, _strided), names)
    assert_close(again, bars, 1e-9)
    single = {n: map_arrays(bound[n], _single) for n in bound}
    out = run(single)
    again = adjoint(rule, single, out, map_arrays(out_bar, _single), names)
    assert_close(again, bars, 2e-3)


def map_arrays(x: Any, change: Any) -> Any:
    """Apply a function to the arrays in a structure."""
    if isinstance(x, list | tuple):
        return type(x)(map_arrays(v, change) for v in x)
    return change(x) if isinstance(x, np.ndarray) else x


def _strided(x: np.ndarray) -> np.ndarray:
    if x.ndim == 0:
        return x
    big = np.repeat(x, 2, axis=-1)
    return np.asfortranarray(big)[..., ::2]


def _single(x: np.ndarray) -> np.ndarray:
    return x.astype({"f": np.float32, "c": np.complex64}.get(x.dtype.kind, x.dtype))


def assert_close(a: Any, b: Any, tol: float) -> None:
    """Assert that two structures of cotangents agree."""
    if isinstance(b, dict):
        assert a.keys() == b.keys()
        for key in b:
            assert_close(a[key], b[key], tol)
    elif isinstance(b, list | tuple):
        for u, v in zip(a, b, strict=True):
            assert_close(u, v, tol)
    elif b is not None:
        scale = 1 + np.max(np.abs(b), initial=0)
        np.testing.assert_allclose(a, b, rtol=tol, atol=tol * scale)
