"""Types of products of arrays and of polynomials.

In: types or constants. Out: the type of the result, by probing: names of sizes that a
contraction needs equal are identified there.
"""

from __future__ import annotations

import operator

import numpy as np

from chainrule.types.infer import TYPE_RULES
from chainrule.types.probed import probe_checked, probed

probed(operator, "matmul")
probed(
    np,
    """dot inner outer vdot tensordot einsum kron cross trace convolve correlate polyval
    polyfit polyder polyint vander interp matvec vecmat vecdot""",
)
TYPE_RULES[np.matmul] = probe_checked
for _name in ("vecdot", "matvec", "vecmat"):
    if hasattr(np, _name):
        TYPE_RULES[getattr(np, _name)] = probe_checked
