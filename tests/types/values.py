"""Arguments for the tables of expressions: all names, in several sizes.

In: two sizes. Out: a dict of values of many dtypes and ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SIZES = ((4, 3), (3, 5), (2, 2), (1, 3), (5, 1), (0, 3), (7, 4))


def arguments(n: int, m: int) -> dict[str, Any]:
    """Return a value for each name that the tables use."""
    rng = np.random.default_rng(n * 100 + m)
    spd = rng.normal(size=(n, n))
    return {
        "x": rng.normal(size=(n, m)),
        "y": rng.uniform(0.1, 0.9, size=(n, m)),
        "v": rng.normal(size=n),
        "u": rng.uniform(0.1, 0.9, size=n),
        "w": rng.normal(size=m),
        "row": rng.normal(size=(1, m)),
        "col": rng.normal(size=(n, 1)),
        "A": spd @ spd.T + 5 * np.eye(n),
        "B": rng.normal(size=(m, n)),
        "t": rng.normal(size=(2, n, m)),
        "v3": rng.normal(size=(n, 3)),
        "f": rng.normal(size=(n, m)).astype(np.float32),
        "fv": rng.normal(size=n).astype(np.float32),
        "i": rng.integers(0, 5, size=(n, m)),
        "iv": rng.integers(0, 1 + max(0, n - 1), size=n),
        "i8": rng.integers(0, 5, size=n).astype(np.int8),
        "b": rng.normal(size=(n, m)) > 0,
        "bv": rng.normal(size=n) > 0,
        "c": rng.normal(size=(n, m)) + 1j * rng.normal(size=(n, m)),
        "z": np.array(1.5),
        "s": 0.7,
        "k": 1,
        "n": n,
        "m": m,
        "cs": 0.5 + 2j,
        "flag": True,
        "f64": np.float64(0.3),
        "f32": np.float32(0.3),
        "i64": np.int64(2),
        "pair": (rng.normal(size=n), 2.0),
        "short": [rng.normal(size=n), rng.normal(size=n)],
        "numbers": [0.5 * j for j in range(6)],
        "vectors": [rng.normal(size=n) for _ in range(6)],
        "table": {"w": rng.normal(size=(n, m)), "b": rng.normal(size=m)},
        "text": "ab",
    }
