"""What generated code may call where types are not fully known.

In: values. Out: values; plain NumPy, nothing of the compiler. Code for known types
never calls these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.runtime.objects import attributes, instance


def unbroadcast(g: Any, like: Any) -> Any:
    """Return a cotangent summed down to the shape of `like`, in its class and dtype.

    It is the transpose of broadcasting `like` to the shape of `g`; where `g` itself is
    the smaller one (the cotangent of a sum, say) it is spread out instead.
    """
    shape = np.shape(like)
    bar = np.asarray(g)
    if bar.ndim > len(shape):
        bar = bar.sum(axis=tuple(range(bar.ndim - len(shape))))
    stretched = [
        -i
        for i in range(1, min(bar.ndim, len(shape)) + 1)
        if shape[-i] == 1 and bar.shape[-i] != 1
    ]
    if stretched:
        bar = bar.sum(axis=tuple(stretched), keepdims=True)
    if bar.shape != shape:
        bar = np.broadcast_to(bar, shape)
    return project(bar, like)


def cotangent_for(g: Any, like: Any) -> Any:
    """Return a cotangent that the user's code made, if it has the shape of `like`."""
    if np.shape(g) != np.shape(like):
        raise ValueError(
            f"on_cotangent: a cotangent of shape {np.shape(g)} came back for a value"
            f" of shape {np.shape(like)}"
        )
    return g


def cotangent_or(given: Any, g: Any) -> Any:
    """Return what the user's function gave, in the dtype of the cotangent `g`; `g`
    itself if that is nothing.
    """
    if given is None:
        return g
    if isinstance(g, np.ndarray):
        return cotangent_for(np.asarray(given, g.dtype), g)
    return cotangent_for(given, g)


def cotangent_of_rule(g: Any, like: Any) -> Any:
    """Return a cotangent that a user's rule made, if it sums down to the shape of
    `like`.
    """
    shape, whole = np.shape(like), np.shape(g)
    pairs = zip(reversed(shape), reversed(whole), strict=False)
    if len(whole) < len(shape) or any(n not in (1, m) for n, m in pairs):
        raise ValueError(
            f"a rule returned a cotangent of shape {whole} for an argument of shape"
            f" {shape}"
        )
    return g


def tangent_of_rule(dot: Any, out: Any) -> Any:
    """Return a tangent that a user's rule made, if it has the shape of the result."""
    if np.shape(dot) != np.shape(out):
        raise ValueError(
            f"a rule returned a tangent of shape {np.shape(dot)} for a result of shape"
            f" {np.shape(out)}"
        )
    return dot


def project(g: Any, like: Any) -> Any:
    """Return a cotangent of the right shape in the class and dtype of `like`."""
    if isinstance(like, np.ndarray | np.generic):
        dtype = like.dtype if like.dtype.kind in "fc" else np.dtype(np.float64)
    else:
        dtype = np.dtype(complex if isinstance(like, complex) else float)
    bar = np.asarray(g)
    if bar.dtype.kind == "c" and dtype.kind != "c":
        bar = bar.real
    if isinstance(like, np.ndarray):
        return bar.astype(dtype)
    number = bar.astype(dtype)[()]
    return number if isinstance(like, np.generic) else number.item()


def project_all(g: Any, like: Any) -> Any:
    """Return cotangents of a list in the classes of its numbers."""
    if isinstance(g, list):
        return [project_all(u, v) for u, v in zip(g, like, strict=True)]
    if isinstance(g, tuple):
        return _tuple(like, [project_all(u, v) for u, v in zip(g, like, strict=True)])
    return g if g is None else project(g, like)


def zeros_like(x: Any) -> Any:
    """Return a zero cotangent with the structure of `x`; None where there is none."""
    if isinstance(x, np.ndarray):
        return np.zeros(x.shape, x.dtype if x.dtype.kind in "fc" else np.float64)
    if isinstance(x, bool | np.bool_):
        return None
    if isinstance(x, int | float | complex | np.number):
        return project(0.0, x)
    if isinstance(x, list):
        return [zeros_like(v) for v in x]
    if isinstance(x, tuple):
        return _tuple(x, [zeros_like(v) for v in x])
    if isinstance(x, dict):
        return _replaced(x, {k: zeros_like(v) for k, v in x.items()})
    names = attributes(x)
    if names:
        return instance(x, **{n: zeros_like(getattr(x, n)) for n in names})
    return None


def last_write(x: Any, index: Any) -> Any:
    """Say which elements of `x[index]` a store leaves in place: the last of each.

    Of elements that an index names twice, NumPy keeps the one written last.
    """
    places = np.arange(np.size(x)).reshape(np.shape(x))[index]
    order = np.arange(places.size).reshape(places.shape)
    owner = np.empty(np.size(x), int)
    owner[places] = order
    return owner[places] == order


def add(a: Any, b: Any) -> Any:
    """Return the sum of two cotangents of one structure; None counts as zero."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, list):
        return [add(u, v) for u, v in zip(a, b, strict=True)]
    if isinstance(a, tuple):
        return _tuple(a, [add(u, v) for u, v in zip(a, b, strict=True)])
    if isinstance(a, dict):
        return _replaced(a, {k: add(u, b[k]) for k, u in a.items()})
    names = attributes(a)
    if names:
        return instance(a, **{n: add(getattr(a, n), getattr(b, n)) for n in names})
    return a + b


def in_order_of_set(items: list[Any]) -> list[Any]:
    """Return the elements in the order of a set to which they were added one by one."""
    return list(set(items))


def _tuple(like: tuple[Any, ...], items: list[Any]) -> Any:
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


def _replaced(like: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    if type(like) is dict:
        return items
    out = like.copy()
    out.update(items)
    return out
