"""Keys of constants: what may be remembered about a call with a constant argument.

In: a constant. Out: a hashable key; 1, 1.0 and True have different ones.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np


def freeze(value: Any) -> Hashable:
    """Return a key under which only equal constants of one class are found."""
    if isinstance(value, tuple | list):
        return (type(value), *map(freeze, value))
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    if isinstance(value, np.ndarray):
        return (np.ndarray, value.dtype, value.shape, value.tobytes())
    if isinstance(value, dict):
        return (dict, *((k, freeze(v)) for k, v in value.items()))
    if isinstance(value, float):
        return (type(value), value.hex())
    try:
        hash(value)
    except TypeError:
        return object()  # equal to nothing: an id may be used again
    return (type(value), value)
