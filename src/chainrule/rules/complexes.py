"""Complex numbers: parts, conjugate, angle.

In: real or complex arrays. Out: derivatives in the convention dL/dRe + i dL/dIm.

All but `angle` are linear over the reals. For a real function of a complex operand an
elementwise partial p is the one with d out = Re(p dx).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.rules import registry as rules


@rules.linear(np.real, wrt="val")
def real(out_bar: Any, val: Any) -> Any:
    return out_bar


@rules.linear(np.imag, wrt="val")
def imag(out_bar: Any, val: Any) -> Any:
    if np.iscomplexobj(val):
        return 1j * out_bar
    return 0.0 * out_bar


@rules.linear(np.conjugate, wrt="x")
def conjugate(out_bar: Any, x: Any) -> Any:
    return np.conj(out_bar) if np.iscomplexobj(x) else out_bar


@rules.elementwise(np.angle)
def angle(z: Any, deg: bool = False, out: Any = None) -> Any:
    """The partial p with d out = Re(p dz); 0 for real numbers and at 0."""
    if not np.iscomplexobj(z):
        return 0, None
    partial = -1j / np.where(z == 0, np.inf, z)
    return 180 / math.pi * partial if deg else partial, None
