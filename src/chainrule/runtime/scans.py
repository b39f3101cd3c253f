"""Linear recurrences along an axis, without a loop over the elements.

In: arrays. Out: arrays. Used by the derivatives of cumulative products, which must be
right where factors are zero and so cannot divide.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def recurrence(b: Any, a: Any, axis: int) -> Any:
    """Return `r` with `r[0] = b[0]` and `r[i] = b[i] + a[i] * r[i - 1]` on an axis.

    `a[0]` is not used. Each pass doubles the number of terms that are summed.
    """
    r, p = np.moveaxis(b, axis, 0), np.moveaxis(a, axis, 0)
    step = 1
    while step < len(r):
        r = np.concatenate((r[:step], r[step:] + p[step:] * r[:-step]))
        p = np.concatenate((p[:step], p[step:] * p[:-step]))
        step *= 2
    return np.moveaxis(r, 0, axis)
