"""Convolution and correlation of sequences.

In: two vectors and a mode. Out: their transposes, which are correlations and
convolutions. The modes "same" and "valid" read a section of the full result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules


@rules.linear(np.convolve, wrt=("a", "v"))
def convolve(out_bar: Any, a: Any, v: Any, mode: Any = "full") -> Any:
    """Correlate with the other sequence."""
    g = out_bar
    shorter = min(np.size(a), np.size(v))
    if mode == "valid":
        g = full_result(out_bar, a, v, shorter - 1)
    elif mode == "same":
        g = full_result(out_bar, a, v, (shorter - 1) // 2)
    elif mode != "full":
        rules.refuse(f"mode={mode!r} of np.convolve")
    return np.correlate(g, v, "valid"), np.correlate(g, a, "valid")


@rules.linear(np.correlate, wrt=("a", "v"))
def correlate(out_bar: Any, a: Any, v: Any, mode: Any = "valid") -> Any:
    """Convolve with `v`; correlate with `a` and reverse."""
    g = out_bar
    m, n = np.size(a), np.size(v)
    if mode == "valid":
        g = full_result(out_bar, a, v, min(m, n) - 1)
    elif mode == "same":
        g = full_result(out_bar, a, v, (n - 1) // 2 if m >= n else m // 2)
    elif mode != "full":
        rules.refuse(f"mode={mode!r} of np.correlate")
    v_bar = np.conj(np.correlate(g, a, "valid"))[::-1]
    return np.convolve(g, v, "valid"), v_bar


def full_result(out_bar: Any, a: Any, v: Any, start: Any) -> Any:
    """Return the cotangent of the full result: zero outside the section kept."""
    zeros = np.zeros(np.size(a) + np.size(v) - 1, out_bar.dtype)
    return prims.index_add(zeros, slice(start, start + out_bar.size), out_bar)
