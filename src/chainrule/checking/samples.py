"""Arguments made from the names of their types.

In: `"float"`, `"float32"` (a NumPy scalar), `"float64[3, 2]"` (an array), or dicts,
lists and tuples of such names. Out: a value of that type, the same one every time.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

PYTHON = {"float": float, "int": int, "complex": complex, "bool": bool}
_TYPE = re.compile(r"\s*(\w+)\s*(?:\[([\d\s,]*)\])?\s*")


def sample(spec: Any, rng: np.random.Generator, low: float, high: float) -> Any:
    """Return a value of a type, with its numbers drawn between `low` and `high`.

    Raises
    ------
    ValueError
        If a name is not that of a numeric type.

    Examples
    --------
    >>> x = sample({"w": "float32[2, 3]", "n": "int"}, np.random.default_rng(0), 1, 4)
    >>> x["w"].dtype, x["w"].shape, type(x["n"])
    (dtype('float32'), (2, 3), <class 'int'>)
    """
    if isinstance(spec, dict):
        return {key: sample(part, rng, low, high) for key, part in spec.items()}
    if isinstance(spec, list | tuple):
        return type(spec)(sample(part, rng, low, high) for part in spec)
    match = _TYPE.fullmatch(spec) if isinstance(spec, str) else None
    if match is None:
        raise _refused(spec)
    name, dims = match[1], match[2]
    if dims is None:
        number = _draw(_dtype(name, spec), (), rng, low, high)[()]
        return PYTHON[name](number) if name in PYTHON else number
    shape = tuple(int(n) for n in dims.split(",") if n.strip())
    return _draw(_dtype(name, spec), shape, rng, low, high)


def label(spec: Any) -> str:
    """Return the name of a test for these types."""
    return spec if isinstance(spec, str) else repr(spec).replace("'", "")


def _dtype(name: str, spec: Any) -> np.dtype[Any]:
    try:
        dtype = np.dtype(PYTHON.get(name, name))
    except TypeError:
        raise _refused(spec) from None
    if dtype.kind not in "biufc":
        raise _refused(spec)
    return dtype


def _draw(
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    rng: np.random.Generator,
    low: float,
    high: float,
) -> np.ndarray[Any, Any]:
    drawn: Any = rng.uniform(low, high, size=shape)
    if dtype.kind == "c":
        drawn = drawn + 1j * rng.uniform(low, high, size=shape)
    elif dtype.kind != "f":
        first, last = int(np.ceil(low)), int(np.floor(high))
        if dtype.kind == "b":
            first, last = 0, 1
        elif dtype.kind == "u":
            first = max(first, 0)
        drawn = rng.integers(first, last, size=shape, endpoint=True)
    return np.asarray(drawn).astype(dtype)


def _refused(spec: Any) -> ValueError:
    return ValueError(
        f"{spec!r} is not the name of a type such as 'float', 'float32' or"
        " 'float64[3, 2]', nor a dict, list or tuple of them"
    )
